"""How servers are reached: as a process of ours, or at an address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeAlias

import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tasks_lib.tool._mcp._address import ServerAddress, ServerProcess, ServerUrl

_KEPT_BYTES = 4096
_SHOWN_LINES = 20
_LAST_WORDS_S = 0.5
"""Seconds in which the last of a process that ended must have arrived; more only if another
process writes to the same pipe."""

Streams: TypeAlias = tuple[Any, Any]
"""What the package reads from and writes to."""


class Complaints(asyncio.Protocol):
    """What a server wrote to its standard error; the end is kept, it says why it ended."""

    def __init__(self) -> None:
        self._tail = b""
        self._complete = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Keep the end."""
        self._tail = (self._tail + data)[-_KEPT_BYTES:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Know that there will be no more."""
        self._complete.set()

    async def end(self) -> None:
        """Wait for the last of a server that has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._complete.wait()

    def last_lines(self) -> str:
        """Return the last lines until now; "" if there are none."""
        lines = self._tail.decode("utf-8", "replace").strip().splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


@asynccontextmanager
async def transport(address: ServerAddress, complaints: Complaints) -> AsyncIterator[Streams]:
    """Reach a server; a process that was started ends with the block.

    Args:
        address: Where it is.
        complaints: Gets what a process writes to its standard error.
    """
    if isinstance(address, ServerProcess):
        opened = _process(address, complaints)
    else:
        opened = _http(address) if address.interface == "http" else _sse(address)
    async with opened as streams:
        yield streams


@asynccontextmanager
async def _process(address: ServerProcess, complaints: Complaints) -> AsyncIterator[Streams]:
    parameters = StdioServerParameters(
        command=address.command, args=list(address.args), env=dict(address.env), cwd=address.cwd
    )
    read_end, write_end = os.pipe()
    reader = os.fdopen(read_end, "rb", buffering=0)
    writer = os.fdopen(write_end, "w")
    async with AsyncExitStack() as stack:
        stack.callback(writer.close)
        stack.callback(reader.close)
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: complaints, reader)
        stack.callback(pipe.close)
        stack.push_async_callback(complaints.end)
        # The server has its own copy of this end: ours would keep the pipe open for ever.
        with writer:
            streams = await stack.enter_async_context(stdio_client(parameters, errlog=writer))
        yield streams


@asynccontextmanager
async def _http(address: ServerUrl) -> AsyncIterator[Streams]:
    async with (
        _client(address) as client,
        streamable_http_client(address.url, http_client=client) as streams,
    ):
        yield streams


@asynccontextmanager
async def _sse(address: ServerUrl) -> AsyncIterator[Streams]:
    def client(
        headers: Mapping[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return _client(address)

    async with sse_client(address.url, httpx_client_factory=client) as streams:
        yield streams


def _client(address: ServerUrl) -> httpx2.AsyncClient:
    # Without an end to reading: a stream may be silent, and each answer has a time of its own.
    timeout = httpx2.Timeout(address.timeout_s, read=None)
    return httpx2.AsyncClient(headers=dict(address.headers), timeout=timeout)
