"""What a scorer says about a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from tasks_lib.schema._record import Record
from tasks_lib.schema._sample import metadata_as

M = TypeVar("M", bound=BaseModel)

CORRECT = "C"
"""Value of a right answer."""
INCORRECT = "I"
"""Value of a wrong answer."""
PARTIAL = "P"
"""Value of an answer that is partly right."""
NOANSWER = "N"
"""Value of a missing or refused answer."""

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | Sequence[Scalar] | Mapping[str, Scalar | None]
"""A verdict: one value, a list of values, or a value per name."""


class Score(Record):
    """A scorer's verdict on a sample."""

    value: str | int | float | bool | list[Scalar] | dict[str, Scalar | None]
    """The verdict."""
    answer: str | None = None
    """The answer that was found in the output."""
    explanation: str | None = None
    """Why the verdict is what it is."""
    metadata: dict[str, Any] | None = None

    @classmethod
    def unscored(
        cls,
        answer: str | None = None,
        explanation: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Score:
        """Return the score of a sample that could not be judged; its value is NaN.

        It is kept with the sample, counted as unscored, and no metric includes it.
        """
        return cls(value=math.nan, answer=answer, explanation=explanation, metadata=metadata)

    @property
    def is_unscored(self) -> bool:
        """Whether nothing was judged: the value is NaN, or holds nothing but NaN (and None)."""
        if isinstance(self.value, list | dict):
            items = [*self.value.values()] if isinstance(self.value, dict) else self.value
            return bool(items) and all(item is None or is_nan(item) for item in items)
        return is_nan(self.value)

    @property
    def text(self) -> str:
        """The value as text; see `as_str`."""
        return self.as_str()

    def as_str(self) -> str:
        """Return the value as text. Raises ValueError for a list or dict."""
        return str(self._scalar())

    def as_int(self) -> int:
        """Return the value as an int. Raises ValueError for a list, dict or other text."""
        return int(self._scalar())

    def as_float(self) -> float:
        """Return the value as a float. Raises ValueError for a list, dict or other text."""
        return float(self._scalar())

    def as_bool(self) -> bool:
        """Return the truth of the value. Raises ValueError for a list or dict."""
        return bool(self._scalar())

    def as_list(self) -> list[Scalar]:
        """Return the value, a list. Raises ValueError if it is none."""
        if isinstance(self.value, list):
            return self.value
        raise ValueError(f"The score's value {self.value!r} is not a list.")

    def as_dict(self) -> dict[str, Scalar | None]:
        """Return the value, a dict. Raises ValueError if it is none."""
        if isinstance(self.value, dict):
            return self.value
        raise ValueError(f"The score's value {self.value!r} is not a dict.")

    def _scalar(self) -> Scalar:
        if isinstance(self.value, list | dict):
            raise ValueError(f"The score's value {self.value!r} is not a single value.")
        return self.value


class SampleScore(BaseModel):
    """A score with the sample that it belongs to: what metrics get."""

    score: Score
    sample_id: str | int | None = None
    sample_metadata: dict[str, Any] | None = None
    scorer: str | None = None
    """Registered name of the scorer."""

    def as_float(self) -> float:
        """Return the score's value as a float; see `Score.as_float`."""
        return self.score.as_float()

    def sample_metadata_as(self, metadata_cls: type[M]) -> M | None:
        """Return the sample's metadata as a frozen pydantic model, None if there is none."""
        if self.sample_metadata is None:
            return None
        return metadata_as(self.sample_metadata, metadata_cls)


ValueToFloat: TypeAlias = Callable[[Value], float]
"""Makes a number of a verdict."""


def value_to_float(
    correct: Value = CORRECT,
    incorrect: Value = INCORRECT,
    partial: Value = PARTIAL,
    noanswer: Value = NOANSWER,
) -> ValueToFloat:
    """Return a function that makes a number of a verdict.

    Numbers and bools are their own value; `correct` is 1, `partial` 0.5, `incorrect` and
    `noanswer` 0, in any case of letters; "yes" and "true" are 1, "no" and "false" 0; text
    that is a number is that number. Anything else is NaN: a value that nobody understands
    must not pass for a wrong answer.
    """
    named: dict[object, float] = {"no": 0.0, "false": 0.0, "yes": 1.0, "true": 1.0}
    for value, number in ((noanswer, 0.0), (incorrect, 0.0), (partial, 0.5), (correct, 1.0)):
        if isinstance(value, str):
            named[value.casefold()] = number
        elif isinstance(value, int | float):
            named[value] = number

    def to_float(value: Value) -> float:
        if isinstance(value, str):
            known = named.get(value.casefold())
            return _number(value) if known is None else known
        if isinstance(value, int | float):
            return named.get(value, float(value))
        return math.nan

    return cast(ValueToFloat, to_float)


def is_nan(value: object) -> bool:
    """Tell whether a value is NaN; what is no float is not."""
    return isinstance(value, float) and math.isnan(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
