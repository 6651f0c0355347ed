"""Holds the slots of one connection key: decides when to take, share and give back blocks."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from contextvars import Context

from flows._leases import LEASE_S, Lease, LimitState, ServerLimit
from tasks_lib.context import Gate, MaxConnections, Slot

logger = logging.getLogger(__name__)

TICK_S = 1.0
"""How often a holder looks whether slots are idle or leases due, and, while it wants more, how
many others do."""
POLL_S = 0.05
"""How often somebody looks for free slots while some want more: all that wait together, so
that their number costs the server nothing. A look is 4 ms of its CPU."""
LOOK_S = 3.0
"""How often size and waiting room are read by those that have what they want."""
PATIENCE_S = 0.3
"""How long free slots are looked for before others are asked to give some back."""
RETRY_S = 1.0
"""How long nothing is asked of a server that did not answer."""
IDLE_S = 2.0
"""Slots that nobody needed for so long are given back."""
REQUEST_TIMEOUT_S = 15.0
"""After this an answer of the server is no longer waited for."""
STARVED_S = 90.0
"""Without a single slot for so long something is wrong: longer than a killed holder's lease."""
BLOCKS = 8
"""A block is this share of a limit at most, so that slots can be given back in small pieces."""
ROOM_SIZE = 10_000
"""Slots of a waiting room: more than there will ever be processes."""
CLOSE_S = 10.0
"""How long giving everything back may take at the end."""


class BlockHolder:
    """The slots of one key: a gate for the callers, a background task for the server."""

    def __init__(self, key: str, limit: ServerLimit, room: ServerLimit) -> None:
        """Hold slots of `limit`; wait for them in `room`. Nothing happens before `start`."""
        self.gate = Gate(key, on_shortage=self._on_shortage, on_surplus=self._on_surplus)
        """Where callers get their slots."""
        self._limit = limit
        self._room = room
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._leases: list[Lease] = []
        self._held = 0
        self._closed = 0
        self._room_lease: Lease | None = None
        self._size = 0
        self._free = 0
        self._others = 0
        self._share = 0
        self._asked = 0
        self._opened = False
        self._offline = False
        self._ending = False
        self._is_polling = False
        self._next_look = 0.0
        self._next_count = 0.0
        self._next_return = 0.0
        self._next_freeing = 0.0
        self._short_since: float | None = None
        self._starving_since: float | None = None
        self._told: set[str] = set()

    def start(self, context: Context) -> None:
        """Start the background task, in `context`."""
        self._task = asyncio.create_task(self._run(), name=self._limit.name, context=context)

    def slot(self, limit: MaxConnections, first: int) -> Slot:
        """Return a context that holds a slot; see `Gate.slot`."""
        if limit != "auto" and limit > self._asked:
            self._asked = limit
            self._check_size()
        return self.gate.slot(limit, first)

    async def close(self) -> None:
        """Stop, and give everything back as far as the server can be reached."""
        await self._stop()
        try:
            async with asyncio.timeout(CLOSE_S):
                for lease in self._leases:
                    await self._limit.give_back(lease)
                await self._leave_room()
        except (ConnectionError, TimeoutError) as error:
            logger.warning(
                "Slots of %r were not given back (%s); the server frees them within %g s.",
                self._limit.name,
                error,
                LEASE_S + 15,
            )

    async def _stop(self) -> None:
        if self._task is None:
            return
        self._ending = True
        self._wake.set()
        if not self._offline:
            # Cancelling a request could lose a lease that the server has just granted.
            await asyncio.wait([self._task], timeout=CLOSE_S)
        self._task.cancel()
        await asyncio.wait([self._task])

    def _on_shortage(self) -> None:
        if not self._is_polling and self._wants_more():
            self._wake.set()

    def _on_surplus(self) -> None:
        if self._closed:
            self._wake.set()

    def _wants_more(self) -> bool:
        """Whether more slots could be used, by whomever they are held now."""
        return not self._opened or min(self.gate.demand(), self._size) > self._held

    async def _run(self) -> None:
        while not self._ending:
            try:
                await self._step()
            except Exception as error:
                # Whatever it is: callers wait for this task, they must never do so in vain.
                self._without_server(error)
                await asyncio.sleep(RETRY_S)
            else:
                if self._offline:
                    self._offline = False
                    self._grant()
                await self._sleep()

    async def _sleep(self) -> None:
        seconds: float | None = TICK_S
        if self._wants_more() and self.gate.waiting:
            self._is_polling = True
            seconds = min(TICK_S, max(self._next_look - time.monotonic(), 0))
        elif not (self._leases or self._room_lease or self.gate.waiting):
            # There is nothing to look after.
            seconds = None
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._is_polling = False
        self._wake.clear()

    async def _step(self) -> None:
        if not self._opened:
            await self._open()
        await self._renew()
        await self._look()
        await self._return_blocks()
        await self._take_blocks()

    async def _open(self) -> None:
        state = await self._limit.open(self.gate.cap)
        self._note(state)
        self._share = state.size
        self._opened = True
        self._check_size()

    def _note(self, state: LimitState) -> None:
        self._size = state.size
        self._free = max(state.size - state.taken, 0)
        pace = POLL_S * (1 + self._others) * random.uniform(0.75, 1.25)
        self._next_look = time.monotonic() + pace

    async def _renew(self) -> None:
        """Renew what is due; drop what the server does not know any more."""
        now = time.monotonic()
        for lease in [lease for lease in self._leases if _is_due(lease, now)]:
            if not await self._limit.renew(lease):
                self._leases.remove(lease)
                await self._forgotten(lease)
        room = self._room_lease
        if room is not None and _is_due(room, now) and not await self._room.renew(room):
            self._room_lease = None
        if not self._offline:
            self._grant()

    async def _forgotten(self, lease: Lease) -> None:
        """Free the slots of a lease that is gone, unless it was taken back for being late.

        A server that keeps leases in memory and was restarted still counts the slots, and
        nobody else would ever free them. After a long silence of the server that is the
        likely case, too: the other one needs a durable store, and lasts until the leases end.
        """
        in_time = time.monotonic() - lease.renewed_at < LEASE_S
        if in_time or self._offline:
            await self._limit.correct(lease)

    async def _look(self) -> None:
        """Read the size, which people may change, what is free, and how many processes wait."""
        now = time.monotonic()
        due = self._next_look if self._wants_more() else self._next_count
        idle = now < due or not (self._leases or self.gate.waiting)
        # A server that did not answer must have done so before slots are shared again.
        if idle and not self._offline:
            return
        state = await self._limit.read()
        if state is None:
            self._opened = False
            return
        self._note(state)
        if not self._free and now < self._next_count:
            return
        self._next_count = now + (TICK_S if self._wants_more() else LOOK_S)
        room = await self._room.read()
        waiting = room.taken if room is not None else 0
        self._others = max(waiting - (1 if self._room_lease else 0), 0)
        self._share = math.ceil(state.size / (1 + self._others))

    async def _return_blocks(self) -> None:
        """Give back what was not needed lately, and what is above our share.

        Blocks that callers still use are closed first: as calls end they are not handed out
        again, and go back once that makes a block.
        """
        now = time.monotonic()
        # Down to the rounded-down share, or a block of two could never be given to the last.
        target = self._held
        if self._held > self._share:
            target = max(self._size // (1 + self._others), 1)
        if now >= self._next_return:
            self._next_return = now + IDLE_S
            target = min(target, self.gate.take_peak())
        leaving = self._surplus(target)
        self._closed = sum(lease.slots for lease in leaving)
        if not self._offline:
            self._grant()
        for lease in leaving:
            if self._held - lease.slots < self.gate.in_use:
                return
            self._leases.remove(lease)
            self._closed -= lease.slots
            self._held -= lease.slots
            await self._limit.give_back(lease)

    def _surplus(self, target: int) -> list[Lease]:
        """Return leases, the biggest first, without which at least `target` slots stay."""
        rest = self._held
        surplus = []
        for lease in sorted(self._leases, key=lambda lease: -lease.slots):
            if rest - lease.slots >= target:
                rest -= lease.slots
                surplus.append(lease)
        return surplus

    async def _take_blocks(self) -> None:
        """Take what is wanted of what is free, within our share; else wait with the others."""
        while self._free and (missing := min(self.gate.demand(), self._share) - self._held) > 0:
            # Growing by a share keeps the leases few when callers come one by one.
            wanted = max(missing, self._held // BLOCKS)
            block = math.ceil(self._size / BLOCKS)
            slots = min(wanted, block, self._share - self._held, self._free)
            lease = await self._limit.take(slots)
            if lease is None:
                # Others were faster. The next look shows what they left.
                self._free = 0
                break
            self._leases.append(lease)
            self._free -= slots
            self._starving_since = None
            self._grant()
        if not self._wants_more():
            self._short_since = None
            await self._leave_room()
            return
        now = time.monotonic()
        self._short_since = self._short_since or now
        if now - self._short_since >= PATIENCE_S:
            await self._wait_in_room(now)

    async def _wait_in_room(self, now: float) -> None:
        if self._room_lease is None:
            await self._room.open(ROOM_SIZE)
            self._room_lease = await self._room.take(1)
        if now >= self._next_freeing:
            self._next_freeing = now + RETRY_S
            await self._limit.free_expired()
        if self._leases or not self.gate.waiting:
            return
        self._starving_since = self._starving_since or now
        if now - self._starving_since > STARVED_S:
            self._tell(
                "starved",
                "No slot of %r was free for %d s. If no other run uses it, free its slots: "
                "prefect gcl update %s --active-slots 0",
                self._limit.name,
                STARVED_S,
                self._limit.name,
            )

    async def _leave_room(self) -> None:
        lease, self._room_lease = self._room_lease, None
        if lease is not None:
            await self._room.give_back(lease)

    def _without_server(self, error: Exception) -> None:
        """Keep to what is held while that is surely ours, then to the local limit."""
        now = time.monotonic()
        if any(now - lease.renewed_at < LEASE_S for lease in self._leases):
            return
        self._offline = True
        cap = self.gate.cap
        self.gate.grant(min(cap, self._size) if self._opened else cap)
        self._tell(
            "offline",
            "Slots of %r can't be shared: the Prefect server does not answer (%s). "
            "This process keeps to %d connections of its own until it does.",
            self._limit.name,
            error,
            self.gate.granted,
        )

    def _grant(self) -> None:
        self._held = sum(lease.slots for lease in self._leases)
        self.gate.grant(self._held - self._closed)

    def _check_size(self) -> None:
        if not self._opened or self._asked <= self._size:
            return
        self._tell(
            "size",
            "max_connections=%d, but %r has %d slots; these are used. To change it for all "
            "runs: prefect gcl update %s --limit %d",
            self._asked,
            self._limit.name,
            self._size,
            self._limit.name,
            self._asked,
        )

    def _tell(self, what: str, message: str, *values: object) -> None:
        """Warn once."""
        if what not in self._told:
            self._told.add(what)
            logger.warning(message, *values)


def _is_due(lease: Lease, now: float) -> bool:
    return now - lease.renewed_at >= LEASE_S / 3
