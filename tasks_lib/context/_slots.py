"""Connections to a provider are limited: who takes them, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Protocol
from weakref import WeakKeyDictionary


class ConnectionSlots(Protocol):
    """Hands out the slots of connection keys."""

    def slot(self, key: str, limit: int) -> AbstractAsyncContextManager[None]:
        """Return a context that holds one of the at most `limit` slots of `key`."""
        ...


class LocalSlots:
    """Slots of this process: the first `limit` of a key counts."""

    def __init__(self) -> None:
        self._semaphores: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def slot(self, key: str, limit: int) -> AsyncIterator[None]:
        """Hold one of the slots of `key`; see `ConnectionSlots`."""
        semaphore = self._semaphores.setdefault(key, asyncio.Semaphore(limit))
        async with semaphore:
            yield


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
