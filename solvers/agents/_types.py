"""What `react` can be told: its prompts, how answers are submitted, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from solvers.agents._state import AgentState
from tasks_lib.schema import Score, ValueToFloat, value_to_float
from tasks_lib.tool import Tool, ToolDef

DEFAULT_HANDOFF_PROMPT = """\
Several agents work on this together, each with its own instructions and tools. When another
agent is better placed for what comes next, pass the conversation on to it: call the tool that
is named after it, `transfer_to_` and its name. It sees what has been said so far, does its
part and gives the conversation back. Simply do it, without a word about it to the user."""
"""What an agent is told that can hand over to others."""

DEFAULT_ASSISTANT_PROMPT = """\
You are an assistant whose aim is the best answer that can be found. The tools that you are
given help you to find it; as soon as you call one, its result comes back to you. Think before
you act: say which tools you are about to use, and how that brings you closer to the answer."""
"""What every agent of `react` is told."""

DEFAULT_SUBMIT_PROMPT = """\
Once the task is done and you have an answer, report it with the tool {submit}()."""
"""How an answer is reported."""

DEFAULT_INCORRECT_MESSAGE = """\
That answer is not correct. Look at the task again, go on, and try to find the correct one."""
"""What the model is told about a wrong answer while it may give another."""


class AgentPrompt(NamedTuple):
    """The system message of `react`: its parts, those that apply, with blank lines between.

    `{submit}` stands for the name of the tool that submits; all other braces mean themselves.
    """

    instructions: str | None = None
    """What this agent is for; it comes first."""
    handoff_prompt: str | None = DEFAULT_HANDOFF_PROMPT
    """How to hand over, if one of the tools is a handoff."""
    assistant_prompt: str | None = DEFAULT_ASSISTANT_PROMPT
    """How to work with tools."""
    submit_prompt: str | None = DEFAULT_SUBMIT_PROMPT
    """How to submit. It follows the assistant prompt, and is left out where there is none, where
    it mentions `{submit}` itself, or where nothing is submitted."""


class AgentSubmit(NamedTuple):
    """How the model submits its answer to `react`."""

    name: str | None = None
    """Name of the tool; by default that of `tool`, else "submit"."""
    description: str | None = None
    """What the model is told of it; by default what `tool` says."""
    tool: Tool | ToolDef | None = None
    """A tool whose result is the answer; by default one that takes the answer as text. When
    it raises a `ToolError`, the model is told and nothing was submitted."""
    answer_only: bool = False
    """Whether the completion is the answer alone, without what the model said with it."""
    answer_delimiter: str = "\n\n"
    """What stands between what the model said and the answer."""


class AgentAttempts(NamedTuple):
    """How often `react` may submit an answer, judged by the task's scorers."""

    attempts: int = 1
    """How often, the first time included."""
    incorrect_message: str | Callable[[AgentState, list[Score]], Awaitable[str]] = (
        DEFAULT_INCORRECT_MESSAGE
    )
    """What the model is told about a wrong answer, or an async function that says it."""
    score_value: ValueToFloat = value_to_float()
    """Makes a number of the first score; 1 is a right answer."""


AgentContinue: TypeAlias = Callable[[AgentState], Awaitable[bool | str]]
"""Decides after each turn whether `react` goes on: False ends it, True goes on. A text goes on
too and is what the model is told in case that it called no tool."""
