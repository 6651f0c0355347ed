"""How long a sample has waited for what it can do nothing about."""

from __future__ import annotations

import time


class Hold:
    """Seconds in which a sample waited for a person or for its turn; at the same time once.

    What waits before a retry, for a provider that does not work, is not on hold.
    """

    __slots__ = ("_before", "_open", "_since")

    def __init__(self) -> None:
        self._before = 0.0
        self._open = 0
        self._since = 0.0

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        if self._open:
            return self._before + time.perf_counter() - self._since
        return self._before

    def begin(self) -> None:
        """Begin to wait."""
        if not self._open:
            self._since = time.perf_counter()
        self._open += 1

    def end(self) -> None:
        """End what one `begin` began."""
        self._open -= 1
        if not self._open:
            self._before += time.perf_counter() - self._since
