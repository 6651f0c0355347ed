"""ci: Student's and Wilson's intervals against scipy, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scorers import Metric, SampleScore, Score, Value, ci, value_to_float
from tasks_lib._errors import ParameterError
from tasks_lib.task import metric_values
from tests.scorers._metric_scores import scores_of

EXACT = 1e-12
NAN = (math.nan, math.nan)


def _ends(metric: Metric, scores: list[SampleScore]) -> tuple[float, float]:
    interval = metric(scores)
    assert isinstance(interval, dict)
    assert list(interval) == ["ci_lower", "ci_upper"]
    return interval["ci_lower"], interval["ci_upper"]


# Worked by hand: t(0.975, 3 degrees of freedom) = 3.182446305284263, mean 2.5, s/sqrt(4) =
# sqrt(5/12); z(0.975) = 1.959963984540054 and for 8 of 10 right the centre is
# (0.8 + z²/20) / (1 + z²/10), half the width z * sqrt(0.016 + z²/400) / (1 + z²/10).
_T = 3.182446305284263 * math.sqrt(5 / 12)
_Z2 = 1.959963984540054**2
_MIDDLE = (0.8 + _Z2 / 20) / (1 + _Z2 / 10)
_HALF = math.sqrt(_Z2 * (0.016 + _Z2 / 400)) / (1 + _Z2 / 10)


@pytest.mark.parametrize(
    ("metric", "values", "expected"),
    [
        pytest.param(ci(), [1, 2, 3, 4], (2.5 - _T, 2.5 + _T), id="t"),
        pytest.param(ci(), ["C"] * 8 + ["I"] * 2, (_MIDDLE - _HALF, _MIDDLE + _HALF),
                     id="Wilson when all are right or wrong"),
        pytest.param(ci(to_float=value_to_float("good", "bad")), ["good"] * 8 + ["bad"] * 2,
                     (_MIDDLE - _HALF, _MIDDLE + _HALF), id="own words"),
        pytest.param(ci(method="wilson"), [0.8] * 10, (_MIDDLE - _HALF, _MIDDLE + _HALF),
                     id="Wilson of shares"),
        pytest.param(ci(), ["P"] * 10, (0.5, 0.5), id="t when one is partly right"),
        pytest.param(ci(), ["C"], (1 / (1 + _Z2), 1.0), id="Wilson of one"),
        pytest.param(ci(), ["I"], (0.0, _Z2 / (1 + _Z2)), id="Wilson of one wrong"),
        pytest.param(ci(), [], NAN, id="nothing"),
        pytest.param(ci(method="t"), [], NAN, id="t of nothing"),
        pytest.param(ci(method="t"), ["C"], NAN, id="t of one"),
        pytest.param(ci(method="wilson"), [], NAN, id="Wilson of nothing"),
        pytest.param(ci(method="wilson"), ["C", math.nan], NAN, id="Wilson with NaN"),
        pytest.param(ci(), ["C", math.nan], NAN, id="NaN"),
        pytest.param(ci(), ["C", "what?"], NAN, id="unknown text"),
        pytest.param(ci(), [1, math.inf], NAN, id="infinity"),
        pytest.param(ci(method="bootstrap"), [], NAN, id="bootstrap of nothing"),
        pytest.param(ci(method="bootstrap"), [1], NAN, id="bootstrap of one"),
        pytest.param(ci(method="bootstrap"), [1, math.nan], NAN, id="bootstrap with NaN"),
        pytest.param(ci(method="bootstrap"), [1, -math.inf], NAN, id="bootstrap with infinity"),
        pytest.param(ci(method="bootstrap"), [0.5] * 7, (0.5, 0.5), id="bootstrap of equals"),
    ],
)  # fmt: skip
def test_value(metric: Metric, values: list[Value], expected: tuple[float, float]) -> None:
    assert _ends(metric, scores_of(values)) == pytest.approx(expected, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "values", "topics", "expected"),
    [
        # Mean 2.5, clustered standard error 1 (see test_metrics), t(0.975, 1) = 12.706204736174704.
        pytest.param(ci(cluster="topic"), [1, 2, 3, 4], ["a", "a", "b", "b"],
                     (2.5 - 12.706204736174704, 2.5 + 12.706204736174704), id="two clusters"),
        # As before, of 0 and 1: mean 0.5, standard error 0.5.
        pytest.param(ci(cluster="topic"), [0, 0, 1, 1], ["a", "a", "b", "b"],
                     (0.5 - 12.706204736174704 / 2, 0.5 + 12.706204736174704 / 2),
                     id="no Wilson with clusters"),
        pytest.param(ci(cluster="topic"), [1, 2, 3, 4], [1, 2, 3, 4], (2.5 - _T, 2.5 + _T),
                     id="a cluster a sample"),
        pytest.param(ci(cluster="topic"), [1, 2], ["a", "a"], NAN, id="one cluster"),
        pytest.param(ci(cluster="topic"), [], [], NAN, id="nothing"),
        pytest.param(ci(method="bootstrap", cluster="topic"), [1, 2], ["a", "a"], NAN,
                     id="bootstrap of one cluster"),
        pytest.param(ci(method="bootstrap", cluster="topic"), [], [], NAN,
                     id="cluster bootstrap of nothing"),
        pytest.param(ci(method="bootstrap", cluster="topic"), [1e308, 1e308, 1], ["a", "a", "b"],
                     NAN, id="cluster bootstrap of a sum too large for a float"),
        pytest.param(ci(method="bootstrap", cluster="topic"), [math.inf, -math.inf, 1],
                     ["a", "a", "b"], NAN, id="cluster bootstrap with infinities"),
    ],
)  # fmt: skip
def test_clustered(
    metric: Metric, values: list[Value], topics: list[object], expected: tuple[float, float]
) -> None:
    ends = _ends(metric, scores_of(values, topics))

    assert ends == pytest.approx(expected, rel=EXACT, nan_ok=True)


@settings(max_examples=40)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40).filter(lambda v: max(v) - min(v) > 1),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_t_agrees_with_scipy(values: list[float], level: float) -> None:
    result = stats.ttest_1samp(values, 0).confidence_interval(level)

    ends = _ends(ci(level, "t"), scores_of(values))

    assert ends == pytest.approx((result.low, result.high), rel=EXACT, abs=EXACT * 1e4)


@settings(max_examples=40)
@given(st.integers(1, 200), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_agrees_with_scipy(n: int, data: st.DataObject, level: float) -> None:
    right = data.draw(st.integers(0, n))
    result = stats.binomtest(right, n).proportion_ci(level, method="wilson")

    ends = _ends(ci(level), scores_of(["C"] * right + ["I"] * (n - right)))

    assert ends == pytest.approx((result.low, result.high), abs=EXACT)
    assert 0 <= ends[0] <= ends[1] <= 1


@pytest.mark.parametrize("level", [1 - 2**-53, 2**-1000])
def test_levels_next_to_the_ends(level: float) -> None:
    for method in ("t", "wilson", "bootstrap"):
        lower, upper = _ends(ci(level, method, num_samples=10), scores_of([0, 1, 1]))

        assert math.isfinite(lower)
        assert lower <= upper < math.inf


def test_names_in_the_results() -> None:
    values = metric_values(ci(), scores_of(["P"] * 3))

    assert values == [("ci_lower", 0.5), ("ci_upper", 0.5)]


@pytest.mark.parametrize("value", [1.5, -0.25, math.inf])
def test_wilson_needs_shares(value: float) -> None:
    with pytest.raises(ValueError, match=rf"sample 1 has the value {value}, which is not between"):
        ci(method="wilson")(scores_of([1, value, 2]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"level": 95}, "level is 95, expected a number between 0 and 1", id="percent"),
        pytest.param({"level": 0}, "level is 0", id="level 0"),
        pytest.param({"level": 1.0}, "level is 1.0", id="level 1"),
        pytest.param({"level": math.nan}, "level is nan", id="level NaN"),
        pytest.param({"level": "0.95"}, "level is '0.95'", id="level text"),
        pytest.param({"method": "normal"},
                     "method is 'normal', expected one of auto, t, wilson, bootstrap", id="method"),
        pytest.param({"method": "wilson", "cluster": "topic"}, "cluster is 'topic', expected None",
                     id="clustered Wilson"),
    ],
)  # fmt: skip
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ci(**arguments)


def test_sample_is_named_by_its_id() -> None:
    odd = SampleScore(score=Score(value=7), sample_id="q-17")

    with pytest.raises(ValueError, match=r"sample 'q-17' has the value 7\.0"):
        ci(method="wilson")([odd])
