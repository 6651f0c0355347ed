"""Running coroutines together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def run_workers(count: int, worker: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run `count` workers until all have ended.

    The first error of one cancels the others and is raised as it is (not in a group) once
    all have ended. If the caller is cancelled, so are the workers, and they are waited for.
    """
    tasks = [asyncio.ensure_future(worker()) for _ in range(count)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def finish_despite_cancel(work: Awaitable[T]) -> T:
    """Await `work` to its end however often the caller is cancelled meanwhile; then be that."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await until_done(task)
        raise


async def until_done(task: asyncio.Future[Any]) -> None:
    """Wait for the end of a task that knows already that its caller is cancelled.

    Two may cancel the same work, as somebody in Prefect and a worker's SIGTERM: the second
    would break off how it is brought to its end.
    """
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])


async def gather_limited(limit: int, jobs: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Run `jobs`, at most `limit` at once and started in order; return results in order."""
    results: dict[int, T] = {}
    numbered = enumerate(jobs)

    async def worker() -> None:
        for number, job in numbered:
            results[number] = await job()

    await run_workers(limit, worker)
    return [results[number] for number in sorted(results)]
