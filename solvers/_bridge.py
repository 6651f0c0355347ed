"""`bridge`: an agent function that knows nothing of us, as a solver."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from solvers._solver import solver
from solvers.agents import Agent
from solvers.agents import bridge as bridged_agent
from tasks_lib.task import Solver


@solver
def bridge(agent: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> Solver | Agent:
    """Let a function solve that calls OpenAI's or Anthropic's SDK. Deprecated.

    Use `solvers.agents.bridge`, which this calls: what it returns is an agent, and agents are
    taken wherever solvers are.

    Args:
        agent: The function, see `solvers.agents.bridge`.

    Raises:
        ParameterError: It is not an async function.
    """
    warnings.warn(
        "solvers.bridge is deprecated: use solvers.agents.bridge.",
        DeprecationWarning,
        stacklevel=3,  # the caller of what @solver makes of this function
    )
    return bridged_agent(agent)
