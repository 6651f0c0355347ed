"""Tools that are agents: what models are told of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from solvers.agents._agent import (
    Agent,
    agent_description,
    agent_function,
    agent_name,
    open_parameters,
    require_agent,
)
from tasks_lib._errors import AgentDefinitionError
from tasks_lib.tool import Tool, ToolResult

_CALLABLE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def agent_tool(
    agent: Agent,
    call: Callable[..., Awaitable[ToolResult]],
    arguments: Mapping[str, object],
    parameters: Sequence[inspect.Parameter] = (),
) -> Tool:
    """Return a function that calls `call` and has the docstring and parameters of `agent`.

    Args:
        agent: The agent.
        call: Gets by name what a model passes.
        arguments: What the agent is always called with; models are not told of it.
        parameters: What `call` takes beside what the agent takes.

    Raises:
        AgentDefinitionError: `agent` was not made by an `@agent` function, does not take one of
            `arguments`, or takes something that is called as one of `parameters`.
    """
    taken = open_parameters(require_agent(agent), arguments)
    for parameter in parameters:
        if any(parameter.name == other.name for other in taken):
            raise AgentDefinitionError(
                agent_name(agent),
                f"takes {parameter.name!r}, which already is what the model says to it: pass "
                f"{parameter.name}=… too, or give it another name.",
            )

    async def execute(**kwargs: Any) -> ToolResult:
        return await call(**kwargs)

    function = agent_function(agent)
    execute.__doc__ = function.__doc__
    # Types are looked up where the agent is defined.
    vars(execute).update(__wrapped__=function, __signature__=_by_name([*parameters, *taken]))
    return execute


def described(agent: Agent, description: str | None) -> str | None:
    """Return what models are told that `agent` can do; None: what its docstring says.

    Raises:
        AgentDefinitionError: Nothing says it.
    """
    said = description or agent_description(agent)
    if not said and not inspect.getdoc(agent_function(agent)):
        raise AgentDefinitionError(
            agent_name(agent),
            "does not say what it can do: pass description=…, here or to @agent.",
        )
    return said


def check_name(agent: Agent, name: str) -> str:
    """Return `name`, by which models call `agent`.

    Raises:
        AgentDefinitionError: Providers would refuse it.
    """
    if not _CALLABLE_NAME.fullmatch(name):
        raise AgentDefinitionError(
            agent_name(agent),
            f"cannot be called as the tool {name!r}: names of tools have 1 to 64 letters (a-z), "
            "digits, _ and -. Name it otherwise, with agent_with(…, name=…) for example.",
        )
    return name


def _by_name(parameters: Sequence[inspect.Parameter]) -> inspect.Signature:
    """Return a signature in which those with defaults may come first."""
    named = [
        p.replace(kind=p.KEYWORD_ONLY) if p.kind is p.POSITIONAL_OR_KEYWORD else p
        for p in parameters
    ]
    return inspect.Signature(sorted(named, key=lambda parameter: parameter.kind))
