"""The sample that is running here: its transcript, store, limits and usage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from tasks_lib._util._ids import short_uuid
from tasks_lib.context._limits import SampleLimits
from tasks_lib.context._store import Store
from tasks_lib.context._transcript import Clock, Span, Transcript
from tasks_lib.schema import ModelUsage


class SampleContext:
    """All that belongs to one run of one sample.

    A plain class on purpose: Prefect walks dataclasses and pydantic models field by field
    whenever they are passed to a Prefect task.
    """

    __slots__ = (
        "clock",
        "epoch",
        "limits",
        "model_usage",
        "sample_id",
        "state",
        "store",
        "total_tokens",
        "transcript",
        "uuid",
    )

    def __init__(
        self, sample_id: int | str = 1, epoch: int = 1, limits: SampleLimits | None = None
    ) -> None:
        self.sample_id = sample_id
        self.epoch = epoch
        self.uuid = short_uuid()
        self.limits = limits or SampleLimits()
        self.clock = Clock()
        self.transcript = Transcript(self.clock)
        self.store = Store()
        self.state: object | None = None
        """The latest state of the solvers; what is scored when a limit ends them."""
        self.model_usage: dict[str, ModelUsage] = {}
        self.total_tokens = 0

    def record_usage(self, model: str, usage: ModelUsage) -> None:
        """Add the usage of a call to `model` (`provider/name`)."""
        before = self.model_usage.get(model)
        self.model_usage[model] = usage if before is None else before + usage
        self.total_tokens += usage.total_tokens

    def check_limits(self) -> None:
        """Raise LimitExceededError if too many tokens or too much working time were used."""
        self.limits.check_tokens(self.total_tokens)
        if self.limits.working_limit is not None:
            self.limits.check_working(self.clock.working)


_current: ContextVar[SampleContext | None] = ContextVar("current_sample", default=None)
_outside = SampleContext()


def current_sample() -> SampleContext | None:
    """Return the sample that is running here, None outside of samples."""
    return _current.get()


@contextmanager
def use_sample(context: SampleContext) -> Iterator[SampleContext]:
    """Make `context` the running sample of this block (and of what it starts)."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def transcript() -> Transcript:
    """Return the transcript of the running sample.

    Outside of samples it is one that nobody reads, so that solvers and tools can be tried
    out without an evaluation.
    """
    context = _current.get()
    return context.transcript if context is not None else Transcript()


def store() -> Store:
    """Return the store of the running sample; outside of samples, one for the process."""
    return (_current.get() or _outside).store


def span(name: str, *, type: str | None = None) -> Span:
    """Group the events of an `async with` block. `type` defaults to the name."""
    context = _current.get()
    if context is None:
        return Span(Transcript(), Store(), name, type)
    return Span(context.transcript, context.store, name, type)


def waiting() -> AbstractContextManager[None]:
    """Book the time of a block as one in which the running sample only waits."""
    context = _current.get()
    return context.clock.waiting() if context is not None else nullcontext()
