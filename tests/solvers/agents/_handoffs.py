"""A conversation that is handed over, and who goes on with it."""

from __future__ import annotations

from typing import Any

from solvers.agents import Agent, AgentState, agent, handoff
from tasks_lib.schema import ChatMessage, ModelOutput
from tasks_lib.tool import ExecuteToolsResult, Tool, execute_tools, tool
from tests.solvers.agents._agents import call, said, system, user

NOW = ("tool", "Now helping goes on with the conversation.")
DONE = ("user", "helping is done. Go on from here.")


@agent
def helping(*says: ChatMessage, out: ModelOutput | None = None) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Help."""
        state.messages.extend(says)
        if out is not None:
            state.output = out
        return state

    return execute


@tool
def plus_for_handoffs() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Add.

        Args:
            x: One number.
            y: Another one.
        """
        return x + y

    return execute


def conversation(name: str = "helping", **arguments: Any) -> list[ChatMessage]:
    return [system("rules"), user("hi"), said("over", call(f"transfer_to_{name}", **arguments))]


async def hand(
    made: Agent, name: str = "helping", arguments: dict[str, Any] | None = None, **options: Any
) -> ExecuteToolsResult:
    return await execute_tools(conversation(name, **(arguments or {})), [handoff(made, **options)])
