"""Numbers of scores, and the sums that all metrics are made of.

Values are kept as a compact array: a metric reads the scores once, in order, and a million
samples cost it 8 MB.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tasks_lib._errors import ParameterError
from tasks_lib.schema import SampleScore, ValueToFloat

if TYPE_CHECKING:  # Generic for type checkers only, until Python 3.12.
    Values = array[float]
else:
    Values = array


def check_to_float(metric: str, to_float: ValueToFloat) -> None:
    """Raise ParameterError unless `to_float` is a function, as `value_to_float()` returns."""
    if not callable(to_float):
        raise ParameterError(metric, "to_float", to_float, "a function, as of value_to_float()")


def check_count(metric: str, name: str, value: int, least: int) -> None:
    """Raise ParameterError unless `value` is an int of `least` or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ParameterError(metric, name, value, f"a whole number, {least} or more")


def values_of(scores: Sequence[SampleScore], to_float: ValueToFloat) -> Values:
    """Return the number of every score, in order."""
    return array("d", (to_float(item.score.value) for item in scores))


def mean_of(values: Sequence[float]) -> float:
    """Return the mean, exactly summed; NaN if there are no values or both infinities."""
    if not values:
        return math.nan
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # The sum is too large for a float, the mean is not.
        return math.fsum(value / len(values) for value in values)
    except ValueError:  # inf - inf
        return math.nan


def variance_of(values: Sequence[float]) -> float:
    """Return the unbiased variance, exactly summed.

    0 for a single value and for none; NaN if a value is NaN or infinite; infinite if it is too
    large for a float.
    """
    if not values:
        return 0.0
    centre = mean_of(values)
    try:
        # Not `** 2`, which raises where the product is infinite.
        squares = math.fsum((value - centre) * (value - centre) for value in values)
    except OverflowError:
        return math.inf
    return squares / max(len(values) - 1, 1)


def clusters_of(
    metric: str, scores: Sequence[SampleScore], to_float: ValueToFloat, key: str
) -> list[Values]:
    """Return the numbers of the scores of each cluster, in the order of their first samples.

    Args:
        metric: Name of the metric that needs them, for the error.
        scores: The scores.
        to_float: Makes a number of a score's value.
        key: Key of the sample metadata that names a sample's cluster.

    Raises:
        ValueError: A sample's metadata lacks the key, or has None or NaN there.
    """
    clusters: dict[object, Values] = {}
    for item in scores:
        name = _cluster_name(metric, item, key)
        clusters.setdefault(name, array("d")).append(to_float(item.score.value))
    return list(clusters.values())


def joined(clusters: Sequence[Values]) -> Values:
    """Return the values of all clusters in one array."""
    values: Values = array("d")
    for cluster in clusters:
        values.extend(cluster)
    return values


def clustered_stderr(clusters: Sequence[Values]) -> float:
    """Return the standard error of the mean of clustered values; NaN for less than two clusters.

    √( C/(C-1) · Σ_c Σ_{i,j in c} (x_i - x̄)(x_j - x̄) ) / n; see `stderr` for the source.
    """
    count = len(clusters)
    if count < 2:
        return math.nan
    values = joined(clusters)
    centre = mean_of(values)
    # The inner double sum is the square of the cluster's summed deviations.
    sums = [_deviation(cluster, centre) for cluster in clusters]
    return math.sqrt(_sum_of_squares(sums) * count / (count - 1)) / len(values)


def _deviation(values: Sequence[float], centre: float) -> float:
    try:
        return math.fsum(value - centre for value in values)
    except OverflowError:
        return math.inf


def _sum_of_squares(values: Sequence[float]) -> float:
    try:
        return math.fsum(value * value for value in values)
    except OverflowError:
        return math.inf


def _cluster_name(metric: str, item: SampleScore, key: str) -> object:
    name = (item.sample_metadata or {}).get(key)
    # NaN is how tables write a missing value; unlike itself, it would be a cluster a sample.
    if name is None or (isinstance(name, float) and math.isnan(name)):
        raise ValueError(
            f"{metric}(cluster={key!r}): sample {item.sample_id!r} has no {key!r} in its "
            "metadata. Give every sample one, or leave `cluster` out."
        )
    return _hashable(name)


_FROZEN: dict[type, Callable[..., object]] = {
    list: lambda items: tuple(map(_hashable, items)),
    tuple: lambda items: tuple(map(_hashable, items)),
    set: lambda items: frozenset(map(_hashable, items)),
    dict: lambda items: frozenset((key, _hashable(item)) for key, item in items.items()),
}


def _hashable(value: object) -> object:
    """Return what stands for `value`, a list or dict perhaps, as the key of a dict."""
    freeze = _FROZEN.get(type(value))
    return value if freeze is None else freeze(value)
