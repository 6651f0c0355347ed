"""Step 6: from all samples' scores to results."""

from __future__ import annotations

from tasks_lib.schema import EvalResults, EvalSampleReductions
from tasks_lib.task import RunPlan, ScoreTable, compute_results


def summarize(
    plan: RunPlan, table: ScoreTable
) -> tuple[EvalResults, list[EvalSampleReductions] | None]:
    """Return the results of a plan, and the scores reduced over epochs if there are several.

    Args:
        plan: The task on its model.
        table: The samples that have ended.
    """
    results, reductions = compute_results(
        table,
        scorers=[scorer for scorer, _ in plan.scorers],
        reducers=list(plan.reducers.items()),
        total_samples=plan.total,
        log_reducer_names=list(plan.reducers) != ["mean"],
        errors_as_incorrect=bool(plan.header.eval.config.errors_as_incorrect),
    )
    return results, reductions or None
