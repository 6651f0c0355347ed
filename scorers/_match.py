"""Scorers that look for the target in the output: match, includes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from string import punctuation, whitespace
from typing import Literal, TypeAlias, get_args

from scorers._numbers import (
    Number,
    find_numbers,
    first_number,
    last_number,
    same_number,
    whole_number,
)
from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import ParameterError
from tasks_lib.schema import CORRECT, INCORRECT, Score, Target
from tasks_lib.task import Scorer, TaskState

Location = Literal["begin", "end", "any", "exact"]
"""Where in the output the target has to be."""

_Find: TypeAlias = Callable[[str, str], bool]
_STRIPPED = punctuation + whitespace + "\u00a0“”‘’«»…¿¡。、！？，：；"  # noqa: RUF001 - meant

_FIND: dict[Location, _Find] = {
    "begin": str.startswith,
    "end": str.endswith,
    "exact": str.__eq__,
    "any": str.__contains__,
}


@scorer(metrics=[accuracy(), stderr()])
def match(location: Location = "end", *, ignore_case: bool = True, numeric: bool = False) -> Scorer:
    """Correct when one of the targets stands where it should in the output.

    Blanks and punctuation around output and target don't count. An empty target matches all
    but "exact".

    With `numeric`, a target that is a number is compared by value with the first number of
    the output ("begin"), the last ("end"), any of them, or the whole output ("exact"): signs,
    decimals, thousands separators, powers of ten, fractions, percent signs and currencies
    are understood, `15` is not `5`, and `3.140` is `3.14`. Whole numbers are compared
    exactly; others may differ by a relative 1e-12. A target that is no number is compared
    as text. An output without a number does not match one.

    Args:
        location: Where the target has to be.
        ignore_case: Whether upper and lower case are the same.
        numeric: Whether numbers are compared by value.
    """
    if location not in get_args(Location):
        expected = '"begin", "end", "any" or "exact"'
        raise ParameterError("match", "location", location, expected)
    find = _FIND[location]

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        text: str | None = None
        numbers: list[Number] | None = None
        for wanted in target:
            number = _target_number(wanted) if numeric else None
            if number is None:
                text = _normal(output, ignore_case) if text is None else text
                if find(text, _normal_target(wanted, ignore_case)):
                    return Score(value=CORRECT, answer=output.strip(), explanation=output)
                continue
            numbers = _numbers(output, location) if numbers is None else numbers
            hit = next((found for found in numbers if same_number(found, number)), None)
            if hit is not None:
                return Score(value=CORRECT, answer=hit.text, explanation=output)
        answer = numbers[-1].text if numbers else output.strip()
        return Score(value=INCORRECT, answer=answer, explanation=output)

    return score


@scorer(metrics=[accuracy(), stderr()])
def includes(ignore_case: bool = True) -> Scorer:
    """Correct when the output contains one of the targets; an empty one always matches.

    Args:
        ignore_case: Whether upper and lower case are the same.
    """

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        text = output.casefold() if ignore_case else output
        hit = any((wanted.casefold() if ignore_case else wanted) in text for wanted in target)
        return Score(value=CORRECT if hit else INCORRECT, answer=output, explanation=output)

    return score


def _numbers(output: str, location: Location) -> list[Number]:
    if location == "any":
        return list(find_numbers(output))
    read = {"begin": first_number, "end": last_number}.get(location)
    number = whole_number(output) if read is None else read(output)
    return [] if number is None else [number]


def _normal(text: str, ignore_case: bool) -> str:
    """Return `text` without blanks and punctuation around it, unless it is nothing else."""
    stripped = text.strip(_STRIPPED) or text.strip()
    return stripped.casefold() if ignore_case else stripped


# Targets come again with every epoch and model, outputs do not.
_normal_target = lru_cache(maxsize=4096)(_normal)
_target_number = lru_cache(maxsize=4096)(whole_number)
