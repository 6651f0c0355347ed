"""`@scorer`, `@metric`, `@score_reducer`: give the functions that make them names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import register_factory
from tasks_lib.task import Metric, MetricsSpec, Scorer, ScoreReducer

P = ParamSpec("P")
T = TypeVar("T")


def scorer(
    metrics: MetricsSpec, name: str | None = None, **metadata: Any
) -> Callable[[Callable[P, Scorer]], Callable[P, Scorer]]:
    """Register a function that makes a scorer, or a class of scorers.

    Args:
        metrics: What is computed from the scores: metrics of whole scores as a list; of the
            keys of dict scores as a dict from key (or glob) to metrics; or a list with both.
        name: Name of the scorer; by default that of the function.
        **metadata: Kept in the log with the scorer's results.

    Raises:
        TypeError: `metrics` is missing, or the function is called and returns something that
            is not an async callable.
    """
    if callable(metrics) or isinstance(metrics, str):
        raise TypeError("@scorer needs metrics: @scorer(metrics=[accuracy(), stderr()]).")

    def register(factory: Callable[P, Scorer]) -> Callable[P, Scorer]:
        def check(instance: Scorer) -> Scorer:
            if not is_async_callable(instance):
                raise TypeError(
                    f"@scorer {name or factory.__name__} returned {instance!r}, which is not an "
                    "async callable: return `async def score(state: TaskState, target: Target)`."
                )
            return instance

        facts = {**metadata, "metrics": metrics}
        return register_factory("scorer", factory, name, facts, check=check)

    return register


@overload
def metric(name: str) -> Callable[[Callable[P, Metric]], Callable[P, Metric]]: ...


@overload
def metric(name: Callable[P, Metric]) -> Callable[P, Metric]: ...


def metric(
    name: str | Callable[P, Metric],
) -> Callable[[Callable[P, Metric]], Callable[P, Metric]] | Callable[P, Metric]:
    """Register a function that makes a metric, or a class of metrics.

    A metric is called with a list of `SampleScore` and returns a number, or several numbers
    as a dict or a list.

    Args:
        name: Its name, as in `@metric("name")`; by default (`@metric`) that of the function.

    Raises:
        TypeError: The function is called and returns something that is not callable.
    """
    if isinstance(name, str):
        return lambda factory: register_factory(
            "metric", factory, name, check=_callable_check("metric")
        )
    return register_factory("metric", name, check=_callable_check("metric"))


@overload
def score_reducer(
    func: None = None, *, name: str | None = None
) -> Callable[[Callable[P, ScoreReducer]], Callable[P, ScoreReducer]]: ...


@overload
def score_reducer(
    func: Callable[P, ScoreReducer], *, name: str | None = None
) -> Callable[P, ScoreReducer]: ...


def score_reducer(
    func: Callable[P, ScoreReducer] | None = None, *, name: str | None = None
) -> Callable[[Callable[P, ScoreReducer]], Callable[P, ScoreReducer]] | Callable[P, ScoreReducer]:
    """Register a function that makes a score reducer.

    A reducer is called with the scores that a sample got in its epochs, at least one, and
    returns the score that stands for them.

    Args:
        func: The function, when the decorator is used without brackets.
        name: Its name; by default that of the function.

    Raises:
        TypeError: The function is called and returns something that is not callable.
    """
    check = _callable_check("score_reducer")
    if func is None:
        return lambda factory: register_factory("score_reducer", factory, name, check=check)
    return register_factory("score_reducer", func, name, check=check)


def _callable_check(kind: str) -> Callable[[T], T]:
    def check(instance: T) -> T:
        if not callable(instance):
            raise TypeError(f"@{kind} returned {instance!r}, which cannot be called.")
        return instance

    return check
