"""Metrics: hand-worked cases, numpy and scipy as oracles, and what little data gives."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scorers import (
    Metric,
    SampleScore,
    Value,
    accuracy,
    bootstrap_stderr,
    ci,
    grouped,
    mean,
    std,
    stderr,
    value_to_float,
    var,
)
from tasks_lib._errors import ParameterError
from tests.scorers._metric_scores import scores_of

EXACT = 1e-12


@pytest.mark.parametrize(
    ("metric", "values", "expected"),
    [
        pytest.param(accuracy(), ["C", "I", "P", "N"], 0.375, id="accuracy of letters"),
        pytest.param(accuracy(), [1, 0, 1.0, True], 0.75, id="accuracy of numbers"),
        pytest.param(accuracy(value_to_float("yes", "no")), ["yes", "no"], 0.5, id="own words"),
        pytest.param(accuracy(), [], math.nan, id="accuracy of nothing"),
        pytest.param(mean(), [1, 2, 6], 3.0, id="mean"),
        pytest.param(mean(), ["C", "I"], 0.5, id="mean of letters"),
        pytest.param(mean(), [], math.nan, id="mean of nothing"),
        pytest.param(mean(), [1, math.nan], math.nan, id="mean with NaN"),
        pytest.param(var(), [1, 2, 3, 4], 5 / 3, id="var"),
        pytest.param(var(), [7], 0.0, id="var of one"),
        pytest.param(std(), [1, 2, 3, 4], math.sqrt(5 / 3), id="std"),
        pytest.param(std(), [], 0.0, id="std of nothing"),
        pytest.param(std(), ["C", "I"], math.sqrt(0.5), id="std of letters"),
        pytest.param(stderr(), [1, 2, 3, 4], math.sqrt(5 / 12), id="stderr"),
        pytest.param(stderr(), ["C", "C", "I", "I"], math.sqrt(1 / 12), id="stderr of letters"),
        pytest.param(stderr(), [1], 0.0, id="stderr of one"),
        pytest.param(stderr(), [], 0.0, id="stderr of nothing"),
        pytest.param(mean(), [0.1] * 10, 0.1, id="exactly summed"),
        pytest.param(accuracy(), ["C", "what?"], math.nan, id="accuracy of unknown text"),
        pytest.param(accuracy(), [math.nan], math.nan, id="accuracy of NaN"),
        pytest.param(accuracy(), [[1], [1]], math.nan, id="accuracy of lists"),
        pytest.param(mean(), [1, math.inf], math.inf, id="mean with infinity"),
        pytest.param(mean(), [math.inf, -math.inf], math.nan, id="mean of both infinities"),
        pytest.param(mean(), [1e308, 1e308, -1e308], 1e308 / 3, id="mean of a sum too large"),
        pytest.param(mean(), [1.7e308] * 3, 1.7e308, id="mean of the largest"),
        pytest.param(var(), [math.nan], math.nan, id="var of one NaN"),
        pytest.param(var(), [1, math.nan], math.nan, id="var with NaN"),
        pytest.param(var(), [1, math.inf], math.nan, id="var with infinity"),
        pytest.param(var(), [1e200, -1e200], math.inf, id="var too large for a float"),
        pytest.param(var(), [1e154, -1e154] * 2, math.inf, id="var of a sum too large"),
        pytest.param(std(), [math.inf], math.nan, id="std of one infinity"),
        pytest.param(std(), [5, 5, 5], 0.0, id="std of equal values"),
        pytest.param(stderr(), [math.nan, math.nan], math.nan, id="stderr of NaN"),
        pytest.param(stderr(), ["C", "what?"], math.nan, id="stderr of unknown text"),
    ],
)
def test_value(metric: Metric, values: list[Value], expected: float) -> None:
    assert metric(scores_of(values)) == pytest.approx(expected, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "clusters", "expected"),
    [
        # Mean 2.5; clusters sum up to -2 and 2: sqrt(2/1 * (4 + 4)) / 4 = 1.
        pytest.param([1, 2, 3, 4], ["a", "a", "b", "b"], 1.0, id="two clusters"),
        # Deviations -1.5, -0.5, 0.5, 1.5; clusters sum up to 0, 0: nothing is uncertain.
        pytest.param([1, 2, 3, 4], ["a", "b", "b", "a"], 0.0, id="clusters cancel out"),
        pytest.param([1, 2, 3, 4], [1, 2, 3, 4], math.sqrt(5 / 12), id="a cluster a sample"),
        pytest.param([1, 2, 3, 4], ["a"] * 4, math.nan, id="one cluster"),
        pytest.param([1], ["a"], math.nan, id="one sample"),
        pytest.param([], [], math.nan, id="nothing"),
        pytest.param([1, math.nan], ["a", "b"], math.nan, id="NaN"),
        pytest.param([1, math.inf], ["a", "b"], math.nan, id="infinity"),
        pytest.param([1e200, -1e200], ["a", "b"], math.inf, id="too large for a float"),
        pytest.param([1.7e308, 1.7e308, -1.7e308, -1.7e308], ["a", "a", "b", "b"], math.inf,
                     id="a cluster too large for a float"),
        pytest.param([1, 3], [["x"], ["y"]], 1.0, id="lists name clusters"),
        pytest.param([1, 2, 3, 4], [{"x": 1, "y": [2]}, {"y": [2], "x": 1}, {"x": 1}, {"x": 1}],
                     1.0, id="dicts name clusters, whatever their order"),
        pytest.param([1, 2, 3, 4], [{"a", 1}, {1, "a"}, (1, [2]), (1, [2])], 1.0,
                     id="sets and tuples name clusters"),
        pytest.param([1, 2, 3, 4], [1, 1, "1", "1"], 1.0, id="number and text"),
    ],
)  # fmt: skip
def test_clustered_stderr(values: list[Value], clusters: list[object], expected: float) -> None:
    result = stderr(cluster="topic")(scores_of(values, clusters))

    assert result == pytest.approx(expected, abs=EXACT, nan_ok=True)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-999, 999), st.integers(0, 5)), min_size=2, max_size=40).filter(
        lambda rows: len({cluster for _, cluster in rows}) > 1
    )
)
def test_clustered_stderr_is_the_double_sum(rows: list[tuple[int, int]]) -> None:
    centre = Fraction(sum(value for value, _ in rows), len(rows))
    total = sum(
        (x - centre) * (y - centre) for x, first in rows for y, second in rows if first == second
    )
    count = len({cluster for _, cluster in rows})
    expected = math.sqrt(total * Fraction(count, count - 1)) / len(rows)

    values, clusters = zip(*rows, strict=True)
    result = stderr(cluster="topic")(scores_of(values, clusters))

    assert result == pytest.approx(expected, rel=EXACT, abs=EXACT)


@pytest.mark.parametrize(
    "topics",
    [
        pytest.param(None, id="no metadata"),
        pytest.param(["a", None], id="None"),
        pytest.param(["a", math.nan], id="NaN"),
    ],
)
@pytest.mark.parametrize("metric", [stderr(cluster="topic"), ci(cluster="topic")])
def test_missing_cluster(metric: Metric, topics: list[object] | None) -> None:
    missing = 0 if topics is None else 1
    with pytest.raises(ValueError, match=f"sample {missing} has no 'topic' in its metadata"):
        metric(scores_of([1, 2], topics))


def test_other_key_is_missing() -> None:
    scores = scores_of([1, 2], ["a", "b"])
    scores[1].sample_metadata = {"other": "b"}

    with pytest.raises(ValueError, match=r"stderr\(cluster='topic'\): sample 1 has no 'topic'"):
        stderr(cluster="topic")(scores)


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_numpy_and_scipy_agree(values: list[float]) -> None:
    scores = scores_of(values)
    scale = max(map(abs, values)) or 1.0

    assert mean()(scores) == pytest.approx(float(np.mean(values)), abs=EXACT * scale)
    assert std()(scores) == pytest.approx(float(np.std(values, ddof=1)), abs=EXACT * scale)
    assert var()(scores) == pytest.approx(float(np.var(values, ddof=1)), abs=EXACT * scale**2)
    assert stderr()(scores) == pytest.approx(float(stats.sem(values)), abs=EXACT * scale)


ALL = [
    pytest.param(accuracy(), id="accuracy"),
    pytest.param(mean(), id="mean"),
    pytest.param(std(), id="std"),
    pytest.param(var(), id="var"),
    pytest.param(stderr(), id="stderr"),
    pytest.param(stderr(cluster="topic"), id="clustered stderr"),
    pytest.param(bootstrap_stderr(num_samples=5), id="bootstrap_stderr"),
    pytest.param(ci(), id="ci"),
    pytest.param(ci(method="bootstrap", num_samples=5, cluster="topic"), id="clustered ci"),
]


class _CountingScores(Sequence[SampleScore]):
    """Scores that are read one by one, and count how often."""

    def __init__(self, scores: list[SampleScore]) -> None:
        self.scores = scores
        self.reads = 0

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        return self.scores[index]


@pytest.mark.parametrize("metric", ALL)
def test_scores_are_read_once(metric: Metric) -> None:
    scores = scores_of([1, 0, 1, 1], ["a", "a", "b", "b"])
    counting = _CountingScores(scores)

    assert metric(cast(Any, counting)) == metric(scores)
    # Iteration asks for one more than there are, to find the end.
    assert counting.reads == len(scores) + 1


@pytest.mark.parametrize("metric", [*ALL, pytest.param(grouped(mean(), "topic"), id="grouped")])
def test_takes_lazy_scores(metric: Metric) -> None:
    [parameter] = inspect.signature(metric).parameters.values()

    assert parameter.annotation == "Sequence[SampleScore]"


@pytest.mark.parametrize("factory", [accuracy, std, var, stderr, bootstrap_stderr, ci])
def test_converter_from_a_log(factory: Callable[..., Metric]) -> None:
    # A log holds the name of a function, which nothing can be computed with.
    with pytest.raises(ParameterError, match=r"to_float is 'to_float', expected a function"):
        factory(to_float="to_float")
