"""SDK clients that many models share.

A client keeps its connections open between requests, so that a request costs no TLS
handshake. Connections belong to the event loop that opened them: there is one client per
loop and account.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import warnings
from collections.abc import Callable, Coroutine
from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, cast
from weakref import WeakSet

import httpx2

from tasks_lib.schema import GenerateConfig

SDK_TIMEOUT_S = 600.0
"""Seconds that SDKs wait for an answer, unless a config allows longer."""

_CONNECTIONS = 10_000
"""More than anyone opens: the slots of a connection key are the limit, not this."""


class TransportOptions(TypedDict):
    """Arguments of an SDK's transport."""

    limits: httpx2.Limits
    follow_redirects: bool


class Client(Protocol):
    """A client of an SDK."""

    async def close(self) -> None:
        """Close its connections."""


C = TypeVar("C", bound=Client)


class Account(NamedTuple):
    """Where requests go and who pays. Its text does not contain the key."""

    provider: str
    """The kind of client: accounts of different providers never share one."""
    base_url: str | None
    api_key: str
    more: tuple[str | None, ...] = ()
    """What else tells accounts apart, such as an organization or a region."""

    def digest(self) -> str:
        """Return a short text that is the same for the same account, and tells no secret."""
        values = (self.provider, self.base_url, self.api_key, *self.more)
        text = "\0".join(value or "" for value in values)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"Account({self.provider!r}, {self.base_url!r}, {self.digest()})"


class _Shared(NamedTuple):
    loop: asyncio.AbstractEventLoop
    account: Account
    client: Client
    users: WeakSet[object]


_open: list[_Shared] = []


class LoopClient(Generic[C]):
    """One user's way to the client of its account in whatever event loop runs."""

    def __init__(self, make: Callable[[], C]) -> None:
        """Open nothing yet.

        `make` makes the client where there is none. It must not let the SDK retry: retries
        are ours, done twice they would multiply.
        """
        self._make = make
        self._client: C | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def of(self, account: Account) -> C:
        """Return the client of `account` in the running event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = self._shared(account, loop)
            self._loop = loop
        return self._client

    async def release(self) -> None:
        """Close the clients of the running loop that nobody else uses."""
        self._client = self._loop = None
        _drop_stale()
        loop = asyncio.get_running_loop()
        for shared in [s for s in _open if s.loop is loop and self in s.users]:
            shared.users.discard(self)
            if not shared.users:
                _open.remove(shared)
                await shared.client.close()

    def _shared(self, account: Account, loop: asyncio.AbstractEventLoop) -> C:
        _drop_stale()
        for shared in _open:
            if shared.loop is loop and shared.account == account:
                shared.users.add(self)
                return cast(C, shared.client)
        client = self._make()
        _open.append(_Shared(loop, account, client, WeakSet([self])))
        return client


def transport_options() -> TransportOptions:
    """Return the arguments of an SDK's aiohttp transport."""
    return {
        "limits": httpx2.Limits(
            max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS
        ),
        # A redirect would take the key elsewhere, and be a request that nobody counts.
        "follow_redirects": False,
    }


def longer_timeout_s(config: GenerateConfig) -> float | None:
    """Return the seconds that a request may take; None: no more than the SDK waits anyway."""
    allowed = config.attempt_timeout or config.timeout or 0
    return float(allowed) if allowed > SDK_TIMEOUT_S else None


@atexit.register
def _drop_stale() -> None:
    """Close clients whose event loop has ended."""
    for shared in [shared for shared in _open if shared.loop.is_closed()]:
        _open.remove(shared)
        with warnings.catch_warnings():
            # Nobody can close these sockets properly any more.
            warnings.simplefilter("ignore", ResourceWarning)
            _run_without_loop(shared.client.close())


def _run_without_loop(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine that does not wait for anything, as closing on an ended loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
