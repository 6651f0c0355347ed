"""A metric for each group of samples."""

from __future__ import annotations

import math
import string
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, overload

from scorers._scorer import metric as register_metric
from scorers.metrics._values import mean_of
from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import (
    is_registered,
    registry_lookup,
    registry_name,
    unqualified_name,
)
from tasks_lib.schema import SampleScore
from tasks_lib.task import Metric, metric_values

if TYPE_CHECKING:  # Generic for type checkers only, until Python 3.12.
    Positions = array[int]
else:
    Positions = array

Numbers = dict[str, float]
"""What a metric makes of some scores: by the name of each number, "" for the only one."""


@register_metric
def grouped(
    metric: Metric,
    group_key: str,
    *,
    all: Literal["samples", "groups", False] = "samples",
    all_label: str = "all",
    name_template: str = "{group_name}",
) -> Metric:
    """Compute a metric for each group of samples, and one for all of them.

    Groups come in the order of their first samples and are named after the value, as text, that
    their samples have in common: 1 and "1" are one group, and None is the group "None". A metric
    of several named numbers, such as `ci`, makes each of them for each group, as
    `<group>_<number>`. Without scores only the one for all remains, as NaN.

    Args:
        metric: What is computed of each group's scores.
        group_key: Key of the sample metadata that says which group a sample is in.
        all: What is computed for all groups: the metric over all samples ("samples"), so that
            large groups count more; the mean of what the groups have, (1/G) · Σ m_g
            ("groups"), so that all count the same; or nothing (False).
        all_label: Name of the number for all groups.
        name_template: Name of a group's number; `{group_name}` is where the group is named.

    Raises:
        ParameterError: An argument is none that is described here.
        ValueError: When it is computed: a sample's metadata lacks the key, or two numbers would
            have the same name.
        TypeError: When it is computed: the metric makes no number.
    """
    _check(metric, all, name_template)

    def compute(scores: Sequence[SampleScore]) -> Numbers:
        groups = _groups(scores, group_key)
        by_group = {name: _numbers(metric, chosen) for name, chosen in groups.items()}
        named: Numbers = {}
        for group, numbers in by_group.items():
            _add(named, name_template.format(group_name=group), numbers)
        if all == "samples":
            _add(named, all_label, _numbers(metric, scores))
        elif all:
            _add(named, all_label, _means(list(by_group.values())))
        return named

    return compute


class _Chosen(Sequence[SampleScore]):
    """Some of the scores, made only when they are read: a million of them cost 8 MB."""

    def __init__(self, scores: Sequence[SampleScore], positions: Positions) -> None:
        self._scores = scores
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[SampleScore]:
        return (self._scores[position] for position in self._positions)

    @overload
    def __getitem__(self, index: int) -> SampleScore: ...

    @overload
    def __getitem__(self, index: slice) -> _Chosen: ...

    def __getitem__(self, index: int | slice) -> SampleScore | _Chosen:
        if isinstance(index, slice):
            return _Chosen(self._scores, self._positions[index])
        return self._scores[self._positions[index]]


def _check(metric: Metric, all: object, name_template: str) -> None:
    if not is_registered(metric, "metric") or _is_factory(metric):
        expected = "what a @metric function returns, such as accuracy()"
        raise ParameterError("grouped", "metric", metric, expected)
    if all not in ("samples", "groups", False):
        raise ParameterError("grouped", "all", all, "'samples', 'groups' or False")
    try:
        parts = [field for _, field, _, _ in string.Formatter().parse(name_template)]
    except ValueError:  # A brace without its other half.
        parts = []
    if {field for field in parts if field is not None} != {"group_name"}:
        expected = "text with {group_name} and no other field"
        raise ParameterError("grouped", "name_template", name_template, expected)


def _is_factory(metric: object) -> bool:
    return registry_lookup("metric", registry_name(metric)) is metric


def _groups(scores: Sequence[SampleScore], key: str) -> dict[str, _Chosen]:
    positions: dict[str, Positions] = {}
    for position, item in enumerate(scores):
        metadata = item.sample_metadata or {}
        if key not in metadata:
            raise ValueError(
                f"grouped(group_key={key!r}): sample {item.sample_id!r} has no {key!r} in its "
                "metadata. Give every sample one."
            )
        positions.setdefault(str(metadata[key]), array("q")).append(position)
    return {name: _Chosen(scores, chosen) for name, chosen in positions.items()}


def _numbers(metric: Metric, scores: Sequence[SampleScore]) -> Numbers:
    own = unqualified_name(metric)
    values = metric_values(metric, scores)
    is_single = [value.name for value in values] == [own]
    return {
        "" if is_single else name: math.nan if number is None else number for name, number in values
    }


def _means(groups: Sequence[Numbers]) -> Numbers:
    """Return the mean over the groups of each number; NaN where a group lacks it."""
    names = {name: None for numbers in groups for name in numbers} or {"": None}
    return {name: mean_of([numbers.get(name, math.nan) for numbers in groups]) for name in names}


def _add(named: Numbers, label: str, numbers: Numbers) -> None:
    for name, number in numbers.items():
        full = f"{label}_{name}" if name else label
        if full in named:
            raise ValueError(
                f"grouped: two numbers would be called {full!r}. Choose another all_label (or "
                "all=False) or name_template, or name the groups differently."
            )
        named[full] = number
