"""What a conversation is made of: content parts and chat messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tasks_lib._util._ids import short_uuid
from tasks_lib.schema._tool_call import ToolCall, ToolCallError


class CitationBase(BaseModel):
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


class DocumentRange(BaseModel):
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


class ContentBase(BaseModel):
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
    detail: Literal["auto", "low", "high"] = "auto"


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


Content: TypeAlias = Annotated[
    ContentText | ContentReasoning | ContentImage | ContentAudio | ContentVideo | ContentData,
    Field(discriminator="type"),
]
"""One part of a message."""


class ChatMessageBase(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(validate_default=False)

    id: str | None = Field(default_factory=short_uuid)
    """Unique within a log."""

    content: str | list[Content]
    """Text, or a list of parts."""

    source: Literal["input", "generate"] | None = None
    """Whether the sample or a model brought the message; None: a solver did."""

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
