"""`choice`: compares the choices that a model made with the target."""

from __future__ import annotations

import re

from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import DatasetError
from tasks_lib.schema import (
    CORRECT,
    INCORRECT,
    Choice,
    Score,
    Target,
    choice_index,
    choice_label,
)
from tasks_lib.task import Scorer, TaskState

_LABELS = re.compile(r"[A-Za-z]|\d+")
_NOT_LABELS = re.compile(r"[^\sA-Za-z\d,;/&+]|[A-Za-z]\d|\d[A-Za-z]")


@scorer(metrics=[accuracy(), stderr()])
def choice() -> Scorer:
    """Correct when exactly the target's choices were chosen, no more and no fewer.

    Goes with the solver `multiple_choice`. The target is a letter ("B"), or several as a
    list or in one text (["A", "C"], "AC", "A, C"); choices beyond the 26th are called 1, 2,
    … Positions are those of the sample, also when the choices were shuffled for the model.

    Raises:
        DatasetError: When it scores: the sample has no choices, or the target names none of
            them.
    """

    async def score(state: TaskState, target: Target) -> Score:
        choices = state.choices
        if not choices:
            raise DatasetError(
                f"choice() needs choices and the solver multiple_choice(), sample "
                f"{state.sample_id!r} has no choices.",
                field="choices",
            )
        right = _target_positions(target, len(choices))
        chosen = sorted(item.original_position for item in choices if item.correct)
        return Score(
            value=CORRECT if chosen == right else INCORRECT,
            answer=", ".join(map(choice_label, chosen)),
            explanation=_explanation(state.output.completion, list(choices)),
        )

    return score


def _target_positions(target: Target, count: int) -> list[int]:
    """Return the positions that `target` names, ascending."""
    positions = {position for text in target for position in _positions(text, count)}
    if not positions:
        raise DatasetError("the target is empty, it has to name a choice", field="target")
    return sorted(positions)


def _positions(text: str, count: int) -> list[int]:
    if _NOT_LABELS.search(text):
        raise _unknown_choice(text, count)
    positions: list[int] = []
    for label in _LABELS.findall(text.replace(" and ", " ")):
        position = choice_index(label) if len(label) < 9 and label != "0" else count
        if position >= count:
            raise _unknown_choice(text, count)
        positions.append(position)
    return positions


def _unknown_choice(text: str, count: int) -> DatasetError:
    last = choice_label(count - 1)
    return DatasetError(
        f"{text!r} is not among the {count} choices, expected letters from A to {last}"
        if count <= 26
        else f"{text!r} is not among the {count} choices, expected A to Z or 1 to {last}",
        field="target",
    )


def _explanation(completion: str, choices: list[Choice]) -> str:
    if all(item.original_position == index for index, item in enumerate(choices)):
        return completion
    shown = "\n".join(f"{choice_label(i)}) {item.value}" for i, item in enumerate(choices))
    return f"The model saw the choices in this order:\n{shown}\n\n{completion}"
