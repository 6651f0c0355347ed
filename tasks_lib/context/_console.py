"""A terminal that remembers what was said on it."""

from __future__ import annotations

import termios
from typing import IO, TextIO

from rich.console import Console
from rich.text import Text, TextType

from tasks_lib._util._harmless import harmless, one_line
from tasks_lib.schema import InputEvent


class RecordingConsole(Console):
    """A console that remembers what was printed and typed, in order."""

    def __init__(self, file: IO[str], width: int | None) -> None:
        super().__init__(file=file, width=width, record=True)
        self._plain = ""
        self._styled = ""

    def title(self, text: str) -> None:
        """Print a line with `text` in its middle, taken literally."""
        self.rule(Text(one_line(text)))

    def prompt(self, text: str) -> None:
        """Print `text`, taken literally, and stay in its line."""
        self.print(Text(harmless(text)), end="", soft_wrap=True)

    def input(
        self,
        prompt: TextType = "",
        *,
        markup: bool = True,
        emoji: bool = True,
        password: bool = False,
        stream: TextIO | None = None,
    ) -> str:
        """Print `prompt` and return the line that a person types."""
        answer = super().input(prompt, markup=markup, emoji=emoji, password=password, stream=stream)
        self.typed("" if password else answer)
        return answer

    def typed(self, answer: str) -> None:
        """Remember what was typed."""
        self._take()
        self._plain += f"{answer}\n"
        self._styled += f"{answer}\n"

    def event(self) -> InputEvent:
        """Return all that was printed and typed."""
        self._take()
        return InputEvent(input=self._plain, input_ansi=self._styled)

    def _take(self) -> None:
        self._styled += self.export_text(clear=False, styles=True)
        self._plain += self.export_text()


def forget_typed(terminal: IO[str]) -> None:
    """Drop what was typed and not read yet: it cannot be the answer to a later question."""
    termios.tcflush(terminal, termios.TCIFLUSH)
