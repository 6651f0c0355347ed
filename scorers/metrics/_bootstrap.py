"""The bootstrap: what the mean would have been on other samples like these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scorers._scorer import metric
from scorers.metrics._values import Values, check_count, check_to_float, values_of, variance_of
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_CELLS = 1 << 22
"""Random numbers that are held at a time: 32 MB of them."""

_DRAWS_PER_COUNT = 10
"""How many draws of a position cost as much as one draw of a count."""


@metric
def bootstrap_stderr(
    num_samples: int = 1000,
    to_float: ValueToFloat = value_to_float(),  # noqa: B008 - pure
    seed: int = 0,
) -> Metric:
    """Estimate the standard error of the mean by resampling.

    √( Σ_b (m_b - m̄)² / (B - 1) ), where m_b is the mean of the b-th of B resamples: n values
    drawn with replacement from the n there are, each sample on its own.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), algorithm 6.1.
    The same scores and seed give the same number. The reference system is not seeded, and
    divides by B.

    As `stderr`: 0 for a single sample and for none, NaN if a value is NaN or infinite.

    Args:
        num_samples: B, the number of resamples, 2 or more.
        to_float: Makes a number of a score's value.
        seed: Where the random numbers start, 0 or more.

    Raises:
        ParameterError: An argument is out of range.
    """
    check_count("bootstrap_stderr", "num_samples", num_samples, 2)
    check_count("bootstrap_stderr", "seed", seed, 0)
    check_to_float("bootstrap_stderr", to_float)

    def compute(scores: Sequence[SampleScore]) -> float:
        values = values_of(scores, to_float)
        if len(values) < 2:
            return variance_of(values)
        means = resampled_means([values], num_samples, seed, by_cluster=False)
        return math.nan if means is None else float(means.std(ddof=1))

    return compute


def resampled_means(
    clusters: Sequence[Values], num_samples: int, seed: int, *, by_cluster: bool
) -> Floats | None:
    """Return the means of resamples; None if a value is NaN, infinite or close to it.

    Args:
        clusters: The values, in clusters.
        num_samples: Number of resamples.
        seed: Where the random numbers start.
        by_cluster: Whether whole clusters are drawn, as many as there are, or values.
    """
    import numpy as np

    arrays = [np.frombuffer(cluster) for cluster in clusters]
    with np.errstate(over="ignore", invalid="ignore"):
        if by_cluster:
            sums = np.array([cluster.sum() for cluster in arrays])
            sizes = np.array([float(len(cluster)) for cluster in arrays])
        else:
            sums = np.concatenate(arrays)
            sizes = np.ones(len(sums))
        if not np.isfinite(np.abs(sums).sum()):
            return None
    return _means_of_draws(sums, sizes, num_samples, np.random.default_rng(seed))


def _means_of_draws(
    sums: Floats, sizes: Floats, num_samples: int, rng: np.random.Generator
) -> Floats:
    """Return Σ sums / Σ sizes of units drawn with replacement, as many as there are."""
    import numpy as np

    drawn = len(sums)
    # Complex numbers make one sortable value of a sum and its size.
    distinct, counts = np.unique(sums + 1j * sizes, return_counts=True)
    is_even = bool((sizes == sizes[0]).all())
    by_count = len(distinct) * _DRAWS_PER_COUNT <= drawn
    rows = max(_CELLS // (len(distinct) if by_count else drawn), 1)
    means = np.empty(num_samples)
    for start in range(0, num_samples, rows):
        part = means[start : start + rows]
        if by_count:
            # How often each distinct unit turns up among the draws is multinomial. Scores have
            # few different values, so this is the same draw for a thousandth of the time.
            often = rng.multinomial(drawn, counts / drawn, size=len(part))
            part[:] = (often @ distinct.real) / (often @ distinct.imag)
        else:
            positions = rng.integers(0, drawn, size=(len(part), drawn))
            total = sums[positions].sum(axis=1)
            part[:] = total / (drawn * sizes[0] if is_even else sizes[positions].sum(axis=1))
    return means
