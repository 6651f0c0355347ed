"""Slots of a Prefect global concurrency limit, taken in blocks with leases.

What the server promises (3.8): a block is taken whole or not at all; a lease that is not
renewed within its time is taken back by the server's "repossessor", which looks every 15 s. On
SQLite, a request that meets another's write is refused with 503, having done nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.responses import (
    ConcurrencyLimitWithLeaseResponse,
    GlobalConcurrencyLimitResponse,
)
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.concurrency.lease_storage import filesystem

T = TypeVar("T")

LEASE_S = 60.0
"""How long the server keeps a block for us without a sign of life. It accepts no less."""

AGAIN_S = (0.005, 0.04)
"""How soon, in between, a request is made again that met another's write. Prefect's client
would wait two seconds and more, with slots that nobody uses."""

_REFUSALS = frozenset({HTTPStatus.LOCKED, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY})


def client_settings(timeout_s: float) -> dict[str, Any]:
    """Return the `httpx_settings` of a Prefect client for `ServerLimit`."""
    return {"timeout": timeout_s, "event_hooks": {"response": [_again_soon]}}


async def _again_soon(response: httpx.Response) -> None:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(random.uniform(*AGAIN_S)))


@dataclass(slots=True)
class Lease:
    """A block of slots that is ours until `renewed_at` (monotonic) plus `LEASE_S`."""

    id: UUID
    slots: int
    taken_at: float
    renewed_at: float


@dataclass(frozen=True, slots=True)
class LimitState:
    """Size of a limit, and how many of its slots are taken by anyone."""

    size: int
    taken: int


class ServerLimit:
    """One global concurrency limit.

    Every method raises ConnectionError when the server can't be asked or makes no sense.
    """

    def __init__(self, client: PrefectClient, name: str, *, timeout_s: float) -> None:
        self.name = name
        self._client = client
        self._timeout_s = timeout_s

    async def open(self, size: int) -> LimitState:
        """Return the limit's state; create it with `size` slots if there is none."""
        state = await self.read()
        if state is not None:
            return state
        limit = GlobalConcurrencyLimitCreate(name=self.name, limit=size, slot_decay_per_second=0)
        try:
            await self._ask(self._client.create_global_concurrency_limit(limit))
        except ObjectAlreadyExists:
            # Another process was faster.
            state = await self.read()
        return state or LimitState(size, 0)

    async def read(self) -> LimitState | None:
        """Return the limit's state, None if it does not exist."""
        try:
            found: GlobalConcurrencyLimitResponse = await self._ask(
                self._client.read_global_concurrency_limit_by_name(self.name)
            )
        except ObjectNotFound:
            return None
        return LimitState(found.limit, found.active_slots)

    async def take(self, slots: int) -> Lease | None:
        """Take a block; None if not that many slots are free."""
        response = await self._answer(
            self._client.increment_concurrency_slots_with_lease(
                [self.name], slots, "concurrency", LEASE_S
            )
        )
        if response.status_code != HTTPStatus.OK:
            return None
        try:
            granted = ConcurrencyLimitWithLeaseResponse.model_validate_json(response.content)
        except ValueError as error:
            raise ConnectionError(f"no lease in the answer: {error}") from error
        now = time.monotonic()
        lease = Lease(granted.lease_id, slots, taken_at=now, renewed_at=now)
        if not granted.limits:
            # The limit was deleted; the server leases nothing rather than refuse.
            await self.give_back(lease)
            return None
        return lease

    async def renew(self, lease: Lease) -> bool:
        """Show that we live. False: the server does not know the lease any more."""
        response = await self._answer(self._client.renew_concurrency_lease(lease.id, LEASE_S))
        if response.status_code != HTTPStatus.NO_CONTENT:
            return False
        lease.renewed_at = time.monotonic()
        return True

    async def give_back(self, lease: Lease) -> None:
        """Return a block. Nothing happens if the server has taken it back already."""
        await self._answer(self._client.release_concurrency_slots_with_lease(lease.id))

    async def correct(self, lease: Lease) -> None:
        """Free the slots of a lease that the server forgot while it still counts them."""
        held_s = max(time.monotonic() - lease.taken_at, 0.001)
        await self._answer(self._client.release_concurrency_slots([self.name], lease.slots, held_s))

    async def free_expired(self) -> None:
        """Take back expired blocks in place of a temporary server, which never does it.

        Their leases are files in Prefect's home, shared by the temporary servers of all our
        processes. Does nothing with any other server.
        """
        if self._client.server_type is not ServerType.EPHEMERAL:
            return
        leases = filesystem.ConcurrencyLeaseStorage()
        for lease_id in await leases.read_expired_lease_ids():
            claim = leases.storage_path / f"{lease_id}.claim"
            if _claim(claim):
                try:
                    await self._answer(self._client.release_concurrency_slots_with_lease(lease_id))
                    # The server leaves the entry of a lease whose file is gone.
                    await leases.revoke_lease(lease_id)
                finally:
                    claim.unlink(missing_ok=True)

    async def _answer(self, call: Awaitable[httpx.Response]) -> httpx.Response:
        """Wait for a response that may be a refusal."""
        try:
            return await self._ask(call)
        except httpx.HTTPStatusError as error:
            return error.response

    async def _ask(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except httpx.HTTPStatusError as error:
            if error.response.status_code in _REFUSALS:
                raise
            raise ConnectionError(f"{error.response.status_code} from the server") from error
        except TimeoutError as error:
            raise ConnectionError(f"no answer within {self._timeout_s:g} s") from error
        except (httpx.TransportError, ValueError) as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error


def _claim(path: Path) -> bool:
    """Make `path` ours, so that no other process frees the same slots a second time."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        if time.time() - path.stat().st_mtime > LEASE_S:
            # Its owner was killed. The next round tries again.
            path.unlink(missing_ok=True)
        return False
    return True
