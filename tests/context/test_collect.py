"""Coroutines at the same time: results, spans, failures."""

from __future__ import annotations

import asyncio

import pytest

from tasks_lib._errors import LimitExceededError, SampleTerminatedError
from tasks_lib.context import (
    SampleContext,
    apply_limits,
    check_limits,
    collect,
    record_usage,
    span,
    token_limit,
    transcript,
    use_sample,
)
from tasks_lib.schema import InfoEvent, ModelUsage, SpanBeginEvent


async def test_results_come_in_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await collect(after(3), after(1), after(2)) == [3, 1, 2]
    assert await collect() == []


async def test_each_task_is_a_span() -> None:
    async def say(word: str) -> None:
        await asyncio.sleep(0)
        transcript().info(word)

    with use_sample(SampleContext()) as context:
        async with span("outer"):
            await collect(say("a"), say("b"))

    events = context.transcript.events
    spans = {e.id: (e.name, e.type, e.parent_id) for e in events if isinstance(e, SpanBeginEvent)}
    outer = next(iter(spans))
    assert list(spans.values()) == [
        ("outer", "outer", None),
        ("task-1", "task", outer),
        ("task-2", "task", outer),
    ]
    said = [(e.data, spans[e.span_id or ""][0]) for e in events if isinstance(e, InfoEvent)]
    assert said == [("a", "task-1"), ("b", "task-2")]


class _Ended:
    """A coroutine that runs until it is cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.was_cancelled = False
        self._error = error

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            if self._error is not None:
                raise self._error from None
            raise


async def _fail(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


async def test_a_failure_cancels_the_others_and_comes_out_alone() -> None:
    other, cause = _Ended(), KeyError("why")
    error = ValueError("no")
    error.__cause__ = cause
    with pytest.raises(ValueError, match="no") as caught:
        await collect(other.run(), _fail(error))

    assert caught.value is error
    assert (error.__cause__, error.__context__) == (cause, None)
    assert other.was_cancelled


async def test_several_failures_come_out_as_a_group() -> None:
    late = _Ended(TypeError("late"))
    with pytest.raises(ExceptionGroup) as caught:
        await collect(late.run(), _fail(ValueError("no")))
    assert sorted(repr(error) for error in caught.value.exceptions) == [
        "TypeError('late')",
        "ValueError('no')",
    ]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        pytest.param(
            [LimitExceededError("custom", value=1, limit=1), SampleTerminatedError("Enough.")],
            SampleTerminatedError,
            id="somebody ended the sample",
        ),
        pytest.param(
            [ValueError("x"), SampleTerminatedError("Enough.")],
            SampleTerminatedError,
            id="somebody ended the sample, and an error",
        ),
        pytest.param(
            [LimitExceededError("custom", value=1, limit=1)] * 2, LimitExceededError, id="limits"
        ),
        pytest.param(
            [ValueError("x"), LimitExceededError("custom", value=1, limit=1)],
            ExceptionGroup,
            id="a limit and an error",
        ),
    ],
)
async def test_what_ends_the_sample_comes_out_alone(
    errors: list[Exception], expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await collect(*(_fail(error) for error in errors))
    if expected is SampleTerminatedError:
        assert caught.value.__notes__ == [f"Another task failed at the same time: {errors[0]!r}"]


async def test_tasks_are_within_the_limits_around() -> None:
    async def call() -> None:
        record_usage("a/x", ModelUsage(total_tokens=2))
        check_limits()

    with apply_limits([token_limit(3)], catch_errors=True) as scope:
        await collect(call(), call(), call())
    assert scope.limit_error is not None


async def test_whoever_is_cancelled_cancels_the_tasks() -> None:
    part = _Ended()
    task = asyncio.create_task(collect(part.run()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert part.was_cancelled


async def test_a_cancellation_that_nobody_asked_for_comes_out() -> None:
    async def give_up() -> int:
        raise asyncio.CancelledError

    async def go_on() -> int:
        return 1

    with pytest.raises(asyncio.CancelledError):
        await collect(give_up(), go_on())
