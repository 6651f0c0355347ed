"""One process from its start to its end, with all that it starts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import NamedTuple, cast

GRACE_S = 2.0
"""Seconds that a process has to clean up before it is killed."""


class Command(NamedTuple):
    """What is to be run."""

    args: Sequence[str]
    """Program and arguments."""
    input: bytes | memoryview | None
    """What it reads."""
    cwd: str | Path | None
    """Where it runs."""
    env: Mapping[str, str]
    """All of its environment."""
    capture_output: bool
    """Whether its outputs are kept; else it writes where we do."""
    output_limit: int | None
    """Bytes of each output that are kept; one that is longer ends the process."""
    grace_s: float = GRACE_S
    """Seconds that it has from SIGTERM to SIGKILL."""


class ProcessRun(asyncio.SubprocessProtocol):
    """A process that leads a group of its own, so that all it starts ends with it.

    What it writes is read as it comes, so that it never waits for us; of what is beyond the
    limit nothing is kept.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._outputs = {1: bytearray(), 2: bytearray()}
        self._transport: asyncio.SubprocessTransport | None = None
        self._enough = asyncio.Event()
        """Set when there is nothing to wait for: it is closed, or has written too much."""
        self._exited = asyncio.Event()
        """Set when the process itself has ended."""
        self._closed = asyncio.Event()
        """Set when it has ended and nobody holds its outputs any more."""
        self.too_long: int | None = None
        """The output (1 or 2) that is longer than the limit; None: neither."""

    async def start(self) -> None:
        """Start the process and send it its input. Raises OSError if it cannot be started."""
        loop = asyncio.get_running_loop()
        command = self._command
        pipe = PIPE if command.capture_output else None
        transport, _ = await loop.subprocess_exec(
            lambda: self,
            *command.args,
            stdin=DEVNULL if command.input is None else PIPE,
            stdout=pipe,
            stderr=pipe,
            cwd=command.cwd,
            env=command.env,
            start_new_session=True,
        )
        if command.input is not None:
            writer = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
            writer.write(command.input)
            writer.close()

    async def wait(self) -> None:
        """Wait until it has ended and its outputs are closed; end it if they get too long."""
        await self._enough.wait()
        if self.too_long is not None:
            await self.stop()

    async def stop(self) -> None:
        """End the process and all that it has started; does nothing if it has not started."""
        if self._transport is None:
            return
        group = self._transport.get_pid()
        try:
            if not self._closed.is_set():
                _signal_group(group, signal.SIGTERM)
                await self._wait_briefly(self._closed)
            _signal_group(group, signal.SIGKILL)
            await self._wait_briefly(self._exited)
        finally:  # also when we are cancelled
            _signal_group(group, signal.SIGKILL)
            self._transport.close()
        await self._wait_briefly(self._closed)

    async def _wait_briefly(self, event: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._command.grace_s):
                await event.wait()

    @property
    def returncode(self) -> int:
        """The exit status of the process, which has ended."""
        assert self._transport is not None
        return cast(int, self._transport.get_returncode())

    def output(self, number: int) -> bytes:
        """Return what has been kept of output 1 or 2."""
        return bytes(self._outputs[number])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that the process runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what came, up to the limit."""
        kept = self._outputs[fd]
        limit = self._command.output_limit
        if limit is not None and len(kept) + len(data) > limit:
            data = data[: limit - len(kept)]
            if self.too_long is None:
                self.too_long = fd
            self._enough.set()
        kept += data

    def process_exited(self) -> None:
        """Note that the process itself has ended."""
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process has ended and nobody holds its outputs any more."""
        assert self._transport is not None
        self._transport.close()
        self._closed.set()
        self._enough.set()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(group, number)
