"""Columns about messages."""

from __future__ import annotations

from tasks_lib.analysis._columns import Column, MessageColumn
from tasks_lib.analysis._text import call_as_text
from tasks_lib.schema import ChatMessage, ChatMessageAssistant


def _text(message: ChatMessage) -> str:
    return message.text


def _tool_calls(message: ChatMessage) -> str | None:
    if not isinstance(message, ChatMessageAssistant) or message.tool_calls is None:
        return None
    return "\n".join(call_as_text(call.function, call.arguments) for call in message.tool_calls)


MessageContent: list[Column] = [
    MessageColumn("message_id", path="id"),
    MessageColumn("role", path="role", required=True),
    MessageColumn("source", path="source"),
    MessageColumn("content", path=_text),
]
"""Who says what."""

MessageToolCalls: list[Column] = [
    MessageColumn("tool_calls", path=_tool_calls),
    MessageColumn("tool_call_id", path="tool_call_id"),
    MessageColumn("tool_call_function", path="function"),
    MessageColumn("tool_call_error", path="error.message"),
]
"""Tool calls, one a line, and what became of them."""

MessageColumns: list[Column] = [*MessageContent, *MessageToolCalls]
"""The columns of `messages_df` unless others are chosen."""
