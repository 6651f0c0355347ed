"""What people see of the running evaluation, as far as solvers and tools have a say in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal, Protocol

DisplayType = Literal["full", "conversation", "rich", "plain", "log", "none"]
"""How an evaluation shows its progress: with bars ("rich"; "full" is the same), by printing what
is said in samples ("conversation"), with lines ("plain"), lines in Python's logging ("log"), or
not at all."""


class Display(Protocol):
    """Shows the progress of an evaluation."""

    kind: DisplayType
    """How it does so."""

    def counter(self, caption: str, value: str) -> None:
        """Show a counter, or another value of one that is shown."""
        ...

    def paused(self, *, resume: bool) -> AbstractContextManager[None]:
        """Show nothing within a block; nor after it, unless it is to `resume`."""
        ...


_installed: ContextVar[Display | None] = ContextVar("display", default=None)


@contextmanager
def use_display(display: Display) -> Iterator[None]:
    """Let what is called within this block find `display`."""
    token = _installed.set(display)
    try:
        yield
    finally:
        _installed.reset(token)


def display_type() -> DisplayType:
    """Return how the running evaluation shows its progress; outside of one, "none"."""
    display = _installed.get()
    return display.kind if display is not None else "none"


def display_counter(caption: str, value: str) -> None:
    """Show a counter beside the progress of the evaluation; does nothing outside of one.

    Args:
        caption: What is counted. A counter of the same caption gets the new value.
        value: The value, as it is to be read.
    """
    display = _installed.get()
    if display is not None:
        display.counter(caption, value)


def paused_display(*, resume: bool) -> AbstractContextManager[None]:
    """Keep the terminal free of progress within a block; see `Display.paused`."""
    display = _installed.get()
    return display.paused(resume=resume) if display is not None else nullcontext()
