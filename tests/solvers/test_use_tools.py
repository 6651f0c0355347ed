"""use_tools: which tools a state has afterwards, and what is refused when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from solvers import Solver, TaskState, use_tools
from solvers.agents import Agent, AgentState, agent
from tasks_lib._errors import ParameterError, ToolDefinitionError
from tasks_lib._util._registry import registry_params
from tasks_lib.tool import Tool, ToolDef, ToolFunction, ToolInfo, tool, tool_def

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]


@tool
def use_tools_plus() -> Tool:
    async def execute(x: int) -> int:
        """Add one.

        Args:
            x: A number.
        """
        return x + 1

    return execute


@tool
def use_tools_minus() -> Tool:
    async def execute(x: int) -> int:
        """Take one away.

        Args:
            x: A number.
        """
        return x - 1

    return execute


@tool
def use_tools_silent() -> Tool:
    async def execute(x: int) -> int:
        return x

    return execute


@agent
def use_tools_agent() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Do nothing."""
        return state

    return execute


class Shelf:
    """A source of tools that counts how often it is asked."""

    def __init__(self, *tools: Tool) -> None:
        self.asked = 0
        self._tools = list(tools)

    async def tools(self) -> list[Tool]:
        self.asked += 1
        return self._tools


async def _five(x: int) -> int:
    return 5


PLUS, MINUS = use_tools_plus(), use_tools_minus()
FIVE = ToolDef(_five, name="five", description="Five.", parameters={"x": "Anything."})

NAMESAKE = ToolDef(MINUS, name="use_tools_plus")


def _names(state: TaskState) -> list[str]:
    return [tool_def(each).name for each in state.tools]


@pytest.mark.parametrize(
    ("solvers", "tools", "tool_choice"),
    [
        pytest.param([use_tools(PLUS)], ["use_tools_plus"], "auto", id="a tool"),
        pytest.param(
            [use_tools([MINUS, PLUS], FIVE)],
            ["use_tools_minus", "use_tools_plus", "five"],
            "auto",
            id="lists and definitions, in order",
        ),
        pytest.param(
            [use_tools(Shelf(PLUS, MINUS), FIVE)],
            ["use_tools_plus", "use_tools_minus", "five"],
            "auto",
            id="a source",
        ),
        pytest.param(
            [use_tools(PLUS), use_tools(MINUS)], ["use_tools_minus"], "auto", id="replaced"
        ),
        pytest.param(
            [use_tools(PLUS), use_tools(MINUS, append=True)],
            ["use_tools_plus", "use_tools_minus"],
            "auto",
            id="appended",
        ),
        pytest.param(
            [use_tools(PLUS), use_tools(tool_choice="none")],
            ["use_tools_plus"],
            "none",
            id="no tools leave the tools",
        ),
        pytest.param(
            [use_tools(PLUS, tool_choice="any"), use_tools([], tool_choice=None)],
            ["use_tools_plus"],
            "any",
            id="no choice leaves the choice",
        ),
        pytest.param(
            [use_tools(PLUS, tool_choice=ToolFunction("use_tools_plus"))],
            ["use_tools_plus"],
            ToolFunction("use_tools_plus"),
            id="one that must be called",
        ),
        pytest.param(
            [use_tools(Shelf(PLUS), MINUS, tool_choice=ToolFunction("use_tools_plus"))],
            ["use_tools_plus", "use_tools_minus"],
            ToolFunction("use_tools_plus"),
            id="one of a source must be called",
        ),
        pytest.param(
            [use_tools(PLUS), use_tools(MINUS, tool_choice=ToolFunction("use_tools_plus"),
                                        append=True)],
            ["use_tools_plus", "use_tools_minus"],
            ToolFunction("use_tools_plus"),
            id="one that was there before must be called",
        ),
    ],
)  # fmt: skip
async def test_tools(
    solvers: list[Solver],
    tools: list[str],
    tool_choice: object,
    new_state: NewState,
    scripted: Scripted,
) -> None:
    state = new_state()
    for solver in solvers:
        state = await solver(state, scripted())

    assert (_names(state), state.tool_choice) == (tools, tool_choice)


async def test_a_source_is_asked_for_each_sample(new_state: NewState, scripted: Scripted) -> None:
    shelf = Shelf(PLUS)
    solver = use_tools(shelf)
    asked = [shelf.asked]
    for _ in range(2):
        await solver(new_state(), scripted())
        asked.append(shelf.asked)

    assert asked == [0, 1, 2]


async def test_a_tool_of_a_state_can_be_called(new_state: NewState, scripted: Scripted) -> None:
    state = await use_tools(PLUS, FIVE)(new_state(), scripted())

    assert [await each(x=1) for each in state.tools] == [2, 5]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        pytest.param([use_tools_silent()], "'use_tools_silent' does not say what it does",
                     id="no description"),
        pytest.param([use_tools_plus], r"was not made: pass use_tools_plus\(\)",
                     id="not made"),
        pytest.param(["use_tools_plus"], "'use_tools_plus' is no tool", id="a name"),
        pytest.param([5], "'5' is no tool", id="a number"),
        pytest.param([lambda x: x], "is not an async function", id="not async"),
        pytest.param([PLUS, [[NAMESAKE]]], "'use_tools_plus' is there twice",
                     id="two of one name"),
        pytest.param([ToolInfo(name="far", description="Away.")], "'far' is only described",
                     id="a description"),
        pytest.param([use_tools_agent()], r"'use_tools_agent' is an agent: pass handoff\(",
                     id="an agent"),
    ],
)  # fmt: skip
def test_no_tool(tools: list[Any], problem: str) -> None:
    with pytest.raises(ToolDefinitionError, match=problem):
        use_tools(*tools)


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        pytest.param("always", '"auto", "any", "none", a ToolFunction or None', id="another word"),
        pytest.param(
            ToolFunction("minus"), "'minus', expected one of the tools: 'use_tools_plus'", id="name"
        ),
    ],
)
def test_bad_tool_choice(choice: Any, problem: str) -> None:
    with pytest.raises(ParameterError, match=f"use_tools: tool_choice is .*{problem}"):
        use_tools(PLUS, tool_choice=choice)


def test_what_logs_say_of_it() -> None:
    params = registry_params(use_tools(PLUS, [MINUS], append=True))

    assert params == {"tools": [PLUS, [MINUS]], "append": True}
