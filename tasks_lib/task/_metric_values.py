"""A metric's numbers, whatever form they have."""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from tasks_lib._util._registry import unqualified_name
from tasks_lib.schema import SampleScore, Value
from tasks_lib.task._protocols import Metric

_PLAIN_SCORE = re.compile(r"\bScore\b")
_SEQUENCE = re.compile(r"\bSequence\[")


class MetricValue(NamedTuple):
    """One number of a metric; None stands for NaN."""

    name: str
    value: float | None


def metric_values(metric: Metric, scores: Sequence[SampleScore]) -> list[MetricValue]:
    """Return the numbers that a metric makes: one, or one for each name or position.

    A metric whose parameter is annotated `Sequence[SampleScore]` gets `scores` themselves,
    which may be read anew whenever they are looked at; any other gets a list. Without scores a
    metric is NaN; it is not called.

    Raises:
        TypeError: It returns something that is not a number.
    """
    name = unqualified_name(metric)
    value = _computed(metric, scores) if scores else math.nan
    if isinstance(value, Mapping):
        return [MetricValue(key, _number(name, item)) for key, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = enumerate(value, start=1)
        return [MetricValue(f"{name}-{position}", _number(name, item)) for position, item in items]
    return [MetricValue(name, _number(name, value))]


def _computed(metric: Metric, scores: Sequence[SampleScore]) -> Value:
    annotation = _annotation(metric)
    if annotation is not None and not _PLAIN_SCORE.search(annotation):
        # A metric that asks for any sequence takes more than the protocol promises it.
        is_lazy = _SEQUENCE.search(annotation)
        return metric(cast(list[SampleScore], scores) if is_lazy else list(scores))
    warnings.warn(
        f"The metric {unqualified_name(metric)!r} takes a list of Score, which is deprecated: "
        "declare its parameter as `scores: list[SampleScore]`.",
        DeprecationWarning,
        stacklevel=2,
    )
    return metric(cast(list[SampleScore], [item.score for item in scores]))


def _annotation(metric: Metric) -> str | None:
    """Return the type of a metric's parameter as text; None if it has none."""
    parameters = list(inspect.signature(metric).parameters.values())
    annotation = parameters[0].annotation if parameters else ""
    if annotation is inspect.Parameter.empty:
        return None
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


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
