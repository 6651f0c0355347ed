"""What a model is told about tools, and what it asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, JsonValue

from tasks_lib.schema._record import AnyText, Record

JSONType = Literal["string", "integer", "number", "boolean", "array", "object", "null"]
"""The types of JSON Schema."""


class JSONSchema(Record):
    """The part of JSON Schema that providers understand."""

    model_config = ConfigDict(populate_by_name=True)

    type: JSONType | list[JSONType] | None = None
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


class ToolParams(Record):
    """The parameters of a tool, as one JSON Schema object."""

    type: Literal["object"] = "object"
    properties: dict[str, ToolParam] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)
    additionalProperties: JSONSchema | bool | None = False


class ToolInfo(Record):
    """What a model is told about a tool."""

    name: str
    description: str
    parameters: ToolParams = Field(default_factory=ToolParams)
    options: dict[str, JsonValue] | None = None
    """Options that only some providers understand."""


@dataclass(frozen=True)
class ToolFunction:
    """Makes the model call exactly this tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "any", "none"] | ToolFunction
"""Whether and which tools the model may or must call."""


class ToolCallContent(Record):
    """How a part of a tool call is shown to people."""

    title: str | None = None
    format: Literal["text", "markdown"]
    content: str


class ToolCallView(Record):
    """How a tool call is shown to people: its context and the call."""

    context: ToolCallContent | None = None
    call: ToolCallContent | None = None


class ToolCall(Record):
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
    type: Annotated[Literal["function", "custom"], AnyText] | None = None


ToolErrorType = Literal[
    "parsing",
    "timeout",
    "unicode_decode",
    "permission",
    "file_not_found",
    "is_a_directory",
    "limit",
    "approval",
    "cancelled",
    "sandbox_unavailable",
    "unknown",
    "output_limit",
]
"""Why a tool call failed. `cancelled`, `sandbox_unavailable` and `output_limit` only occur in
logs of others."""


class ToolCallError(Record):
    """A failed tool call, as the model is told of it."""

    type: Annotated[ToolErrorType, AnyText]
    message: str
