"""Scores -> EvalResults: reduces epochs, computes metrics, names and counts everything."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, cast

from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import registry_create, registry_params, unqualified_name
from tasks_lib.schema import (
    EvalMetric,
    EvalResults,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    SampleScore,
)
from tasks_lib.task._metric_values import metric_values
from tasks_lib.task._protocols import Metric, ScoreReducer
from tasks_lib.task._reduced import LazyScores, ReducedScores, reduce_scores
from tasks_lib.task._score_table import ScoreTable
from tasks_lib.task._scorer_plans import ScorerPlan, split_metrics, unused_name

_GLOB = re.compile(r"[*?\[]")


def count_results(table: ScoreTable, total_samples: int) -> EvalResults:
    """Return results without metrics: how many samples ended in which way.

    Args:
        table: The samples that ended.
        total_samples: Samples times epochs that were to be evaluated.
    """
    return EvalResults(
        total_samples=total_samples,
        completed_samples=table.completed,
        errored_samples=table.errored,
        scored_samples=table.scored,
        unscored_samples=table.unscored,
        limited_samples=table.limited,
        missing_samples=max(total_samples - table.completed - table.errored, 0),
    )


def compute_results(
    table: ScoreTable,
    *,
    scorers: Sequence[ScorerPlan],
    reducers: Sequence[tuple[str, ScoreReducer]],
    total_samples: int,
    log_reducer_names: bool,
    errors_as_incorrect: bool = False,
) -> tuple[EvalResults, list[EvalSampleReductions]]:
    """Compute the metrics of an evaluation.

    For every scorer (then for every name under which a solver left scores, with accuracy and
    stderr) and every reducer: the scores of each sample's epochs are reduced to one, also when
    there is one only; then the metrics are computed over the samples, in the order of their
    ids. Metrics of whole scores make one `EvalScore` named after the scorer, metrics per key
    one for each key. A metric that returns a dict makes an entry for each of its names, one
    that returns a list makes `name-1`, `name-2` and so on; the second of a name is `name2`.

    Samples that a scorer did not score are not in its metrics (see `ScoreTable`), nor are those
    that it scored in too few epochs for a reducer; a metric says how many it was computed from.
    Without any score it is NaN.

    Args:
        table: The scores of all samples that ended.
        scorers: What is to be computed.
        reducers: Reducers with their names, at least one.
        total_samples: Samples times epochs that were to be evaluated.
        log_reducer_names: Whether the results name the reducer. They don't if it is the
            default that nobody asked for.
        errors_as_incorrect: Whether metrics count samples that ended with an error, as
            incorrect; see `reduce_scores`. By default they are in no metric.

    Returns:
        The results, and all reduced scores if any sample has more than one epoch (else they
        would be the scores over again).

    Raises:
        TypeError: A metric per key finds a score without the key, or a metric returns
            something that is not a number.
        ValueError: The scores of a sample's epochs have different shapes.
    """
    results = count_results(table, total_samples)
    reductions: list[EvalSampleReductions] = []
    for plan in [*scorers, *_plans_of_solvers(table, scorers)]:
        keys = [key for key, _ in split_metrics(plan.metrics)[1]]
        for name, reducer in reducers:
            shown = name if log_reducer_names else None
            with reduce_scores(
                table, plan.name, reducer, errors_as_incorrect=errors_as_incorrect, keys=keys
            ) as reduced:
                for score in _eval_scores(plan, reduced):
                    score.reducer = shown
                    score.unscored_samples = table.completed - (score.scored_samples or 0)
                    score.errors_as_incorrect = table.errored if errors_as_incorrect else None
                    results.scores.append(score)
                if table.epochs > 1:
                    reductions.append(_reductions(reduced, shown))
    return results, reductions


def _plans_of_solvers(table: ScoreTable, scorers: Sequence[ScorerPlan]) -> list[ScorerPlan]:
    """Return plans for the scores that solvers left in their state."""
    known = {plan.name for plan in scorers}
    extra = [name for name in table.names if name not in known]
    if not extra:
        return []
    default = [cast(Metric, registry_create("metric", name)) for name in ("accuracy", "stderr")]
    return [ScorerPlan(name, default) for name in extra]


def _reductions(reduced: ReducedScores, reducer: str | None) -> EvalSampleReductions:
    samples = [
        EvalSampleScore(
            sample_id=item.sample_id,
            value=item.score.value,
            answer=item.score.answer,
            metadata=item.score.metadata,
        )
        for item in LazyScores(reduced, range(len(reduced)))
    ]
    return EvalSampleReductions(scorer=reduced.scorer, reducer=reducer, samples=samples)


class _Subject(NamedTuple):
    """What metrics are computed of."""

    name: str
    """The scorer, or one key of its scores."""
    scores: Sequence[SampleScore]
    scored: int
    """Samples (per epoch) with a verdict."""


def _eval_scores(plan: ScorerPlan, reduced: ReducedScores) -> Iterator[EvalScore]:
    whole, by_key = split_metrics(plan.metrics)
    if whole or not by_key:
        scores = LazyScores(reduced, range(len(reduced)))
        scored = reduced.table.scored_by(plan.name)
        yield _eval_score(plan, _Subject(plan.name, scores, scored), whole)
    for key, metrics in _metrics_by_key(by_key, reduced).items():
        scores = LazyScores(reduced, _positions(plan, key, reduced), key)
        yield _eval_score(plan, _Subject(key, scores, reduced.key_counts[key]), metrics)


def _eval_score(plan: ScorerPlan, subject: _Subject, metrics: Iterable[Metric]) -> EvalScore:
    computed: dict[str, EvalMetric] = {}
    for metric in metrics:
        params = plain_params(registry_params(metric))
        for name, value in metric_values(metric, subject.scores):
            computed[unused_name(name, computed, first=2)] = EvalMetric(
                name=name, value=value, samples=len(subject.scores), params=params
            )
    return EvalScore(
        name=subject.name,
        scorer=plan.name,
        params=dict(plain_params(plan.params)),
        metrics=computed,
        metadata=dict(plain_params(plan.metadata)) or None,
        scored_samples=subject.scored,
    )


def _metrics_by_key(
    by_key: Iterable[tuple[str, Sequence[Metric]]], reduced: ReducedScores
) -> dict[str, list[Metric]]:
    """Return the metrics of each key; globs are matched with the keys of the first score.

    A key gets a metric of a name once. Without scores globs stand for themselves.
    """
    first = reduced.value(0) if len(reduced) else None
    keys = list(first) if isinstance(first, dict) else []
    chosen: dict[str, dict[str, Metric]] = {}
    for glob, metrics in by_key:
        found = [key for key in keys if fnmatchcase(key, glob)]
        is_literal = not keys or not _GLOB.search(glob)
        for key in found or ([glob] if is_literal else []):
            for metric in metrics:
                chosen.setdefault(key, {}).setdefault(unqualified_name(metric), metric)
    return {key: list(metrics.values()) for key, metrics in chosen.items()}


def _positions(plan: ScorerPlan, key: str, reduced: ReducedScores) -> Sequence[int]:
    """Return where the scores are that have a value for a key."""
    positions = array("I")
    for position in range(len(reduced)):
        value = reduced.value(position)
        if not isinstance(value, dict) or key not in value:
            raise TypeError(
                f"The scorer {plan.name!r} has metrics for the key {key!r}, but the score of "
                f"sample {reduced.read(position).sample_id!r} is {value!r}: return a dict with "
                "this key."
            )
        if value[key] is not None:
            positions.append(position)
    return positions
