"""`run`, and what all that runs agents shares."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, overload

from solvers.agents._agent import Agent, agent_name, check_arguments, require_agent
from solvers.agents._state import AgentState, StateWatch, watching
from tasks_lib._errors import LimitExceededError
from tasks_lib.context import Limit, LimitScope, apply_limits, span
from tasks_lib.schema import ChatMessage, ChatMessageUser

AgentInput = str | list[ChatMessage] | AgentState


@overload
async def run(
    agent: Agent,
    input: AgentInput,
    limits: tuple[()] = (),
    *,
    name: str | None = None,
    **agent_kwargs: Any,
) -> AgentState: ...


@overload
async def run(
    agent: Agent,
    input: AgentInput,
    limits: Sequence[Limit],
    *,
    name: str | None = None,
    **agent_kwargs: Any,
) -> tuple[AgentState, LimitExceededError | None]: ...


async def run(
    agent: Agent,
    input: AgentInput,
    limits: Sequence[Limit] = (),
    *,
    name: str | None = None,
    **agent_kwargs: Any,
) -> AgentState | tuple[AgentState, LimitExceededError | None]:
    """Run an agent on a conversation, in a span of type "agent".

    When one of `limits` is reached, the state is the latest that is known: the one that the
    agent was given if it changed it, else the newest that it made of the same conversation.

    Args:
        agent: What an `@agent` function made.
        input: What the user says, a conversation, or a state. It is copied, not changed.
        limits: Limits of this run, each used once. Reaching one of them ends the run; reaching
            others, such as those of the sample, raises as everywhere.
        name: Name of the span; by default that of the agent.
        **agent_kwargs: What the agent takes beside the state.

    Returns:
        The state that the agent returned; if there are any limits, with the error of the one
        that was reached, or None.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function, or cannot be called
            with `agent_kwargs`.
        LimitExceededError: A limit that is not in `limits` was reached.
    """
    check_arguments(require_agent(agent), agent_kwargs)
    watch = StateWatch(_state_of(input))
    with apply_limits(limits, catch_errors=True) as scope:
        await run_agent(agent, watch, agent_kwargs, name)
    return (watch.latest, scope.limit_error) if limits else watch.latest


async def run_agent(
    agent: Agent, watch: StateWatch, arguments: Mapping[str, Any], name: str | None = None
) -> None:
    """Run `agent` on the state that `watch` was made with; it knows what became of it.

    Raises:
        TypeError: The agent returned something else than a state.
        Exception: Whatever the agent raised.
    """
    name = name or agent_name(agent)
    with watching(watch), _running(agent):
        async with span(name, type="agent"):
            state = await agent(watch.latest, **arguments)
            if not isinstance(state, AgentState):
                raise TypeError(
                    f"The agent {name!r} returned {state!r}: agents return an AgentState."
                )
            watch.close(state)


def fresh_limits(limits: Sequence[Limit]) -> AbstractContextManager[LimitScope]:
    """Return a block with copies of `limits`, as one limit serves one block only."""
    return apply_limits([copy.copy(limit) for limit in limits])


def running_agent() -> Agent | None:
    """Return the agent that runs here, the innermost one; None if none does."""
    return _agent.get()


_agent: ContextVar[Agent | None] = ContextVar("running_agent", default=None)


@contextmanager
def _running(agent: Agent) -> Iterator[None]:
    token = _agent.set(agent)
    try:
        yield
    finally:
        _agent.reset(token)


def _state_of(input: AgentInput) -> AgentState:
    if isinstance(input, AgentState):
        return copy.deepcopy(input)
    if isinstance(input, str):
        return AgentState(messages=[ChatMessageUser(content=input, source="input")])
    return AgentState(messages=[m.model_copy(update={"source": "input"}, deep=True) for m in input])
