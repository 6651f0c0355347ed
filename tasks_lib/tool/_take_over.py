"""Tools that take the conversation over, such as a handoff to an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

from tasks_lib.schema import ChatMessage, ModelOutput, ToolCall


class ExecuteToolsResult(NamedTuple):
    """What the tool calls of a message came to."""

    messages: list[ChatMessage]
    """What is to be added to the conversation: a result for each call, in their order; then
    what was said by those who took it over."""

    output: ModelOutput | None = None
    """What a tool generated that took over the conversation; None if none did."""


@runtime_checkable
class TakesOver(Protocol):
    """A tool that goes on with the conversation itself instead of returning a result."""

    agent: str
    """Name of who goes on with it, for the transcript."""

    async def take_over(
        self, call: ToolCall, messages: Sequence[ChatMessage], arguments: Mapping[str, Any]
    ) -> ExecuteToolsResult:
        """Go on with the conversation and return what is added to it.

        Args:
            call: The call that hands over.
            messages: The conversation, with the message that has the call as its last. It is
                not changed.
            arguments: What the model passed, checked and converted.

        Returns:
            Messages, of which the first answers the call; and the last output, if any.
        """
        ...


def takes_over(tool: object) -> TypeGuard[TakesOver]:
    """Tell whether `tool` takes the conversation over.

    For what is asked at every call: `isinstance` of a protocol takes as long as a span.
    """
    return hasattr(tool, "take_over") and hasattr(tool, "agent")
