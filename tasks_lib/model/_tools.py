"""Tool calls with the options of the evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from tasks_lib.model._model import active_generate_config
from tasks_lib.schema import ChatMessage, ChatMessageAssistant
from tasks_lib.tool import AnyTools, ExecuteToolsResult
from tasks_lib.tool import execute_tools as execute


async def execute_tools(
    messages: Sequence[ChatMessage], tools: AnyTools, max_output: int | None = None
) -> ExecuteToolsResult:
    """Do the tool calls of the last message; see `tasks_lib.tool.execute_tools`.

    `max_output` is by default the `max_tool_output` of the evaluation.
    """
    if max_output is None:
        max_output = active_generate_config().max_tool_output
    return await execute(messages, tools, max_output)


async def call_tools(
    message: ChatMessageAssistant, tools: AnyTools, max_output: int | None = None
) -> list[ChatMessage]:
    """Do the tool calls of one message. Deprecated: use `execute_tools`."""
    warnings.warn(
        "call_tools(…) is deprecated: use execute_tools([…, message], tools).",
        DeprecationWarning,
        stacklevel=2,
    )
    return (await execute_tools([message], tools, max_output)).messages
