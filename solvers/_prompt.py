"""Solvers that write messages: prompts, system, user and assistant messages."""

from __future__ import annotations

from solvers._solver import solver
from tasks_lib._util._template import check_template, read_template
from tasks_lib._util._text import format_safe
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
)
from tasks_lib.task import Generate, Solver, TaskState

DEFAULT_CHAIN_OF_THOUGHT = """\
{prompt}

Think it through one step at a time before you decide. Then close with a line of its own
that reads "ANSWER: $ANSWER" (leave out the quotes), $ANSWER being what you arrived at.
"""
"""Template of `chain_of_thought`."""


@solver
def prompt_template(template: str, **params: object) -> Solver:
    """Rewrite the last user message.

    Args:
        template: Text, or path or URL of a file with it. `{prompt}` is what the message said;
            other variables are taken from `params`, the store and the sample's metadata, the
            first that has them. Placeholders that nothing fills stay as they are.
        **params: Variables.
    """
    text = read_template(template)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        prompt = state.user_prompt
        prompt.text = format_safe(text, {**_variables(state, params), "prompt": prompt.text})
        return state

    return solve


@solver
def system_message(template: str, **params: object) -> Solver:
    """Insert a system message: after the last one there is, else at the beginning.

    Args:
        template: Text, or path or URL of a file with it. Variables are taken from `params`,
            the store and the sample's metadata, the first that has them. Placeholders that
            nothing fills stay as they are.
        **params: Variables.
    """
    text = read_template(template)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        message = ChatMessageSystem(content=format_safe(text, _variables(state, params)))
        positions = [i for i, other in enumerate(state.messages) if other.role == "system"]
        state.messages.insert(positions[-1] + 1 if positions else 0, message)
        return state

    return solve


@solver
def user_message(template: str, **params: object) -> Solver:
    """Append a user message.

    Args:
        template: Text, or path or URL of a file with it. Variables are taken from `params`,
            the store and the sample's metadata, the first that has them. Placeholders that
            nothing fills stay as they are.
        **params: Variables.
    """
    text = read_template(template)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        content = format_safe(text, _variables(state, params))
        state.messages.append(ChatMessageUser(content=content))
        return state

    return solve


@solver
def assistant_message(template: str, **params: object) -> Solver:
    """Append an assistant message, as if the evaluated model had said it.

    Args:
        template: Text, or path or URL of a file with it. Variables are taken from `params`,
            the store and the sample's metadata, the first that has them. Placeholders that
            nothing fills stay as they are.
        **params: Variables.
    """
    text = read_template(template)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        content = format_safe(text, _variables(state, params))
        state.messages.append(ChatMessageAssistant(content=content, model=str(state.model)))
        return state

    return solve


@solver
def chain_of_thought(template: str = DEFAULT_CHAIN_OF_THOUGHT) -> Solver:
    """Ask for reasoning step by step before the answer, which comes last as `ANSWER: …`.

    Args:
        template: Text, or path or URL of a file with it; `{prompt}` is the last user message.

    Raises:
        ParameterError: The template lacks `{prompt}` or has another variable.
    """
    text = read_template(template)
    check_template("chain_of_thought", text, required=("prompt",), allowed=("prompt",))

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.user_prompt.text = text.format(prompt=state.user_prompt.text)
        return state

    return solve


def _variables(state: TaskState, params: dict[str, object]) -> dict[str, object]:
    return {**state.metadata, **dict(state.store.items()), **params}
