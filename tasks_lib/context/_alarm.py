"""Cancels a block whose time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SHORTEST_NAP_S = 0.005
"""How soon an alarm looks again at the earliest: its time may stand still."""


class Alarm:
    """Cancels the running task once no time is left to it, until it is stopped.

    As `asyncio.timeout` does it, but for time that may stand still, and without `async`.
    """

    __slots__ = ("_again_s", "_cancelling", "_handle", "_left", "_loop", "_rings", "_task")

    def __init__(
        self,
        left: Callable[[], float],
        first_s: float | None = None,
        again_s: float | None = None,
    ) -> None:
        """Start an alarm for the running task.

        Args:
            left: Tells how many seconds are left to it.
            first_s: Seconds until it is asked first; None: as many as are left now.
            again_s: Seconds after which an alarm that rang in vain looks again: the task may
                have taken the cancellation for one that was not meant. None: it rings once.

        Raises:
            RuntimeError: No task is running here.
        """
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is None:
            raise RuntimeError("A limit of time needs a running asyncio task that it can cancel.")
        self._task = task
        self._left = left
        self._again_s = again_s
        self._loop = asyncio.get_running_loop()
        self._cancelling = task.cancelling()
        self._rings = 0
        first_s = max(left(), 0.0) if first_s is None else first_s
        self._handle = self._loop.call_later(first_s, self._look)

    def _look(self) -> None:
        left = self._left()
        if left > 0:
            self._handle = self._loop.call_later(max(left, SHORTEST_NAP_S), self._look)
            return
        self._rings += 1
        self._task.cancel()
        if self._again_s is not None:
            self._handle = self._loop.call_later(self._again_s, self._look)

    def stop(self, error: BaseException | None) -> bool:
        """End the alarm where `error`, or nothing, ends its block.

        Returns:
            Whether the error is the cancellation by this alarm, and nobody else has asked for
            one meanwhile.
        """
        self._handle.cancel()
        if not self._rings:
            return False
        for _ in range(self._rings):
            left = self._task.uncancel()
        return isinstance(error, asyncio.CancelledError) and left <= self._cancelling
