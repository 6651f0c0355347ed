"""What of a conversation agents get to see, or give back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tasks_lib.schema import ChatMessage, ChatMessageAssistant, ChatMessageTool

MessageFilter: TypeAlias = Callable[[list[ChatMessage]], Awaitable[list[ChatMessage]]]
"""Returns what is left of a conversation. It may change neither the list nor its messages."""


async def remove_tools(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return `messages` without calls of tools and what came of them."""
    return [
        message.model_copy(update={"tool_calls": None})
        if isinstance(message, ChatMessageAssistant) and message.tool_calls
        else message
        for message in messages
        if not isinstance(message, ChatMessageTool)
    ]


async def last_message(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return the last message only; none if there is none."""
    return messages[-1:]
