"""What a model is told about tools, and what it asks of them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

JSONType = Literal["string", "integer", "number", "boolean", "array", "object", "null"]
"""The types of JSON Schema."""


class JSONSchema(BaseModel):
    """The part of JSON Schema that providers understand."""

    model_config = ConfigDict(populate_by_name=True)

    type: JSONType | None = None
    format: str | None = None
    description: str | None = None
    default: Any = None
    enum: list[Any] | None = None
    items: JSONSchema | None = None
    properties: dict[str, JSONSchema] | None = None
    additionalProperties: JSONSchema | bool | None = None
    anyOf: list[JSONSchema] | None = None
    required: list[str] | None = None


ToolParam: TypeAlias = JSONSchema
"""The schema of one parameter."""


class ToolParams(BaseModel):
    """The parameters of a tool, as one JSON Schema object."""

    type: Literal["object"] = "object"
    properties: dict[str, ToolParam] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)
    additionalProperties: bool = False


class ToolInfo(BaseModel):
    """What a model is told about a tool."""

    name: str
    description: str
    parameters: ToolParams = Field(default_factory=ToolParams)
    options: dict[str, JsonValue] | None = None
    """Options that only some providers understand."""


class ToolFunction(NamedTuple):
    """Makes the model call exactly this tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "any", "none"] | ToolFunction
"""Whether and which tools the model may or must call."""


class ToolCallContent(BaseModel):
    """How a part of a tool call is shown to people."""

    title: str | None = None
    format: Literal["text", "markdown"]
    content: str


class ToolCallView(BaseModel):
    """How a tool call is shown to people: its context and the call."""

    context: ToolCallContent | None = None
    call: ToolCallContent | None = None


class ToolCall(BaseModel):
    """A model's wish to call a tool."""

    id: str
    """Answers refer to it."""
    function: str
    """Name of the tool."""
    arguments: dict[str, Any]
    internal: JsonValue | None = None
    """What the provider needs to send the call back."""
    parse_error: str | None = None
    """Why the arguments could not be read, if so; the model is told."""
    view: ToolCallContent | None = None
    type: Literal["function"] | None = None


ToolErrorType = Literal[
    "parsing",
    "timeout",
    "unicode_decode",
    "permission",
    "file_not_found",
    "is_a_directory",
    "limit",
    "approval",
    "unknown",
    "output_limit",
]
"""Why a tool call failed. `output_limit` only occurs in logs of others."""


class ToolCallError(BaseModel):
    """A failed tool call, as the model is told of it."""

    type: ToolErrorType
    message: str
