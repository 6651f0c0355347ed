"""`generate`: asks the evaluated model."""

from __future__ import annotations

from typing import Literal, Unpack, get_args

from solvers._solver import solver
from tasks_lib._errors import ParameterError, nearest_hint
from tasks_lib.model import CachePolicy
from tasks_lib.schema import GenerateConfigArgs
from tasks_lib.task import Generate, Solver, TaskState

ToolCalls = Literal["loop", "single", "none"]
"""What happens when the model calls tools."""


@solver
def generate(
    tool_calls: ToolCalls = "loop",
    cache: bool | CachePolicy = False,
    **kwargs: Unpack[GenerateConfigArgs],
) -> Solver:
    """Ask the evaluated model; its answer becomes the output and the last message.

    Args:
        tool_calls: What happens when the model calls tools: ask again until it does not
            ("loop"), answer them once ("single"), or leave them ("none").
        cache: Whether an earlier answer to the same request may be used, and how long.
        **kwargs: Generate options, fields of `GenerateConfig`; they win over those of the
            task and the evaluation.

    Raises:
        ParameterError: `tool_calls` has another value, or an option does not exist.
    """
    if tool_calls not in get_args(ToolCalls):
        raise ParameterError("generate", "tool_calls", tool_calls, '"loop", "single" or "none"')
    for option in kwargs:
        if option not in GenerateConfigArgs.__annotations__:
            hint = nearest_hint(option, GenerateConfigArgs.__annotations__).rstrip(".")
            raise ParameterError("generate", "option name", option, f"one that exists. {hint}")

    # The parameter `generate` hides this function on purpose: it is the documented name.
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await generate(state, tool_calls=tool_calls, cache=cache, **kwargs)

    return solve
