"""Step 6: from all samples' scores to results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks_lib.schema import EvalResults, EvalSampleReductions, SampleScore
from tasks_lib.task import RunPlan, compute_results


def summarize(
    plan: RunPlan,
    scores: Sequence[Mapping[str, SampleScore]],
    *,
    completed: int,
    errored: int,
) -> tuple[EvalResults, list[EvalSampleReductions]]:
    """Return the results of a plan and the scores reduced over epochs.

    Args:
        plan: The task on its model.
        scores: Scores by name of every sample that ended without an error.
        completed: Samples (per epoch) that ended without an error.
        errored: Samples (per epoch) that ended with one; no metric includes them.
    """
    return compute_results(
        scores,
        scorers=[scorer for scorer, _ in plan.scorers],
        reducers=list(plan.reducers.items()),
        total_samples=plan.total,
        completed_samples=completed,
        errored_samples=errored,
        log_reducer_names=list(plan.reducers) != ["mean"],
    )
