"""bootstrap_stderr and the intervals of ci: scipy's bootstrap and plain loops as oracles."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scorers import Metric, Value, bootstrap_stderr, ci, stderr
from tasks_lib._errors import ParameterError
from tests.scorers._metric_scores import scores_of

EXACT = 1e-12


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], 0.0, id="nothing"),
        pytest.param([0.1], 0.0, id="one sample"),
        pytest.param([math.nan], math.nan, id="one NaN"),
        pytest.param(["C"] * 30, 0.0, id="all the same"),
        pytest.param([1, 2, math.nan], math.nan, id="NaN"),
        pytest.param([1, 2, math.inf], math.nan, id="infinity"),
        pytest.param([1e308, 1e308], math.nan, id="a sum too large for a float"),
    ],
)
def test_little_or_odd_data(values: list[Value], expected: float) -> None:
    result = bootstrap_stderr(num_samples=10)(scores_of(values))

    assert result == pytest.approx(expected, abs=0, nan_ok=True)


@settings(max_examples=40)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.integers(0, 99))
def test_scipy_agrees(values: list[float], seed: int) -> None:
    # Fewer than ten values are drawn by position, as scipy draws.
    with np.errstate(all="ignore"):
        expected = stats.bootstrap(
            (values,), np.mean, n_resamples=50, method="percentile", vectorized=True,
            confidence_level=0.9, rng=np.random.default_rng(seed),
        )  # fmt: skip
    scores = scores_of(values)
    error = bootstrap_stderr(num_samples=50, seed=seed)(scores)
    interval = ci(0.9, "bootstrap", num_samples=50, seed=seed)(scores)

    low, high = expected.confidence_interval
    assert error == pytest.approx(expected.standard_error, rel=EXACT, abs=1e-9)
    assert interval == pytest.approx({"ci_lower": low, "ci_upper": high}, rel=EXACT, abs=1e-9)


def test_many_values_in_parts() -> None:
    # 2000 resamples of 2100 values are drawn in two parts; numpy makes one of them.
    values = np.random.default_rng(1).normal(size=2100)
    positions = np.random.default_rng(7).integers(0, 2100, size=(2000, 2100))
    means = values[positions].mean(axis=1)

    result = bootstrap_stderr(num_samples=2000, seed=7)(scores_of(values.tolist()))

    assert result == pytest.approx(float(means.std(ddof=1)), rel=EXACT)


def test_few_different_values() -> None:
    # The number of right ones in a resample is drawn at once.
    wrong_and_right = np.random.default_rng(3).multinomial(40, [0.25, 0.75], size=100)
    means = wrong_and_right[:, 1] / 40

    result = bootstrap_stderr(num_samples=100, seed=3)(scores_of(["C"] * 30 + ["I"] * 10))

    assert result == pytest.approx(float(means.std(ddof=1)), rel=EXACT)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["C", "I", "I", "C", "C"] * 40, id="few different values"),
        pytest.param([math.sqrt(i) for i in range(200)], id="many different values"),
    ],
)
def test_is_near_the_standard_error(values: list[Value]) -> None:
    scores = scores_of(values)
    n = len(values)
    # The bootstrap divides by n where s divides by n - 1.
    error = cast(float, stderr()(scores))
    expected = error * math.sqrt((n - 1) / n)

    # The standard deviation of 4000 resamples is known to about 1.1 %.
    assert bootstrap_stderr(num_samples=4000)(scores) == pytest.approx(expected, rel=0.05)


def test_seed() -> None:
    scores = scores_of([1, 2, 3, 5, 8])
    by_seed = [bootstrap_stderr(num_samples=20, seed=seed)(scores) for seed in (0, 0, 1)]

    assert by_seed[0] == by_seed[1] != by_seed[2]
    assert bootstrap_stderr(num_samples=20)(scores) == by_seed[0]


def _cluster_means(clusters: Sequence[Sequence[float]], num_samples: int, seed: int) -> list[float]:
    """Resample whole clusters, one after the other."""
    rng = np.random.default_rng(seed)
    means = []
    for positions in rng.integers(0, len(clusters), size=(num_samples, len(clusters))):
        values = [value for position in positions for value in clusters[position]]
        means.append(math.fsum(values) / len(values))
    return means


def test_cluster_bootstrap() -> None:
    clusters = [[1.0, 2.0, 3.0], [10.0], [4.0, 4.5], [0.0, 7.0]]
    expected = np.quantile(_cluster_means(clusters, 200, 5), [0.05, 0.95])
    values = [value for cluster in clusters for value in cluster]
    topics = [topic for topic, cluster in enumerate(clusters) for _ in cluster]

    metric = ci(0.9, "bootstrap", num_samples=200, cluster="topic", seed=5)

    low, high = expected
    assert metric(scores_of(values, topics)) == pytest.approx(
        {"ci_lower": low, "ci_upper": high}, rel=EXACT
    )


def test_cluster_bootstrap_of_like_clusters() -> None:
    # Ten clusters (0, 1) and twenty (1, 1, 1): two different pairs of a sum and a size.
    few = np.random.default_rng(0).multinomial(30, [1 / 3, 2 / 3], size=100)
    means = (few @ [1, 3]) / (few @ [2, 3])
    low, high = np.quantile(means, [0.025, 0.975])
    values = [0, 1] * 10 + [1, 1, 1] * 20
    topics = [i // 2 for i in range(20)] + [100 + i // 3 for i in range(60)]

    metric = ci(method="bootstrap", num_samples=100, cluster="topic")

    assert metric(scores_of(values, topics)) == pytest.approx(
        {"ci_lower": low, "ci_upper": high}, rel=EXACT
    )


def test_memory_is_bounded() -> None:
    scores = scores_of([math.sqrt(i) for i in range(6000)])
    metric = bootstrap_stderr(num_samples=1000)
    tracemalloc.start()
    try:
        metric(scores)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    # All positions at once would be 48 MB, and the values as much again.
    assert peak < 75_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"num_samples": 1}, "num_samples is 1, expected a whole number, 2 or more",
                     id="one resample"),
        pytest.param({"num_samples": 10.0}, "num_samples is 10.0", id="no whole number"),
        pytest.param({"num_samples": True}, "num_samples is True", id="bool"),
        pytest.param({"seed": -1}, "seed is -1, expected a whole number, 0 or more", id="seed"),
        pytest.param({"seed": None}, "seed is None", id="no seed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("factory", [bootstrap_stderr, ci])
def test_refused(factory: type[Metric], arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        factory(**arguments)
