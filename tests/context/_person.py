"""A pseudo-terminal with a person at it."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

END_OF_INPUT = "\x04"
PATIENCE_S = 20


class Person:
    """Reads the terminal and types what it has been told to, in turn."""

    def __init__(self, ours: int, theirs: int, patch: pytest.MonkeyPatch) -> None:
        self._fd = ours
        self.terminal = theirs
        """The end of the terminal that a program has."""
        self._patch = patch
        self._answers: list[tuple[bytes, bytes, bool]] = []
        self.saw = b""
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()

    def sits_down(self) -> None:
        """Make standard input and error of this process the terminal.

        Not before the test itself: pytest redirects them, too.
        """
        self._patch.setattr("sys.stdin", os.fdopen(self.terminal, "r", closefd=False))
        self._patch.setattr("sys.stderr", os.fdopen(self.terminal, "w", closefd=False))

    def answers(self, prompt: str, answer: str, *, hidden: bool = False) -> None:
        """Type `answer` once `prompt` has been shown, after what was shown for the last one.

        If `hidden`, not before the terminal has stopped to show what is typed.
        """
        self._answers.append((prompt.encode(), answer.encode(), hidden))

    def types(self, text: str) -> None:
        """Type something at once."""
        os.write(self._fd, text.encode())

    def leaves(self) -> None:
        """Stop to look, once no program has the terminal any more."""
        self._looking.join(PATIENCE_S)

    def _look(self) -> None:
        seen = 0
        try:
            while shown := os.read(self._fd, 1000):
                self.saw += shown
                while self._answers and (at := self.saw.find(self._answers[0][0], seen)) >= 0:
                    prompt, answer, hidden = self._answers.pop(0)
                    seen = at + len(prompt)
                    while hidden and termios.tcgetattr(self._fd)[3] & termios.ECHO:
                        time.sleep(0.001)
                    os.write(self._fd, answer)
        except OSError:  # the terminal is gone
            pass


@contextmanager
def terminal() -> Iterator[Person]:
    """Open a terminal with a person who in the end gives up on questions nobody foresaw."""
    ours, theirs = pty.openpty()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        person = Person(ours, theirs, patch)
        gives_up = threading.Timer(PATIENCE_S, person.types, [END_OF_INPUT * 2])
        gives_up.start()
        try:
            yield person
        finally:
            gives_up.cancel()
    os.close(theirs)
    person.leaves()
    os.close(ours)
