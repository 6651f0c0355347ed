"""What a program asks of its model, whatever interface it speaks, and how that is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationError

from tasks_lib.schema import (
    ChatMessage,
    Content,
    ContentImage,
    ContentText,
    GenerateConfig,
    JSONSchema,
    ResponseSchema,
    ToolChoice,
    ToolInfo,
    ToolParams,
)

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object of an interface."""

Unused: TypeAlias = JsonValue | None
"""An option that is taken and changes nothing: it does not touch what a model says."""


class Refusal(Exception):
    """A request that gets an error for an answer. It never leaves this package."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status."""
        self.message = message
        self.code = code
        """OpenAI's word for the reason, if it has one."""
        self.param = param
        """The option that is wrong, if it is one."""


class Call(NamedTuple):
    """One request for the next message of a conversation."""

    model: str
    """The model as the program names it."""
    messages: list[ChatMessage]
    config: GenerateConfig
    tools: list[ToolInfo]
    tool_choice: ToolChoice | None
    stream: bool
    """Whether the answer goes back as a stream of events."""
    body: JSONObject
    """The request as it came, for answers that repeat parts of it."""
    history: list[ChatMessage] | None = None
    """What a later request may refer to by the answer's id: the messages without the
    instructions of this request. None: it may not."""


History: TypeAlias = Callable[[str], list[ChatMessage]]
"""Returns the conversation up to the answer of an id; raises Refusal if it has none."""


class Wire(BaseModel):
    """A part of a request. What SDKs add to the messages that they send back is left out."""

    model_config = ConfigDict(extra="ignore")


class Options(BaseModel):
    """A whole request. What it does not name is refused: it could change the answer."""

    model_config = ConfigDict(extra="forbid")


W = TypeVar("W", bound=BaseModel)


def checked(kind: type[W], body: Mapping[str, Any]) -> W:
    """Return `body` as a `kind`; options that are null count as not given.

    Raises:
        Refusal: It is none; the message lists what is wrong with it.
    """
    try:
        return kind.model_validate(
            {name: value for name, value in body.items() if value is not None}
        )
    except ValidationError as error:
        problems = [_problem(details) for details in error.errors(include_url=False)]
        first = error.errors(include_url=False)[0]["loc"]
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        raise Refusal(400, shown, param=str(first[0]) if first else None) from None


def texts_as_parts(kind: str) -> BeforeValidator:
    """Return a validator that takes a mere text for a list of one part of this `kind`."""
    return BeforeValidator(
        lambda value: [{"type": kind, "text": value}] if isinstance(value, str) else value
    )


def content(parts: list[Content]) -> str | list[Content]:
    """Return parts as the content of a message: a single plain text as a text."""
    if not parts:
        return ""
    [first, *more] = parts
    is_plain = isinstance(first, ContentText) and not first.refusal
    return first.text if is_plain and isinstance(first, ContentText) and not more else parts


def image(url: str, detail: str = "auto") -> ContentImage:
    """Return an image that a program shows its model.

    Raises:
        Refusal: It is neither data nor on the web: a program must not make this process read
            files for it.
    """
    if not url.startswith(("data:", "https:", "http:")):
        raise Refusal(
            400, f"An image must be a data URI or a web address, not {url[:_SHOWN_CHARACTERS]!r}."
        )
    return ContentImage.model_validate({"image": url, "detail": detail})


def data_uri(data: str, what: str) -> str:
    """Return `data`, which has to be a data URI.

    Raises:
        Refusal: It is none.
    """
    if not data.startswith("data:"):
        raise Refusal(400, f"{what} must be a data URI (data:<type>;base64,…).")
    return data


def tool_info(
    name: str,
    description: str | None,
    parameters: Mapping[str, Any] | None,
    strict: bool | None = None,
) -> ToolInfo:
    """Return a tool that a program offers its model.

    Raises:
        Refusal: The schema of its parameters is none that models are told.
    """
    # None, because a schema that does not say allows more than the properties that it names.
    schema = {"additionalProperties": None, **(parameters or {})}
    try:
        return ToolInfo(
            name=name,
            description=description or "",
            parameters=ToolParams.model_validate(schema),
            options=None if strict is None else {"strict": strict},
        )
    except ValidationError as error:
        problem = _problem(error.errors(include_url=False)[0])
        raise Refusal(400, f"tools: the parameters of {name!r}: {problem}", param="tools") from None


def response_schema(
    schema: Mapping[str, Any],
    name: str = "answer",
    description: str | None = None,
    strict: bool | None = None,
) -> ResponseSchema:
    """Return the schema that an answer has to follow.

    Raises:
        Refusal: It is none that providers take.
    """
    try:
        return ResponseSchema(
            name=name,
            json_schema=JSONSchema.model_validate(schema),
            description=description,
            strict=strict,
        )
    except ValidationError as error:
        problem = _problem(error.errors(include_url=False)[0])
        raise Refusal(400, f"The schema of the answer: {problem}") from None


def any_object() -> ResponseSchema:
    """Return the schema that every JSON object follows."""
    return response_schema({"type": "object", "additionalProperties": True}, "json_object")


def generate_config(**options: object) -> GenerateConfig:
    """Return the options of a call.

    Raises:
        Refusal: One of them has a value that it cannot have.
    """
    return checked(GenerateConfig, options)


_SHOWN_PROBLEMS = 5
_SHOWN_CHARACTERS = 80


def _problem(details: Any) -> str:
    place = ".".join(str(step) for step in details["loc"])
    if details["type"] == "extra_forbidden":
        return f"the bridge does not support the option {place!r}"
    said = str(details["msg"])
    if details["type"] == "literal_error":
        said = f"{said}, not {str(details['input'])[:_SHOWN_CHARACTERS]!r}"
    return f"{place}: {said}" if place else said
