"""What a log says of scorers and metrics, made anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from tasks_lib._errors import ParameterError, UnknownNameError
from tasks_lib._util._registry import (
    RegistryType,
    call_recorded,
    known_names,
    registry_lookup,
)
from tasks_lib.schema import EvalLog, EvalMetricDefinition, EvalScorer
from tasks_lib.task._protocols import Metric, MetricsSpec, Scorer
from tasks_lib.task._scorer_plans import ScorerPlan

MetricDefinitions: TypeAlias = (
    list[EvalMetricDefinition | dict[str, list[EvalMetricDefinition]]]
    | dict[str, list[EvalMetricDefinition]]
    | None
)

_NUMBERED = re.compile(r"(.+?)-?\d")
_PEER = "inspect_ai/"
"""What logs of the reference put before the names of what it brings itself."""


def plan_of_scorer(scorer: EvalScorer, header: EvalLog) -> ScorerPlan:
    """Return what was computed for a scorer of a log.

    The task's metrics, if it had some, stand in place of those of the scorer, as they did
    then. Scores that solvers gave have no plan: `compute_results` knows what becomes of them.

    Raises:
        UnknownNameError: A metric is not registered in this process.
        ParameterError: A metric was made with something that a log cannot hold, a function
            for example.
    """
    defined = header.eval.metrics if header.eval.metrics is not None else scorer.metrics
    return ScorerPlan(
        name=scorer.name,
        metrics=logged_metrics(defined),
        params=scorer.options or {},
        metadata=scorer.metadata or {},
    )


def logged_metrics(defined: MetricDefinitions) -> MetricsSpec:
    """Return the metrics that a log describes. Raises as `plan_of_scorer` does."""
    if defined is None:
        return []
    if isinstance(defined, Mapping):
        return _by_key(defined)
    return [_by_key(item) if isinstance(item, Mapping) else _metric(item) for item in defined]


def logged_scorer(scorer: EvalScorer) -> Scorer:
    """Return a scorer of a log, made anew with the arguments that it was made with.

    Raises:
        UnknownNameError: No scorer of this name is registered in this process.
        ParameterError: It was made with something that a log cannot hold, or takes other
            arguments by now.
    """
    for name in _candidates(scorer.name):
        if registry_lookup("scorer", name) is not None:
            return cast(Scorer, _made("scorer", name, scorer.options or {}))
    raise UnknownNameError("scorer", scorer.name, known_names("scorer"))


def logged_arguments(
    name: str, factory: Callable[..., object], logged: Mapping[str, object]
) -> dict[str, object]:
    """Return the arguments of `factory` as they were passed, from what a log has of them.

    Solvers, scorers, metrics, tools and agents among them are made anew.

    Raises:
        ParameterError: One was something that a log cannot hold. Errors say `name`.
    """
    parameters = inspect.signature(factory).parameters
    return {key: _argument(name, key, value, parameters.get(key)) for key, value in logged.items()}


def _candidates(name: str) -> Iterator[str]:
    """Yield what a scorer may be registered as.

    Of several with one name all but the first have a number behind it: `match1`, `match-1`.
    """
    yield name.removeprefix(_PEER)
    while numbered := _NUMBERED.fullmatch(name):
        name = numbered[1]
        yield name.removeprefix(_PEER)


def _by_key(
    defined: Mapping[str, Sequence[EvalMetricDefinition]],
) -> dict[str, Sequence[Metric]]:
    return {key: [_metric(metric) for metric in metrics] for key, metrics in defined.items()}


def _metric(defined: EvalMetricDefinition) -> Metric:
    return cast(Metric, _made("metric", defined.name.removeprefix(_PEER), defined.options or {}))


def _made(kind: RegistryType, name: str, options: Mapping[str, object]) -> object:
    factory = registry_lookup(kind, name)
    if factory is None:
        raise UnknownNameError(kind, name, known_names(kind))
    return call_recorded(name, factory, logged_arguments(name, factory, options))


def _argument(name: str, key: str, value: object, parameter: inspect.Parameter | None) -> object:
    """Return an argument as it was passed, if that can be told from what was logged of it."""
    if isinstance(value, Mapping) and value.keys() == {"name", "params"}:
        return _nested(name, key, str(value["name"]), cast(Mapping[str, object], value["params"]))
    if isinstance(value, list):
        return [_argument(name, key, item, parameter) for item in value]
    takes = str(parameter.annotation) if parameter is not None else ""
    if isinstance(value, str) and _TAKES_REGISTERED.search(takes):
        return _nested(name, key, value, {})
    if isinstance(value, str) and _REPR.fullmatch(value):
        raise _lost(name, key, value)
    # Parameter.empty, which stands for no default, is a class and so callable.
    default = (
        None if parameter is None or parameter.default is parameter.empty else parameter.default
    )
    if isinstance(value, str) and callable(default):
        raise _lost(name, key, value)
    return value


def _nested(name: str, key: str, logged: str, params: Mapping[str, object]) -> object:
    kinds: tuple[RegistryType, ...] = (
        "metric", "scorer", "score_reducer", "solver", "agent", "tool"
    )  # fmt: skip
    for kind in kinds:
        if registry_lookup(kind, logged) is not None:
            return _made(kind, logged, params)
    raise _lost(name, key, logged)


def _lost(name: str, key: str, value: object) -> ParameterError:
    expected = "something that can be made from a log; pass it anew"
    return ParameterError(name, key, value, expected)


_TAKES_REGISTERED = re.compile(r"\b(Metric|Scorer|ScoreReducer|Solver|Agent|Tool|ToolDef)\b")
_REPR = re.compile(r"<[\w.]+( object| .*)?>")
"""What a log has of objects that it cannot hold."""
