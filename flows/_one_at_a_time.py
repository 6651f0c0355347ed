"""One evaluation at a time in a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tasks_lib._errors import EvaluationRunningError

_running = threading.Lock()


@contextmanager
def one_at_a_time(function: str) -> Iterator[None]:
    """Let `function` be the only one that evaluates in this process within this block.

    The terminal, signals, Python's logging and the connections of models belong to the process:
    an evaluation that ends would take them from another one.

    Raises:
        EvaluationRunningError: Another one does. It is not disturbed.
    """
    if not _running.acquire(blocking=False):
        raise EvaluationRunningError(function)
    try:
        yield
    finally:
        _running.release()
