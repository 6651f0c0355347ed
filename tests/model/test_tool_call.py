"""Tool calls as models write them."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib.model import parse_tool_call
from tasks_lib.schema import JSONSchema, ToolInfo, ToolParams

ADD = ToolInfo(
    name="add",
    description="Adds.",
    parameters=ToolParams(
        properties={"x": JSONSchema(type="integer"), "y": JSONSchema(type="integer")}
    ),
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param('{"x": 1, "y": 2}', {"x": 1, "y": 2}, id="a JSON object"),
        pytest.param(' {"x": {"y": []}} ', {"x": {"y": []}}, id="nested, with space around"),
        pytest.param("", {}, id="nothing"),
        pytest.param("7", {"x": 7}, id="a bare value is the first parameter"),
        pytest.param("ls -l", {"x": "ls -l"}, id="a bare text too"),
    ],
)
def test_arguments(arguments: str, expected: dict[str, Any]) -> None:
    call = parse_tool_call("id1", "add", arguments, [ADD])

    assert (call.id, call.function, call.arguments) == ("id1", "add", expected)
    assert call.parse_error is None


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param("add", '{"x": 1', id="half a JSON object"),
        pytest.param("add", "{x: [}", id="no JSON at all"),
        pytest.param("add", "a: b: c", id="no YAML either"),
        pytest.param("nope", "7", id="a bare value for an unknown tool"),
    ],
)
def test_unreadable_arguments_are_told(function: str, arguments: str) -> None:
    call = parse_tool_call("id1", function, arguments, [ADD])

    assert call.arguments == {}
    assert call.parse_error is not None
    assert repr(arguments) in call.parse_error
