"""What happened to a sample: one class per kind of event.

Events are recorded in the order in which they happened. A span groups events: it begins
with a `SpanBeginEvent`, ends with a `SpanEndEvent`, and its events carry its id.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, field_validator

from tasks_lib._errors import LimitType
from tasks_lib.schema._config import AnyGenerateConfig
from tasks_lib.schema._message import ChatMessage
from tasks_lib.schema._model_output import ModelCall, ModelOutput
from tasks_lib.schema._record import AnyText, Record
from tasks_lib.schema._sample import AnySample
from tasks_lib.schema._score import Score
from tasks_lib.schema._tool_call import (
    ToolCall,
    ToolCallContent,
    ToolCallError,
    ToolCallView,
    ToolChoice,
    ToolInfo,
)


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


EvalSampleLimitType: TypeAlias = LimitType | Literal["context", "turn", "cost"]
"""Limits that logs tell of; the last three only occur in those of others."""


class BaseEvent(Record):
    """What all events share."""

    span_id: str | None = None
    """The span that the event happened in."""
    timestamp: AwareDatetime = Field(default_factory=utc_now)
    working_start: float = 0.0
    """Working time of the sample when the event began, in seconds."""
    pending: bool | None = None
    """Whether the event has begun but not ended."""
    metadata: dict[str, Any] | None = None


class JsonChange(Record):
    """One operation of a JSON patch (RFC 6902)."""

    model_config = ConfigDict(populate_by_name=True)

    op: Literal["remove", "add", "replace", "move", "test", "copy"]
    path: str
    from_: str | None = Field(default=None, alias="from")
    value: Any = None
    """Anything that JSON can hold; messages and outputs of ours may stand for their JSON."""


class SampleInitEvent(BaseEvent):
    """A sample begins; `state` is what its solver gets."""

    event: Literal["sample_init"] = "sample_init"
    sample: AnySample
    state: Any
    """As JSON; messages of ours may stand for their JSON."""


class SampleLimitEvent(BaseEvent):
    """A sample reached a limit."""

    event: Literal["sample_limit"] = "sample_limit"
    type: Annotated[EvalSampleLimitType, AnyText]
    message: str
    limit: float | None = None


class SandboxEvent(BaseEvent):
    """Something was done in a sandbox."""

    event: Literal["sandbox"] = "sandbox"
    action: Annotated[Literal["exec", "read_file", "write_file"], AnyText]
    cmd: str | None = None
    options: dict[str, JsonValue] | None = None
    file: str | None = None
    input: str | None = None
    result: int | None = None
    output: str | None = None
    completed: AwareDatetime | None = None


class StateEvent(BaseEvent):
    """A solver changed the state."""

    event: Literal["state"] = "state"
    changes: list[JsonChange]


class StoreEvent(BaseEvent):
    """The sample's store changed."""

    event: Literal["store"] = "store"
    changes: list[JsonChange]


class ModelEvent(BaseEvent):
    """A model was called."""

    event: Literal["model"] = "model"
    model: str
    role: str | None = None
    input: list[ChatMessage]
    tools: list[ToolInfo]
    tool_choice: ToolChoice
    config: AnyGenerateConfig
    output: ModelOutput
    retries: int | None = None
    """Attempts that failed before."""
    error: str | None = None
    cache: Annotated[Literal["read", "write"], AnyText] | None = None
    call: ModelCall | None = None
    completed: AwareDatetime | None = None
    working_time: float | None = None
    """Seconds without waiting for a connection or a retry."""


class ToolEvent(BaseEvent):
    """A tool was called."""

    event: Literal["tool"] = "tool"
    type: Annotated[Literal["function"], AnyText] = "function"
    id: str
    function: str
    arguments: dict[str, JsonValue]
    internal: JsonValue | None = None
    view: ToolCallContent | None = None
    result: JsonValue = None
    truncated: tuple[int, int] | None = None
    """Bytes of the output before and after it was cut."""
    error: ToolCallError | None = None
    completed: AwareDatetime | None = None
    working_time: float | None = None
    agent: str | None = None
    """The agent that the call handed over to."""
    failed: bool | None = None


class ApprovalEvent(BaseEvent):
    """Someone decided on a tool call."""

    event: Literal["approval"] = "approval"
    message: str
    call: ToolCall
    view: ToolCallView | None = None
    approver: str
    decision: Annotated[Literal["approve", "modify", "reject", "escalate", "terminate"], AnyText]
    modified: ToolCall | None = None
    explanation: str | None = None


class InputEvent(BaseEvent):
    """A person typed something."""

    event: Literal["input"] = "input"
    input: str
    input_ansi: str


class LoggingMessage(Record):
    """A record of Python's logging."""

    name: str | None = None
    level: Annotated[
        Literal["debug", "trace", "http", "sandbox", "info", "warning", "error", "critical"],
        AnyText,
    ]
    message: str
    created: float
    """Seconds since 1970, UTC."""
    filename: str = "unknown"
    module: str = "unknown"
    lineno: int = 0


class LoggerEvent(BaseEvent):
    """Something was logged with Python's logging."""

    event: Literal["logger"] = "logger"
    message: LoggingMessage


class InfoEvent(BaseEvent):
    """Something that a solver or scorer wanted to be remembered."""

    event: Literal["info"] = "info"
    source: str | None = None
    data: JsonValue


class EvalError(Record):
    """An error, as a log records it."""

    message: str
    """The exception's type and text."""
    traceback: str
    traceback_ansi: str = ""
    """The traceback with colours for a terminal."""


class ErrorEvent(BaseEvent):
    """The sample failed."""

    event: Literal["error"] = "error"
    error: EvalError


class ScoreEvent(BaseEvent):
    """A scorer gave its verdict."""

    event: Literal["score"] = "score"
    score: Score
    target: str | list[str] | None = None
    intermediate: bool = False
    """Whether the sample went on after it."""


class SpanBeginEvent(BaseEvent):
    """A span begins."""

    event: Literal["span_begin"] = "span_begin"
    id: str
    parent_id: str | None = None
    type: str | None = None
    name: str


class SpanEndEvent(BaseEvent):
    """A span ends."""

    event: Literal["span_end"] = "span_end"
    id: str


class StepEvent(BaseEvent):
    """A step began or ended; only in old logs of others."""

    event: Literal["step"] = "step"
    action: Literal["begin", "end"]
    type: str | None = None
    name: str


class SubtaskEvent(BaseEvent):
    """A subtask ran."""

    event: Literal["subtask"] = "subtask"
    name: str
    type: str | None = None
    input: dict[str, Any]
    result: Any = None
    completed: AwareDatetime | None = None
    working_time: float | None = None


class UnknownEvent(BaseEvent):
    """Something that another version or engine recorded: all that it wrote is `model_extra`."""

    event: Annotated[Literal["unknown"], AnyText]
    """A kind of event that this version does not know. (The type lets others be told by kind.)"""

    @field_validator("event")
    @classmethod
    def _is_unknown(cls, event: str) -> str:
        if event in _KNOWN_KINDS:
            raise ValueError(f"{event!r} is a known kind of event, with fields of its own")
        return event


KnownEvent: TypeAlias = Annotated[
    SampleInitEvent
    | SampleLimitEvent
    | SandboxEvent
    | StateEvent
    | StoreEvent
    | ModelEvent
    | ToolEvent
    | ApprovalEvent
    | InputEvent
    | LoggerEvent
    | InfoEvent
    | ErrorEvent
    | ScoreEvent
    | SpanBeginEvent
    | SpanEndEvent
    | StepEvent
    | SubtaskEvent,
    Field(discriminator="event"),
]
"""Anything of which this version knows that it happens to samples."""

_KNOWN_KINDS = frozenset(
    kind.model_fields["event"].default for kind in get_args(get_args(KnownEvent)[0])
)

Event: TypeAlias = Annotated[KnownEvent | UnknownEvent, Field(union_mode="left_to_right")]
"""Anything that happened to a sample."""


@dataclass
class SpanNode:
    """A span with all that happened in it."""

    begin: SpanBeginEvent
    children: list[SpanNode | Event] = field(default_factory=list)
    end: SpanEndEvent | None = None
    """None when the span was cut off."""

    @property
    def id(self) -> str:
        """The span's id."""
        return self.begin.id


def event_tree(events: Sequence[Event]) -> list[SpanNode | Event]:
    """Return `events` with each span's events gathered in a `SpanNode`."""
    roots: list[SpanNode | Event] = []
    open_spans: dict[str, SpanNode] = {}
    for event in events:
        if isinstance(event, SpanBeginEvent):
            node = SpanNode(event)
            parent = open_spans.get(event.parent_id or "")
            (parent.children if parent else roots).append(node)
            open_spans[event.id] = node
        elif isinstance(event, SpanEndEvent) and event.id in open_spans:
            open_spans[event.id].end = event
        else:
            parent = open_spans.get(event.span_id or "")
            (parent.children if parent else roots).append(event)
    return roots


def event_sequence(tree: Sequence[SpanNode | Event]) -> Iterator[Event]:
    """Yield the events of a tree, spans begun and ended; the inverse of `event_tree`."""
    for node in tree:
        if isinstance(node, SpanNode):
            yield node.begin
            yield from event_sequence(node.children)
            if node.end is not None:
                yield node.end
        else:
            yield node
