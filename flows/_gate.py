"""Who goes next: slots of one connection key within this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count

from tasks_lib._errors import ParameterError


class Gate:
    """Hands out up to `granted` slots, first come, first served.

    Those that share a limit form a lane; a lane never holds more than its limit, and a full
    lane does not hold up the others. Nothing here waits for a server.
    """

    def __init__(self, on_shortage: Callable[[], None]) -> None:
        """Create a gate without slots; `on_shortage` is called when someone has to wait."""
        self.granted = 0
        self.in_use = 0
        self._peak = 0
        self._lanes: dict[int, Lane] = {}
        self._tickets = count()
        self._on_shortage = on_shortage

    def lane(self, limit: int) -> Lane:
        """Return the lane of those that may hold `limit` slots together.

        Raises ParameterError for a limit below 1.
        """
        lane = self._lanes.get(limit)
        if lane is None:
            if limit < 1:
                raise ParameterError("connection_slot", "max_connections", limit, "1 or more")
            lane = self._lanes[limit] = Lane(self, limit)
        return lane

    @property
    def waiting(self) -> bool:
        """Whether anyone waits."""
        return any(lane.queue for lane in self._lanes.values())

    @property
    def cap(self) -> int:
        """The highest limit that was asked for."""
        return max(self._lanes, default=0)

    def demand(self) -> int:
        """How many slots could be used now."""
        return sum(min(lane.limit, lane.in_use + len(lane.queue)) for lane in self._lanes.values())

    def take_peak(self) -> int:
        """Return the highest demand since the last call."""
        now = self.demand()
        peak, self._peak = max(self._peak, now), now
        return peak

    def grant(self, slots: int) -> None:
        """Set how many slots there are. Those in use are never taken away."""
        self.granted = slots
        self._hand_out()

    def try_take(self, lane: Lane) -> bool:
        """Take a slot if one is free and nobody of the lane waits."""
        if lane.queue or self.in_use >= self.granted or lane.in_use >= lane.limit:
            return False
        self._take(lane)
        return True

    async def wait(self, lane: Lane) -> None:
        """Wait for a slot and take it."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = (next(self._tickets), turn)
        lane.queue.append(ticket)
        self._peak = max(self._peak, self.demand())
        self._on_shortage()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(lane)
            elif ticket in lane.queue:
                lane.queue.remove(ticket)
            raise

    def give(self, lane: Lane) -> None:
        """Give a slot back."""
        lane.in_use -= 1
        self.in_use -= 1
        self._hand_out()

    def _take(self, lane: Lane) -> None:
        lane.in_use += 1
        self.in_use += 1
        if self.in_use > self._peak:
            self._peak = self.in_use

    def _hand_out(self) -> None:
        while self.in_use < self.granted:
            ready = [
                lane for lane in self._lanes.values() if lane.queue and lane.in_use < lane.limit
            ]
            if not ready:
                return
            lane = min(ready, key=Lane.first_ticket)
            _, turn = lane.queue.popleft()
            # PLACE
            if not turn.done():
                self._take(lane)
                turn.set_result(None)


class Lane:
    """Those of a key that pass the same limit. A plain class: it is on the hot path."""

    __slots__ = ("gate", "in_use", "limit", "queue")

    def __init__(self, gate: Gate, limit: int) -> None:
        self.gate = gate
        self.limit = limit
        self.in_use = 0
        self.queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def first_ticket(self) -> int:
        """When the first of those that wait came."""
        return self.queue[0][0]


class Slot:
    """A context that holds one slot of a lane."""

    __slots__ = ("_lane",)

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def __aenter__(self) -> None:
        lane = self._lane
        if not lane.gate.try_take(lane):
            await lane.gate.wait(lane)

    async def __aexit__(self, *exc_info: object) -> None:
        self._lane.gate.give(self._lane)
