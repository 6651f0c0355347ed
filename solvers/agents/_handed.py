"""What agents add to a conversation, as others may be shown it."""

from __future__ import annotations

from collections.abc import Sequence

from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentText,
)


def said_by(name: str, message: ChatMessage) -> ChatMessage:
    """Return what a model said with `[name]` in front of its text; other messages as they are.

    Of several parts the first text gets it. What says nothing stays as it is.
    """
    if not isinstance(message, ChatMessageAssistant) or not message.text:
        return message
    if isinstance(message.content, str):
        return message.model_copy(update={"content": f"[{name}] {message.content}"})
    return message.model_copy(update={"content": _prefixed(f"[{name}] ", message.content)})


def answered_calls(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return `messages` without calls of tools that nobody answered; providers refuse them.

    Messages in which nothing else is are left out.
    """
    answers = {m.tool_call_id for m in messages if isinstance(m, ChatMessageTool)}
    kept: list[ChatMessage] = []
    for message in messages:
        if isinstance(message, ChatMessageAssistant) and message.tool_calls:
            calls = [call for call in message.tool_calls if call.id in answers]
            if not calls and not message.content:
                continue
            if len(calls) < len(message.tool_calls):
                message = message.model_copy(update={"tool_calls": calls or None})
        kept.append(message)
    return kept


def _prefixed(prefix: str, content: Sequence[Content]) -> list[Content]:
    parts = list(content)
    for index, part in enumerate(parts):
        if isinstance(part, ContentText) and part.text:
            parts[index] = part.model_copy(update={"text": prefix + part.text})
            break
    return parts
