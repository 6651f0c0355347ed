"""Makes a conversation shorter that no longer fits into a model's context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks_lib._errors import ParameterError
from tasks_lib.schema import ChatMessage, ChatMessageAssistant, ChatMessageTool


async def trim_messages(messages: list[ChatMessage], preserve: float = 0.7) -> list[ChatMessage]:
    """Return a conversation without the oldest of what was said in it.

    Kept, in their order, are system messages; the sample's input (messages whose `source` is
    "input"; where there are none, all up to the first user message); and of the rest the
    newest. Results of tools whose call is gone go too, and so do calls without a result. The
    last message is none of the model's, which would have nothing to answer, unless the
    sample's input ends with one.

    Args:
        messages: The conversation. Neither the list nor its messages are changed.
        preserve: Share of the rest that is kept, 0 to 1; of a fraction of a message, all.

    Raises:
        ParameterError: `preserve` is not between 0 and 1.
    """
    if not 0 <= preserve <= 1:
        raise ParameterError("trim_messages", "preserve", preserve, "a number between 0 and 1")
    fixed = _fixed(messages)
    rest = [index for index in range(len(messages)) if index not in fixed]
    # Rounded first: 10 * (1 - 0.9) is a little less than 1.
    dropped = set(rest[: int(round(len(rest) * (1 - preserve), 6))])
    kept = _asked_for(messages, [i for i in range(len(messages)) if i not in dropped])
    while kept and kept[-1] not in fixed and messages[kept[-1]].role == "assistant":
        kept.pop()
    return _without_unanswered_calls(messages[index] for index in kept)


def _fixed(messages: Sequence[ChatMessage]) -> set[int]:
    """Return the positions of the messages that are never dropped."""
    system = {index for index, message in enumerate(messages) if message.role == "system"}
    given = {index for index, message in enumerate(messages) if message.source == "input"}
    if not given:
        asked = (index for index, message in enumerate(messages) if message.role == "user")
        given = set(range(next(asked, -1) + 1))
    return system | given


def _asked_for(messages: Sequence[ChatMessage], kept: Iterable[int]) -> list[int]:
    """Leave out the results of tools that no message before them asked for."""
    asked: set[str | None] = set()
    positions: list[int] = []
    for index in kept:
        message = messages[index]
        if isinstance(message, ChatMessageAssistant):
            asked.update(call.id for call in message.tool_calls or ())
        if not isinstance(message, ChatMessageTool) or message.tool_call_id in asked:
            positions.append(index)
    return positions


def _without_unanswered_calls(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    trimmed = list(messages)
    answered = {message.tool_call_id for message in trimmed if isinstance(message, ChatMessageTool)}
    for index, message in enumerate(trimmed):
        if isinstance(message, ChatMessageAssistant) and message.tool_calls:
            calls = [call for call in message.tool_calls if call.id in answered]
            if len(calls) < len(message.tool_calls):
                trimmed[index] = message.model_copy(update={"tool_calls": calls or None})
    return trimmed
