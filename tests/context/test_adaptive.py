"""How many connections "auto" allows."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tasks_lib.context import FIRST_CONNECTIONS, MOST_CONNECTIONS
from tasks_lib.context._adaptive import AdaptiveLimit


def _round_trip(limit: AdaptiveLimit, *, refused: int = 0) -> None:
    """End as many requests as are allowed, all begun before the first one ended; others follow."""
    epoch = limit.epoch
    for number in range(limit.value):
        if number < refused:
            limit.refused(epoch, limit.value)
        else:
            limit.answered(epoch, limit.value)


def _values(limit: AdaptiveLimit, refusals: Iterable[int]) -> list[int]:
    values = []
    for refused in refusals:
        _round_trip(limit, refused=refused)
        values.append(limit.value)
    return values


@pytest.mark.parametrize(
    ("first", "refusals", "values"),
    [
        pytest.param(10, [0, 0, 0, 0, 0], [20, 40, 80, 100, 100], id="doubles up to the most"),
        pytest.param(2, [0, 0, 0], [4, 8, 16], id="doubles from a provider's lower default"),
        pytest.param(10, [0, 1], [20, 10], id="one refusal halves"),
        pytest.param(10, [0, 20], [20, 10], id="a burst of refusals halves once"),
        pytest.param(10, [0, 20, 10, 5], [20, 10, 5, 2], id="each round trip halves again"),
        pytest.param(10, [10, 5, 2, 1, 1], [5, 2, 1, 1, 1], id="never below one"),
        pytest.param(10, [1, 0, 0, 0], [5, 6, 7, 8], id="grows by one after a refusal"),
        pytest.param(1, [1, 0, 0], [1, 2, 3], id="grows from one"),
    ],
)
def test_value_after_each_round_trip(first: int, refusals: list[int], values: list[int]) -> None:
    assert _values(AdaptiveLimit(first), refusals) == values


@pytest.mark.parametrize(
    ("first", "most", "value"),
    [
        pytest.param(FIRST_CONNECTIONS, MOST_CONNECTIONS, 10, id="where it begins by default"),
        pytest.param(0, 100, 1, id="at least one"),
        pytest.param(10, 4, 4, id="at most the most"),
    ],
)
def test_first_value(first: int, most: int, value: int) -> None:
    assert AdaptiveLimit(first, most).value == value


def test_connections_that_are_not_all_used_prove_nothing() -> None:
    limit = AdaptiveLimit(10)
    for _ in range(50):
        limit.answered(limit.epoch, 9)

    assert limit.value == 10


def test_a_refusal_halves_what_was_used() -> None:
    limit = AdaptiveLimit(10)
    _round_trip(limit)
    limit.refused(limit.epoch, 6)

    assert limit.value == 3


def test_answers_from_before_a_refusal_raise_nothing() -> None:
    limit = AdaptiveLimit(10)
    before = limit.epoch
    limit.refused(before, 10)
    for _ in range(50):
        limit.answered(before, 10)

    assert limit.value == 5


@pytest.mark.parametrize(
    ("factor", "value"),
    [pytest.param(0.5, 5, id="half"), pytest.param(0.01, 1, id="not below one")],
)
def test_scale_lowers_and_ends_the_doubling(factor: float, value: int) -> None:
    limit = AdaptiveLimit(10)
    limit.scale(factor)
    _round_trip(limit)

    assert limit.value == value + 1
