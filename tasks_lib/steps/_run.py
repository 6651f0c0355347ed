"""A sample on its way through the steps."""

from __future__ import annotations

import traceback
from datetime import datetime

from tasks_lib._errors import LimitExceededError, SampleTerminatedError
from tasks_lib._util._blot import blotted
from tasks_lib.context import SampleContext
from tasks_lib.schema import (
    ErrorEvent,
    EvalError,
    EvalRetryError,
    EvalSampleLimit,
    Sample,
    SampleLimitEvent,
    Score,
    utc_now,
)
from tasks_lib.task import RunPlan, TaskState

TRACEBACK_FRAMES = 40
"""Frames of a traceback that are kept, counted from where the error was raised."""


class SampleRun:
    """One sample in one epoch: its state and what has come of it so far.

    A plain class on purpose, as `RunPlan` is.
    """

    __slots__ = (
        "context",
        "digest",
        "epoch",
        "error",
        "exception",
        "limit",
        "plan",
        "retries",
        "sample",
        "scores",
        "solving_s",
        "started_at",
        "state",
    )

    def __init__(
        self, plan: RunPlan, sample: Sample, epoch: int, context: SampleContext, state: TaskState
    ) -> None:
        self.plan = plan
        self.sample = sample
        self.epoch = epoch
        self.context = context
        self.state = state
        self.started_at: datetime = utc_now()
        self.solving_s = 0.0
        """Seconds that setup and solvers have taken; the time limit counts them."""
        self.scores: dict[str, Score] = {}
        self.digest: str | None = None
        """Of the dataset's sample; see `sample_digest`."""
        self.retries: list[EvalRetryError] = []
        """The attempts before this one, which failed."""
        self.limit: EvalSampleLimit | None = None
        self.error: EvalError | None = None
        self.exception: Exception | None = None

    @property
    def id(self) -> int | str:
        """Id of the sample."""
        return self.context.sample_id

    @property
    def stall_timeout(self) -> float | None:
        """Seconds without an event after which the sample has stalled; 0 or None: never."""
        return self.plan.header.eval.config.stall_timeout

    @property
    def label(self) -> str:
        """How Prefect names the sample."""
        return self.plan.label(self.id, self.epoch)

    def fail(self, error: Exception) -> None:
        """Note the error that ends the sample."""
        self.exception = error
        self.error = logged_error(error)
        self.context.transcript.record(ErrorEvent(error=self.error))

    def end_solving(self, ended: LimitExceededError | SampleTerminatedError) -> None:
        """Note what ends the solvers before they are done; the first limit counts."""
        if isinstance(ended, LimitExceededError):
            limit = EvalSampleLimit(type=ended.type, limit=ended.limit)
        else:
            limit = EvalSampleLimit(type="operator", limit=1)
        event = SampleLimitEvent(type=limit.type, message=str(ended), limit=limit.limit)
        self.context.transcript.record(event)
        if self.limit is None:
            self.limit = limit


def logged_error(error: Exception) -> EvalError:
    """Return how a log tells of an error."""
    lines = traceback.format_exception(error, limit=-TRACEBACK_FRAMES)
    text = str(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return EvalError(message=blotted(message), traceback=blotted("".join(lines)))
