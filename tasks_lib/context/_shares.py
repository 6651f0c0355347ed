"""Who holds slots of a gate, and who waits for one."""

from __future__ import annotations

from tasks_lib.context._hold import Hold


class Shares:
    """Which samples hold slots of a gate, and which wait for one.

    A sample that waits is on hold, unless it holds a slot of the gate at the same time: then
    it may be waiting for itself, such as for a request of its own that hangs.
    """

    __slots__ = ("_shares",)

    def __init__(self) -> None:
        self._shares: dict[Hold, list[int]] = {}

    def held(self, sample: Hold, change: int) -> None:
        """Note that a sample holds so many slots more, or fewer."""
        self._change(sample, change, 0)

    def queued(self, sample: Hold, change: int) -> None:
        """Note that a sample waits for so many slots more, or fewer."""
        self._change(sample, 0, change)

    def _change(self, sample: Hold, held: int, queued: int) -> None:
        share = self._shares.get(sample)
        if share is None:
            share = self._shares[sample] = [0, 0]
        was_on_hold = share[1] and not share[0]
        share[0] += held
        share[1] += queued
        if share[1] and not share[0]:
            if not was_on_hold:
                sample.begin()
            return
        if was_on_hold:
            sample.end()
        if not share[0] and not share[1]:
            del self._shares[sample]
