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

    __slots__ = ("_cancelling", "_handle", "_left", "_loop", "_rang", "_task")

    def __init__(self, left: Callable[[], float]) -> None:
        """Start an alarm for the running task; `left` tells how many seconds are left to it.

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
        self._loop = asyncio.get_running_loop()
        self._cancelling = task.cancelling()
        self._rang = False
        self._handle = self._loop.call_later(max(left(), 0.0), self._look)

    def _look(self) -> None:
        left = self._left()
        if left > 0:
            self._handle = self._loop.call_later(max(left, SHORTEST_NAP_S), self._look)
        else:
            self._rang = True
            self._task.cancel()

    def stop(self, error: BaseException | None) -> bool:
        """End the alarm where `error`, or nothing, ends its block.

        Returns:
            Whether the error is the cancellation by this alarm, and nobody else has asked for
            one meanwhile.
        """
        self._handle.cancel()
        if not self._rang:
            return False
        others = self._task.uncancel() > self._cancelling
        return isinstance(error, asyncio.CancelledError) and not others
