"""What happened to a sample, in order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TypeAlias

from pydantic import JsonValue

from tasks_lib._util._models import build
from tasks_lib.context._clock import Clock
from tasks_lib.context._current_span import current_span
from tasks_lib.context._store import Store
from tasks_lib.schema import (
    ChatMessage,
    Event,
    InfoEvent,
    JsonChange,
    SpanBeginEvent,
    SpanEndEvent,
    StoreEvent,
    utc_now,
)

EventListener: TypeAlias = Callable[[Event], None]
"""Is told of an event when it is recorded; what takes time, such as a tool, has begun then."""

_listener: ContextVar[EventListener | None] = ContextVar("event_listener", default=None)


@contextmanager
def listen_to_events(listener: EventListener) -> Iterator[None]:
    """Let `listener` be told of the events of all transcripts that begin within this block.

    It is called in the sample that the event belongs to, and what it raises fails the sample.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Transcript:
    """The events of a sample."""

    __slots__ = ("_clock", "_listener", "_snapshots", "_spans", "events")

    def __init__(self, clock: Clock | None = None, spans: int = 0) -> None:
        """Begin a transcript, one that continues another with so many `spans` if there are any."""
        self.events: list[Event] = []
        self._clock = clock or Clock()
        self._spans = spans
        self._listener = _listener.get()
        self._snapshots: dict[int, tuple[ChatMessage, ChatMessage]] = {}

    def record(self, event: Event) -> None:
        """Add an event; it gets the current span and, unless set, the working time."""
        fields = event.__dict__  # set_attr of pydantic costs as much as the whole rest
        if fields["span_id"] is None:
            fields["span_id"] = current_span.get()
        if not fields["working_start"]:
            fields["working_start"] = round(self._clock.working, 6)
        self.events.append(event)
        if self._listener is not None:
            self._listener(event)

    def next_span_id(self) -> str:
        """Return an id for a span, unique in this transcript."""
        self._spans += 1
        return f"span-{self._spans}"

    def info(self, data: JsonValue, *, source: str | None = None) -> None:
        """Add something to be remembered, any JSON value. `source` says where it is from."""
        self.record(InfoEvent(data=data, source=source))

    def step(self, name: str, type: str | None = None) -> Span:
        """Group the events of a block. Deprecated: use `span`.

        Changes of the store are recorded by the span around it.
        """
        warnings.warn(
            "transcript().step(…) is deprecated: use span(…).", DeprecationWarning, stacklevel=2
        )
        return Span(self, Store(), name, type)

    def snapshot(self, messages: Iterable[ChatMessage]) -> list[ChatMessage]:
        """Return copies that later changes to `messages` do not reach.

        A message that did not change since the last snapshot is not copied again, so that a
        conversation of n turns costs n copies, not n².
        """
        return [self._snapshot(message) for message in messages]

    def _snapshot(self, message: ChatMessage) -> ChatMessage:
        known = self._snapshots.get(id(message))
        if known is not None and known[0] is message and known[1].__dict__ == message.__dict__:
            return known[1]
        copy = message.model_copy(deep=not isinstance(message.content, str))
        self._snapshots[id(message)] = (message, copy)
        return copy


class Span:
    """Groups the events of a block; use it with `async with` or `with`."""

    __slots__ = ("_id", "_name", "_store", "_token", "_transcript", "_type")

    def __init__(
        self, transcript: Transcript, store: Store, name: str, type: str | None = None
    ) -> None:
        self._transcript = transcript
        self._store = store
        self._name = name
        self._type = type
        self._token: Token[str | None] | None = None

    def __enter__(self) -> None:
        self._id = self._transcript.next_span_id()
        self._store.changes.begin_span(self._id, self._record_changes)
        parent = current_span.get()
        self._token = current_span.set(self._id)
        self._transcript.record(
            build(
                SpanBeginEvent,
                timestamp=utc_now(),
                id=self._id,
                parent_id=parent,
                type=self._type or self._name,
                name=self._name,
            )
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._store.changes.end_span(self._id)
        finally:
            self._transcript.record(build(SpanEndEvent, timestamp=utc_now(), id=self._id))
            if self._token is not None:
                current_span.reset(self._token)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _record_changes(self, changes: list[JsonChange]) -> None:
        event = build(StoreEvent, timestamp=utc_now(), span_id=self._id, changes=changes)
        self._transcript.record(event)
