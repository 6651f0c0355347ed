"""`as_solver`: an agent that works on a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvers.agents._agent import Agent, check_arguments, require_agent
from solvers.agents._run import fresh_limits, run_agent
from solvers.agents._state import AgentState, StateWatch, share_conversation
from tasks_lib._util._registry import (
    RegistryInfo,
    registry_defaults,
    registry_name,
    registry_params,
    registry_tag,
)
from tasks_lib.context import Limit, message_limit
from tasks_lib.task import Generate, Solver, TaskState


def as_solver(agent: Agent, limits: Sequence[Limit] = (), **agent_kwargs: Any) -> Solver:
    """Return a solver that lets an agent go on with the conversation of the sample.

    What the agent adds is in the sample's conversation at once, also if a limit or an error
    ends it. Transcripts and logs name the solver as the `@agent` function, with the arguments
    of both.

    Args:
        agent: What an `@agent` function made.
        limits: Limits of each run of the agent; reaching one ends the sample, which is scored.
        **agent_kwargs: What the agent takes beside the state.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function, or cannot be called
            with `agent_kwargs`.
    """
    check_arguments(require_agent(agent), agent_kwargs)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        conversation = AgentState(messages=[])
        share_conversation(conversation, state.messages, state.output)
        watch = StateWatch(conversation)
        try:
            with fresh_limits(limits):
                await run_agent(agent, watch, agent_kwargs)
        finally:
            _give_back(watch, state)
        return state

    info = RegistryInfo("solver", registry_name(agent))
    limited = {"limits": list(limits)} if limits else {}
    params = {**registry_params(agent), **agent_kwargs, **limited}
    registry_tag(solve, info, params, defaults=registry_defaults(agent))
    return solve


def _give_back(watch: StateWatch, state: TaskState) -> None:
    messages = watch.latest.messages
    if messages is not state.messages:
        with message_limit(None):  # what was said is kept; the next message is one too many
            state.messages = messages
    output = watch.new_output()
    if output is not None:
        state.output = output
