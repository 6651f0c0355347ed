"""How many connections work: `max_connections="auto"`."""

from __future__ import annotations

import math

FIRST_CONNECTIONS = 10
"""Where "auto" begins, unless the provider's own default is lower."""

MOST_CONNECTIONS = 100
"""Where "auto" ends: with more, a process rather runs out of CPU than of connections, and a
provider that takes more says so; who knows better sets a number."""


class AdaptiveLimit:
    """A number of connections that follows what the provider takes.

    It doubles with every round trip while all connections are busy. Once a request has been
    refused for their number (429 or overloaded) it is halved, and grows by one with every
    round trip from then on. It stays between 1 and `most`.

    A refused request that began before the last halving says nothing new: `epoch` tells when
    a request began, so that a burst of refusals halves it once.
    """

    __slots__ = ("_answers", "_doubling", "epoch", "most", "value")

    def __init__(self, first: int = FIRST_CONNECTIONS, most: int = MOST_CONNECTIONS) -> None:
        """Begin with `first` connections, at least 1 and at most `most`."""
        self.most = most
        self.value = max(min(first, most), 1)
        self.epoch = 0
        """How often the number was lowered."""
        self._doubling = True
        self._answers = 0

    def answered(self, epoch: int, in_use: int) -> None:
        """Learn that a request of `epoch` was answered while `in_use` connections were busy."""
        if epoch != self.epoch or in_use < self.value:
            return
        self._answers += 1
        # A round trip has `value` answers: one more for each of them doubles it.
        if self._doubling or self._answers >= self.value:
            self._answers = 0
            self.value = min(self.value + 1, self.most)

    def refused(self, epoch: int, in_use: int) -> None:
        """Learn that a request of `epoch` was refused while `in_use` connections were busy."""
        if epoch == self.epoch:
            # What was allowed but not used has not been tried.
            self._lower(min(self.value, in_use) // 2)

    def scale(self, factor: float) -> None:
        """Multiply the number by `factor`, at most 1, whatever was learnt."""
        self._lower(math.floor(self.value * factor))

    def _lower(self, value: int) -> None:
        self.value = max(value, 1)
        self.epoch += 1
        self._doubling = False
        self._answers = 0
