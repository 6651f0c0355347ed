"""A server's wish to ask the model, as a request of ours, and the answer for the server."""

from __future__ import annotations

from typing import NamedTuple

import mcp_types

from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentText,
    GenerateConfig,
    ModelOutput,
)
from tasks_lib.tool._mcp._content import content_part

_STOP_REASONS = {"stop": "endTurn", "max_tokens": "maxTokens"}


class SamplingRequest(NamedTuple):
    """What the model is asked."""

    messages: list[ChatMessage]
    config: GenerateConfig


def sampling_request(params: mcp_types.CreateMessageRequestParams) -> SamplingRequest:
    """Return what a server asks the model.

    Which model it would like is not heeded: the evaluated one answers.

    Raises:
        ValueError: There are calls of tools in the conversation, which were not offered.
    """
    messages: list[ChatMessage] = []
    if params.system_prompt:
        messages.append(ChatMessageSystem(content=params.system_prompt))
    messages += [_message(message) for message in params.messages]
    config = GenerateConfig(
        max_tokens=params.max_tokens,
        temperature=params.temperature,
        stop_seqs=params.stop_sequences,
    )
    return SamplingRequest(messages, config)


def sampling_result(output: ModelOutput) -> mcp_types.CreateMessageResult:
    """Return the model's answer as the server gets it: its text."""
    return mcp_types.CreateMessageResult(
        role="assistant",
        content=mcp_types.TextContent(text=output.completion),
        model=output.model,
        stop_reason=_STOP_REASONS.get(output.stop_reason, output.stop_reason),
    )


def _message(message: mcp_types.SamplingMessage) -> ChatMessage:
    parts: list[Content] = []
    for block in message.content_as_list:
        if isinstance(block, mcp_types.ToolUseContent | mcp_types.ToolResultContent):
            raise ValueError("tools are not offered to servers that ask the model")
        parts.append(content_part(block))
    only = parts[0] if len(parts) == 1 else None
    content = only.text if isinstance(only, ContentText) else parts
    if message.role == "user":
        return ChatMessageUser(content=content)
    return ChatMessageAssistant(content=content)
