"""`multiple_choice`: asks the sample's question with its choices and notes what is chosen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import StrEnum
from random import Random

from solvers._choice_parse import parse_choices
from solvers._solver import solver
from tasks_lib._errors import DatasetError
from tasks_lib._util._template import check_template, read_template
from tasks_lib.task import Generate, Solver, TaskState


class MultipleChoiceTemplate(StrEnum):
    """The templates of `multiple_choice`.

    Their variables: `{question}`, `{choices}` (a line `A) text` each) and `{letters}`
    ("A,B,C").
    """

    SINGLE_ANSWER = """\
Which of the choices below answers the question? Exactly one of them is right. Reply with
nothing but a line of this form: 'ANSWER: $LETTER' (leave out the quotes), $LETTER being one
of {letters}.

{question}

{choices}
"""

    SINGLE_ANSWER_COT = """\
Which of the choices below answers the question? Exactly one of them is right. Work it out
one step at a time. Then close with a line of this form: 'ANSWER: $LETTER' (leave out the
quotes), $LETTER being one of {letters}.

{question}

{choices}
"""

    MULTIPLE_ANSWER = """\
Which of the choices below answer the question? One or more of them are right. Reply with
nothing but a line of this form: 'ANSWER: $LETTERS' (leave out the quotes), $LETTERS being
all that are right out of {letters}, with commas between them.

{question}

{choices}
"""

    MULTIPLE_ANSWER_COT = """\
Which of the choices below answer the question? One or more of them are right. Work it out
one step at a time. Then close with a line of this form: 'ANSWER: $LETTERS' (leave out the
quotes), $LETTERS being all that are right out of {letters}, with commas between them.

{question}

{choices}
"""


@solver
def multiple_choice(
    *,
    template: str | None = None,
    cot: bool = False,
    multiple_correct: bool = False,
    max_tokens: int | None = None,
    shuffle: bool | Random = False,
) -> Solver:
    """Ask the question with the sample's choices and note which of them the model chooses.

    Replaces the last user message, asks the model, and marks every choice as chosen or not;
    the scorer `choice` compares them with the target. When the answer names no choice, or
    several where one is right, or a limit ends it, none is chosen and the sample is incorrect.

    Args:
        template: Text, or path or URL of a file with it, with the variables `{question}`,
            `{choices}` and, if you like, `{letters}`. The answer is looked for after
            `ANSWER:`. By default a member of `MultipleChoiceTemplate`.
        cot: Whether the default template asks for reasoning first.
        multiple_correct: Whether several choices may be right.
        max_tokens: Tokens that the answer may have.
        shuffle: Deprecated: shuffle the choices of the dataset instead. True or a random
            generator shuffles them for the model; scores refer to the original order.

    Raises:
        ParameterError: The template lacks a variable or has another one.
        DatasetError: When it runs: the sample has no choices.
    """
    text = read_template(template) if template is not None else _default(cot, multiple_correct)
    check_template(
        "multiple_choice",
        text,
        required=("question", "choices"),
        allowed=("question", "choices", "letters"),
    )
    # An empty Random is falsy nowhere, but False and None mean no shuffling.
    rand = (shuffle if isinstance(shuffle, Random) else Random()) if shuffle else None
    if rand is not None:
        warnings.warn(
            "multiple_choice(shuffle=…) is deprecated: shuffle the choices of the dataset.",
            DeprecationWarning,
            stacklevel=3,
        )

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if not state.choices:
            raise DatasetError(
                f"multiple_choice needs choices, sample {state.sample_id!r} has none.",
                field="choices",
            )
        if rand is not None:
            state.choices.shuffle(rand)
        state.user_prompt.text = state.choices.prompt(state.user_prompt.text, text)
        # Before the answer: a limit may end the sample, and it was asked all the same.
        _mark(state, [])
        if max_tokens is None:
            state = await generate(state)
        else:
            state = await generate(state, max_tokens=max_tokens)
        completion = state.output.completion
        _mark(state, parse_choices(completion, len(state.choices), multiple=multiple_correct))
        return state

    return solve


def _default(cot: bool, multiple_correct: bool) -> str:
    if multiple_correct:
        template = MultipleChoiceTemplate.MULTIPLE_ANSWER
        return MultipleChoiceTemplate.MULTIPLE_ANSWER_COT if cot else template
    return MultipleChoiceTemplate.SINGLE_ANSWER_COT if cot else MultipleChoiceTemplate.SINGLE_ANSWER


def _mark(state: TaskState, chosen: Sequence[int]) -> None:
    for index in range(len(state.choices)):
        state.choices.mark_choice(index, index in chosen)
