"""Metrics: hand-worked cases, numpy and scipy as oracles, and what little data gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scorers import (
    Metric,
    SampleScore,
    Score,
    Value,
    accuracy,
    mean,
    std,
    stderr,
    value_to_float,
    var,
)

EXACT = 1e-12


def _scores(values: Sequence[Value], clusters: Sequence[object] | None = None) -> list[SampleScore]:
    return [
        SampleScore(
            score=Score.model_validate({"value": value}),
            sample_id=i,
            sample_metadata=None if clusters is None else {"topic": clusters[i]},
        )
        for i, value in enumerate(values)
    ]


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
    ],
)
def test_value(metric: Metric, values: list[Value], expected: float) -> None:
    assert metric(_scores(values)) == pytest.approx(expected, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "clusters", "expected"),
    [
        # Mean 2.5; clusters sum up to -2 and 2: sqrt(2/1 * (4 + 4)) / 4 = 1.
        pytest.param([1, 2, 3, 4], ["a", "a", "b", "b"], 1.0, id="two clusters"),
        # Deviations -1.5, -0.5, 0.5, 1.5; clusters sum up to 0, 0: nothing is uncertain.
        pytest.param([1, 2, 3, 4], ["a", "b", "b", "a"], 0.0, id="clusters cancel out"),
        pytest.param([1, 2, 3, 4], [1, 2, 3, 4], math.sqrt(5 / 12), id="a cluster a sample"),
        pytest.param([1, 2, 3, 4], ["a"] * 4, math.nan, id="one cluster"),
        pytest.param([1], ["a"], 0.0, id="one sample"),
        pytest.param([1, 3], [["x"], ["y"]], 1.0, id="lists name clusters"),
    ],
)
def test_clustered_stderr(values: list[Value], clusters: list[object], expected: float) -> None:
    result = stderr(cluster="topic")(_scores(values, clusters))

    assert result == pytest.approx(expected, abs=EXACT, nan_ok=True)


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(0, 5)), min_size=2, max_size=50).filter(
        lambda rows: len({cluster for _, cluster in rows}) > 1
    )
)
def test_clustered_stderr_is_the_double_sum(rows: list[tuple[float, int]]) -> None:
    x = np.array([value for value, _ in rows])
    cluster = np.array([name for _, name in rows])
    deviation = x - x.mean()
    same = cluster[:, None] == cluster[None, :]
    count = len(set(cluster))
    total = (deviation[:, None] * deviation[None, :] * same).sum() * count / (count - 1)
    expected = math.sqrt(max(total, 0.0)) / len(x)

    result = stderr(cluster="topic")(_scores(x.tolist(), cluster.tolist()))

    assert result == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_missing_cluster() -> None:
    with pytest.raises(ValueError, match="sample 0 has no 'topic' in its metadata"):
        stderr(cluster="topic")(_scores([1, 2]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_numpy_and_scipy_agree(values: list[float]) -> None:
    scores = _scores(values)
    scale = max(map(abs, values)) or 1.0

    assert mean()(scores) == pytest.approx(float(np.mean(values)), abs=EXACT * scale)
    assert std()(scores) == pytest.approx(float(np.std(values, ddof=1)), abs=EXACT * scale)
    assert var()(scores) == pytest.approx(float(np.var(values, ddof=1)), abs=EXACT * scale**2)
    assert stderr()(scores) == pytest.approx(float(stats.sem(values)), abs=EXACT * scale)
