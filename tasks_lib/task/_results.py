"""Sample scores -> EvalResults: reduces epochs, computes metrics, names everything."""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, cast

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import (
    is_registered,
    registry_create,
    registry_info,
    registry_params,
    unqualified_name,
)
from tasks_lib.schema import (
    EvalMetric,
    EvalMetricDefinition,
    EvalResults,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    EvalScorer,
    SampleScore,
    Score,
    Value,
)
from tasks_lib.task._protocols import Metric, MetricsSpec, Scorer, ScoreReducer

_PLAIN_SCORE = re.compile(r"\bScore\b")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class ScorerPlan:
    """What becomes of the scores of one scorer."""

    name: str
    """Name of the scorer in the results, unique in its task."""
    metrics: MetricsSpec
    """What is computed."""
    params: Mapping[str, object] = field(default_factory=dict)
    """The arguments that the scorer was made with."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    """What `@scorer` was told besides the metrics."""


def scorer_metrics(scorer: Scorer) -> MetricsSpec:
    """Return the metrics that `@scorer` named for a scorer.

    Raises:
        PrerequisiteError: It was not made by a `@scorer` function.
    """
    _check_registered(scorer, "scorer")
    return cast(MetricsSpec, registry_info(scorer).metadata.get("metrics", ()))


def scorer_plans(scorers: Sequence[Scorer], metrics: MetricsSpec | None = None) -> list[ScorerPlan]:
    """Return what is to be computed for the scorers of a task, in their order.

    Scorers go by their registered name without the package; the second of a name gets the
    suffix 1, the third 2, and so on.

    Args:
        scorers: The task's scorers.
        metrics: The task's metrics; they replace those of the scorers.

    Raises:
        PrerequisiteError: A scorer or metric was not made by a decorated function.
    """
    plans: list[ScorerPlan] = []
    for scorer in scorers:
        spec = metrics if metrics is not None else scorer_metrics(scorer)
        _check_registered(scorer, "scorer")
        for metric in _all_metrics(spec):
            _check_registered(metric, "metric")
        facts = registry_info(scorer).metadata
        plans.append(
            ScorerPlan(
                name=_unused(unqualified_name(scorer), {plan.name for plan in plans}),
                metrics=spec,
                params=registry_params(scorer),
                metadata={key: value for key, value in facts.items() if key != "metrics"},
            )
        )
    return plans


def eval_scorer(plan: ScorerPlan) -> EvalScorer:
    """Return how the log describes a scorer."""
    return EvalScorer(
        name=plan.name,
        options=plain_params(plan.params) or None,
        metrics=metric_definitions(plan.metrics),
        metadata=plain_params(plan.metadata) or None,
    )


def metric_definitions(
    metrics: MetricsSpec,
) -> (
    list[EvalMetricDefinition | dict[str, list[EvalMetricDefinition]]]
    | dict[str, list[EvalMetricDefinition]]
):
    """Return how the log describes metrics."""
    if isinstance(metrics, Mapping):
        return _key_definitions(metrics)
    return [
        _key_definitions(item) if isinstance(item, Mapping) else _definition(item)
        for item in metrics
    ]


def compute_results(  # noqa: PLR0913 - counts and scores of one evaluation
    sample_scores: Sequence[Mapping[str, SampleScore]],
    *,
    scorers: Sequence[ScorerPlan],
    reducers: Sequence[tuple[str, ScoreReducer]],
    total_samples: int,
    completed_samples: int,
    log_reducer_names: bool,
    errored_samples: int | None = None,
) -> tuple[EvalResults, list[EvalSampleReductions]]:
    """Compute the metrics of an evaluation.

    For every scorer (then for every name under which a solver left scores, with accuracy and
    stderr) and every reducer: the scores of each sample's epochs are reduced to one, then
    the metrics are computed over the samples. Metrics of whole scores make one `EvalScore`
    named after the scorer, metrics per key one for each key. Without any score a metric is
    NaN. Ids 1 and "1" are different samples.

    Args:
        sample_scores: Scores by name for each sample and epoch, epochs of a sample in order.
            A scorer that is missing there did not score the sample.
        scorers: What is to be computed.
        reducers: Reducers with their names, at least one.
        total_samples: Samples times epochs that were to be evaluated.
        completed_samples: Samples (per epoch) that ended without an error.
        log_reducer_names: Whether the results name the reducer. They don't if it is the
            default that nobody asked for.
        errored_samples: Samples (per epoch) that ended with an error.

    Returns:
        The results, and all reduced scores.

    Raises:
        TypeError: A metric per key finds a score without the key, or a metric returns
            something that is not a number.
        ValueError: The scores of a sample's epochs have different shapes.
    """
    results = EvalResults(
        total_samples=total_samples,
        completed_samples=completed_samples,
        errored_samples=errored_samples,
    )
    reductions: list[EvalSampleReductions] = []
    for plan in [*scorers, *_plans_of_solvers(sample_scores, scorers)]:
        scores = [by_name[plan.name] for by_name in sample_scores if plan.name in by_name]
        for name, reducer in reducers:
            shown = name if log_reducer_names else None
            reduced = _reduce_epochs(scores, reducer)
            reductions.append(_reductions(plan.name, shown, reduced))
            for score in _eval_scores(plan, reduced):
                score.reducer = shown
                score.scored_samples = len(scores)
                score.unscored_samples = max(completed_samples - len(scores), 0)
                results.scores.append(score)
    return results, reductions


def _plans_of_solvers(
    sample_scores: Iterable[Mapping[str, SampleScore]], scorers: Sequence[ScorerPlan]
) -> list[ScorerPlan]:
    """Return plans for the scores that solvers left in their state."""
    known = {plan.name for plan in scorers}
    # A dict keeps the order in which the names turned up.
    extra = {name: None for by_name in sample_scores for name in by_name if name not in known}
    if not extra:
        return []
    default = [cast(Metric, registry_create("metric", name)) for name in ("accuracy", "stderr")]
    return [ScorerPlan(name, default) for name in extra]


def _reduce_epochs(scores: Iterable[SampleScore], reducer: ScoreReducer) -> list[SampleScore]:
    samples: dict[object, list[SampleScore]] = {}
    for item in scores:
        # Scores without an id belong to no sample in common.
        key = (type(item.sample_id), item.sample_id) if item.sample_id is not None else object()
        samples.setdefault(key, []).append(item)
    return [
        SampleScore(
            score=reducer([item.score for item in epochs]),
            sample_id=epochs[0].sample_id,
            sample_metadata=epochs[0].sample_metadata,
            scorer=epochs[0].scorer,
        )
        for epochs in samples.values()
    ]


def _reductions(
    scorer: str, reducer: str | None, scores: Iterable[SampleScore]
) -> EvalSampleReductions:
    samples = [
        EvalSampleScore(
            sample_id=item.sample_id,
            value=item.score.value,
            answer=item.score.answer,
            explanation=item.score.explanation,
            metadata=item.score.metadata,
        )
        for item in scores
    ]
    return EvalSampleReductions(scorer=scorer, reducer=reducer, samples=samples)


def _eval_scores(plan: ScorerPlan, scores: list[SampleScore]) -> Iterator[EvalScore]:
    whole, by_key = _split(plan.metrics)
    if whole or not by_key:
        yield _eval_score(plan, plan.name, whole, scores)
    for key, metrics in _metrics_by_key(by_key, scores).items():
        yield _eval_score(plan, key, metrics, _scores_of_key(plan, key, scores))


def _eval_score(
    plan: ScorerPlan, name: str, metrics: Iterable[Metric], scores: list[SampleScore]
) -> EvalScore:
    computed: dict[str, EvalMetric] = {}
    for metric in metrics:
        for entry in _metric_entries(metric, scores):
            key = _unused(entry.key, computed, first=2)
            computed[key] = EvalMetric(
                name=entry.key, value=entry.value, params=plain_params(registry_params(metric))
            )
    return EvalScore(
        name=name,
        scorer=plan.name,
        params=dict(plain_params(plan.params)),
        metrics=computed,
        metadata=dict(plain_params(plan.metadata)) or None,
    )


class _Entry(NamedTuple):
    key: str
    value: float | None


def _metric_entries(metric: Metric, scores: list[SampleScore]) -> list[_Entry]:
    """Return the numbers that a metric makes: one, or one for each name or position."""
    name = unqualified_name(metric)
    value = _computed(metric, scores) if scores else math.nan
    if isinstance(value, Mapping):
        return [_Entry(key, _number(name, item)) for key, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = enumerate(value, start=1)
        return [_Entry(f"{name}-{position}", _number(name, item)) for position, item in items]
    return [_Entry(name, _number(name, value))]


def _computed(metric: Metric, scores: list[SampleScore]) -> Value:
    if not _takes_plain_scores(metric):
        return metric(scores)
    warnings.warn(
        f"The metric {unqualified_name(metric)!r} takes a list of Score, which is deprecated: "
        "declare its parameter as `scores: list[SampleScore]`.",
        DeprecationWarning,
        stacklevel=2,
    )
    return metric(cast(list[SampleScore], [item.score for item in scores]))


def _takes_plain_scores(metric: Metric) -> bool:
    """Tell whether a metric is of the old form: untyped, or typed as `list[Score]`."""
    parameters = list(inspect.signature(metric).parameters.values())
    annotation = parameters[0].annotation if parameters else None
    if annotation is inspect.Parameter.empty:
        return True
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return bool(_PLAIN_SCORE.search(text))


def _number(metric: str, value: object) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    try:
        return float(cast(Any, value))
    except (TypeError, ValueError):
        raise TypeError(
            f"The metric {metric!r} returned {value!r}, expected a number, or a list or dict of "
            "numbers."
        ) from None


def _split(
    spec: MetricsSpec,
) -> tuple[list[Metric], list[tuple[str, Sequence[Metric]]]]:
    """Return the metrics of whole scores, and those per key as (key or glob, metrics)."""
    if isinstance(spec, Mapping):
        return [], list(spec.items())
    whole = [item for item in spec if not isinstance(item, Mapping)]
    by_key = [entry for item in spec if isinstance(item, Mapping) for entry in item.items()]
    return whole, by_key


def _metrics_by_key(
    by_key: Iterable[tuple[str, Sequence[Metric]]], scores: Sequence[SampleScore]
) -> dict[str, list[Metric]]:
    """Return the metrics of each key; globs are matched with the keys of the first score.

    A key gets a metric of a name once. Without scores globs stand for themselves.
    """
    first = scores[0].score.value if scores else None
    keys = list(first) if isinstance(first, dict) else []
    chosen: dict[str, dict[str, Metric]] = {}
    for glob, metrics in by_key:
        found = [key for key in keys if fnmatchcase(key, glob)]
        is_literal = not keys or not _GLOB.search(glob)
        for key in found or ([glob] if is_literal else []):
            for metric in metrics:
                chosen.setdefault(key, {}).setdefault(unqualified_name(metric), metric)
    return {key: list(metrics.values()) for key, metrics in chosen.items()}


def _scores_of_key(plan: ScorerPlan, key: str, scores: Iterable[SampleScore]) -> list[SampleScore]:
    """Return the scores of one key; samples for which it is None are left out."""
    chosen: list[SampleScore] = []
    for item in scores:
        value = item.score.value
        if not isinstance(value, dict) or key not in value:
            raise TypeError(
                f"The scorer {plan.name!r} has metrics for the key {key!r}, but the score of "
                f"sample {item.sample_id!r} is {value!r}: return a dict with this key."
            )
        if value[key] is not None:
            score = Score.model_validate({**dict(item.score), "value": value[key]})
            chosen.append(item.model_copy(update={"score": score}))
    return chosen


def _all_metrics(spec: MetricsSpec) -> list[Metric]:
    whole, by_key = _split(spec)
    return [*whole, *(metric for _, metrics in by_key for metric in metrics)]


def _definition(metric: Metric) -> EvalMetricDefinition:
    params = plain_params(registry_params(metric))
    return EvalMetricDefinition(name=registry_info(metric).name, options=params or None)


def _key_definitions(
    by_key: Mapping[str, Sequence[Metric]],
) -> dict[str, list[EvalMetricDefinition]]:
    return {key: [_definition(metric) for metric in metrics] for key, metrics in by_key.items()}


def _unused(name: str, used: Iterable[str], first: int = 1) -> str:
    """Return `name`, with the lowest number from `first` on if it is used already."""
    taken = set(used)
    number = first
    unused = name
    while unused in taken:
        unused = f"{name}{number}"
        number += 1
    return unused


def _check_registered(obj: object, kind: str) -> None:
    if not is_registered(obj):
        name = getattr(obj, "__qualname__", None) or repr(obj)
        raise PrerequisiteError(
            f"{name} is not a registered {kind}: decorate the function that makes it with @{kind}."
        )
