"""A program that does with a database what Prefect's server does when it stands still.

A cursor is garbage whose connection waits for a lock which this event loop is to release.
"""

from __future__ import annotations

import asyncio
import sys
import weakref

import aiosqlite

BUSY_TIMEOUT_MS = 20_000


class Cycle:
    """Holds a cursor; only the garbage collector frees it."""

    def __init__(self, cursor: aiosqlite.Cursor) -> None:
        self.cursor = cursor
        self.itself = self


async def main(path: str) -> None:
    async with (
        aiosqlite.connect(path, isolation_level=None) as holder,
        aiosqlite.connect(path, isolation_level=None) as waiter,
    ):
        cycle = Cycle(await waiter.execute("SELECT 1 UNION SELECT 2"))
        await waiter.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        alive = weakref.ref(cycle)
        await holder.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(waiter.execute("BEGIN IMMEDIATE"))
        await asyncio.sleep(0.2)
        del cycle
        while alive() is not None:
            _ = [[number] for number in range(1_000)]  # each is one more to be looked at
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await holder.execute("COMMIT")
        await waiting
    print("both went on")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
