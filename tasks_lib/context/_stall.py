"""Ends a sample in which nothing happens any more.

What counts as something happening is an event in the sample's transcript: an answer of a
model, the end of a tool call, a span. Log records are none, as whoever tries in vain may log
each attempt. So a step that records nothing on its way, such as a process that runs for
hours, must be shorter than the timeout.

Waiting for a person, or for a turn that others have (of connections, processes, sandboxes or
any other `concurrency`), is not counted. A request that hangs is, and so are the waits between
attempts: that a request is tried again is not progress.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from tasks_lib._errors import ParameterError, SampleStalledError
from tasks_lib.context._alarm import Alarm
from tasks_lib.context._sample import SampleContext
from tasks_lib.schema import (
    Event,
    LoggerEvent,
    ModelEvent,
    SpanBeginEvent,
    SpanEndEvent,
    SubtaskEvent,
    ToolEvent,
)

_LOOKS = 4
"""How often a guard looks within its timeout. Events cost nothing that way."""


def stall_guard(
    context: SampleContext, timeout: float | None
) -> AbstractContextManager[StallGuard | None]:
    """Cancel what a block awaits once the sample has no event for `timeout` seconds.

    That is noticed after `timeout` and a quarter of it at the latest. Time in which the event
    loop stood still, and no sample could go on, is hardly counted. Code that catches the
    cancellation and goes on is cancelled again each time that nothing happens for so long.

    Args:
        context: The sample that runs in the block.
        timeout: Seconds; None or 0: the block is not guarded.

    Raises:
        SampleStalledError: From the block, instead of the cancellation, whose traceback shows
            what the block waited for.
        ParameterError: `timeout` is negative.
    """
    if timeout is None or timeout == 0:
        return nullcontext()
    if not timeout > 0:
        raise ParameterError("stall_guard", "timeout", timeout, "seconds, 0 or more, or None")
    return StallGuard(context, timeout)


class StallGuard:
    """See `stall_guard`. A plain class, as every sample passes through two of them."""

    __slots__ = (
        "_alarm",
        "_events",
        "_hold",
        "_idle",
        "_last",
        "_looked",
        "_on_hold",
        "_seen",
        "_timeout",
    )

    def __init__(self, context: SampleContext, timeout: float) -> None:
        self._hold = context.hold
        self._events = context.transcript.events
        self._timeout = timeout
        self._last: Event | None = None
        """The last event before the time was up."""

    def __enter__(self) -> StallGuard:
        self._seen = len(self._events)
        self._idle = 0.0
        self._looked = time.perf_counter()
        self._on_hold = self._hold.seconds
        self._alarm = Alarm(self._left, self._timeout / _LOOKS, again_s=self._timeout)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        alarm = self._alarm
        del self._alarm  # it refers to us: transcripts must not wait for the garbage collector
        if alarm.stop(error):
            raise self._error(getattr(error, "__notes__", ())) from error

    def _left(self) -> float:
        """Return the seconds until the next look; 0 or less: the time is up."""
        now, on_hold = time.perf_counter(), self._hold.seconds
        nap = self._timeout / _LOOKS
        # A look that comes late was held up, and so was the sample.
        passed = min(now - self._looked, 2 * nap) - (on_hold - self._on_hold)
        self._looked, self._on_hold = now, on_hold
        self._idle = 0.0 if self._has_new_event() else self._idle + max(0.0, passed)
        left = self._timeout - self._idle
        if left <= 0:
            self._last = next(filter(_counts, reversed(self._events)), None)
        return min(left, nap)

    def _has_new_event(self) -> bool:
        first, self._seen = self._seen, len(self._events)
        return any(_counts(event) for event in self._events[first:])

    def _error(self, notes: Iterable[str]) -> SampleStalledError:
        if self._last is None:
            return SampleStalledError(self._timeout, None, notes)
        at = getattr(self._last, "completed", None) or self._last.timestamp
        last = f"{_told(self._last, self._events)}, at {at:%Y-%m-%d %H:%M:%S} UTC"
        return SampleStalledError(self._timeout, last, notes)


def _counts(event: Event) -> bool:
    return not isinstance(event, LoggerEvent)


def _told(event: Event, events: list[Event]) -> str:
    """Return what `event` is, with the name that tells it from others."""
    match event:
        case ModelEvent(model=name):
            return f"the model call to {name!r}"
        case ToolEvent(function=name):
            return f"the tool call {name!r}"
        case SpanBeginEvent(type=kind, name=name) | SubtaskEvent(event=kind, name=name):
            return f"the beginning of the {kind} {name!r}"
        case SpanEndEvent(id=ended):
            for begin in events:
                if isinstance(begin, SpanBeginEvent) and begin.id == ended:
                    return f"the end of the {begin.type} {begin.name!r}"
    return f"an event of the kind {event.event!r}"
