"""Metrics of the centre: accuracy, mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scorers._scorer import metric
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric


@metric
def accuracy(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the share of correct answers: (1/n) · Σ x_i; NaN when nothing was scored.

    Source: relative frequency, the mean of n Bernoulli variables when every x_i is 0 or 1.

    Args:
        to_float: Makes x_i of a score's value: correct 1, partly correct 0.5, incorrect and
            no answer 0, a number itself.
    """

    def compute(scores: list[SampleScore]) -> float:
        return mean_of([to_float(item.score.value) for item in scores])

    return compute


@metric
def mean() -> Metric:
    """Compute the mean of the scores: (1/n) · Σ x_i; NaN when nothing was scored.

    Correct and incorrect count as in `accuracy`, so that a reducer which keeps them
    (`mode`, `max`) can be combined with it.
    """
    to_float = value_to_float()

    def compute(scores: list[SampleScore]) -> float:
        return mean_of([to_float(item.score.value) for item in scores])

    return compute


def mean_of(values: Sequence[float]) -> float:
    """Return the mean, exactly summed; NaN if there are no values."""
    return math.fsum(values) / len(values) if values else math.nan
