"""Which parts of a shard are merged when, so that their number stays small however long it runs.

A counter whose digits are parts: 48 parts as they were flushed become one, 8 of those become
one of the next level, and so on. What is merged is always all that came last, so a merged part
has the number after them and the order of rows stays. After ten million flushes there are at
most 47 + 6 * 7 parts and the first, and a row was rewritten six times.

Measured: rewriting costs as much as writing a part does (0.02 ms of CPU for a sample with a
transcript of 11 messages, in the background). So the first merge comes late: a log of 12,000
samples that come in fast has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

FIRST_FAN_IN = 48
"""How many parts as they were flushed become one."""
FAN_IN = 8
"""How many merged parts become one."""


class Merge(NamedTuple):
    """Parts that become one, by their numbers."""

    inputs: tuple[int, ...]
    """In the order of writing."""
    output: int
    """Higher than those of the inputs, lower than that of every part that comes later."""


class PartCounter:
    """Numbers the parts of a shard and tells which of them are due to be merged."""

    def __init__(self, existing: Iterable[int] = ()) -> None:
        """Continue after the parts that an earlier process of this shard has left."""
        known = sorted(existing)
        self._levels: list[list[int]] = [[number for number in known if number]]
        self._next = max(known, default=-1) + 1

    @property
    def next(self) -> int:
        """The number that the next part gets."""
        return self._next

    def add(self) -> int:
        """Count the next part, which is written; return its number."""
        number = self._next
        self._next += 1
        if number:  # the first one has what the others lack: it stays as it is
            self._levels[0].append(number)
        return number

    def take_merge(self) -> Merge | None:
        """Return what is to be merged now, at most once; None: nothing.

        Merges must be done in the order in which they were taken: one may need the output of
        another.
        """
        if len(self._levels[0]) < FIRST_FAN_IN:
            return None
        inputs, self._levels[0] = self._levels[0], []
        level = 1
        while level < len(self._levels) and len(self._levels[level]) == FAN_IN - 1:
            inputs, self._levels[level] = self._levels[level] + inputs, []
            level += 1
        if level == len(self._levels):
            self._levels.append([])
        output = self._next
        self._next += 1
        self._levels[level].append(output)
        return Merge(tuple(inputs), output)
