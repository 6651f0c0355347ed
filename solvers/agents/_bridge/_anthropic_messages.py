"""Messages of Anthropic's interface as ours."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from solvers.agents._bridge._call import Wire, content, image, texts_as_parts
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentDocument,
    ContentReasoning,
    ContentText,
    ToolCall,
    ToolCallError,
)


class _Text(Wire):
    type: Literal["text"]
    text: str


class _Base64(Wire):
    type: Literal["base64"]
    media_type: str
    data: str


class _Url(Wire):
    type: Literal["url"]
    url: str


class _PlainText(Wire):
    type: Literal["text"]
    data: str


class _Image(Wire):
    type: Literal["image"]
    source: Annotated[_Base64 | _Url, Field(discriminator="type")]


class _Citations(Wire):
    enabled: bool = False


class _Document(Wire):
    type: Literal["document"]
    source: Annotated[_Base64 | _PlainText, Field(discriminator="type")]
    title: str | None = None
    citations: _Citations | None = None


class _ToolUse(Wire):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class _Thinking(Wire):
    type: Literal["thinking"]
    thinking: str
    signature: str = ""


class _Redacted(Wire):
    type: Literal["redacted_thinking"]
    data: str


_Shown: TypeAlias = Annotated[_Text | _Image | _Document, Field(discriminator="type")]
_as_text = texts_as_parts("text")


class _ToolResult(Wire):
    type: Literal["tool_result"]
    tool_use_id: str
    content: Annotated[list[_Shown], _as_text] = Field(default_factory=list)
    is_error: bool = False


_OfUser: TypeAlias = Annotated[
    _Text | _Image | _Document | _ToolResult, Field(discriminator="type")
]
_OfAssistant: TypeAlias = Annotated[
    _Text | _ToolUse | _Thinking | _Redacted, Field(discriminator="type")
]


class _System(Wire):
    role: Literal["system"]
    content: Annotated[list[_Text], _as_text]


class _User(Wire):
    role: Literal["user"]
    content: Annotated[list[_OfUser], _as_text]


class _Assistant(Wire):
    role: Literal["assistant"]
    content: Annotated[list[_OfAssistant], _as_text]


SystemText: TypeAlias = Annotated[list[_Text], _as_text]
"""The instructions of a request."""

MessageParam: TypeAlias = Annotated[_System | _User | _Assistant, Field(discriminator="role")]
"""A message as programs send it; what only Anthropic's own tools bring is refused."""


def anthropic_messages(system: SystemText, params: Sequence[MessageParam]) -> list[ChatMessage]:
    """Return the messages of a request; results of tools are messages of their own.

    Raises:
        Refusal: One shows something that a model cannot be shown.
    """
    messages: list[ChatMessage] = []
    if system:
        messages.append(ChatMessageSystem(content=content([_shown(part) for part in system])))
    functions: dict[str, str] = {}
    for param in params:
        if isinstance(param, _Assistant):
            messages.append(_assistant(param, functions))
        elif isinstance(param, _User):
            messages += _user(param, functions)
        else:
            said = content([_shown(part) for part in param.content])
            messages.append(ChatMessageSystem(content=said))
    return messages


def _assistant(param: _Assistant, functions: dict[str, str]) -> ChatMessageAssistant:
    parts: list[Content] = []
    calls: list[ToolCall] = []
    for block in param.content:
        if isinstance(block, _ToolUse):
            functions[block.id] = block.name
            calls.append(
                ToolCall(id=block.id, function=block.name, arguments=block.input, type="function")
            )
        elif isinstance(block, _Text):
            parts.append(ContentText(text=block.text))
        elif isinstance(block, _Thinking):
            signature = block.signature or None
            parts.append(ContentReasoning(reasoning=block.thinking, signature=signature))
        else:
            parts.append(ContentReasoning(reasoning=block.data, redacted=True))
    return ChatMessageAssistant(content=content(parts), tool_calls=calls or None)


def _user(param: _User, functions: dict[str, str]) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    parts: list[Content] = []
    for block in param.content:
        if isinstance(block, _ToolResult):
            messages.append(_tool(block, functions))
        else:
            parts.append(_shown(block))
    if parts or not messages:
        messages.append(ChatMessageUser(content=content(parts)))
    return messages


def _tool(block: _ToolResult, functions: dict[str, str]) -> ChatMessageTool:
    message = ChatMessageTool(
        content=content([_shown(part) for part in block.content]),
        tool_call_id=block.tool_use_id,
        function=functions.get(block.tool_use_id),
    )
    if block.is_error:
        message.error = ToolCallError(type="unknown", message=message.text)
    return message


def _shown(part: _Text | _Image | _Document) -> Content:
    if isinstance(part, _Text):
        return ContentText(text=part.text)
    source = part.source
    if isinstance(part, _Image):
        return image(_uri(source))
    return ContentDocument(
        document=_uri(source),
        filename=part.title or "",
        mime_type=source.media_type if isinstance(source, _Base64) else "text/plain",
        citations=part.citations is not None and part.citations.enabled,
    )


def _uri(source: _Base64 | _PlainText | _Url) -> str:
    if isinstance(source, _Base64):
        return f"data:{source.media_type};base64,{source.data}"
    if isinstance(source, _PlainText):
        return f"data:text/plain;base64,{b64encode(source.data.encode()).decode()}"
    return source.url
