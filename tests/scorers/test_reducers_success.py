"""at_least and pass_at: hand-worked cases, and all ways to choose as the oracle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from scorers import Score, ScoreReducer, Value, at_least, pass_at, value_to_float
from tasks_lib._errors import ParameterError

EXACT = 1e-12


def _scores(values: Sequence[Value]) -> list[Score]:
    return [Score.model_validate({"value": value}) for value in values]


@pytest.mark.parametrize(
    ("reducer", "values", "expected"),
    [
        pytest.param(at_least(1), ["I", "C"], 1, id="one of one"),
        pytest.param(at_least(2), ["C", "I", "C"], 1, id="two of two"),
        pytest.param(at_least(2), ["C", "I", "I"], 0, id="one of two"),
        pytest.param(at_least(1), ["P", "I"], 0, id="partly right is no success"),
        pytest.param(at_least(1, value=0.5), ["P", "I"], 1, id="unless that is asked"),
        pytest.param(at_least(2, value=4), [6, 0, 0, 8, 4], 1, id="numbers"),
        pytest.param(at_least(1, 1.0, value_to_float("yes", "no")), ["yes", "no"], 1, id="words"),
        pytest.param(at_least(2), ["C", math.nan], math.nan, id="too few scored"),
        pytest.param(at_least(2), ["C"], math.nan, id="too few"),
        pytest.param(at_least(2), ["C", math.nan, "C"], 1, id="enough scored"),
        pytest.param(at_least(1), ["C", "what?"], math.nan, id="unknown text"),
        pytest.param(at_least(2), [[1, 0], [1, 1]], [1, 0], id="lists"),
        pytest.param(at_least(1), [{"a": "C", "b": "I"}, {"a": "I", "b": "I"}], {"a": 1, "b": 0},
                     id="dicts"),
        pytest.param(at_least(2), [{"a": 1, "b": 1}, {"a": None, "b": 1}], {"a": math.nan, "b": 1},
                     id="a key scored too seldom"),
        # 1 - C(3,2)/C(5,2) = 1 - 3/10
        pytest.param(pass_at(2), ["C", "I", "I", "C", "I"], 0.7, id="2 of 5, k = 2"),
        pytest.param(pass_at(1), ["C", "I", "I"], 1 / 3, id="k = 1 is the mean"),
        pytest.param(pass_at(3), ["C", "I", "I"], 1.0, id="k = n"),
        pytest.param(pass_at(2), ["I", "I", "I"], 0.0, id="no success"),
        pytest.param(pass_at(2), ["C", "C", "I"], 1.0, id="no way to miss"),
        pytest.param(pass_at(1), ["P", "I"], 0.0, id="partly right does not pass"),
        pytest.param(pass_at(1, value=0.5), ["P", "I"], 0.5, id="unless partly right passes"),
        pytest.param(pass_at(2), ["C", math.nan, "I", "I"], 2 / 3, id="pass without the unscored"),
        pytest.param(pass_at(2), ["I", math.nan], math.nan, id="no estimate of too few"),
        pytest.param(pass_at(3), ["I", "I"], math.nan, id="never 1 without a success"),
        pytest.param(pass_at(1), ["C", "what?"], math.nan, id="pass with unknown text"),
        pytest.param(pass_at(1), [[1, 0], [0, 0]], [0.5, 0.0], id="pass of lists"),
        pytest.param(pass_at(1), [{"a": 1, "b": None}, {"a": 0, "b": None}],
                     {"a": 0.5, "b": None}, id="pass of dicts"),
    ],
)  # fmt: skip
def test_value(reducer: ScoreReducer, values: list[Value], expected: Value) -> None:
    reduced = reducer(_scores(values))

    assert reduced.value == pytest.approx(expected, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize("total", [1, 2, 5, 9])
def test_pass_at_counts_all_ways_to_choose(total: int) -> None:
    for right in range(total + 1):
        values = [1] * right + [0] * (total - right)
        for k in range(1, total + 1):
            ways = list(combinations(values, k))
            expected = Fraction(sum(any(way) for way in ways), len(ways))

            assert pass_at(k)(_scores(values)).value == float(expected)


@pytest.mark.parametrize(
    ("total", "right", "k"), [(200, 1, 100), (200, 7, 10), (1000, 3, 1), (1000, 500, 900)]
)
def test_pass_at_agrees_with_the_product_of_the_paper(total: int, right: int, k: int) -> None:
    # The numerically stable form of Chen et al. (2021), figure 3.
    expected = 1.0
    if total - right >= k:
        expected = 1.0 - float(np.prod(1.0 - k / np.arange(total - right + 1, total + 1)))

    result = pass_at(k)(_scores([1] * right + [0] * (total - right))).value

    assert result == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"k": 0}, "k is 0, expected a whole number, 1 or more", id="zero"),
        pytest.param({"k": -1}, "k is -1", id="negative"),
        pytest.param({"k": 2.0}, r"k is 2\.0", id="float"),
        pytest.param({"k": True}, "k is True", id="bool"),
        pytest.param({"k": 1, "value": math.nan}, "value is nan, expected a number", id="NaN"),
        pytest.param({"k": 1, "value": "C"}, "value is 'C'", id="letter"),
        pytest.param({"k": 1, "value_to_float": "to_float"}, "value_to_float is 'to_float'",
                     id="name of a function"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("factory", [at_least, pass_at])
def test_refused(
    factory: Callable[..., ScoreReducer], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=f"{factory.__name__}: {message}"):
        factory(**arguments)
