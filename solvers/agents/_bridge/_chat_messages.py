"""Messages of OpenAI's chat completions as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from solvers.agents._bridge._call import Wire, content, data_uri, image, texts_as_parts
from tasks_lib.model import parse_tool_call
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentDocument,
    ContentReasoning,
    ContentText,
    ToolInfo,
)


class _Text(Wire):
    type: Literal["text"]
    text: str


class _Refused(Wire):
    type: Literal["refusal"]
    refusal: str


class _ImageUrl(Wire):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class _Image(Wire):
    type: Literal["image_url"]
    image_url: _ImageUrl


class _Sound(Wire):
    data: str
    format: Literal["wav", "mp3"]


class _Audio(Wire):
    type: Literal["input_audio"]
    input_audio: _Sound


class _FileData(Wire):
    file_data: str
    filename: str = ""


class _File(Wire):
    type: Literal["file"]
    file: _FileData


class _Function(Wire):
    name: str
    arguments: str


class _ToolCall(Wire):
    id: str
    type: Literal["function"] = "function"
    function: _Function


_Said: TypeAlias = Annotated[_Text | _Refused, Field(discriminator="type")]
_Shown: TypeAlias = Annotated[_Text | _Image | _Audio | _File, Field(discriminator="type")]
_as_text = texts_as_parts("text")


class _Named(Wire):
    name: str | None = None


class _System(_Named):
    role: Literal["system", "developer"]
    content: Annotated[list[_Text], _as_text]


class _User(_Named):
    role: Literal["user"]
    content: Annotated[list[_Shown], _as_text]


class _Assistant(_Named):
    role: Literal["assistant"]
    content: Annotated[list[_Said] | None, _as_text] = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Tool(_Named):
    role: Literal["tool"]
    tool_call_id: str
    content: Annotated[list[_Text], _as_text]


ChatParam: TypeAlias = Annotated[_System | _User | _Assistant | _Tool, Field(discriminator="role")]
"""A message as programs send it. Names of participants are kept in its metadata."""


def chat_messages(params: Sequence[ChatParam], tools: Sequence[ToolInfo] = ()) -> list[ChatMessage]:
    """Return the messages of a request.

    Args:
        params: The messages as they came.
        tools: The tools of the request, to read arguments that are no JSON object.

    Raises:
        Refusal: One shows something that a model cannot be shown.
    """
    functions: dict[str, str] = {}
    messages: list[ChatMessage] = []
    for param in params:
        message = _message(param, tools, functions)
        if param.name is not None:
            message.metadata = {"name": param.name}
        messages.append(message)
    return messages


def _message(param: ChatParam, tools: Sequence[ToolInfo], functions: dict[str, str]) -> ChatMessage:
    if isinstance(param, _System):
        return ChatMessageSystem(content=content([_part(part) for part in param.content]))
    if isinstance(param, _User):
        return ChatMessageUser(content=content([_part(part) for part in param.content]))
    if isinstance(param, _Tool):
        return ChatMessageTool(
            content=content([_part(part) for part in param.content]),
            tool_call_id=param.tool_call_id,
            function=functions.get(param.tool_call_id),
        )
    return _assistant(param, tools, functions)


def _assistant(
    param: _Assistant, tools: Sequence[ToolInfo], functions: dict[str, str]
) -> ChatMessageAssistant:
    calls = [
        parse_tool_call(call.id, call.function.name, call.function.arguments, tools)
        for call in param.tool_calls or ()
    ]
    functions.update((call.id, call.function) for call in calls)
    parts = [_part(part) for part in param.content or ()]
    if param.refusal:
        parts.append(ContentText(text=param.refusal, refusal=True))
    if param.reasoning_content:
        parts.insert(0, ContentReasoning(reasoning=param.reasoning_content))
    return ChatMessageAssistant(content=content(parts), tool_calls=calls or None)


def _part(part: _Text | _Refused | _Image | _Audio | _File) -> Content:
    if isinstance(part, _Text):
        return ContentText(text=part.text)
    if isinstance(part, _Refused):
        return ContentText(text=part.refusal, refusal=True)
    if isinstance(part, _Image):
        return image(part.image_url.url, part.image_url.detail)
    if isinstance(part, _Audio):
        sound = part.input_audio
        uri = f"data:audio/{sound.format};base64,{sound.data}"
        return ContentAudio(audio=uri, format=sound.format)
    document = data_uri(part.file.file_data, "The file_data of a file")
    return ContentDocument(document=document, filename=part.file.filename)
