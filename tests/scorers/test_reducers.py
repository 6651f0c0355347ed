"""Reducers: one score out of the scores of a sample's epochs."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers import (
    Score,
    ScoreReducer,
    Value,
    max_score,
    mean_score,
    median_score,
    mode_score,
    value_to_float,
)


def _score(value: Value, **fields: str) -> Score:
    return Score.model_validate({"value": value, **fields})


@pytest.mark.parametrize(
    ("reducer", "values", "expected"),
    [
        pytest.param(mean_score(), ["C", "I", "C", "C"], 0.75, id="mean of letters"),
        pytest.param(mean_score(), ["C"], 1.0, id="mean of one epoch"),
        pytest.param(mean_score(), [1, 2], 1.5, id="mean of numbers"),
        pytest.param(mean_score(), ["C", "what?"], math.nan, id="mean with unknown text"),
        pytest.param(mean_score(value_to_float("yes", "no")), ["yes", "no"], 0.5, id="own words"),
        pytest.param(mean_score(), [[1, 0], [0, 0]], [0.5, 0.0], id="mean of lists"),
        pytest.param(mean_score(), [{"a": "C", "b": 2}, {"a": "I", "b": 4}], {"a": 0.5, "b": 3.0},
                     id="mean of dicts"),
        pytest.param(mean_score(), [{"a": None}, {"a": 4}], {"a": 4.0}, id="None does not count"),
        pytest.param(mean_score(), [{"a": None}, {"a": None}], {"a": None}, id="nothing but None"),
        pytest.param(median_score(), [1, 5, 3], 3.0, id="median"),
        pytest.param(median_score(), [1, 2, 3, 10], 2.5, id="median of an even number"),
        pytest.param(median_score(), ["C", "I", "C"], 1.0, id="median of letters"),
        pytest.param(median_score(), [1, "what?", 3], math.nan, id="median with unknown text"),
        pytest.param(median_score(), [1, math.nan, 3], 2.0, id="median without the unscored"),
        pytest.param(mean_score(), [math.nan, 1, 0], 0.5, id="mean without the unscored"),
        pytest.param(mode_score(), [math.nan, math.nan, "C"], "C", id="mode without the unscored"),
        pytest.param(mean_score(), [math.nan, {"a": 1}, {"a": 3}], {"a": 2.0},
                     id="unscored beside dicts"),
        pytest.param(mean_score(), [[1, 2], math.nan], [1.0, 2.0], id="unscored beside lists"),
        pytest.param(mean_score(), [{"a": math.nan, "b": 1}, {"a": 4, "b": 2}],
                     {"a": 4.0, "b": 1.5}, id="NaN of a key"),
        pytest.param(mean_score(), [{"a": math.nan}, {"a": None}], {"a": math.nan},
                     id="a key that nobody judged"),
        pytest.param(mode_score(), [[math.nan, 1], [2, 1]], [2, 1], id="NaN of an element"),
        pytest.param(max_score(), [[math.nan], [math.nan]], [math.nan],
                     id="an element that nobody judged"),
        pytest.param(mean_score(), [math.nan], math.nan, id="mean of nothing but unscored"),
        pytest.param(mode_score(), [math.nan, math.nan], math.nan, id="mode of nothing"),
        pytest.param(max_score(), [math.nan, math.nan], math.nan, id="max of nothing"),
        pytest.param(mean_score(), [1e308, 1e308], 1e308, id="mean of a sum too large"),
        pytest.param(max_score(), ["what?", "I"], "I", id="unknown text is the least"),
        pytest.param(mode_score(), ["I", "C", "C"], "C", id="mode keeps the value"),
        pytest.param(mode_score(), ["I", "C"], "I", id="mode of a tie: the earliest"),
        pytest.param(mode_score(), [{"a": "C", "b": 1}, {"a": "C", "b": 2}, {"a": "I", "b": 2}],
                     {"a": "C", "b": 2}, id="mode of dicts"),
        pytest.param(max_score(), ["I", "C", "P"], "C", id="max keeps the value"),
        pytest.param(max_score(), [1, 3, 2], 3, id="max of numbers"),
        pytest.param(max_score(), [math.nan, -5], -5, id="max with NaN"),
        pytest.param(max_score(), [[1, 5], [4, 2]], [4, 5], id="max of lists"),
    ],
)  # fmt: skip
def test_value(reducer: ScoreReducer, values: list[Value], expected: Value) -> None:
    reduced = reducer([_score(value) for value in values])

    assert reduced.value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param(
            [_score(1, answer="a", explanation="b"), _score(3, answer="a", explanation="b")],
            _score(2.0, answer="a", explanation="b"),
            id="all agree",
        ),
        pytest.param(
            [_score(1, answer="a", explanation="b"), _score(3, answer="x", explanation="b")],
            _score(2.0, explanation="b"),
            id="answers differ",
        ),
        pytest.param(
            [Score(value=1, metadata={"k": 1}), Score(value=3, metadata={"k": 2})],
            Score(value=2.0, metadata={"k": 1}),
            id="metadata of the first",
        ),
        pytest.param(
            [
                Score.unscored(answer="z", explanation="grader failed", metadata={"k": 0}),
                Score(value=1, answer="a", explanation="b", metadata={"k": 1}),
                Score(value=3, answer="a", explanation="b"),
            ],
            Score(value=2.0, answer="a", explanation="b", metadata={"k": 1}),
            id="of those that were scored",
        ),
    ],
)
def test_what_is_kept(scores: list[Score], expected: Score) -> None:
    assert mean_score()(scores) == expected


def test_what_is_kept_of_the_unscored() -> None:
    reduced = mean_score()([Score.unscored(explanation="failed"), Score.unscored(explanation="?")])

    assert reduced.is_unscored
    assert (reduced.answer, reduced.explanation) == (None, None)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1, [1]], id="number and list"),
        pytest.param([[1], [1, 2]], id="lists of different length"),
        pytest.param([{"a": 1}, {"b": 1}], id="different keys"),
        pytest.param([{"a": 1}, 1], id="dict and number"),
    ],
)
def test_different_shapes(values: list[Value]) -> None:
    with pytest.raises(ValueError, match="epochs cannot be reduced"):
        mode_score()([_score(value) for value in values])


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6) | st.integers(0, 3), min_size=1, max_size=20))
def test_oracles_agree(values: list[float]) -> None:
    scores = [_score(value) for value in values]
    scale = max(map(abs, values)) or 1.0

    assert mean_score()(scores).as_float() == pytest.approx(np.mean(values), abs=1e-12 * scale)
    assert median_score()(scores).as_float() == pytest.approx(np.median(values), abs=1e-12 * scale)
    assert max_score()(scores).as_float() == max(values)
    assert mode_score()(scores).as_float() == statistics.mode(values)
