"""known_tools: what is known of tools before anything is asked or called."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ToolDefinitionError
from tasks_lib.schema import ToolInfo
from tasks_lib.tool import Tool, ToolDef, known_tools, tool_with
from tests.tool._tools import add


class Server:
    """A source that must not be asked."""

    async def tools(self) -> list[Tool]:
        raise AssertionError


ADD = add()
PLUS = ToolDef(ADD, "plus")


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        pytest.param([], [], id="none"),
        pytest.param(ADD, ["add"], id="one"),
        pytest.param([PLUS, [ADD, [PLUS]]], ["plus", "add"], id="lists"),
        pytest.param([ADD, ADD], ["add"], id="the same twice"),
        pytest.param([Server(), ADD], ["add"], id="a source is left out"),
    ],
)
def test_what_is_known(tools: Any, names: list[str]) -> None:
    assert [definition.name for definition in known_tools(tools)] == names


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        pytest.param([ADD, add(1)], "'add' is there twice", id="two of a name"),
        pytest.param(
            [ADD, ToolDef(ADD, description="Else.")], "'add' is there twice", id="two descriptions"
        ),
        pytest.param(
            [ToolInfo(name="add", description="Adds.")], "'add' is only described", id="described"
        ),
        pytest.param([add], r"'add' was not made: pass add\(\)", id="not made"),
        pytest.param([Server], "'Server' is not an async function", id="a class of sources"),
        pytest.param("add", "'add' is no tool", id="a name"),
        pytest.param([5], "'5' is no tool", id="a number"),
    ],
)
def test_what_is_refused(tools: Any, message: str) -> None:
    with pytest.raises(ToolDefinitionError, match=message):
        known_tools(tools)


def test_a_tool_that_was_changed_is_known_as_it_is_now() -> None:
    changed = tool_with(add(), "plus", "Adds up.")

    assert [(known.name, known.description) for known in known_tools(changed)] == [
        ("plus", "Adds up.")
    ]
