"""What is to be computed of the scores of a task, and how the log describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._params import plain_defaults, plain_params
from tasks_lib._util._registry import (
    is_registered,
    registry_defaults,
    registry_info,
    registry_params,
    unqualified_name,
)
from tasks_lib.schema import EvalMetricDefinition, EvalScorer
from tasks_lib.task._protocols import Metric, MetricsSpec, Scorer


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
    defaults: Mapping[str, object] = field(default_factory=dict)
    """The defaults of the arguments that nobody passed."""


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
                name=unused_name(unqualified_name(scorer), {plan.name for plan in plans}),
                metrics=spec,
                params=registry_params(scorer),
                defaults=registry_defaults(scorer),
                metadata={key: value for key, value in facts.items() if key != "metrics"},
            )
        )
    return plans


def eval_scorer(plan: ScorerPlan) -> EvalScorer:
    """Return how the log describes a scorer."""
    return EvalScorer(
        name=plan.name,
        options=plain_params(plan.params) or None,
        defaults=plain_defaults(plan.defaults),
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


def split_metrics(
    spec: MetricsSpec,
) -> tuple[list[Metric], list[tuple[str, Sequence[Metric]]]]:
    """Return the metrics of whole scores, and those per key as (key or glob, metrics)."""
    if isinstance(spec, Mapping):
        return [], list(spec.items())
    whole = [item for item in spec if not isinstance(item, Mapping)]
    by_key = [entry for item in spec if isinstance(item, Mapping) for entry in item.items()]
    return whole, by_key


def unused_name(name: str, used: Iterable[str], first: int = 1) -> str:
    """Return `name`, with the lowest number from `first` on if it is used already."""
    taken = set(used)
    number = first
    unused = name
    while unused in taken:
        unused = f"{name}{number}"
        number += 1
    return unused


def _all_metrics(spec: MetricsSpec) -> list[Metric]:
    whole, by_key = split_metrics(spec)
    return [*whole, *(metric for _, metrics in by_key for metric in metrics)]


def _definition(metric: Metric) -> EvalMetricDefinition:
    params = plain_params(registry_params(metric))
    return EvalMetricDefinition(name=registry_info(metric).name, options=params or None)


def _key_definitions(
    by_key: Mapping[str, Sequence[Metric]],
) -> dict[str, list[EvalMetricDefinition]]:
    return {key: [_definition(metric) for metric in metrics] for key, metrics in by_key.items()}


def _check_registered(obj: object, kind: str) -> None:
    if not is_registered(obj):
        name = getattr(obj, "__qualname__", None) or repr(obj)
        raise PrerequisiteError(
            f"{name} is not a registered {kind}: decorate the function that makes it with @{kind}."
        )
