"""The state that solvers work on here: that of the sample, or of a branch of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_lib.context import current_sample
from tasks_lib.task._state import TaskState


class _Branch:
    """Where a branch keeps its latest state, beside that of the sample."""

    __slots__ = ("state",)

    def __init__(self, state: TaskState) -> None:
        self.state = state


_branch: ContextVar[_Branch | None] = ContextVar("branch", default=None)


def sample_state() -> TaskState | None:
    """Return the latest state of the sample, or of the branch of it, that is running here.

    None outside of samples.
    """
    place = _branch.get() or current_sample()
    state = place.state if place is not None else None
    return state if isinstance(state, TaskState) else None


def note_state(state: TaskState) -> None:
    """Remember `state` as the latest one of the sample or branch that is running here."""
    place = _branch.get() or current_sample()
    if place is not None:
        place.state = state


@contextmanager
def use_branch(state: TaskState) -> Iterator[None]:
    """Let a copy of the sample's state go its own way in this block.

    What solvers make of it does not become the sample's state. Its store is another matter,
    see `tasks_lib.context.subtask`.
    """
    token = _branch.set(_Branch(state))
    try:
        yield
    finally:
        _branch.reset(token)
