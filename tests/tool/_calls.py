"""Conversations that ask for tools, tools that answer, and what came of it."""

from __future__ import annotations

import asyncio
from typing import Any

from tasks_lib.context import SampleContext
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    ToolCall,
    ToolEvent,
)
from tasks_lib.tool import (
    ExecuteToolsResult,
    ToolDef,
)


def asking(*calls: tuple[str, dict[str, Any]]) -> list[ChatMessage]:
    """Return a conversation that ends with the model asking for `calls`, ids "0", "1" …."""
    asked = [
        ToolCall(id=str(i), function=name, arguments=args) for i, (name, args) in enumerate(calls)
    ]
    return [ChatMessageUser(content="Do."), ChatMessageAssistant(content="", tool_calls=asked)]


def errors(result: ExecuteToolsResult) -> list[tuple[str, str] | None]:
    return [
        (message.error.type, message.error.message) if message.error else None
        for message in result.messages
        if isinstance(message, ChatMessageTool)
    ]


def texts(result: ExecuteToolsResult) -> list[str]:
    return [message.text for message in result.messages]


def tool_events(context: SampleContext) -> list[ToolEvent]:
    return [event for event in context.transcript.events if isinstance(event, ToolEvent)]


async def echo(text: str, times: int = 1) -> str:
    """Return the text.

    Args:
        text: The text.
        times: How often.
    """
    return text * times


class Trace:
    """Tools that say when they begin and end; parallel ones wait for each other."""

    def __init__(self, together: int) -> None:
        self.steps: list[str] = []
        self._barrier = asyncio.Barrier(together)

    async def at_once(self, name: str) -> str:
        """Run together with others.

        Args:
            name: Name.
        """
        self.steps.append("begin")
        await self._barrier.wait()
        self.steps.append("end")
        return name

    async def alone(self, name: str) -> str:
        """Run alone.

        Args:
            name: Name.
        """
        self.steps.append(f"begin {name}")
        await asyncio.sleep(0)
        self.steps.append(f"end {name}")
        return name

    def tools(self) -> list[ToolDef]:
        return [ToolDef(self.at_once), ToolDef(self.alone, parallel=False)]
