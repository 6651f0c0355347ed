"""What is known of tools before any source of tools is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks_lib._errors import ToolDefinitionError
from tasks_lib._util._registry import is_registered, unqualified_name
from tasks_lib.schema import ToolInfo
from tasks_lib.tool._expand import AnyTools
from tasks_lib.tool._tool import ToolSource
from tasks_lib.tool._tool_def import ToolDef, tool_def


def known_tools(tools: AnyTools) -> list[ToolDef]:
    """Return the definitions of `tools` without those that a source has, in their order.

    With it, a solver or agent can tell when it is made what would fail when it runs.

    Raises:
        ToolDefinitionError: Something is no tool or only described, a model could not be told
            what one does and takes, or two different ones have the same name.
    """
    found: dict[str, ToolDef] = {}
    for definition in _definitions(tools):
        known = found.setdefault(definition.name, definition)
        if (known.tool, known.info) != (definition.tool, definition.info):
            raise ToolDefinitionError(
                definition.name, "is there twice, as two different tools: give one another name."
            )
    return list(found.values())


def _definitions(tools: object) -> Iterator[ToolDef]:
    if isinstance(tools, ToolDef):
        yield tools
    elif isinstance(tools, ToolInfo):
        raise ToolDefinitionError(tools.name, "is only described: it cannot be called.")
    elif isinstance(tools, Sequence) and not isinstance(tools, str):
        for tool in tools:
            yield from _definitions(tool)
    elif is_registered(tools, "agent"):
        problem = "is an agent: pass handoff(…) or as_tool(…) of it."
        raise ToolDefinitionError(unqualified_name(tools), problem)
    elif isinstance(tools, type) or not isinstance(tools, ToolSource):
        yield tool_def(tools)  # type: ignore[arg-type]  # it raises if this is no tool
