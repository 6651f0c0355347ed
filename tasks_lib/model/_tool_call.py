"""Tool calls as models write them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import yaml

from tasks_lib.schema import ToolCall, ToolInfo


def parse_tool_call(
    id: str, function: str, arguments: str, tools: Sequence[ToolInfo] = ()
) -> ToolCall:
    """Return the call of `function` with its arguments read.

    Arguments that are no JSON object are the value of the tool's first parameter, read as
    YAML: some models write `2 + 2` for `{"expression": "2 + 2"}`. When they cannot be read,
    the call says so in `parse_error`, for the model to be told.
    """
    text = arguments.strip()
    try:
        values = _object(text) if text.startswith("{") else _first_value(text, function, tools)
        error = None
    except (ValueError, yaml.YAMLError) as problem:
        values = {}
        error = f"The arguments of {function} cannot be read: {arguments!r} ({problem})"
    return ToolCall(id=id, function=function, arguments=values, parse_error=error, type="function")


def _object(text: str) -> dict[str, object]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _first_value(text: str, function: str, tools: Sequence[ToolInfo]) -> dict[str, object]:
    if not text:
        return {}
    tool = next((tool for tool in tools if tool.name == function), None)
    first = next(iter(tool.parameters.properties), None) if tool is not None else None
    if first is None:
        raise ValueError("not a JSON object, and the tool has no parameter to take it")
    return {first: yaml.load(text, _NoAliases)}


class _NoAliases(yaml.SafeLoader):
    """Reads no aliases: a few of them make gigabytes of a line, or a value within itself."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)
