"""Connections to a provider are limited: who takes them, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol
from weakref import WeakKeyDictionary

from tasks_lib.context._adaptive import FIRST_CONNECTIONS, MOST_CONNECTIONS
from tasks_lib.context._gate import Gate, MaxConnections, Slot


class ConnectionSlots(Protocol):
    """Hands out the slots of connection keys."""

    def slot(
        self, key: str, limit: MaxConnections, first: int = FIRST_CONNECTIONS
    ) -> AbstractAsyncContextManager[None]:
        """Return a context that holds one slot of `key`; see `connection_slot`."""
        ...

    def feedback(self, key: str, *, limited: bool) -> None:
        """Learn how a request ended; see `connection_feedback`."""
        ...

    def scale_auto(self, key: str, factor: float) -> None:
        """Multiply by `factor`, at most 1, how many connections to `key` "auto" allows now."""
        ...

    def auto_connections(self, key: str) -> int | None:
        """Return how many connections to `key` "auto" allows now; None where it is not used."""
        ...


class LocalSlots:
    """Slots of this process: the first limit of a key counts."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    def slot(self, key: str, limit: MaxConnections, first: int = FIRST_CONNECTIONS) -> Slot:
        """Return a context that holds one slot of `key`; see `connection_slot`."""
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(key)
            gate.grant(MOST_CONNECTIONS if limit == "auto" else limit)
        return gate.slot(limit, first)

    def feedback(self, key: str, *, limited: bool) -> None:
        """Learn how a request ended; see `connection_feedback`."""
        gate = self._gates.get(key)
        if gate is not None:
            gate.feedback(limited=limited)

    def scale_auto(self, key: str, factor: float) -> None:
        """See `ConnectionSlots`."""
        gate = self._gates.get(key)
        if gate is not None:
            gate.scale_auto(factor)

    def auto_connections(self, key: str) -> int | None:
        """See `ConnectionSlots`."""
        gate = self._gates.get(key)
        return gate.auto if gate is not None else None


_installed: ContextVar[ConnectionSlots | None] = ContextVar("connection_slots", default=None)
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, LocalSlots] = WeakKeyDictionary()


@contextmanager
def use_connection_slots(slots: ConnectionSlots) -> Iterator[None]:
    """Let `connection_slot` take its slots from `slots` within this context."""
    token = _installed.set(slots)
    try:
        yield
    finally:
        _installed.reset(token)


def connection_slots() -> ConnectionSlots:
    """Return who hands out slots here: what was installed, else one for this event loop."""
    installed = _installed.get()
    if installed is not None:
        return installed
    return _by_loop.setdefault(asyncio.get_running_loop(), LocalSlots())


def connection_slot(
    key: str, limit: MaxConnections, first: int = FIRST_CONNECTIONS
) -> AbstractAsyncContextManager[None]:
    """Return a context that holds a connection of `key`; the wait is booked as waiting.

    Args:
        key: What shares its connections.
        limit: How many may be held at once; "auto" adapts it to what `connection_feedback`
            tells, between 1 and `MOST_CONNECTIONS`.
        first: Where "auto" begins, if that is less than `FIRST_CONNECTIONS`: the provider's
            own default.

    Raises:
        ParameterError: The limit is below 1.
    """
    return connection_slots().slot(key, limit, first)


def connection_feedback(key: str, *, limited: bool) -> None:
    """Tell how a request ended, while its slot of `key` is held; "auto" learns from it.

    Args:
        key: What the slot was taken of.
        limited: Whether the provider refused the request for there being too many (429 or
            overloaded). What failed for another reason says nothing and is not told.
    """
    connection_slots().feedback(key, limited=limited)
