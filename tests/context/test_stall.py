"""Samples in which nothing happens any more: what ends them, and what does not."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tasks_lib._errors import ParameterError, SampleStalledError
from tasks_lib.context import (
    SampleContext,
    concurrency,
    connection_slot,
    on_hold,
    span,
    stall_guard,
    use_concurrency,
    use_sample,
    waiting,
)
from tasks_lib.schema import (
    Event,
    InfoEvent,
    LoggerEvent,
    LoggingMessage,
    ModelEvent,
    ModelOutput,
    SpanBeginEvent,
    SpanEndEvent,
    SubtaskEvent,
    ToolEvent,
)

SHORT = 0.2
Work = Callable[[SampleContext], Awaitable[None]]


async def hang(context: SampleContext | None = None) -> None:
    await asyncio.Event().wait()


async def guarded(work: Work, seconds: float | None = SHORT) -> float:
    """Do `work` as a guarded sample; return the seconds that it took."""
    began = time.perf_counter()
    with use_sample(SampleContext("s")) as context, stall_guard(context, seconds):
        await work(context)
    return time.perf_counter() - began


def log_record() -> LoggerEvent:
    message = LoggingMessage(level="info", message="trying again", created=0.0)
    return LoggerEvent(message=message)


async def events_for_a_while(context: SampleContext) -> None:
    for _ in range(12):
        await asyncio.sleep(SHORT / 6)
        context.transcript.info("still here")


async def on_hold_for_a_while(context: SampleContext) -> None:
    with on_hold():
        await asyncio.sleep(2 * SHORT)


async def on_hold_beside(context: SampleContext) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(on_hold_for_a_while(context))
        group.create_task(asyncio.sleep(2 * SHORT))


async def with_a_loop_that_stands_still(context: SampleContext) -> None:
    time.sleep(2 * SHORT)  # noqa: ASYNC251 - as a question on the terminal does
    for _ in range(3):
        await asyncio.sleep(0)


async def behind_others(context: SampleContext) -> None:
    async def hold() -> None:
        with use_sample(SampleContext("other")):
            async with connection_slot("stall/others", 1):
                await asyncio.sleep(2 * SHORT)

    other = asyncio.create_task(hold())
    await asyncio.sleep(0)
    async with connection_slot("stall/others", 1):
        await other


async def behind_others_with_a_slot_of_something_else(context: SampleContext) -> None:
    async with concurrency("stall/else", 1):
        await behind_others(context)


@pytest.mark.parametrize(
    "work",
    [
        events_for_a_while,
        on_hold_for_a_while,
        on_hold_beside,
        with_a_loop_that_stands_still,
        behind_others,
        behind_others_with_a_slot_of_something_else,
    ],
)
async def test_goes_on(work: Work) -> None:
    with use_concurrency():
        assert await guarded(work) > SHORT


async def waits_for_a_retry(context: SampleContext) -> None:
    with waiting():
        await hang()


async def logs_its_attempts(context: SampleContext) -> None:
    for _ in range(100):
        await asyncio.sleep(SHORT / 6)
        context.transcript.record(log_record())


async def was_on_hold_before(context: SampleContext) -> None:
    await on_hold_for_a_while(context)
    await hang()


async def was_behind_others_before(context: SampleContext) -> None:
    await behind_others(context)
    async with connection_slot("stall/others", 1):
        await hang()


async def behind_itself(context: SampleContext) -> None:
    async def request() -> None:
        async with connection_slot("stall/itself", 1):
            await hang()

    async with asyncio.TaskGroup() as group:
        group.create_task(request())
        group.create_task(request())


async def takes_it_for_an_error(context: SampleContext) -> None:
    try:
        await hang()
    except asyncio.CancelledError:
        logging.getLogger(__name__).debug("Once more.")
    await hang()


async def at_the_end_of_what_happens(context: SampleContext) -> None:
    await events_for_a_while(context)
    await hang()


@pytest.mark.parametrize(
    ("work", "least"),
    [
        pytest.param(hang, SHORT, id="hang"),
        pytest.param(waits_for_a_retry, SHORT, id="waits for a retry"),
        pytest.param(logs_its_attempts, SHORT, id="logs its attempts"),
        pytest.param(was_on_hold_before, 3 * SHORT, id="was on hold before"),
        pytest.param(was_behind_others_before, 3 * SHORT, id="was behind others before"),
        pytest.param(behind_itself, SHORT, id="waits for itself"),
        pytest.param(takes_it_for_an_error, 2 * SHORT, id="takes it for an error"),
        pytest.param(at_the_end_of_what_happens, 2 * SHORT, id="at the end"),
    ],
)
async def test_is_ended(work: Work, least: float) -> None:
    began = time.perf_counter()
    with pytest.raises(SampleStalledError):
        await asyncio.wait_for(guarded(work), 20 * SHORT)

    assert least <= time.perf_counter() - began
    current = asyncio.current_task()
    assert current is not None and current.cancelling() == 0


@pytest.mark.parametrize("seconds", [None, 0, 0.0])
async def test_is_off(seconds: float | None) -> None:
    async def quiet(context: SampleContext) -> None:
        await asyncio.sleep(0.01)

    assert await guarded(quiet, seconds) >= 0.01


@pytest.mark.parametrize("seconds", [-1, float("nan")])
async def test_a_timeout_is_not_negative(seconds: float) -> None:
    with pytest.raises(ParameterError, match="timeout is"):
        await guarded(hang, seconds)


async def test_nothing_rings_after_the_block() -> None:
    async def at_once(context: SampleContext) -> None:
        await asyncio.sleep(0)

    await guarded(at_once)
    await asyncio.sleep(2 * SHORT)


async def test_who_finishes_after_all_is_left_alone() -> None:
    async def finish(context: SampleContext) -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            context.transcript.info("done without it")

    assert await guarded(finish) >= SHORT
    current = asyncio.current_task()
    assert current is not None and current.cancelling() == 0


async def test_an_error_on_the_way_out_is_raised() -> None:
    async def fail(context: SampleContext) -> None:
        try:
            await hang()
        finally:
            raise ValueError("while cleaning up")

    with pytest.raises(ValueError, match="while cleaning up"):
        await guarded(fail)


@pytest.mark.parametrize("after_s", [0.0, SHORT * 1.5])
async def test_a_cancellation_from_outside_stays_one(after_s: float) -> None:
    async def stubborn(context: SampleContext) -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            await asyncio.sleep(SHORT)
            raise

    task = asyncio.create_task(guarded(stubborn))
    await asyncio.sleep(after_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def at(second: int) -> datetime:
    return datetime(2026, 5, 4, 3, 2, second, tzinfo=UTC)


def model_event() -> ModelEvent:
    return ModelEvent(
        timestamp=at(1),
        completed=at(7),
        model="p/m",
        input=[],
        tools=[],
        tool_choice="auto",
        config={},
        output=ModelOutput(),
    )


@pytest.mark.parametrize(
    ("events", "told"),
    [
        pytest.param([], None, id="none"),
        pytest.param(
            [model_event()], "the model call to 'p/m', at 2026-05-04 03:02:07 UTC", id="model"
        ),
        pytest.param(
            [ToolEvent(timestamp=at(1), completed=at(2), id="1", function="bash", arguments={})],
            "the tool call 'bash', at 2026-05-04 03:02:02 UTC",
            id="tool",
        ),
        pytest.param(
            [SpanBeginEvent(timestamp=at(3), id="a", type="solver", name="generate")],
            "the beginning of the solver 'generate', at 2026-05-04 03:02:03 UTC",
            id="begin",
        ),
        pytest.param(
            [
                SpanBeginEvent(timestamp=at(3), id="a", type="solver", name="outer"),
                SpanBeginEvent(timestamp=at(3), id="b", type="tool", name="bash"),
                SpanEndEvent(timestamp=at(4), id="b"),
            ],
            "the end of the tool 'bash', at 2026-05-04 03:02:04 UTC",
            id="end",
        ),
        pytest.param(
            [SubtaskEvent(timestamp=at(3), name="try", input={}, pending=True)],
            "the beginning of the subtask 'try', at 2026-05-04 03:02:03 UTC",
            id="subtask",
        ),
        pytest.param(
            [InfoEvent(timestamp=at(5), data=1), log_record()],
            "an event of the kind 'info', at 2026-05-04 03:02:05 UTC",
            id="a log record is none",
        ),
    ],
)
async def test_the_error_tells_what_happened_last(events: list[Event], told: str | None) -> None:
    async def work(context: SampleContext) -> None:
        with span("what is open now"):
            context.transcript.events[:] = events
            await hang()

    with pytest.raises(SampleStalledError) as caught:
        await guarded(work, 0.02)

    assert (caught.value.timeout, caught.value.last_event) == (0.02, told)
    cause = caught.value.__cause__
    assert isinstance(cause, asyncio.CancelledError) and cause.__traceback__ is not None


def test_the_message() -> None:
    error = SampleStalledError(3600.0, "the tool call 'bash', at noon", ["p/m had failed."])

    assert str(error) == (
        "The sample had no event for 3600 s; its last one was the tool call 'bash', at noon. "
        "p/m had failed. If a single step may take that long, raise stall_timeout (seconds; 0: "
        "no limit)."
    )
    assert "; it had none before." in str(SampleStalledError(1, None))
