"""A process that makes calls, each with a slot of a shared limit.

Prints a line when it is ready, begins when it reads one, and prints when the last call had
ended, by `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass

from prefect.client.orchestration import PrefectClient

from flows._holder import REQUEST_TIMEOUT_S
from flows._leases import client_settings
from flows._slots import LeasedSlots
from tests.benchmarks._slots_server import CALL


@dataclass(frozen=True)
class CallerJob:
    """What one process does."""

    api_url: str
    """Of the Prefect server."""
    key: str
    limit: int
    callers: int
    """Who call at once, each over a connection of its own; more than slots, so they wait."""
    calls: int
    """Of all callers together."""
    port: int
    """Of the server that counts."""


async def run(job: CallerJob) -> float:
    """Make the calls; returns when the last one had ended."""
    left = iter(range(job.calls))

    async def caller(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in left:
            async with slots.slot(job.key, job.limit):
                writer.write(CALL)
                await reader.readexactly(1)

    def client() -> PrefectClient:
        return PrefectClient(job.api_url, httpx_settings=client_settings(REQUEST_TIMEOUT_S))

    async with LeasedSlots(client) as slots:
        streams = [await asyncio.open_connection("127.0.0.1", job.port) for _ in range(job.callers)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(caller(*stream) for stream in streams))
        ended = time.monotonic()
        for _, writer in streams:
            writer.close()
    return ended


if __name__ == "__main__":
    print(asyncio.run(run(CallerJob(**json.loads(sys.argv[1])))), flush=True)
