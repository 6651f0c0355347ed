"""Who goes next: slots of one connection key within this process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from itertools import count
from typing import Literal, TypeAlias

from tasks_lib._errors import ParameterError
from tasks_lib.context._adaptive import FIRST_CONNECTIONS, AdaptiveLimit
from tasks_lib.context._hold import Hold
from tasks_lib.context._sample import current_sample, waiting
from tasks_lib.context._shares import Shares

logger = logging.getLogger(__name__)

MaxConnections: TypeAlias = int | Literal["auto"]
"""How many slots of a key there may be; "auto": as many as turns out to work."""


class Gate:
    """Hands out up to `granted` slots, first come, first served.

    Those that share a limit form a lane; a lane never holds more than its limit, and a full
    lane does not hold up the others. Nothing here waits for a server.
    """

    def __init__(
        self,
        key: str,
        *,
        on_shortage: Callable[[], None] | None = None,
        on_surplus: Callable[[], None] | None = None,
    ) -> None:
        """Create a gate without slots.

        Args:
            key: What the slots are for, for messages.
            on_shortage: Called when someone has to wait.
            on_surplus: Called when a slot comes back that is not granted any more.
        """
        self.granted = 0
        self.in_use = 0
        self.shares = Shares()
        self._key = key
        self._peak = 0
        self._lanes: dict[MaxConnections, Lane] = {}
        self._tickets = count()
        self._on_shortage = on_shortage
        self._on_surplus = on_surplus

    def slot(self, limit: MaxConnections, first: int = FIRST_CONNECTIONS) -> Slot:
        """Return a context that holds one slot, among those that may hold `limit` together.

        Args:
            limit: Their number; "auto" adapts it to what `feedback` tells.
            first: Where "auto" begins, if that is less than `FIRST_CONNECTIONS`; the first
                call of a gate decides.

        Raises:
            ParameterError: The limit is below 1.
        """
        lane = self._lanes.get(limit)
        if lane is None:
            lane = self._lanes[limit] = self._new_lane(limit, first)
        return lane.slot()

    def feedback(self, *, limited: bool) -> None:
        """Learn how a request ended that holds a slot in this context; see `ConnectionSlots`."""
        lane = self._lanes.get("auto")
        if isinstance(lane, _AdaptiveLane):
            lane.feedback(limited=limited)

    def scale_auto(self, factor: float) -> None:
        """Multiply by `factor`, at most 1, how many "auto" allows now."""
        lane = self._lanes.get("auto")
        if isinstance(lane, _AdaptiveLane):
            lane.scale(factor)

    @property
    def auto(self) -> int | None:
        """How many slots "auto" allows now; None if nobody has asked for it."""
        lane = self._lanes.get("auto")
        return lane.limit if lane is not None else None

    @property
    def waiting(self) -> bool:
        """Whether anyone waits."""
        return any(lane.queue for lane in self._lanes.values())

    @property
    def cap(self) -> int:
        """The highest limit that was asked for; that of "auto" is the most it may become."""
        return max((lane.most for lane in self._lanes.values()), default=0)

    def demand(self) -> int:
        """How many slots are used, or could be used now."""
        return sum(lane.demand() for lane in self._lanes.values())

    def take_peak(self) -> int:
        """Return the highest demand since the last call."""
        now = self.demand()
        peak, self._peak = max(self._peak, now), now
        return peak

    def grant(self, slots: int) -> None:
        """Set how many slots there are. Those in use are never taken away."""
        self.granted = slots
        self._hand_out()

    def lane_grew(self) -> None:
        """Hand out what a lane may hold now that its limit was raised, or ask for more."""
        self._hand_out()
        if self.waiting and self._on_shortage is not None:
            self._on_shortage()

    def try_take(self, lane: Lane) -> bool:
        """Take a slot if one is free and nobody of the lane waits."""
        if lane.queue or self.in_use >= self.granted or lane.in_use >= lane.limit:
            return False
        self._take(lane)
        return True

    async def wait(self, lane: Lane) -> None:
        """Wait for a slot and take it; the time is booked as waiting of the sample."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = (next(self._tickets), turn)
        lane.queue.append(ticket)
        self._peak = max(self._peak, self.demand())
        if self._on_shortage is not None:
            self._on_shortage()
        try:
            with waiting():
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
        if self.in_use < self.granted:
            self._hand_out()
        elif self._on_surplus is not None:
            self._on_surplus()

    def _hand_out(self) -> None:
        while self.in_use < self.granted:
            ready = [
                lane for lane in self._lanes.values() if lane.queue and lane.in_use < lane.limit
            ]
            if not ready:
                return
            lane = min(ready, key=Lane.first_ticket)
            _, turn = lane.queue.popleft()
            # A waiter that was cancelled leaves its ticket until it runs again.
            if not turn.done():
                self._take(lane)
                turn.set_result(None)

    def _take(self, lane: Lane) -> None:
        lane.in_use += 1
        self.in_use += 1
        if self.in_use > self._peak:
            self._peak = self.in_use

    def _new_lane(self, limit: MaxConnections, first: int) -> Lane:
        if limit == "auto":
            return _AdaptiveLane(self, self._key, AdaptiveLimit(min(first, FIRST_CONNECTIONS)))
        if limit < 1:
            raise ParameterError(
                "connection_slot", "max_connections", limit, '1 or more, or "auto"'
            )
        return Lane(self, limit)


class Lane:
    """Those of a key that pass the same limit. A plain class: it is on the hot path."""

    __slots__ = ("gate", "in_use", "limit", "most", "queue")

    def __init__(self, gate: Gate, limit: int) -> None:
        self.gate = gate
        self.limit = limit
        self.most = limit
        """The highest value that `limit` may have."""
        self.in_use = 0
        self.queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def slot(self) -> Slot:
        """Return a context that holds one slot."""
        return Slot(self)

    def demand(self) -> int:
        """How many slots are used, or could be used now."""
        return max(self.in_use, min(self.limit, self.in_use + len(self.queue)))

    def first_ticket(self) -> int:
        """When the first of those that wait came."""
        return self.queue[0][0]


class Slot:
    """A context that holds one slot of a lane."""

    __slots__ = ("_lane", "_sample")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._sample: Hold | None = None
        """Of the sample that holds the slot, if it is one."""

    async def __aenter__(self) -> None:
        lane = self._lane
        context = current_sample()
        sample = context.hold if context is not None else None
        if not lane.gate.try_take(lane):
            await _wait(lane, sample)
        if sample is not None:
            self._sample = sample
            lane.gate.shares.held(sample, 1)

    async def __aexit__(self, *exc_info: object) -> None:
        gate = self._lane.gate
        if self._sample is not None:
            gate.shares.held(self._sample, -1)
        gate.give(self._lane)


async def _wait(lane: Lane, sample: Hold | None) -> None:
    if sample is None:
        await lane.gate.wait(lane)
        return
    lane.gate.shares.queued(sample, 1)
    try:
        await lane.gate.wait(lane)
    finally:
        lane.gate.shares.queued(sample, -1)


class _AdaptiveLane(Lane):
    """Those that pass "auto"."""

    __slots__ = ("_adaptive", "_key")

    def __init__(self, gate: Gate, key: str, adaptive: AdaptiveLimit) -> None:
        super().__init__(gate, adaptive.value)
        self.most = adaptive.most
        self._key = key
        self._adaptive = adaptive

    @property
    def epoch(self) -> int:
        """What `AdaptiveLimit` wants to know of a request: when it began."""
        return self._adaptive.epoch

    def slot(self) -> Slot:
        """Return a context that holds one slot and knows when its request began."""
        return _AdaptiveSlot(self)

    def feedback(self, *, limited: bool) -> None:
        """Learn how the request of the slot that is held in this context ended."""
        slot = _held.get()
        if slot is None or slot.lane is not self:
            return
        if limited:
            self._adaptive.refused(slot.epoch, self.in_use)
        else:
            self._adaptive.answered(slot.epoch, self.in_use)
        self._follow("the provider refused a request for their number")
        # The next request with this slot begins now.
        slot.epoch = self.epoch

    def scale(self, factor: float) -> None:
        """Multiply the limit by `factor`."""
        self._adaptive.scale(factor)
        self._follow("a task that failed is attempted again")

    def _follow(self, why_lower: str) -> None:
        before, now = self.limit, self._adaptive.value
        self.limit = now
        if now > before:
            self.gate.lane_grew()
        elif now < before:
            logger.info("%s: %d connections instead of %d; %s.", self._key, now, before, why_lower)


class _AdaptiveSlot(Slot):
    """A context that holds one slot of those that pass "auto"."""

    __slots__ = ("_token", "epoch", "lane")

    def __init__(self, lane: _AdaptiveLane) -> None:
        super().__init__(lane)
        self.lane = lane
        self.epoch = 0
        self._token: Token[_AdaptiveSlot | None] | None = None

    async def __aenter__(self) -> None:
        await super().__aenter__()
        self.epoch = self.lane.epoch
        self._token = _held.set(self)

    async def __aexit__(self, *exc_info: object) -> None:
        if self._token is None:  # cancelled while it waited for another one
            return
        _held.reset(self._token)
        self._token = None
        await super().__aexit__(*exc_info)

    async def regain(self) -> None:
        """Give the slot back and wait for another one, if more are held than there may be now."""
        if self.lane.in_use > self.lane.limit:
            await self.__aexit__()
            await self.__aenter__()


async def regain_connection() -> None:
    """Wait, before a refused request is made again, until its slot is one of those allowed now.

    Those that "auto" allows fewer of would else be sent again as many at a time as before, be
    refused for it, and lower the number again.
    """
    slot = _held.get()
    if slot is not None:
        await slot.regain()


_held: ContextVar[_AdaptiveSlot | None] = ContextVar("held_slot", default=None)
