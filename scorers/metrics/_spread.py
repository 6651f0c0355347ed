"""Metrics of the spread: stderr, std, var."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from scorers._scorer import metric
from scorers.metrics._central import mean_of
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric


@metric
def stderr(
    to_float: ValueToFloat = value_to_float(),  # noqa: B008 - pure
    cluster: str | None = None,
) -> Metric:
    """Estimate the standard error of the mean; 0 for fewer than two samples.

    Without clusters: s / √n with s² = Σ (x_i - x̄)² / (n - 1) (central limit theorem, with
    Bessel's correction). It assumes that samples are independent of each other.

    With clusters c (groups of related samples, such as questions on the same text):
    √( C/(C-1) · Σ_c Σ_{i,j in c} (x_i - x̄)(x_j - x̄) ) / n, C being the number of clusters.
    With one sample per cluster this is the formula above. One cluster says nothing about
    the spread between clusters: NaN.

    Source: E. Miller, "Adding Error Bars to Evals" (2024), arXiv:2411.00640, sections 2.1 and
    2.2; the factor C/(C-1) is the usual correction for few clusters (C. Cameron, D. Miller,
    "A Practitioner's Guide to Cluster-Robust Inference", 2015).

    Args:
        to_float: Makes x_i of a score's value.
        cluster: Key of the sample metadata that names a sample's cluster.

    Raises:
        ValueError: When it is computed: a sample's metadata lacks the key.
    """

    def compute(scores: list[SampleScore]) -> float:
        values = [to_float(item.score.value) for item in scores]
        if len(values) < 2:
            return 0.0
        if cluster is None:
            return math.sqrt(variance_of(values) / len(values))
        return _clustered_stderr(values, [_cluster_of(item, cluster) for item in scores])

    return compute


@metric
def std(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the standard deviation: √( Σ (x_i - x̄)² / (n - 1) ); 0 for fewer than two.

    Source: sample standard deviation with Bessel's correction.

    Args:
        to_float: Makes x_i of a score's value.
    """

    def compute(scores: list[SampleScore]) -> float:
        return math.sqrt(variance_of([to_float(item.score.value) for item in scores]))

    return compute


@metric
def var(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the variance: Σ (x_i - x̄)² / (n - 1); 0 for fewer than two.

    Source: unbiased sample variance (Bessel's correction).

    Args:
        to_float: Makes x_i of a score's value.
    """

    def compute(scores: list[SampleScore]) -> float:
        return variance_of([to_float(item.score.value) for item in scores])

    return compute


def variance_of(values: Sequence[float]) -> float:
    """Return the unbiased variance, exactly summed; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    centre = mean_of(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def _clustered_stderr(values: Sequence[float], clusters: Sequence[object]) -> float:
    # Σ_{i,j in c} (x_i - x̄)(x_j - x̄) is the square of the cluster's summed deviations.
    centre = mean_of(values)
    deviations: defaultdict[object, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        deviations[cluster].append(value - centre)
    count = len(deviations)
    if count < 2:
        return math.nan
    total = math.fsum(math.fsum(group) ** 2 for group in deviations.values())
    return math.sqrt(total * count / (count - 1)) / len(values)


def _cluster_of(item: SampleScore, key: str) -> object:
    metadata = item.sample_metadata or {}
    if key not in metadata:
        raise ValueError(
            f"stderr(cluster={key!r}): sample {item.sample_id!r} has no {key!r} in its metadata."
        )
    value = metadata[key]
    # A list or dict can name a cluster too; its text is as unique as it is.
    return repr(value) if isinstance(value, list | dict | set) else value
