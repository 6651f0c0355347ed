"""`use_tools`: which tools the model may call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from solvers._solver import solver
from tasks_lib._errors import ParameterError
from tasks_lib.schema import ToolChoice, ToolFunction, ToolInfo
from tasks_lib.task import Generate, Solver, TaskState
from tasks_lib.tool import AnyTools, Tool, ToolDef, ToolSource, known_tools

_WORDS = tuple(word for member in get_args(ToolChoice) for word in get_args(member))


@solver
def use_tools(
    *tools: Tool | ToolDef | ToolSource | Sequence[Tool | ToolDef | ToolSource],
    tool_choice: ToolChoice | None = "auto",
    append: bool = False,
) -> Solver:
    """Let the model call tools from now on.

    Args:
        *tools: Tools and lists of them, and sources such as MCP servers, which are asked for
            theirs when the solver runs. Without any, the tools stay as they are.
        tool_choice: Which tools the model must call; None leaves it as it is.
        append: Whether the tools are added to those that there are. By default they replace
            them.

    Raises:
        ToolDefinitionError: Something is no tool, the model could not be told what one does
            and takes, or two different ones have the same name.
        ParameterError: `tool_choice` has another value, or names a function that is not
            among the tools.
    """
    names = [definition.name for definition in known_tools(tools)]
    given = list(_flat(tools))
    more = append or any(isinstance(tool, ToolSource) for tool in given)
    _check_choice(tool_choice, None if more else names)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        used: list[Tool] = []
        for tool in given:
            used += await tool.tools() if isinstance(tool, ToolSource) else [tool]
        if used:
            state.tools = [*state.tools, *used] if append else used
        if tool_choice is not None:
            state.tool_choice = tool_choice
        return state

    return solve


def _flat(tools: Iterable[AnyTools]) -> Iterator[Tool | ToolSource]:
    for tool in tools:
        if isinstance(tool, ToolDef):
            yield tool.as_tool()
        elif isinstance(tool, Sequence):
            yield from _flat(tool)
        elif not isinstance(tool, ToolInfo):
            yield tool


def _check_choice(choice: object, names: Sequence[str] | None) -> None:
    """Raise ParameterError unless `choice` can be made; `names` are all tools, if known."""
    if isinstance(choice, ToolFunction):
        if names and choice.name not in names:
            expected = "one of the tools: " + ", ".join(map(repr, names))
            raise ParameterError("use_tools", "tool_choice", choice.name, expected)
    elif choice is not None and choice not in _WORDS:
        expected = '"auto", "any", "none", a ToolFunction or None'
        raise ParameterError("use_tools", "tool_choice", choice, expected)
