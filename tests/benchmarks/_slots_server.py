"""A server on loopback whose calls take a while; counts how many are in flight.

Run as a process of its own, it prints its port and serves until it is ended. A byte `CALL`
is answered with a byte after the latency, `REPORT` at once with a line of JSON on what was
seen since the last report.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

CALL = b"c"
REPORT = b"r"


@dataclass
class Seen:
    """What the server has seen; times are those of `time.monotonic`."""

    calls: int = 0
    most: int = 0
    """Most calls in flight at once."""
    busy_s: float = 0.0
    """Seconds in flight of all calls together."""
    first: float = 0.0
    """When the first call came."""
    last: float = 0.0
    """When the last answer went out."""


class Counter:
    """Counts calls of all connections."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        self._seen = Seen()
        self._in_flight = 0

    def begin(self) -> float:
        """Note that a call came; returns when."""
        now = time.monotonic()
        seen = self._seen
        seen.first = seen.first or now
        seen.calls += 1
        self._in_flight += 1
        seen.most = max(seen.most, self._in_flight)
        return now

    def end(self, began: float) -> None:
        """Note that the call that came at `began` is answered, or nobody waits for it."""
        self._in_flight -= 1
        self._seen.last = time.monotonic()
        self._seen.busy_s += self._seen.last - began

    def report(self) -> Seen:
        """Return what was seen since the last report."""
        seen, self._seen = self._seen, Seen()
        return seen


class Connection(asyncio.Protocol):
    """One connection: one call after the other."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._answer: tuple[asyncio.TimerHandle, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a call or a report."""
        if data == REPORT:
            self._transport.write(json.dumps(asdict(self._counter.report())).encode() + b"\n")
            return
        began = self._counter.begin()
        loop = asyncio.get_running_loop()
        self._answer = (loop.call_later(self._counter.latency_s, self._end, began), began)

    def connection_lost(self, error: Exception | None) -> None:
        """End the call that nobody waits for any more."""
        if self._answer is not None:
            timer, began = self._answer
            timer.cancel()
            self._counter.end(began)

    def _end(self, began: float) -> None:
        self._answer = None
        self._counter.end(began)
        self._transport.write(b".")


async def serve(latency_s: float) -> None:
    """Serve on a free port of 127.0.0.1, printed first, until cancelled."""
    counter = Counter(latency_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counter), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
