"""Holds the slots of one connection key: decides when to take, share and give back blocks."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from contextvars import Context

from flows._gate import Gate, Lane
from flows._leases import LEASE_S, Lease, ServerLimit

logger = logging.getLogger(__name__)

TICK_S = 1.0
"""How often a holder looks whether slots are idle, leases due, or others waiting."""
RETRY_S = 1.0
"""How often a full limit is tried again (±25 %)."""
IDLE_S = 2.0
"""Slots that nobody needed for so long are given back."""
LOOK_S = 3.0
"""How often size and waiting room are read."""
REQUEST_TIMEOUT_S = 15.0
"""After this an answer of the server is no longer waited for."""
STARVED_S = 90.0
"""Without a single slot for so long something is wrong: longer than a killed holder's lease."""
BLOCKS = 8
"""A process takes at most this share of a limit at once, so it can give back in small pieces."""
ROOM_SIZE = 10_000
"""Slots of a waiting room: more than there will ever be processes."""
CLOSE_S = 10.0
"""How long giving everything back may take at the end."""


class BlockHolder:
    """The slots of one key: a gate for the callers, a background task for the server."""

    def __init__(self, limit: ServerLimit, room: ServerLimit) -> None:
        """Hold slots of `limit`; wait for them in `room`. Nothing happens before `start`."""
        self._limit = limit
        self._room = room
        self._gate = Gate(on_shortage=self._on_shortage)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._leases: list[Lease] = []
        self._held = 0
        self._closed = 0
        self._room_lease: Lease | None = None
        self._size = 0
        self._share = 0
        self._opened = False
        self._offline = False
        self._ending = False
        self._next_take = 0.0
        self._next_look = 0.0
        self._next_return = 0.0
        self._starving_since: float | None = None
        self._told: set[str] = set()

    def start(self, context: Context) -> None:
        """Start the background task, in `context`."""
        self._task = asyncio.create_task(self._run(), name=self._limit.name, context=context)

    def lane(self, limit: int) -> Lane:
        """Return where those wait that pass `limit`."""
        if self._opened and limit > self._size:
            self._tell_size(limit)
        return self._gate.lane(limit)

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
        wanted = min(self._gate.demand(), self._share) if self._opened else 1
        if wanted > self._held and time.monotonic() >= self._next_take:
            self._wake.set()

    async def _run(self) -> None:
        while not self._ending:
            try:
                await self._step()
            except Exception as error:
                # Whatever it is: callers wait for this task, they must never do so in vain.
                self._without_server(error)
            else:
                self._offline = False
            await self._sleep()

    async def _sleep(self) -> None:
        # Without leases and callers there is nothing to look after.
        idle = not (self._leases or self._room_lease or self._gate.waiting or self._offline)
        try:
            async with asyncio.timeout(None if idle else TICK_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _step(self) -> None:
        if not self._opened:
            await self._open()
        await self._renew()
        await self._look()
        await self._return_blocks()
        await self._take_blocks()

    async def _open(self) -> None:
        cap = self._gate.cap
        state = await self._limit.open(cap)
        self._size = self._share = state.size
        self._opened = True
        if cap > state.size:
            self._tell_size(cap)

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
        """Read the size, which people may change, and how many processes wait."""
        now = time.monotonic()
        if now < self._next_look or not (self._leases or self._gate.waiting):
            return
        self._next_look = now + LOOK_S
        state = await self._limit.read()
        if state is None:
            self._opened = False
            return
        room = await self._room.read()
        waiting = room.taken if room is not None else 0
        others = waiting - (1 if self._room_lease else 0)
        self._size = state.size
        self._share = math.ceil(state.size / (1 + max(others, 0)))

    async def _return_blocks(self) -> None:
        """Give back what was not needed lately, and what is above our share.

        Blocks that callers still use are closed first: as calls end they are not handed out
        again, and go back in a later round.
        """
        now = time.monotonic()
        target = self._share
        if now >= self._next_return:
            self._next_return = now + IDLE_S
            target = min(target, self._gate.take_peak())
        leaving = self._surplus(target)
        self._closed = sum(lease.slots for lease in leaving)
        if not self._offline:
            self._grant()
        for lease in leaving:
            if self._held - lease.slots < self._gate.in_use:
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
        while (missing := min(self._gate.demand(), self._share) - self._held) > 0:
            if time.monotonic() < self._next_take:
                return
            block = math.ceil(self._size / BLOCKS)
            # Growing by a share keeps the leases few when callers come one by one.
            slots = min(max(missing, self._held // BLOCKS), block, self._share - self._held)
            lease = await self._limit.take(slots) or await self._take_rest(slots)
            if lease is None:
                await self._wait_in_room()
                return
            self._leases.append(lease)
            self._starving_since = None
            self._grant()
        if self._gate.demand() <= self._held:
            await self._leave_room()
        elif self._share < self._size:
            await self._enter_room()

    async def _take_rest(self, wanted: int) -> Lease | None:
        """Take what is left of the limit, when it is less than `wanted`."""
        state = await self._limit.read()
        if state is None:
            self._opened = False
            return None
        rest = min(wanted, state.size - state.taken)
        return await self._limit.take(rest) if rest > 0 else None

    async def _wait_in_room(self) -> None:
        now = time.monotonic()
        self._next_take = now + RETRY_S * random.uniform(0.75, 1.25)
        await self._limit.free_expired()
        await self._enter_room()
        if self._leases or not self._gate.waiting:
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

    async def _enter_room(self) -> None:
        if self._room_lease is None:
            await self._room.open(ROOM_SIZE)
            self._room_lease = await self._room.take(1)

    async def _leave_room(self) -> None:
        lease, self._room_lease = self._room_lease, None
        if lease is not None:
            await self._room.give_back(lease)

    def _without_server(self, error: Exception) -> None:
        """Keep to what is held while that is surely ours, then to the local limit."""
        now = time.monotonic()
        self._next_take = now + RETRY_S
        if any(now - lease.renewed_at < LEASE_S for lease in self._leases):
            return
        self._offline = True
        cap = self._gate.cap
        self._gate.grant(min(cap, self._size) if self._opened else cap)
        self._tell(
            "offline",
            "Slots of %r can't be shared: the Prefect server does not answer (%s). "
            "This process keeps to %d connections of its own until it does.",
            self._limit.name,
            error,
            self._gate.granted,
        )

    def _grant(self) -> None:
        self._held = sum(lease.slots for lease in self._leases)
        self._gate.grant(self._held - self._closed)

    def _tell_size(self, limit: int) -> None:
        self._tell(
            "size",
            "max_connections=%d, but %r has %d slots; these are used. To change it for all "
            "runs: prefect gcl update %s --limit %d",
            limit,
            self._limit.name,
            self._size,
            self._limit.name,
            limit,
        )

    def _tell(self, what: str, message: str, *values: object) -> None:
        """Warn once."""
        if what not in self._told:
            self._told.add(what)
            logger.warning(message, *values)


def _is_due(lease: Lease, now: float) -> bool:
    return now - lease.renewed_at >= LEASE_S / 3
