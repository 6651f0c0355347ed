"""Reducers: one score out of the scores that a sample got in its epochs.

Lists are reduced element by element, dicts key by key; all scores of a sample must then
have the same length or keys. Answer and explanation are kept when all scores agree on them,
metadata is that of the first.

Scores whose value is NaN (`Score.unscored`) don't count, nor do elements that are NaN and
keys that are NaN or None; when nothing else is left, neither is the reduced score.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from scorers._scorer import score_reducer
from scorers.metrics._values import mean_of
from tasks_lib._errors import ParameterError
from tasks_lib.schema import Scalar, Score, ValueToFloat, value_to_float
from tasks_lib.task import ScoreReducer

_ReduceValues: TypeAlias = Callable[[Sequence[Scalar]], Scalar]


@score_reducer(name="mean")
def mean_score(value_to_float: ValueToFloat = value_to_float()) -> ScoreReducer:  # noqa: B008
    """Take the mean of the epochs: (1/k) · Σ x_i.

    Args:
        value_to_float: Makes x_i of a score's value. If one is NaN, so is the mean.
    """
    _check_to_float("mean_score", value_to_float)
    return _reducer(lambda values: mean_of([value_to_float(value) for value in values]))


@score_reducer(name="median")
def median_score(value_to_float: ValueToFloat = value_to_float()) -> ScoreReducer:  # noqa: B008
    """Take the median of the epochs; of an even number of them the mean of the two in the middle.

    Args:
        value_to_float: Makes a number of a score's value. If one is NaN, so is the median.
    """
    _check_to_float("median_score", value_to_float)

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
    _check_to_float("max_score", value_to_float)

    def rank(value: Scalar) -> float:
        number = value_to_float(value)
        return -math.inf if math.isnan(number) else number

    return _reducer(lambda values: max(values, key=rank))


@score_reducer
def at_least(
    k: int,
    value: float = 1.0,
    value_to_float: ValueToFloat = value_to_float(),  # noqa: B008
) -> ScoreReducer:
    """Take 1 when at least `k` epochs score `value` or more, otherwise 0.

    By name: "at_least_2" is `at_least(2)`. Epochs without a score don't count; when fewer
    than `k` have one, it cannot be said and the reduced score is NaN: unscored, not 0 as in the
    reference system.

    Args:
        k: How many epochs, 1 or more. More than there are is refused before a run.
        value: The number that counts as success.
        value_to_float: Makes a number of a score's value. If one is NaN, so is the result.

    Raises:
        ParameterError: `k` or `value` is out of range.
    """

    def reached(total: int, successes: int) -> float:
        return 1.0 if successes >= k else 0.0

    return _success_reducer("at_least", k, value, value_to_float, reached)


@score_reducer
def pass_at(
    k: int,
    value: float = 1.0,
    value_to_float: ValueToFloat = value_to_float(),  # noqa: B008
) -> ScoreReducer:
    """Estimate how probable it is that at least one of `k` attempts succeeds.

    1 - C(n-c, k) / C(n, k) for n epochs of which c score `value` or more: the share of all
    ways to choose k of the epochs that hold a success. It has no bias, other than
    1 - (1 - c/n)^k.

    Source: M. Chen et al., "Evaluating Large Language Models Trained on Code" (2021),
    arXiv:2107.03374, equation 1. Computed with whole numbers and rounded once.

    By name: "pass_at_5" is `pass_at(5)`. Epochs without a score don't count; when fewer than
    `k` have one, there is no such estimate and the reduced score is NaN: unscored, not 1 as
    in the reference system.

    Args:
        k: Number of attempts, 1 or more. More than there are epochs is refused before a run.
        value: The number that counts as success.
        value_to_float: Makes a number of a score's value. If one is NaN, so is the result.

    Raises:
        ParameterError: `k` or `value` is out of range.
    """

    def probability(total: int, successes: int) -> float:
        ways = math.comb(total, k)
        return (ways - math.comb(total - successes, k)) / ways

    return _success_reducer("pass_at", k, value, value_to_float, probability)


def _success_reducer(
    name: str,
    k: int,
    value: float,
    to_float: ValueToFloat,
    reduce_counts: Callable[[int, int], float],
) -> ScoreReducer:
    """Return a reducer of how many values there are, and how many of them are a success."""
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise ParameterError(name, "k", k, "a whole number, 1 or more")
    if not isinstance(value, int | float) or math.isnan(value):
        raise ParameterError(name, "value", value, "a number")
    _check_to_float(name, to_float)

    def reduce_values(values: Sequence[Scalar]) -> float:
        numbers = [to_float(item) for item in values]
        if len(numbers) < k or any(map(math.isnan, numbers)):
            return math.nan
        return reduce_counts(len(numbers), sum(number >= value for number in numbers))

    return _reducer(reduce_values)


def _check_to_float(name: str, to_float: ValueToFloat) -> None:
    if not callable(to_float):
        expected = "a function, as of value_to_float()"
        raise ParameterError(name, "value_to_float", to_float, expected)


def _reducer(reduce_values: _ReduceValues) -> ScoreReducer:
    def reduce(scores: list[Score]) -> Score:
        judged = [score for score in scores if not score.is_unscored] or scores
        first = judged[0]
        return Score(
            value=_reduced_value(judged, reduce_values),
            answer=first.answer if _same(score.answer for score in judged) else None,
            explanation=first.explanation if _same(score.explanation for score in judged) else None,
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
        return [_reduced_given(column, reduce_values) for column in columns]
    return _reduced_given([_scalar(score) for score in scores], reduce_values)


def _reduced_item(values: Sequence[Scalar | None], reduce_values: _ReduceValues) -> Scalar | None:
    given = [value for value in values if value is not None]
    return _reduced_given(given, reduce_values) if given else None


def _reduced_given(values: Sequence[Scalar], reduce_values: _ReduceValues) -> Scalar:
    """Reduce the values that are not NaN; NaN if all are."""
    given = [value for value in values if not (isinstance(value, float) and math.isnan(value))]
    return reduce_values(given) if given else math.nan


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
