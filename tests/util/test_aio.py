from __future__ import annotations

import asyncio

import pytest

from tasks_lib._util._aio import finish_despite_cancel, gather_limited, run_workers


async def test_gather_limited_keeps_order_and_limit() -> None:
    running = most = 0

    async def job(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    results = await gather_limited(3, [lambda n=n: job(n) for n in range(10)])  # type: ignore[misc]

    assert results == list(range(10))
    assert most == 3


async def test_gather_limited_of_nothing() -> None:
    assert await gather_limited(3, []) == []


async def test_first_error_is_raised_as_it_is_and_others_end() -> None:
    ended: list[int] = []

    async def worker() -> None:
        number = len(ended) + len(started)
        started.append(number)
        try:
            if number == 1:
                raise ValueError("broke")
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    started: list[int] = []
    with pytest.raises(ValueError, match="broke"):
        await run_workers(3, worker)

    assert len(ended) == 3


async def test_cancelled_workers_are_waited_for() -> None:
    ended = []

    async def worker() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    running = asyncio.ensure_future(run_workers(2, worker))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert ended == [True, True]


@pytest.mark.parametrize("times", [1, 2])
async def test_finish_despite_cancel(times: int) -> None:
    done = []
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.append(True)

    waiting = asyncio.ensure_future(finish_despite_cancel(work()))
    await asyncio.sleep(0)
    for _ in range(times):
        waiting.cancel()
        await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert done == [True]
