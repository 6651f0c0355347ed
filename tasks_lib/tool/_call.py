"""One call of a tool, from what the model asks for to what the tool returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks_lib._errors import ToolParsingError, nearest_hint
from tasks_lib.approval import approve_call, needs_approval
from tasks_lib.schema import ChatMessage, ToolCall
from tasks_lib.tool._call_record import CallRecord
from tasks_lib.tool._take_over import takes_over
from tasks_lib.tool._tool_def import ToolDef
from tasks_lib.tool._view import own_view, whole_view


async def call_tool(
    call: ToolCall,
    tools: Mapping[str, ToolDef],
    messages: Sequence[ChatMessage],
    record: CallRecord,
) -> object:
    """Return what the tool that `call` asks for returns, once the call is approved.

    A tool that takes the conversation over returns an `ExecuteToolsResult`.

    Args:
        call: The call.
        tools: Tools by name.
        messages: The conversation, with the message that has the call as its last.
        record: The event of the call.

    Raises:
        ToolParsingError: There is no such tool, or the arguments do not fit.
        ToolApprovalError: The call was rejected.
        SampleTerminatedError: An approver ended the sample.
    """
    definition, arguments = _checked(call, tools)
    view = own_view(call, definition)
    if view is not None:
        record.show(view.call)
    if needs_approval():
        asked = call
        call = await approve_call(messages[-1].text, asked, whole_view(asked, view), messages)
        if call is not asked:
            definition, arguments = _checked(call, tools)
    if takes_over(definition.tool):
        return await definition.tool.take_over(call, messages, arguments)
    return await definition.tool(**arguments)


def _checked(call: ToolCall, tools: Mapping[str, ToolDef]) -> tuple[ToolDef, dict[str, object]]:
    if call.parse_error is not None:
        raise ToolParsingError(call.parse_error)
    definition = tools.get(call.function)
    if definition is None:
        hint = nearest_hint(call.function, tools)
        raise ToolParsingError(f"No tool is named {call.function!r}. {hint}")
    return definition, definition.read_arguments(call.arguments)
