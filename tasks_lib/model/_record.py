"""One model call on its way to the transcript."""

from __future__ import annotations

import time
from typing import Literal

from tasks_lib._util._models import build
from tasks_lib.context import SampleContext
from tasks_lib.model._input import Request
from tasks_lib.model._retry import Retry
from tasks_lib.schema import ModelCall, ModelEvent, ModelOutput, utc_now


class CallRecord:
    """Gathers what happens during a call; `finish` makes the event of it."""

    __slots__ = (
        "_context",
        "_model",
        "_request",
        "_role",
        "_timestamp",
        "_waited",
        "_working_start",
        "cache",
        "call",
        "retries",
        "started",
    )

    def __init__(
        self,
        model: str,
        role: str | None,
        request: Request,
        context: SampleContext | None,
    ) -> None:
        """Begin; without `context` nothing will be recorded."""
        self._model = model
        self._role = role
        self._request = request
        self._context = context
        self.started = time.perf_counter()
        """`time.perf_counter()` when the first attempt began."""
        self.retries: list[Retry] = []
        self.cache: Literal["read", "write"] | None = None
        """Whether the answer came from the cache, or went there."""
        self.call: ModelCall | None = None
        """The raw exchange, if it is to be in the log."""
        if context is not None:
            self._timestamp = utc_now()
            self._waited = context.clock.waited
            self._working_start = context.clock.working

    def cancel(self, nothing: ModelOutput) -> None:
        """Record the event of a call that a limit or something else ended before its answer."""
        error = f"Cancelled after {time.perf_counter() - self.started:.1f} s without an answer."
        self.finish(nothing, error, pending=True)

    def finish(
        self, output: ModelOutput, error: str | None = None, pending: bool | None = None
    ) -> None:
        """Record the event; later changes to the messages or the output do not reach it."""
        context = self._context
        if context is None:
            return
        waited = context.clock.waited - self._waited
        request, snapshot = self._request, context.transcript.snapshot
        choices = [
            choice.model_copy(update={"message": snapshot([choice.message])[0]})
            for choice in output.choices
        ]
        retries = [retry._asdict() for retry in self.retries]
        context.transcript.record(
            build(
                ModelEvent,
                timestamp=self._timestamp,
                working_start=round(self._working_start, 6),
                model=self._model,
                role=self._role,
                input=snapshot(request.input),
                tools=request.tools,
                tool_choice=request.tool_choice,
                config=request.config,
                output=output.model_copy(update={"choices": choices}),
                retries=len(retries) or None,
                metadata={"retries": retries} if retries else None,
                error=error,
                pending=pending,
                cache=self.cache,
                call=self.call,
                completed=utc_now(),
                working_time=round(time.perf_counter() - self.started - waited, 6),
            )
        )
