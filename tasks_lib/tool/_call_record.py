"""What the transcript says of a call of a tool."""

from __future__ import annotations

import time

from tasks_lib._util._models import build
from tasks_lib.context import current_sample, transcript
from tasks_lib.schema import ToolCall, ToolCallContent, ToolCallError, ToolEvent, utc_now
from tasks_lib.tool._output import ToolOutput


class CallRecord:
    """The event of a call: recorded when it begins, completed when it ends."""

    __slots__ = ("_clock", "_event", "_started", "_waited")

    def __init__(self, call: ToolCall, agent: str | None = None) -> None:
        """Record that `call` begins; `agent` is who it hands over to, if anybody."""
        context = current_sample()
        self._clock = context.clock if context is not None else None
        self._started = time.perf_counter()
        self._waited = self._clock.waited if self._clock is not None else 0.0
        # Not checked: a model may have passed what our schema of JSON would refuse.
        self._event = build(
            ToolEvent,
            timestamp=utc_now(),
            pending=True,
            id=call.id,
            function=call.function,
            arguments=call.arguments,
            internal=call.internal,
            view=call.view,
            agent=agent,
        )
        transcript().record(self._event)

    def show(self, view: ToolCallContent | None) -> None:
        """Say how the call is shown to people."""
        self._event.view = view

    def finish(self, output: ToolOutput, error: ToolCallError | None) -> None:
        """Complete the event of a call that ended, well or with an error that the model is told."""
        self._event.result = output.as_json()
        self._event.truncated = output.truncated
        self._event.error = error
        self._end()

    def fail(self) -> None:
        """Complete the event of a call that was cut off or raised what fails the sample."""
        self._event.failed = True
        self._end()

    def _end(self) -> None:
        waited = (self._clock.waited if self._clock is not None else 0.0) - self._waited
        # Not less than nothing: the clocks are read one after the other.
        working = max(0.0, time.perf_counter() - self._started - waited)
        self._event.pending = None
        self._event.completed = utc_now()
        self._event.working_time = round(working, 6)
