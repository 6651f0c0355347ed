"""Limits by name: who shares them, who goes first, what is booked."""

from __future__ import annotations

import asyncio

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.context import SampleContext, concurrency, use_concurrency, use_sample


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _running(calls: list[tuple[str, int, str | None]]) -> list[int]:
    """Open a block for each call; return which are open once no other can be."""
    opened: list[int] = []
    end = asyncio.Event()

    async def block(number: int, name: str, limit: int, key: str | None) -> None:
        async with concurrency(name, limit, key):
            opened.append(number)
            await end.wait()

    async with asyncio.TaskGroup() as group:
        for number, call in enumerate(calls):
            group.create_task(block(number, *call))
        await _settled()
        running = list(opened)
        end.set()
    assert sorted(opened) == list(range(len(calls)))
    return running


@pytest.mark.parametrize(
    ("calls", "running"),
    [
        pytest.param([("a", 2, None)] * 4, [0, 1], id="no more than the limit"),
        pytest.param([("a", 1, None), ("b", 1, None)], [0, 1], id="each name its own"),
        pytest.param([("a", 1, None), ("a", 9, None)], [0], id="the first limit counts, lower"),
        pytest.param([("a", 2, None), ("a", 1, None)], [0, 1], id="the first limit counts, higher"),
        pytest.param([("a", 1, "k"), ("b", 1, "k")], [0], id="one key, two names"),
        pytest.param([("a", 1, "k"), ("a", 1, "l")], [0, 1], id="one name, two keys"),
        pytest.param([("a", 1, None), ("b", 1, "a")], [0], id="the name is the key"),
    ],
)
async def test_how_many_run(calls: list[tuple[str, int, str | None]], running: list[int]) -> None:
    with use_concurrency():
        assert await _running(calls) == running


async def test_first_come_first_served() -> None:
    seen: list[int] = []

    async def block(number: int) -> None:
        async with concurrency("in turn", 1):
            seen.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(block(number) for number in range(5)))

    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("limit", [0, -1])
async def test_limit_below_one(limit: int) -> None:
    with pytest.raises(ParameterError, match=f"concurrency is {limit}, expected 1 or more"):
        concurrency("never", limit)


async def test_an_evaluation_has_limits_of_its_own() -> None:
    async def evaluate(limit: int) -> list[int]:
        with use_concurrency():
            return await _running([("shared", limit, None)] * 4)

    counts = await asyncio.gather(evaluate(1), evaluate(3), _running([("shared", 2, None)] * 4))

    assert list(counts) == [[0], [0, 1, 2], [0, 1]]


async def test_a_thread_with_an_event_loop_has_limits_of_its_own() -> None:
    calls: list[tuple[str, int, str | None]] = [("threads", 2, None)] * 3
    with use_concurrency():
        async with concurrency("threads", 1):
            there = await asyncio.to_thread(asyncio.run, _running(calls))
    assert there == [0, 1]


async def test_the_wait_is_no_working_time() -> None:
    free = asyncio.Event()

    async def hold() -> None:
        async with concurrency("booked", 1):
            await free.wait()

    async def wait() -> float:
        with use_sample(SampleContext()) as sample:
            async with concurrency("booked", 1):
                return sample.clock.waited

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await _settled()
        waiting = group.create_task(wait())
        await asyncio.sleep(0.05)
        free.set()

    assert waiting.result() >= 0.04


@pytest.mark.parametrize("how", ["error", "cancel"])
async def test_a_block_that_breaks_gives_its_slot_back(how: str) -> None:
    async def broken() -> None:
        async with concurrency("given back", 1):
            if how == "error":
                raise ValueError(how)
            await asyncio.sleep(60)

    holder = asyncio.ensure_future(broken())
    waiter = asyncio.ensure_future(broken())  # cancelled while it waits for its turn
    await _settled()
    for task in (waiter, holder):
        task.cancel()
    await asyncio.gather(holder, waiter, return_exceptions=True)

    async with asyncio.timeout(0.5), concurrency("given back", 1):
        pass
