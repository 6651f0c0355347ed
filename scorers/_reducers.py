"""Reducers: one score out of the scores that a sample got in its epochs.

Lists are reduced element by element, dicts key by key; all scores of a sample must then
have the same length or keys. Answer and explanation are kept when all scores agree on them,
metadata is that of the first.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from scorers._scorer import score_reducer
from scorers.metrics._central import mean_of
from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import is_registered, registry_create, unqualified_name
from tasks_lib.schema import Scalar, Score, ValueToFloat, value_to_float
from tasks_lib.task import ScoreReducer, ScoreReducers

_ReduceValues: TypeAlias = Callable[[Sequence[Scalar]], Scalar]


class NamedReducer(NamedTuple):
    """A reducer with the name that logs give it."""

    name: str
    reducer: ScoreReducer


@score_reducer(name="mean")
def mean_score(value_to_float: ValueToFloat = value_to_float()) -> ScoreReducer:  # noqa: B008
    """Take the mean of the epochs: (1/k) · Σ x_i.

    Args:
        value_to_float: Makes x_i of a score's value.
    """
    return _reducer(lambda values: mean_of([value_to_float(value) for value in values]))


@score_reducer(name="median")
def median_score(value_to_float: ValueToFloat = value_to_float()) -> ScoreReducer:  # noqa: B008
    """Take the median of the epochs; of an even number of them the mean of the two in the middle.

    Args:
        value_to_float: Makes a number of a score's value. If one is NaN, so is the median.
    """

    def median(values: Sequence[Scalar]) -> float:
        numbers = [value_to_float(value) for value in values]
        return math.nan if any(map(math.isnan, numbers)) else statistics.median(numbers)

    return _reducer(median)


@score_reducer(name="mode")
def mode_score() -> ScoreReducer:
    """Take the most frequent value of the epochs, the earliest of equally frequent ones."""
    return _reducer(lambda values: Counter(values).most_common(1)[0][0])


@score_reducer(name="max")
def max_score(value_to_float: ValueToFloat = value_to_float()) -> ScoreReducer:  # noqa: B008
    """Take the best value of the epochs, as it is.

    Args:
        value_to_float: Makes the number of a score's value by which it is compared. NaN is
            less than any other.
    """

    def rank(value: Scalar) -> float:
        number = value_to_float(value)
        return -math.inf if math.isnan(number) else number

    return _reducer(lambda values: max(values, key=rank))


def create_reducers(reducers: ScoreReducers | None) -> list[NamedReducer]:
    """Return reducers, some of them given by registered name, with their names.

    None stands for the default, `mean`.

    Raises:
        UnknownNameError: No reducer has one of the names.
        ParameterError: There is none, or one that was not made by a `@score_reducer`.
    """
    if reducers is None:
        reducers = "mean"
    listed = [reducers] if isinstance(reducers, str) or callable(reducers) else list(reducers)
    if not listed:
        raise ParameterError("create_reducers", "reducers", reducers, "at least one")
    return [_named(reducer) for reducer in listed]


def _named(reducer: str | ScoreReducer) -> NamedReducer:
    made = registry_create("score_reducer", reducer) if isinstance(reducer, str) else reducer
    if not is_registered(made, "score_reducer") or not isinstance(made, ScoreReducer):
        expected = "a name, or what a @score_reducer function returns"
        raise ParameterError("create_reducers", "reducer", reducer, expected)
    return NamedReducer(unqualified_name(made), made)


def _reducer(reduce_values: _ReduceValues) -> ScoreReducer:
    def reduce(scores: list[Score]) -> Score:
        first = scores[0]
        return Score(
            value=_reduced_value(scores, reduce_values),
            answer=first.answer if _same(score.answer for score in scores) else None,
            explanation=first.explanation if _same(score.explanation for score in scores) else None,
            metadata=first.metadata,
        )

    return reduce


def _reduced_value(
    scores: Sequence[Score], reduce_values: _ReduceValues
) -> Scalar | list[Scalar] | dict[str, Scalar | None]:
    first = scores[0].value
    if isinstance(first, dict):
        rows = [_items(score, set(first)) for score in scores]
        return {key: _reduced_item([row[key] for row in rows], reduce_values) for key in first}
    if isinstance(first, list):
        columns = zip(*[_elements(score, len(first)) for score in scores], strict=True)
        return [reduce_values(column) for column in columns]
    return reduce_values([_scalar(score) for score in scores])


def _reduced_item(values: Sequence[Scalar | None], reduce_values: _ReduceValues) -> Scalar | None:
    """Reduce the values of a key; epochs in which it is None don't count."""
    given = [value for value in values if value is not None]
    return reduce_values(given) if given else None


def _items(score: Score, keys: set[str]) -> dict[str, Scalar | None]:
    if isinstance(score.value, dict) and set(score.value) == keys:
        return score.value
    raise _mismatch(score, f"a dict with the keys {sorted(keys)}")


def _elements(score: Score, length: int) -> list[Scalar]:
    if isinstance(score.value, list) and len(score.value) == length:
        return score.value
    raise _mismatch(score, f"a list of {length} values")


def _scalar(score: Score) -> Scalar:
    if isinstance(score.value, list | dict):
        raise _mismatch(score, "a single value")
    return score.value


def _mismatch(score: Score, expected: str) -> ValueError:
    return ValueError(
        f"The scores of a sample's epochs cannot be reduced: one is {score.value!r}, "
        f"the first is {expected}."
    )


def _same(values: Iterable[object]) -> bool:
    first, *others = values
    return all(value == first for value in others)
