"""The terminal, for whoever has to ask a person something."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TYPE_CHECKING
from weakref import WeakKeyDictionary

from tasks_lib._errors import NoTerminalError
from tasks_lib.context._display import paused_display
from tasks_lib.context._sample import on_hold, transcript

if TYPE_CHECKING:
    from rich.console import Console

    from tasks_lib.context._console import RecordingConsole

_TURN_S = 0.05
_LONGEST_LINE = 65_536

_turn = threading.RLock()
"""Who has the terminal: a thread. Its coroutines queue up in `_queues`."""
_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_asking: list[InputScreen] = []
"""Screens whose question is open; more than one if a screen was opened within another."""


def has_terminal() -> bool:
    """Tell whether a person can be asked: whether we read from, and write to, a terminal."""
    return _input_is_ours() and _output() is not None


@contextmanager
def input_screen(
    header: str | None = None, transient: bool | None = None, width: int | None = None
) -> Iterator[Console]:
    """Give the terminal to the block, which asks a person something.

    The progress display pauses, and what was typed before is forgotten. One asks at a time,
    others wait. What was shown and typed becomes an `InputEvent` of the sample (passwords
    excepted), the time counts as waiting.

    The event loop, and so every sample of this process, stands still until the person has
    answered: ask from a thread (`asyncio.to_thread`) if that may take long. The console
    obeys rich's markup and escape sequences: escape what comes from models.

    Args:
        header: Printed above; nothing unless given.
        transient: Whether the progress display comes back afterwards; True unless given.
        width: Characters in a line; by default as many as the terminal has.

    Raises:
        NoTerminalError: There is no terminal.
    """
    _require_terminal()
    with on_hold(), _turn:
        try:
            with _screen(header, transient, width) as console:
                yield console
        finally:
            for screen in _asking:  # of this thread, which has the turn
                screen.show_prompt()


class InputScreen:
    """The terminal while it is ours; see `open_input_screen`."""

    def __init__(self, console: RecordingConsole) -> None:
        self.console: Console = console
        """Where to print. It obeys markup in strings: print `rich.text.Text`."""
        self._recorder = console
        self._prompt = ""

    async def ask(self, prompt: str) -> str:
        """Print `prompt` and return the line that a person types.

        Raises:
            EOFError: The person ended the input (Ctrl-D).
        """
        self._prompt = prompt
        self.show_prompt()
        _asking.append(self)
        try:
            answer = await _read_line(sys.stdin.fileno())
        finally:
            _asking.remove(self)
        self._recorder.typed(answer)
        return answer

    def show_prompt(self) -> None:
        """Print the prompt of the open question, once more if something came between."""
        self._recorder.prompt(self._prompt)


@asynccontextmanager
async def open_input_screen(
    header: str | None = None, transient: bool | None = None, width: int | None = None
) -> AsyncIterator[InputScreen]:
    """Do what `input_screen` does, while the event loop and other samples go on.

    Raises:
        NoTerminalError: There is no terminal.
    """
    _require_terminal()
    queue = _queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    with on_hold():
        async with queue:
            while not _turn.acquire(blocking=False):  # noqa: ASYNC110 - a thread has it
                await asyncio.sleep(_TURN_S)
            try:
                with _screen(header, transient, width) as console:
                    yield InputScreen(console)
            finally:
                _turn.release()


@contextmanager
def _screen(
    header: str | None, transient: bool | None, width: int | None
) -> Iterator[RecordingConsole]:
    # Here: rich is a tenth of what it costs to import a task file, and few ask anybody.
    from tasks_lib.context._console import RecordingConsole, forget_typed

    file = _require_terminal()
    with paused_display(resume=transient is not False):
        console = RecordingConsole(file, width)
        forget_typed(sys.stdin)
        if header:
            console.title(header)
        try:
            yield console
        finally:
            transcript().record(console.event())


async def _read_line(fd: int) -> str:
    """Return a line of the terminal, which gives one at a time."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
    line = os.read(fd, _LONGEST_LINE)
    if not line:
        raise EOFError
    return line.decode(errors="replace").rstrip("\r\n")


def _require_terminal() -> IO[str]:
    output = _output()
    if output is None or not _input_is_ours():
        raise NoTerminalError
    return output


def _input_is_ours() -> bool:
    if not _is_terminal(sys.stdin):
        return False
    try:
        # A job in the background would be stopped by the shell as soon as it read.
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal without jobs
        return True


def _output() -> IO[str] | None:
    """Return standard error or output, the first that is a terminal."""
    for stream in (sys.stderr, sys.stdout):
        # A progress display of rich puts itself before both.
        file: IO[str] | None = getattr(stream, "rich_proxied_file", stream)
        if _is_terminal(file):
            return file
    return None


def _is_terminal(file: IO[str] | None) -> bool:
    return file is not None and not file.closed and file.isatty()
