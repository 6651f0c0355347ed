"""What a model gets to see of earlier results of tools that have a say in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tasks_lib.schema import ChatMessage, ChatMessageTool
from tasks_lib.tool._tool import ToolCallModelInputHints
from tasks_lib.tool._tool_def import ToolDef


def with_model_input(
    messages: list[ChatMessage], tools: Iterable[ToolDef], hints: ToolCallModelInputHints
) -> list[ChatMessage]:
    """Return `messages` with the results of tools as their `model_input` wants them sent.

    Args:
        messages: The conversation; neither the list nor its messages are changed.
        tools: The tools that may be called.
        hints: What the provider cannot do.
    """
    hooks = {tool.name: tool.model_input for tool in tools if tool.model_input is not None}
    if not hooks:
        return messages
    totals = Counter(
        message.function for message in messages if isinstance(message, ChatMessageTool)
    )
    seen: Counter[str | None] = Counter()
    sent: list[ChatMessage] = []
    for message in messages:
        if isinstance(message, ChatMessageTool):
            name = message.function
            hook = hooks.get(name or "")
            if hook is not None:
                content = hook(seen[name], totals[name], message.content, hints)
                message = message.model_copy(update={"content": content})
            seen[name] += 1
        sent.append(message)
    return sent
