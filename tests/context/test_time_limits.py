"""Limits of time: what they cut off, and that no other cancellation is taken for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tasks_lib._errors import LimitExceededError
from tasks_lib.context import (
    Limit,
    SampleContext,
    SampleLimits,
    apply_limits,
    check_limits,
    time_limit,
    use_sample,
    waiting,
    working_limit,
)

either = pytest.mark.parametrize("make", [time_limit, working_limit])
Make = Callable[[float | None], Limit]
SHORT = 0.03


async def hang() -> None:
    await asyncio.Event().wait()


@either
async def test_what_takes_too_long_is_cut_off(make: Make) -> None:
    cancelled = False
    with pytest.raises(LimitExceededError) as caught, make(SHORT) as limit:
        try:
            await hang()
        except asyncio.CancelledError:
            cancelled = True
            raise

    error = caught.value
    assert cancelled
    assert (error.source, error.type, error.limit) == (limit, limit._type, SHORT)
    assert SHORT <= error.value == limit.usage < 0.5
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


@either
async def test_no_time_ends_at_the_first_wait(make: Make) -> None:
    steps = []
    with apply_limits([make(0)], catch_errors=True) as scope:
        steps.append("before")
        await asyncio.sleep(0.2)
        steps.append("after")
    assert steps == ["before"]
    assert scope.limit_error is not None


@either
async def test_what_ends_in_time_is_not_touched(make: Make) -> None:
    with make(SHORT) as limit:
        await asyncio.sleep(0)
    took = limit.usage
    await asyncio.sleep(2 * SHORT)
    assert 0 < took == limit.usage < SHORT


@either
async def test_time_is_counted_without_a_limit(make: Make) -> None:
    limit = make(None)
    assert limit.usage == 0
    with limit:
        await asyncio.sleep(0.01)
        assert limit.usage >= 0.009
    assert limit.limit is None


@either
async def test_a_time_limit_cannot_be_moved(make: Make) -> None:
    with pytest.raises(AttributeError), make(1) as limit:
        limit.limit = 2  # type: ignore[misc]


@either
async def test_a_cancellation_from_outside_stays_one(make: Make) -> None:
    async def work() -> None:
        with apply_limits([make(10)], catch_errors=True):
            await hang()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@either
@pytest.mark.parametrize("first", ["limit", "caller"])
async def test_a_cancellation_at_the_same_moment_wins(make: Make, first: str) -> None:
    async def work() -> None:
        with apply_limits([make(0)], catch_errors=True):
            if first == "caller":
                task.cancel()
            await hang()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    if first == "limit":
        while not task.cancelling():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
        task.cancel()
        assert (task.cancelling(), task.done()) == (2, False)
    with pytest.raises(asyncio.CancelledError):
        await task


@either
async def test_an_outer_timeout_is_not_taken_for_the_limit(make: Make) -> None:
    with pytest.raises(TimeoutError), apply_limits([make(10)], catch_errors=True):
        async with asyncio.timeout(10) as outer:
            asyncio.get_running_loop().call_soon(outer.reschedule, 0)
            await hang()


@either
async def test_of_nested_limits_the_one_that_was_reached_raises(make: Make) -> None:
    with apply_limits([make(SHORT)], catch_errors=True) as outer:
        with apply_limits([make(10)], catch_errors=True) as inner:
            await hang()
        pytest.fail("The outer limit was caught by the inner scope.")
    assert (outer.limit_error is None, inner.limit_error is None) == (False, True)


@either
async def test_of_two_limits_at_the_same_moment_the_outer_raises(make: Make) -> None:
    with apply_limits([make(0)], catch_errors=True) as outer:
        with apply_limits([make(0)], catch_errors=True):
            await hang()
        pytest.fail("The inner limit was caught alone.")
    assert outer.limit_error is not None


@either
async def test_an_error_is_not_taken_for_the_limit(make: Make) -> None:
    async def work() -> None:
        try:
            await hang()
        finally:
            raise ValueError("while cleaning up")

    with pytest.raises(ValueError, match="while cleaning up"), make(0):
        await work()
    await asyncio.sleep(0)


@either
async def test_tasks_of_a_block_are_cut_off_with_it(make: Make) -> None:
    ended: list[str] = []

    async def part(name: str) -> None:
        try:
            await hang()
        finally:
            ended.append(name)

    with apply_limits([make(SHORT)], catch_errors=True) as scope:
        async with asyncio.TaskGroup() as group:
            group.create_task(part("a"))
            group.create_task(part("b"))
    assert sorted(ended) == ["a", "b"]
    assert scope.limit_error is not None


async def test_waiting_is_not_work() -> None:
    with working_limit(SHORT) as outer, working_limit(SHORT) as inner:
        with waiting():
            await asyncio.sleep(3 * SHORT)
        check_limits()
        waited = (outer.usage, inner.usage)
    assert max(waited) < SHORT


async def test_waiting_does_not_stop_the_clock_of_time() -> None:
    with pytest.raises(LimitExceededError), time_limit(SHORT), waiting():
        await hang()


async def test_work_is_limited_where_it_is_not_waiting() -> None:
    """Another branch of the sample that waits does not lengthen the work of this one."""

    async def wait() -> None:
        with waiting():
            await asyncio.sleep(5 * SHORT)

    with use_sample(SampleContext()) as context:
        other = asyncio.create_task(wait())
        with apply_limits([working_limit(SHORT)], catch_errors=True) as scope:
            await hang()
        worked = context.clock.working
        await other
    assert scope.limit_error is not None
    assert worked < SHORT


async def test_work_without_a_wait_is_found_at_the_next_check() -> None:
    with working_limit(0.001) as limit:
        time.sleep(0.002)  # noqa: ASYNC251 - nothing can interrupt it
        with pytest.raises(LimitExceededError) as caught:
            check_limits()
    assert caught.value.source is limit


async def test_of_nested_working_limits_the_outermost_is_found() -> None:
    with working_limit(0.001) as outer, working_limit(0.001):
        time.sleep(0.002)  # noqa: ASYNC251 - nothing can interrupt it
        with pytest.raises(LimitExceededError) as caught:
            check_limits()
    assert caught.value.source is outer


@pytest.mark.parametrize("limit", [None, 10.0])
async def test_a_sample_in_time_is_not_touched(limit: float | None) -> None:
    context = SampleContext(limits=SampleLimits(working_limit=limit))
    with context.within_working_limit():
        await asyncio.sleep(0.01)


async def test_a_sample_is_not_cut_off_after_the_block() -> None:
    with SampleContext(limits=SampleLimits(working_limit=SHORT)).within_working_limit():
        await asyncio.sleep(0)
    await asyncio.sleep(2 * SHORT)


async def test_a_sample_that_works_for_too_long_is_cut_off() -> None:
    with use_sample(SampleContext(limits=SampleLimits(working_limit=SHORT))) as context:
        with waiting():
            await asyncio.sleep(SHORT)
        with pytest.raises(LimitExceededError) as caught, context.within_working_limit():
            await hang()
    assert (caught.value.type, caught.value.limit, caught.value.source) == ("working", SHORT, None)


async def test_a_sample_that_is_cancelled_has_not_worked_too_long() -> None:
    async def work() -> None:
        context = SampleContext(limits=SampleLimits(working_limit=10))
        with context.within_working_limit():
            await hang()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
