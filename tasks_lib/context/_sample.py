"""The sample that is running here: its transcript, store, limits and usage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar

from tasks_lib._errors import LimitExceededError
from tasks_lib._util._ids import short_uuid
from tasks_lib.context._alarm import Alarm
from tasks_lib.context._budget import active_budget
from tasks_lib.context._clock import Clock
from tasks_lib.context._hold import Hold
from tasks_lib.context._limit_scopes import (
    book_tokens,
    check_blocks,
    innermost_message_limit,
    innermost_working_limit,
)
from tasks_lib.context._limits import SampleLimits
from tasks_lib.context._store import Store, active_store, store
from tasks_lib.context._transcript import Span, Transcript
from tasks_lib.schema import ModelUsage


class SampleContext:
    """All that belongs to one run of one sample.

    A plain class on purpose: Prefect walks dataclasses and pydantic models field by field
    whenever they are passed to a Prefect task.
    """

    __slots__ = (
        "clock",
        "epoch",
        "hold",
        "limits",
        "model_usage",
        "same_errors",
        "sample_id",
        "sandboxes",
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
        self.hold = Hold()
        self.transcript = Transcript(self.clock)
        self.store = Store()
        self.state: object | None = None
        """The latest state of the solvers; what is scored when a limit ends them."""
        self.sandboxes: object | None = None
        """Its `tasks_lib.sandbox.SampleSandboxes` while it has some."""
        self.model_usage: dict[str, ModelUsage] = {}
        self.total_tokens = 0
        self.same_errors: int | None = None
        """After the same error of a request so many times in a row it is not made again; 0: it
        is; None: what `tasks_lib.model` does by default."""

    def record_usage(self, model: str, usage: ModelUsage) -> None:
        """Add the usage of a call to `model` (`provider/name`), here and in open token limits."""
        before = self.model_usage.get(model)
        self.model_usage[model] = usage if before is None else before + usage
        self.total_tokens += usage.total_tokens
        book_tokens(usage.total_tokens)

    def check_limits(self) -> None:
        """Raise LimitExceededError if too many tokens or too much working time were used.

        The sample's own limits come first, then those of the blocks that are open here, from
        the outside in.
        """
        self.limits.check_tokens(self.total_tokens)
        if self.limits.working_limit is not None:
            self.limits.check_working(self.clock.working)
        check_blocks()

    @contextmanager
    def within_working_limit(self) -> Iterator[None]:
        """Cancel what a block awaits when the sample's working limit is reached.

        `check_limits` alone would let a tool that hangs work for ever.

        Raises:
            LimitExceededError: Instead of the cancellation.
        """
        limit = self.limits.working_limit
        if limit is None:
            yield
            return
        alarm = Alarm(lambda: limit - self.clock.working)
        try:
            yield
        except BaseException as error:
            if alarm.stop(error):
                worked = self.clock.working
                raise LimitExceededError("working", value=worked, limit=limit) from error
            raise
        alarm.stop(None)


_current: ContextVar[SampleContext | None] = ContextVar("current_sample", default=None)


def current_sample() -> SampleContext | None:
    """Return the sample that is running here, None outside of samples."""
    return _current.get()


@contextmanager
def use_sample(context: SampleContext) -> Iterator[SampleContext]:
    """Make `context` the running sample of this block (and of what it starts).

    Message limits from outside do not count in it, its own are nearer; other limits do.
    """
    token = _current.set(context)
    values = active_store.set(context.store)
    outer = innermost_message_limit.set(None)
    try:
        yield context
    finally:
        innermost_message_limit.reset(outer)
        active_store.reset(values)
        _current.reset(token)


def record_usage(model: str, usage: ModelUsage) -> None:
    """Add the usage of a call to `model` to the running sample, open token limits and budget."""
    budget = active_budget.get()
    if budget is not None:
        budget.add(usage, model)
    context = _current.get()
    if context is not None:
        context.record_usage(model, usage)
    else:
        book_tokens(usage.total_tokens)


def check_limits() -> None:
    """Raise LimitExceededError if tokens or working time are used up here.

    That is of the running sample, if there is one, and of limits whose block is open.
    """
    context = _current.get()
    if context is not None:
        context.check_limits()
    else:
        check_blocks()


def transcript() -> Transcript:
    """Return the transcript of the running sample.

    Outside of samples it is one that nobody reads, so that solvers and tools can be tried
    out without an evaluation.
    """
    context = _current.get()
    return context.transcript if context is not None else Transcript()


def span(name: str, type: str | None = None) -> Span:
    """Group the events of an `async with` or `with` block, and record what it changes in the store.

    A change of the store is recorded once, by the span that had set, deleted or asked for the
    value last, though other spans are open at the same time: at the end of that span, or when
    another one takes the value over. Outside of samples nothing is recorded.

    Args:
        name: What happens in the block.
        type: What kind of block it is; by default the name.
    """
    context = _current.get()
    if context is None:
        return Span(Transcript(), Store(), name, type)
    return Span(context.transcript, store(), name, type)


@contextmanager
def on_hold() -> Iterator[None]:
    """Book the time of a block as one in which the sample waits for a person or for its turn.

    As `waiting` does; besides, a sample that is on hold has not stalled.
    """
    context = _current.get()
    if context is None:
        with waiting():
            yield
        return
    context.hold.begin()
    try:
        with waiting():
            yield
    finally:
        context.hold.end()


def waiting() -> AbstractContextManager[None]:
    """Book the time of a block as one in which sample and open working limits only wait.

    Where it is a person or its turn that the sample waits for, use `on_hold`.
    """
    context = _current.get()
    limit = innermost_working_limit.get()
    if limit is None:
        return context.clock.waiting() if context is not None else nullcontext()
    clocks = [*limit.clocks(), *([context.clock] if context is not None else [])]
    return _all_waiting(clocks)


@contextmanager
def _all_waiting(clocks: Sequence[Clock]) -> Iterator[None]:
    with ExitStack() as stack:
        for clock in clocks:
            stack.enter_context(clock.waiting())
        yield
