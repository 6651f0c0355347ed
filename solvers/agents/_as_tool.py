"""`as_tool`: an agent that models can ask something."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter
from typing import Any

from solvers.agents._agent import Agent, agent_name, require_agent
from solvers.agents._agent_tool import agent_tool, check_name, described
from solvers.agents._run import fresh_limits, run_agent
from solvers.agents._state import AgentState, StateWatch, last_assistant_message, watching
from tasks_lib.context import Limit
from tasks_lib.schema import (
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
    ContentText,
    ContentVideo,
)
from tasks_lib.tool import Tool, ToolResult, tool, tool_with

_FOR_OTHERS = (ContentText, ContentImage, ContentAudio, ContentVideo, ContentDocument)
"""Parts of an answer that are meant for others: neither thoughts nor what a provider did."""


@tool
def as_tool(
    agent: Agent,
    description: str | None = None,
    limits: Sequence[Limit] = (),
    **agent_kwargs: Any,
) -> Tool:
    """Return a tool by which a model asks an agent something and gets its answer.

    The tool is called like the agent. The model passes `input`, the agent's only message, and
    what the agent takes beside the state and `agent_kwargs`. It gets to see the agent's
    output, of which the reasoning is left out; without one "".

    Args:
        agent: What an `@agent` function made.
        description: What the agent can do, for the model; by default what `@agent` was told,
            else what the docstring of the agent says.
        limits: Limits of each call. Of one that is reached the model is told, as an error.
        **agent_kwargs: What the agent takes beside the state, and the model cannot change.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function, does not say what
            it can do, takes an `input` of its own, or does not take one of `agent_kwargs`.
        ToolDefinitionError: A model could not be told what the agent takes.
    """

    async def ask(input: str, **arguments: Any) -> ToolResult:
        with watching(None), fresh_limits(limits):
            question = ChatMessageUser(content=input, source="input")
            watch = StateWatch(AgentState(messages=[question]))
            await run_agent(agent, watch, {**agent_kwargs, **arguments})
        return _answer(watch.latest)

    said = Parameter("input", Parameter.KEYWORD_ONLY, annotation=str)
    made = agent_tool(require_agent(agent), ask, agent_kwargs, [said])
    return tool_with(
        made,
        check_name(agent, agent_name(agent)),
        described(agent, description),
        {"input": "What it should do or answer, with all that it needs to know."},
    )


def _answer(state: AgentState) -> ToolResult:
    output = state.output
    said = last_assistant_message(state.messages) if output.empty else output.message
    if said is None:
        return ""
    if isinstance(said.content, str):
        return said.content
    parts: list[Content] = [part for part in said.content if isinstance(part, _FOR_OTHERS)]
    return said.text if all(isinstance(part, ContentText) for part in parts) else parts
