"""A person at a pseudo-terminal: reads what is asked and types what they were told to."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


class Person:
    """Does something each time a prompt shows up, in the order that was agreed on."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._answers: list[tuple[str, str | Callable[[], object]]] = []
        self.saw = ""
        self._read = 0

    def answers(self, *answers: tuple[str, str | Callable[[], object]]) -> None:
        """Type each second text, or do it, when the first one has been shown."""
        self._answers += answers
        self._answer()

    @contextmanager
    def looks(self) -> Iterator[None]:
        """Look at the terminal within this block, from the running event loop."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._fd, self._look)
        try:
            yield
        finally:
            loop.remove_reader(self._fd)

    def _look(self) -> None:
        self.saw += os.read(self._fd, 65536).decode()
        self._answer()

    def _answer(self) -> None:
        while self._answers:
            prompt, answer = self._answers[0]
            found = self.saw.find(prompt, self._read)
            if found < 0:
                return
            self._read = found + len(prompt)
            del self._answers[0]
            if isinstance(answer, str):
                os.write(self._fd, answer.encode())
            else:
                answer()


@contextmanager
def at_terminal() -> Iterator[Person]:
    """Make standard input and error a terminal, in front of which the person sits."""
    ours, theirs = pty.openpty()
    try:
        with (
            os.fdopen(theirs, "r", closefd=False) as stdin,
            os.fdopen(theirs, "w") as stderr,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv("TERM", "xterm")
            patch.setenv("COLUMNS", "100")
            patch.setattr("sys.stdin", stdin)
            patch.setattr("sys.stderr", stderr)
            person = Person(ours)
            with person.looks():
                yield person
    finally:
        os.close(ours)
