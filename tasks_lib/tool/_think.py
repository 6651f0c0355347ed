"""A tool that does nothing: a place for a model to think between other calls."""

from __future__ import annotations

from tasks_lib.schema import ToolCall, ToolCallContent, ToolCallView
from tasks_lib.tool._tool import Tool, tool
from tasks_lib.tool._tool_def import ToolDef

_DESCRIPTION = (
    "Write down a thought. It changes nothing and tells you nothing new: call it to go over what "
    "you have learned so far, to check it against what is asked, or to plan your next steps."
)
_THOUGHT = "What you think."


def _view(call: ToolCall) -> ToolCallView:
    thought = str(call.arguments.get("thought", ""))
    return ToolCallView(call=ToolCallContent(format="markdown", content=thought))


@tool
def think(description: str | None = None, thought_description: str | None = None) -> Tool:
    """Return a tool for thoughts, which helps some models in long conversations with tools.

    Args:
        description: What the model is told that it is for.
        thought_description: What the model is told to pass.
    """

    async def execute(thought: str) -> str:
        return ""

    return ToolDef(
        execute,
        name="think",
        description=description or _DESCRIPTION,
        parameters={"thought": thought_description or _THOUGHT},
        viewer=_view,
    ).as_tool()
