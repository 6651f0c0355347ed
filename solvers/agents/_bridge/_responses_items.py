"""Items of OpenAI's Responses as our messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from solvers.agents._bridge._call import Wire, content, data_uri, image, texts_as_parts
from tasks_lib.model import parse_tool_call
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
    ToolInfo,
)


class _Text(Wire):
    type: Literal["input_text", "output_text", "text", "summary_text", "reasoning_text"]
    text: str


class _Refused(Wire):
    type: Literal["refusal"]
    refusal: str


class _Image(Wire):
    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class _File(Wire):
    type: Literal["input_file"]
    file_data: str
    filename: str = ""


def _part_kind(part: object) -> str:
    kind = _kind(part)
    return "text" if kind in _TEXTS else kind


def _kind(wire: object) -> str:
    kind = wire.get("type") if isinstance(wire, dict) else getattr(wire, "type", None)
    return str(kind or "message")


_TEXTS = frozenset(_Text.model_fields["type"].annotation.__args__)  # type: ignore[union-attr]

_Part: TypeAlias = Annotated[
    Annotated[_Text, Tag("text")]
    | Annotated[_Refused, Tag("refusal")]
    | Annotated[_Image, Tag("input_image")]
    | Annotated[_File, Tag("input_file")],
    Discriminator(_part_kind),
]
_Parts: TypeAlias = Annotated[list[_Part], texts_as_parts("input_text")]


class _Message(Wire):
    type: Literal["message"] = "message"
    role: Literal["user", "system", "developer", "assistant"]
    content: _Parts


class _Reasoning(Wire):
    type: Literal["reasoning"]
    summary: list[_Text] = Field(default_factory=list)
    content: list[_Text] | None = None


class _FunctionCall(Wire):
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class _FunctionOutput(Wire):
    type: Literal["function_call_output"]
    call_id: str
    output: _Parts


InputItem: TypeAlias = Annotated[
    Annotated[_Message, Tag("message")]
    | Annotated[_Reasoning, Tag("reasoning")]
    | Annotated[_FunctionCall, Tag("function_call")]
    | Annotated[_FunctionOutput, Tag("function_call_output")],
    Discriminator(_kind),
]
"""An item of a request's input; what only OpenAI's own tools bring is refused."""


InputItems: TypeAlias = Annotated[
    list[InputItem],
    BeforeValidator(
        lambda said: [{"role": "user", "content": said}] if isinstance(said, str) else said
    ),
]
"""The input of a request; a mere text is what the user says."""


def item_messages(items: Sequence[InputItem], tools: Sequence[ToolInfo]) -> list[ChatMessage]:
    """Return the messages that the items of a request tell.

    What belongs to one answer (reasoning, texts, calls) is one message.

    Args:
        items: The items as they came.
        tools: The tools of the request, to read arguments that are no JSON object.

    Raises:
        Refusal: One shows something that a model cannot be shown.
    """
    reader = _Reader(tools)
    for item in items:
        reader.add(item)
    return reader.messages


class _Reader:
    """Turns items into messages one by one."""

    def __init__(self, tools: Sequence[ToolInfo]) -> None:
        self.messages: list[ChatMessage] = []
        self._tools = tools
        self._functions: dict[str, str] = {}
        self._parts: list[Content] | None = None
        """The parts of the answer that is being read, None outside of answers."""

    def add(self, item: InputItem) -> None:
        if isinstance(item, _FunctionCall):
            call = parse_tool_call(item.call_id, item.name, item.arguments, self._tools)
            self._functions[item.call_id] = item.name
            answer = self._answer([])
            answer.tool_calls = [*(answer.tool_calls or ()), call]
        elif isinstance(item, _Reasoning):
            self._answer(_thoughts(item))
        elif isinstance(item, _FunctionOutput):
            self._other(
                ChatMessageTool(
                    content=content([_part(part) for part in item.output]),
                    tool_call_id=item.call_id,
                    function=self._functions.get(item.call_id),
                )
            )
        elif item.role == "assistant":
            self._answer([_part(part) for part in item.content])
        else:
            said = content([_part(part) for part in item.content])
            self._other(_OTHERS[item.role](said))

    def _answer(self, parts: list[Content]) -> ChatMessageAssistant:
        last = self.messages[-1] if self.messages else None
        if self._parts is None or not isinstance(last, ChatMessageAssistant):
            self._parts = []
            last = ChatMessageAssistant(content="")
            self.messages.append(last)
        self._parts += parts
        last.content = content(self._parts)
        return last

    def _other(self, message: ChatMessage) -> None:
        self._parts = None
        self.messages.append(message)


_OTHERS: dict[str, Callable[[str | list[Content]], ChatMessage]] = {
    "user": lambda said: ChatMessageUser(content=said),
    "system": lambda said: ChatMessageSystem(content=said),
    "developer": lambda said: ChatMessageSystem(content=said),
}


def _thoughts(item: _Reasoning) -> list[Content]:
    text = "\n\n".join(piece.text for piece in item.content or item.summary)
    return [ContentReasoning(reasoning=text)] if text else []


def _part(part: _Text | _Refused | _Image | _File) -> Content:
    if isinstance(part, _Text):
        return ContentText(text=part.text)
    if isinstance(part, _Refused):
        return ContentText(text=part.refusal, refusal=True)
    if isinstance(part, _Image):
        return image(part.image_url, part.detail)
    document = data_uri(part.file_data, "The file_data of a file")
    return ContentDocument(document=document, filename=part.filename)
