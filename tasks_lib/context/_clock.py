"""Time of a sample: since it began, and without what it only waited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Time of a sample: since it began, and without what it only waited."""

    __slots__ = ("_started", "_stopped_at", "_waited", "_waiting", "_waiting_since")

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stopped_at: float | None = None
        self._waited = 0.0
        self._waiting = 0
        self._waiting_since = 0.0

    @property
    def waited(self) -> float:
        """Seconds in which anything of the sample only waited; at the same time counts once."""
        if self._waiting:
            return self._waited + self._now() - self._waiting_since
        return self._waited

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of a block as waiting."""
        if not self._waiting:
            self._waiting_since = self._now()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._waited += self._now() - self._waiting_since

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the clock stand still in a block, which must not be within another such block.

        What begins to wait in it must also end to wait in it.
        """
        stopped_at = self._stopped_at = time.perf_counter()
        try:
            yield
        finally:
            self._stopped_at = None
            self._started += time.perf_counter() - stopped_at

    @property
    def total(self) -> float:
        """Seconds since the sample began."""
        return self._now() - self._started

    @property
    def working(self) -> float:
        """Seconds since the sample began, without waiting for connections and retries."""
        return self._now() - self._started - self.waited

    def _now(self) -> float:
        return time.perf_counter() if self._stopped_at is None else self._stopped_at
