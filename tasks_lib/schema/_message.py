"""What a conversation is made of: content parts and chat messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, JsonValue

from tasks_lib._util._ids import short_uuid
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._tool_call import ToolCall, ToolCallError


class CitationBase(Record):
    """What all citations share."""

    cited_text: str | tuple[int, int] | None = None
    """The cited text, or the range of characters of the answer that cites."""

    title: str | None = None
    """Title of the source."""

    internal: dict[str, JsonValue] | None = None
    """What the provider needs to send the citation back."""


class ContentCitation(CitationBase):
    """A citation of some content."""

    type: Literal["content"] = "content"


class DocumentRange(Record):
    """A part of a document, in pages, blocks or characters."""

    type: Literal["block", "page", "char"]
    start_index: int
    end_index: int


class DocumentCitation(CitationBase):
    """A citation of a part of a document."""

    type: Literal["document"] = "document"
    range: DocumentRange | None = None


class UrlCitation(CitationBase):
    """A citation of a page."""

    type: Literal["url"] = "url"
    url: str


Citation: TypeAlias = Annotated[
    ContentCitation | DocumentCitation | UrlCitation, Field(discriminator="type")
]
"""Where a part of an answer comes from."""


class ContentBase(Record):
    """What all content parts share."""

    internal: JsonValue | None = None
    """What the provider needs to send the part back."""


class ContentText(ContentBase):
    """Text."""

    type: Literal["text"] = "text"
    text: str
    refusal: bool | None = None
    """Whether the text is the model's refusal."""
    citations: list[Citation] | None = None


class ContentReasoning(ContentBase):
    """What a model thought before it answered."""

    type: Literal["reasoning"] = "reasoning"
    reasoning: str
    signature: str | None = None
    """The provider's signature, needed to send the reasoning back."""
    redacted: bool = False
    """Whether `reasoning` is unreadable on purpose."""


class ContentImage(ContentBase):
    """An image: a URL, a file path or a data URI."""

    type: Literal["image"] = "image"
    image: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class ContentAudio(ContentBase):
    """Sound: a file path or a data URI."""

    type: Literal["audio"] = "audio"
    audio: str
    format: Literal["wav", "mp3"]


class ContentVideo(ContentBase):
    """A video: a file path or a data URI."""

    type: Literal["video"] = "video"
    video: str
    format: Literal["mp4", "mpeg", "mov"]


class ContentData(ContentBase):
    """Data that only the provider understands."""

    type: Literal["data"] = "data"
    data: dict[str, JsonValue]


class ContentDocument(ContentBase):
    """A document: a file path or a data URI."""

    type: Literal["document"] = "document"
    document: str
    filename: str = ""
    mime_type: str = ""
    citations: bool = False
    """Whether the model was asked to cite it."""


class ContentToolUse(ContentBase):
    """A tool that the provider itself called."""

    type: Literal["tool_use"] = "tool_use"
    tool_type: Annotated[Literal["web_search", "mcp_call", "code_execution"], AnyText]
    id: str
    name: str
    context: str | None = None
    """Where the tool comes from, such as an MCP server."""
    arguments: str
    result: str
    error: str | None = None


Content: TypeAlias = Annotated[
    ContentText
    | ContentReasoning
    | ContentImage
    | ContentAudio
    | ContentVideo
    | ContentData
    | ContentDocument
    | ContentToolUse,
    Field(discriminator="type"),
]
"""One part of a message."""


class ChatMessageBase(Record):
    """What all messages share."""

    model_config = ConfigDict(validate_default=False)

    id: str | None = Field(default_factory=short_uuid)
    """Unique within a log."""

    content: str | list[Content]
    """Text, or a list of parts."""

    source: Annotated[Literal["input", "generate", "operator"], AnyText] | None = None
    """Whether the sample, a model or a person brought the message; None: a solver did."""

    metadata: dict[str, Any] | None = None
    """Whatever a solver wants to remember with the message."""

    internal: JsonValue | None = None
    """What the provider needs to send the message back."""

    @property
    def text(self) -> str:
        """The text parts, joined by newlines.

        Setting it replaces text content. Among other parts, all text parts are dropped and
        one with the new text is added at the end.
        """
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, ContentText))

    @text.setter
    def text(self, text: str) -> None:
        if isinstance(self.content, str):
            self.content = text
        else:
            others = [part for part in self.content if not isinstance(part, ContentText)]
            self.content = [*others, ContentText(text=text)]


class ChatMessageSystem(ChatMessageBase):
    """Instructions to the model."""

    role: Literal["system"] = "system"


class ChatMessageUser(ChatMessageBase):
    """What a user says."""

    role: Literal["user"] = "user"
    tool_call_id: list[str] | None = None
    """Ids of the tool calls whose images this message carries."""


class ChatMessageAssistant(ChatMessageBase):
    """What a model says."""

    role: Literal["assistant"] = "assistant"
    tool_calls: list[ToolCall] | None = None
    """Tools that the model wants to be called."""
    model: str | None = None
    """The model that said it."""


class ChatMessageTool(ChatMessageBase):
    """What a tool returned."""

    role: Literal["tool"] = "tool"
    tool_call_id: str | None = None
    """Id of the call that this answers."""
    function: str | None = None
    """Name of the tool."""
    error: ToolCallError | None = None
    """Why the call failed, if it did."""


ChatMessage: TypeAlias = Annotated[
    ChatMessageSystem | ChatMessageUser | ChatMessageAssistant | ChatMessageTool,
    Field(discriminator="role"),
]
"""One message of a conversation."""
