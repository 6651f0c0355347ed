"""Agents: what goes on with a conversation, as a solver, as a tool or on its own."""

from solvers.agents._agent import Agent, agent, agent_with, is_agent
from solvers.agents._as_solver import as_solver
from solvers.agents._as_tool import as_tool
from solvers.agents._bridge import AgentBridge, agent_bridge, bridge
from solvers.agents._filter import MessageFilter, last_message, remove_tools
from solvers.agents._handoff import handoff
from solvers.agents._react import react
from solvers.agents._run import run
from solvers.agents._state import AgentState
from solvers.agents._types import AgentAttempts, AgentContinue, AgentPrompt, AgentSubmit

__all__ = [
    "Agent",
    "AgentAttempts",
    "AgentBridge",
    "AgentContinue",
    "AgentPrompt",
    "AgentState",
    "AgentSubmit",
    "MessageFilter",
    "agent",
    "agent_bridge",
    "agent_with",
    "as_solver",
    "as_tool",
    "bridge",
    "handoff",
    "is_agent",
    "last_message",
    "react",
    "remove_tools",
    "run",
]
