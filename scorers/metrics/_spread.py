"""Metrics of the spread: stderr, std, var."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scorers._scorer import metric
from scorers.metrics._values import (
    check_to_float,
    clustered_stderr,
    clusters_of,
    values_of,
    variance_of,
)
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric


@metric
def stderr(
    to_float: ValueToFloat = value_to_float(),  # noqa: B008 - pure
    cluster: str | None = None,
) -> Metric:
    """Estimate the standard error of the mean.

    Without clusters: s / √n with s² = Σ (x_i - x̄)² / (n - 1) (central limit theorem, with
    Bessel's correction). It assumes that samples are independent of each other. By the
    convention of the reference system a single sample has the standard error 0, and so have
    none; `ci` says NaN there.

    With clusters c (groups of related samples, such as questions on the same text):
    √( C/(C-1) · Σ_c Σ_{i,j in c} (x_i - x̄)(x_j - x̄) ) / n, C being the number of clusters.
    With one sample per cluster this is the formula above. One cluster says nothing about
    the spread between clusters: NaN. The reference divides by zero.

    Source: E. Miller, "Adding Error Bars to Evals" (2024), arXiv:2411.00640, sections 2.1 and
    2.2; the factor C/(C-1) is the usual correction for few clusters (C. Cameron, D. Miller,
    "A Practitioner's Guide to Cluster-Robust Inference", 2015).

    NaN or an infinity among the values makes it NaN.

    Args:
        to_float: Makes x_i of a score's value.
        cluster: Key of the sample metadata that names a sample's cluster. Lists and dicts
            name one as well as text and numbers do.

    Raises:
        ValueError: When it is computed: a sample's metadata lacks the key, or has None or NaN
            there.
    """
    check_to_float("stderr", to_float)

    def compute(scores: Sequence[SampleScore]) -> float:
        if cluster is not None:
            return clustered_stderr(clusters_of("stderr", scores, to_float, cluster))
        values = values_of(scores, to_float)
        return math.sqrt(variance_of(values) / max(len(values), 1))

    return compute


@metric
def std(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the standard deviation: √( Σ (x_i - x̄)² / (n - 1) ).

    Source: sample standard deviation with Bessel's correction. By the convention of the
    reference system it is 0 for a single sample and for none. NaN or an infinity among the
    values makes it NaN.

    Args:
        to_float: Makes x_i of a score's value.
    """
    check_to_float("std", to_float)

    def compute(scores: Sequence[SampleScore]) -> float:
        return math.sqrt(variance_of(values_of(scores, to_float)))

    return compute


@metric
def var(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the variance: Σ (x_i - x̄)² / (n - 1).

    Source: unbiased sample variance (Bessel's correction). By the convention of the reference
    system it is 0 for a single sample and for none. NaN or an infinity among the values makes
    it NaN.

    Args:
        to_float: Makes x_i of a score's value.
    """
    check_to_float("var", to_float)

    def compute(scores: Sequence[SampleScore]) -> float:
        return variance_of(values_of(scores, to_float))

    return compute
