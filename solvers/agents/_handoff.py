"""`handoff`: an agent that goes on with the conversation of another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from solvers.agents._agent import Agent, agent_name, require_agent
from solvers.agents._agent_tool import agent_tool, check_name, described
from solvers.agents._filter import MessageFilter
from solvers.agents._handed import answered_calls, said_by
from solvers.agents._run import fresh_limits, run_agent, running_agent
from solvers.agents._state import AgentState, StateWatch, watching
from tasks_lib._errors import AgentDefinitionError, LimitExceededError, ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib.context import Limit
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ToolCall,
)
from tasks_lib.tool import ExecuteToolsResult, TakesOver, Tool, ToolDef, ToolResult, tool, tool_with


@tool
def handoff(
    agent: Agent,
    description: str | None = None,
    input_filter: MessageFilter | None = None,
    output_filter: MessageFilter | None = None,
    tool_name: str | None = None,
    limits: Sequence[Limit] = (),
    **agent_kwargs: Any,
) -> Tool:
    """Return a tool by which a model lets an agent go on with its conversation.

    The agent gets a copy of the conversation without messages of the system; of the last
    message it sees no other calls. What it adds is added to the conversation, its texts with
    its name in front, messages of the system and calls that nobody answered left out; its
    output becomes that of the conversation. If it leaves the last word to the model, a user
    message says that it is done.

    A limit that is reached meanwhile, one of `limits` or another, ends the agent: a user
    message says which, and what it had added by then stays. Limits of the sample that are
    used up are reached again by whatever comes next.

    The tool does not run at the same time as other calls of the same message.

    Args:
        agent: What an `@agent` function made.
        description: What the agent can do, for the model; by default what `@agent` was told,
            else what the docstring of the agent says.
        input_filter: Gets the conversation before the agent does, and returns what of it the
            agent gets.
        output_filter: Gets what the agent added, and returns what of it is added.
        tool_name: Name of the tool; by default `transfer_to_` and the name of the agent.
        limits: Limits of each handoff.
        **agent_kwargs: What the agent takes beside the state, and the model cannot change.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function, does not say what
            it can do, does not take one of `agent_kwargs`, or is the one that runs here.
        ToolDefinitionError: A model could not be told what the agent takes.
        ParameterError: A filter is not an async function.
        RuntimeError: The tool is called other than by `execute_tools`, which has the
            conversation.
    """
    name = agent_name(require_agent(agent))
    if running_agent() is agent:
        raise AgentDefinitionError(name, "cannot hand over to itself: it already is at work.")
    for parameter, given in (("input_filter", input_filter), ("output_filter", output_filter)):
        if given is not None and not is_async_callable(given):
            raise ParameterError("handoff", parameter, given, "an async function of messages")

    async def refuse(**arguments: Any) -> ToolResult:
        raise RuntimeError(
            f"The handoff to {name!r} was called as a function: it needs the conversation, which "
            "execute_tools passes on."
        )

    made = agent_tool(agent, refuse, agent_kwargs)
    taking_over = _Handoff(agent, input_filter, output_filter, limits, agent_kwargs)
    # Makes it a tool that takes over (`tasks_lib.tool.TakesOver`).
    vars(made).update(agent=name, take_over=taking_over.take_over)
    tool_name = check_name(agent, tool_name or f"transfer_to_{name}")
    return tool_with(made, tool_name, described(agent, description), parallel=False)


def check_handoffs(name: str, tools: Iterable[ToolDef]) -> None:
    """Check that none of `tools`, which the agent called `name` gets, hands over to itself.

    Raises:
        AgentDefinitionError: One does, or to another agent of the same name.
    """
    for definition in tools:
        if isinstance(definition.tool, TakesOver) and definition.tool.agent == name:
            raise AgentDefinitionError(
                name,
                f"cannot hand over to itself, as {definition.name!r} would: if that is another "
                "agent, give it another name.",
            )


class _Handoff:
    """What happens when an agent takes a conversation over."""

    def __init__(
        self,
        agent: Agent,
        input_filter: MessageFilter | None,
        output_filter: MessageFilter | None,
        limits: Sequence[Limit],
        arguments: Mapping[str, Any],
    ) -> None:
        self._agent = agent
        self._name = agent_name(agent)
        self._input_filter = input_filter
        self._output_filter = output_filter
        self._limits = limits
        self._arguments = arguments

    async def take_over(
        self, call: ToolCall, messages: Sequence[ChatMessage], arguments: Mapping[str, Any]
    ) -> ExecuteToolsResult:
        """Let the agent go on with the conversation; see `tasks_lib.tool.TakesOver`."""
        answer = ChatMessageTool(
            content=f"Now {self._name} goes on with the conversation.",
            tool_call_id=call.id,
            function=call.function,
        )
        given = await self._given(call, messages, answer)
        reached: LimitExceededError | None = None
        with watching(None):
            watch = StateWatch(AgentState(messages=given))
            try:
                with fresh_limits(self._limits):
                    await run_agent(self._agent, watch, {**self._arguments, **arguments})
            except LimitExceededError as error:
                reached = error
        added = await self._added(watch, reached)
        return ExecuteToolsResult([answer, *added], watch.new_output())

    async def _given(
        self, call: ToolCall, messages: Sequence[ChatMessage], answer: ChatMessageTool
    ) -> list[ChatMessage]:
        """Return what the agent gets to see, as copies."""
        *before, last = [message.model_copy(deep=True) for message in messages]
        if isinstance(last, ChatMessageAssistant):
            last.tool_calls = [call.model_copy(deep=True)]
        given = [*before, last, answer.model_copy()]
        if self._input_filter is not None:
            given = await self._input_filter(given)
        return [message for message in given if not isinstance(message, ChatMessageSystem)]

    async def _added(
        self, watch: StateWatch, reached: LimitExceededError | None
    ) -> list[ChatMessage]:
        """Return what is added to the conversation that was handed over."""
        added = [
            said_by(self._name, message)
            for message in answered_calls(watch.new_messages())
            if not isinstance(message, ChatMessageSystem)
        ]
        if self._output_filter is not None:
            added = await self._output_filter(added)
        if reached is not None:
            text = (
                f"{self._name} was stopped before it was done, by its {reached.type} limit "
                f"of {reached.limit_str}."
            )
        elif not added or isinstance(added[-1], ChatMessageAssistant):
            text = f"{self._name} is done. Go on from here."
        else:
            return added
        return [*added, ChatMessageUser(content=text)]
