"""`choice`: compares the choices that a model made with the target."""

from __future__ import annotations

import re
from functools import lru_cache

from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import DatasetError, PrerequisiteError
from tasks_lib.context import current_sample
from tasks_lib.schema import (
    CORRECT,
    INCORRECT,
    Choices,
    SampleLimitEvent,
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

    Goes with the solver `multiple_choice`, or another one that marks each choice as chosen
    or not. The target is a letter ("B"), or several as a list or in one text (["A", "C"],
    "AC", "A, C"); choices beyond the 26th are called 1, 2, … Positions are those of the
    sample, also when the choices were shuffled for the model.

    A sample that ended before the model was asked, because of a limit or without any output,
    is incorrect.

    Raises:
        DatasetError: When it scores: the sample has no choices, or the target names none of
            them.
        PrerequisiteError: When it scores: there is an output, but nothing marked any choice.
    """

    async def score(state: TaskState, target: Target) -> Score:
        choices = state.choices
        if not choices:
            raise _bad_sample(
                state, "choices", "choice() needs choices, the sample has none; see multiple_choice"
            )
        try:
            right = _target_positions(tuple(target), len(choices))
        except ValueError as error:
            raise _bad_sample(state, "target", str(error)) from error
        output = state.output.completion
        _check_asked(state, output)
        chosen = tuple(sorted(item.original_position for item in choices if item.correct))
        return Score(
            value=CORRECT if chosen == right else INCORRECT,
            answer=", ".join(map(choice_label, chosen)),
            explanation=_explanation(output, choices),
        )

    return score


def _bad_sample(state: TaskState, field: str, problem: str) -> DatasetError:
    return DatasetError(problem, location=f"sample {state.sample_id!r}", field=field)


def _check_asked(state: TaskState, output: str) -> None:
    """Raise PrerequisiteError if nobody asked the model to choose and nothing kept it from it."""
    if not output or any(item.correct is not None for item in state.choices):
        return
    sample = current_sample()
    if sample and any(isinstance(event, SampleLimitEvent) for event in sample.transcript.events):
        return
    raise PrerequisiteError(
        f"choice(): sample {state.sample_id!r} has an output, but none of its choices is marked "
        "as chosen or not: nobody asked the model to choose. Add multiple_choice() to the "
        "solvers, or let yours call state.choices.mark_choice for each choice. If these are "
        "samples of a log, it does not say what was chosen: evaluate them again."
    )


# Targets come again with every epoch and model.
@lru_cache(maxsize=4096)
def _target_positions(target: tuple[str, ...], count: int) -> tuple[int, ...]:
    """Return the positions that `target` names, ascending.

    Raises:
        ValueError: It names none, or one that is not among the `count` choices.
    """
    positions = {position for text in target for position in _positions(text, count)}
    if not positions:
        raise ValueError("the target is empty, it has to name a choice")
    return tuple(sorted(positions))


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


def _unknown_choice(text: str, count: int) -> ValueError:
    last = choice_label(count - 1)
    labels = f"A to {last}" if count <= 26 else f"A to Z or 1 to {last}"
    return ValueError(f"{text!r} is not among the {count} choices, expected {labels}")


def _explanation(completion: str, choices: Choices) -> str:
    if all(item.original_position == index for index, item in enumerate(choices)):
        return completion
    shown = "\n".join(f"{choice_label(i)}) {item.value}" for i, item in enumerate(choices))
    return f"The model saw the choices in this order:\n{shown}\n\n{completion}"
