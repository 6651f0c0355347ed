"""How often every sample is evaluated, and how its scores become one."""

from __future__ import annotations

from collections.abc import Sequence

from tasks_lib._errors import ParameterError
from tasks_lib.task._protocols import ScoreReducer, ScoreReducers


class Epochs:
    """A number of epochs with the reducers that make one score of a sample's epochs.

    Several reducers give one set of results each.
    """

    def __init__(self, epochs: int, reducer: ScoreReducers | None = None) -> None:
        """Evaluate every sample `epochs` times.

        Args:
            epochs: How often; at least 1.
            reducer: Names ("mean", "mode", "max" …) or functions; None: the mean.

        Raises:
            ParameterError: `epochs` is less than 1, or a reducer is neither name nor function.
        """
        if type(epochs) is not int or epochs < 1:
            raise ParameterError("Epochs", "epochs", epochs, "a number of epochs, 1 or more")
        self.epochs = epochs
        """How often every sample is evaluated."""
        self.reducer = as_reducers("Epochs", reducer)
        """Names and functions; names are looked up when the eval starts. None: the mean."""

    def __repr__(self) -> str:
        return f"Epochs({self.epochs}, {self.reducer!r})"


def as_reducers(function: str, reducer: ScoreReducers | None) -> list[str | ScoreReducer] | None:
    """Return one or more reducers as a list, None as None.

    Raises:
        ParameterError: One is neither name nor function, or there is none. Names `function`.
    """
    if reducer is None:
        return None
    several = isinstance(reducer, Sequence) and not isinstance(reducer, str)
    reducers: list[str | ScoreReducer] = [*reducer] if several else [reducer]  # type: ignore[misc, list-item]
    if not reducers or not all(isinstance(one, str) or callable(one) for one in reducers):
        raise ParameterError(function, "reducer", reducer, "names or functions of reducers")
    return reducers
