"""From whatever stands for tools to what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tasks_lib._errors import ToolDefinitionError
from tasks_lib.schema import ToolInfo
from tasks_lib.tool._tool import Tool, ToolSource
from tasks_lib.tool._tool_def import ToolDef, remembered_def, tool_def

AnyTool: TypeAlias = Tool | ToolDef | ToolInfo | ToolSource
"""Whatever stands for a tool, or (a source) for several."""

AnyTools: TypeAlias = AnyTool | Sequence[AnyTool | Sequence[AnyTool]]
"""Whatever stands for tools; functions that make several tools return lists of them."""


async def expand_tools(tools: AnyTools) -> list[ToolDef | ToolInfo]:
    """Return what is known of each of `tools`, in their order; sources are asked.

    A tool that is there twice counts once. What only describes a tool (`ToolInfo`) stays so.

    Raises:
        ToolDefinitionError: Something is no tool, a model could not be told what one does
            and takes, or two different ones have the same name.
    """
    found: dict[str, ToolDef | ToolInfo] = {}
    for tool in await _flat(tools):
        known = found.setdefault(tool.name, tool)
        if known is not tool and not _same(known, tool):
            raise ToolDefinitionError(
                tool.name, "is there twice, as two different tools: give one another name."
            )
    return list(found.values())


async def tool_definitions(tools: AnyTools) -> list[ToolDef]:
    """Return the definitions of `tools`, all of which can be called.

    Raises:
        ToolDefinitionError: As `expand_tools`; and if one is only described (`ToolInfo`).
    """
    definitions: list[ToolDef] = []
    for tool in await expand_tools(tools):
        if isinstance(tool, ToolInfo):
            raise ToolDefinitionError(tool.name, "is only described: it cannot be called.")
        definitions.append(tool)
    return definitions


async def tool_infos(tools: AnyTools) -> list[ToolInfo]:
    """Return what a model is told of `tools`.

    Raises:
        ToolDefinitionError: As `expand_tools`.
    """
    return [tool if isinstance(tool, ToolInfo) else tool.info for tool in await expand_tools(tools)]


async def _flat(tools: AnyTools) -> list[ToolDef | ToolInfo]:
    known = remembered_def(tools)  # first, as it is what is passed with every model call
    if known is not None:
        return [known]
    if isinstance(tools, ToolDef | ToolInfo):
        return [tools]
    if isinstance(tools, Sequence) and not isinstance(tools, str):
        return [definition for tool in tools for definition in await _flat(tool)]
    if isinstance(tools, ToolSource):
        return await _flat(await tools.tools())
    return [tool_def(tools)]


def _same(one: ToolDef | ToolInfo, other: ToolDef | ToolInfo) -> bool:
    if isinstance(one, ToolDef) and isinstance(other, ToolDef):
        return one.tool is other.tool and one.info == other.info
    return one == other
