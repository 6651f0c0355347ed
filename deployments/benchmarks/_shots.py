"""Solved questions that a model is shown before its own (few-shot prompting).

They are made up for these files, so no row of a benchmark is given away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from solvers import Choices, Generate, Solver, TaskState, solver
from tasks_lib._errors import ParameterError
from tasks_lib.schema import ChatMessage, ChatMessageAssistant, ChatMessageUser


class Shot(NamedTuple):
    """A question as the model is asked it, and the reply that it should give."""

    prompt: str
    reply: str


def choice_shot(template: str, question: str, choices: Sequence[str], letter: str) -> Shot:
    """Return a shot that asks as `multiple_choice` does with `template`."""
    return Shot(Choices(choices).prompt(question, template), f"ANSWER: {letter}")


@solver
def show_first(task: str, shots: Sequence[Shot], fewshot: int) -> Solver:
    """Let the conversation begin with the first `fewshot` of `shots`, each as two turns.

    They follow the system messages. With 0 nothing is added.

    Raises:
        ParameterError: There are not so many shots; `task` is whose parameter it was.
    """
    if not 0 <= fewshot <= len(shots):
        raise ParameterError(task, "fewshot", fewshot, f"0 to {len(shots)}")
    turns: list[ChatMessage] = []
    for shot in shots[:fewshot]:
        turns += [ChatMessageUser(content=shot.prompt), ChatMessageAssistant(content=shot.reply)]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        start = sum(message.role == "system" for message in state.messages)
        state.messages[start:start] = turns
        return state

    return solve
