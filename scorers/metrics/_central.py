"""Metrics of the centre: accuracy, mean."""

from __future__ import annotations

from collections.abc import Sequence

from scorers._scorer import metric
from scorers.metrics._values import check_to_float, mean_of, values_of
from tasks_lib.schema import SampleScore, ValueToFloat, value_to_float
from tasks_lib.task import Metric


@metric
def accuracy(to_float: ValueToFloat = value_to_float()) -> Metric:  # noqa: B008 - pure
    """Compute the share of correct answers: (1/n) · Σ x_i; NaN when nothing was scored.

    Source: relative frequency, the mean of n Bernoulli variables when every x_i is 0 or 1.
    A value that `to_float` makes NaN of, such as text that is no verdict, makes it NaN.

    Args:
        to_float: Makes x_i of a score's value: correct 1, partly correct 0.5, incorrect and
            no answer 0, a number itself.
    """
    check_to_float("accuracy", to_float)

    def compute(scores: Sequence[SampleScore]) -> float:
        return mean_of(values_of(scores, to_float))

    return compute


@metric
def mean() -> Metric:
    """Compute the mean of the scores: (1/n) · Σ x_i; NaN when nothing was scored.

    Source: arithmetic mean. Correct and incorrect count as in `accuracy`, so that a reducer
    which keeps them (`mode`, `max`) can be combined with it. NaN among the values makes it
    NaN, an infinity infinite, both infinities NaN.
    """
    to_float = value_to_float()

    def compute(scores: Sequence[SampleScore]) -> float:
        return mean_of(values_of(scores, to_float))

    return compute
