"""Messages and tool calls as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pprint import pformat

from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ToolCallContent,
)

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_WIDTH = 1000
"""Most characters of a call on one line."""


def input_as_text(value: str | Sequence[ChatMessage]) -> str:
    """Return a sample's input as a conversation; text is what a user said."""
    return f"user:\n{value.strip()}\n" if isinstance(value, str) else messages_as_text(value)


def messages_as_text(messages: Sequence[ChatMessage]) -> str:
    """Return a conversation: role and text of each message, tool calls and their errors."""
    return "\n\n".join(map(message_as_text, messages))


def message_as_text(message: ChatMessage) -> str:
    """Return role and text of a message, with its tool calls or the error of its tool."""
    text = f"{message.role}:\n{message.text.strip()}\n"
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        return text + "".join(
            f"\nTool Call: {call.function}\nArguments:\n{_lines(call.arguments)}"
            for call in message.tool_calls
        )
    if isinstance(message, ChatMessageTool) and message.error is not None:
        name = message.function or "unknown"
        return f"{text}\nError in tool call '{name}':\n{message.error.message}\n"
    return text


def call_as_text(function: str, arguments: Mapping[str, object]) -> str:
    """Return a tool call as it would be written in Python."""
    shown = [f"{name}={_literal(value)}" for name, value in arguments.items()]
    line = f"{function}({', '.join(shown)})"
    if len(line) < _WIDTH:
        return line
    block = ",\n".join(shown).replace("\n", "\n    ")
    return f"{function}(\n    {block}\n)"


def view_as_text(view: ToolCallContent, arguments: Mapping[str, object]) -> str:
    """Return how a tool call is shown, with its arguments in place of `{{name}}`."""

    def filled(text: str) -> str:
        return _PLACEHOLDER.sub(
            lambda found: str(arguments[found[1]]) if found[1] in arguments else found[0], text
        )

    title = "" if view.title is None else f"{filled(view.title)}\n\n"
    return title + filled(view.content)


def _lines(arguments: Mapping[str, object]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in arguments.items())


def _literal(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return pformat(value, width=_WIDTH) if isinstance(value, list | tuple | dict) else str(value)
