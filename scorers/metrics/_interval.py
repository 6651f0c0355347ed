"""Confidence intervals of the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple, get_args

from scorers._scorer import metric
from scorers.metrics._bootstrap import resampled_means
from scorers.metrics._values import (
    Values,
    check_count,
    check_to_float,
    clustered_stderr,
    clusters_of,
    joined,
    mean_of,
    values_of,
    variance_of,
)
from tasks_lib._errors import ParameterError
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric

CIMethod = Literal["auto", "t", "wilson", "bootstrap"]
"""How `ci` computes its interval."""


class Interval(NamedTuple):
    """The two ends of an interval; both NaN when the scores say nothing about it."""

    lower: float
    upper: float


_UNKNOWN = Interval(math.nan, math.nan)


@metric
def ci(
    level: float = 0.95,
    method: CIMethod = "auto",
    num_samples: int = 1000,
    to_float: ValueToFloat = value_to_float(),  # noqa: B008 - pure
    cluster: str | None = None,
    seed: int = 0,
) -> Metric:
    """Compute a two-sided confidence interval of the mean: `ci_lower` and `ci_upper`.

    Methods, with x̄ the mean of n values, p = (1 - level)/2 and se the standard error as
    `stderr` computes it:

    - "t": x̄ ± t · se, t being the quantile 1 - p of Student's distribution with n - 1
      degrees of freedom; with clusters C - 1. Source: Student (W. Gosset), "The Probable Error
      of a Mean", Biometrika 6 (1908); clusters: C. Cameron, D. Miller, "A Practitioner's Guide
      to Cluster-Robust Inference" (2015), section VI. The interval may leave the range of
      possible scores, and has no width when all scores are the same.
    - "wilson", for shares: ( x̄ + z²/2n ± z · √( x̄(1-x̄)/n + z²/4n² ) ) / ( 1 + z²/n ), z being
      the quantile 1 - p of the normal distribution. Source: E. Wilson, "Probable Inference,
      the Law of Succession, and Statistical Inference", JASA 22 (1927). It stays within 0 and
      1, and has a width also when all answers are right. Values between 0 and 1 (partial
      credit, means of epochs) make it rather too wide than too narrow: no variable within 0
      and 1 has a larger variance than x̄(1-x̄).
    - "bootstrap": the quantiles p and 1 - p (interpolated linearly) of the means of
      resamples: of n values drawn with replacement or, with clusters, of C whole clusters.
      Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13;
      clusters: C. Cameron, J. Gelbach, D. Miller, "Bootstrap-Based Improvements for Inference
      with Clustered Errors" (2008). The same scores and seed give the same numbers.
    - "auto": "wilson" when every value is 0 or 1 and there are no clusters, otherwise "t".

    Both ends are NaN without scores; by "t" and "bootstrap" also with a single score or a single
    cluster; and when a value is NaN or, by "t" and "bootstrap", infinite.

    Args:
        level: Share of such intervals that hold the true mean, between 0 and 1.
        method: How it is computed.
        num_samples: Number of resamples, 2 or more; for "bootstrap" only.
        to_float: Makes a number of a score's value.
        cluster: Key of the sample metadata that names a sample's cluster; see `stderr`. Not
            for "wilson", which takes samples as independent of each other.
        seed: Where the random numbers of "bootstrap" start, 0 or more.

    Raises:
        ParameterError: An argument is out of range, or `cluster` is given with "wilson".
        ValueError: When it is computed: a sample has no cluster, or by "wilson" a value that is
            not between 0 and 1.
    """
    _check(level, method, cluster)
    check_count("ci", "num_samples", num_samples, 2)
    check_count("ci", "seed", seed, 0)
    check_to_float("ci", to_float)

    def interval(scores: Sequence[SampleScore]) -> Interval:
        if cluster is not None:
            clusters = clusters_of("ci", scores, to_float, cluster)
            if method == "bootstrap":
                return _bootstrap(clusters, level, num_samples, seed, by_cluster=True)
            return _student(mean_of(joined(clusters)), clustered_stderr(clusters),
                            len(clusters), level)  # fmt: skip
        values = values_of(scores, to_float)
        if method == "bootstrap":
            return _bootstrap([values], level, num_samples, seed, by_cluster=False)
        if method == "wilson":
            _check_shares(scores, values)
        if method == "wilson" or (method == "auto" and _are_binary(values)):
            return _wilson(values, level)
        n = len(values)
        return _student(mean_of(values), math.sqrt(variance_of(values) / max(n, 1)), n, level)

    def compute(scores: Sequence[SampleScore]) -> dict[str, float]:
        lower, upper = interval(scores)
        return {"ci_lower": lower, "ci_upper": upper}

    return compute


def _check(level: float, method: str, cluster: str | None) -> None:
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise ParameterError("ci", "level", level, "a number between 0 and 1, such as 0.95")
    if method not in get_args(CIMethod):
        raise ParameterError("ci", "method", method, f"one of {', '.join(get_args(CIMethod))}")
    if method == "wilson" and cluster is not None:
        raise ParameterError("ci", "cluster", cluster, "None with method='wilson'; take 't'")


def _student(centre: float, error: float, count: int, level: float) -> Interval:
    if count < 2:
        return _UNKNOWN
    from scipy.special import stdtrit

    # Of the lower tail: 1 - level/2 would lose digits for levels next to 1.
    half = -float(stdtrit(count - 1, (1 - level) / 2)) * error
    return Interval(centre - half, centre + half)


def _wilson(values: Values, level: float) -> Interval:
    n = len(values)
    share = mean_of(values)
    if math.isnan(share):
        return _UNKNOWN
    z = -NormalDist().inv_cdf((1 - level) / 2)
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding may carry an end that is 0 or 1 a hair beyond it.
    return Interval(max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0))


def _bootstrap(
    clusters: Sequence[Values], level: float, num_samples: int, seed: int, *, by_cluster: bool
) -> Interval:
    units = len(clusters) if by_cluster else sum(map(len, clusters))
    means = (
        resampled_means(clusters, num_samples, seed, by_cluster=by_cluster) if units > 1 else None
    )
    if means is None:
        return _UNKNOWN
    import numpy as np

    tail = (1 - level) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail])
    return Interval(float(lower), float(upper))


def _are_binary(values: Values) -> bool:
    return all(value in (0.0, 1.0) for value in values)


def _check_shares(scores: Sequence[SampleScore], values: Values) -> None:
    for position, value in enumerate(values):
        if value < 0 or value > 1:
            item = scores[position]
            raise ValueError(
                f"ci(method='wilson'): sample {item.sample_id!r} has the value {value!r}, which is "
                "not between 0 and 1. Take method='t' or 'bootstrap' for scores that are no shares."
            )
