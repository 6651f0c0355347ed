"""Connection slots that all processes share, handed out in memory.

Asking Prefect for a slot on every model call costs 57 ms and leaves most slots idle. Here a
background task per connection key holds blocks of slots of the global concurrency limit
`evals-<key>`, and calls take them in memory, first come, first served.

- The limit is created with the first run's value and never changed; a higher value of a later
  run is reported once, a lower one holds for that run only. "auto" creates it with the most
  that it may become, and each process adapts the number that it takes of them.
- Processes that find the limit full look for free slots, together 20 times a second, and enter
  a waiting room (the limit `evals-<key>-waiting`, one slot for each of them). Who holds more
  than an equal share then gives blocks back as calls end. Slots that nobody in the process
  needs go back after two seconds.
- A killed process stops renewing; the server frees its slots after 60-75 s.
- Without the server, what is held stays usable for 60 s; then each process keeps to its own
  limit, with one warning, until the server answers again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextvars import Context, copy_context
from types import TracebackType

from prefect.client.orchestration import PrefectClient, get_client

from flows._holder import REQUEST_TIMEOUT_S, BlockHolder
from flows._leases import ServerLimit, client_settings
from tasks_lib.context import FIRST_CONNECTIONS, MaxConnections, Slot


class LeasedSlots:
    """Hands out slots of Prefect's global concurrency limits; use as an async context manager.

    All calls of `slot` must come from the event loop that entered it.
    """

    def __init__(
        self,
        client_factory: Callable[[], PrefectClient] | None = None,
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """Create it; nothing is asked of the server before the first `slot`.

        Args:
            client_factory: Makes the client, with `client_settings`; by default one of its
                own for the current API.
            request_timeout_s: How long an answer of the server is waited for.
        """
        self._client_factory = client_factory or _own_client
        self._timeout_s = request_timeout_s
        self._holders: dict[str, BlockHolder] = {}
        self._client: PrefectClient | None = None
        self._context: Context | None = None

    async def __aenter__(self) -> LeasedSlots:
        self._client = await self._client_factory().__aenter__()
        # Background tasks must not keep the run alive that happened to ask first.
        self._context = copy_context()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give all slots back."""
        client, self._client = self._client, None
        await asyncio.gather(*(holder.close() for holder in self._holders.values()))
        self._holders.clear()
        if client is not None:
            await client.__aexit__(kind, error, traceback)

    def slot(self, key: str, limit: MaxConnections, first: int = FIRST_CONNECTIONS) -> Slot:
        """Return a context that holds one slot of `key`.

        Entering waits while all slots are taken, or while those that pass the same `limit`
        hold that many in this process; see also `tasks_lib.context.connection_slot`.
        """
        holder = self._holders.get(key)
        if holder is None:
            holder = self._holders[key] = self._open(key)
        return holder.slot(limit, first)

    def feedback(self, key: str, *, limited: bool) -> None:
        """Learn how a request ended; see `tasks_lib.context.connection_feedback`."""
        holder = self._holders.get(key)
        if holder is not None:
            holder.gate.feedback(limited=limited)

    def scale_auto(self, key: str, factor: float) -> None:
        """Multiply by `factor`, at most 1, how many connections to `key` "auto" allows here."""
        holder = self._holders.get(key)
        if holder is not None:
            holder.gate.scale_auto(factor)

    def auto_connections(self, key: str) -> int | None:
        """Return how many connections to `key` "auto" allows here; None where it is not used."""
        holder = self._holders.get(key)
        return holder.gate.auto if holder is not None else None

    def _open(self, key: str) -> BlockHolder:
        if self._client is None or self._context is None:
            raise RuntimeError("LeasedSlots is used outside of its `async with` block.")
        name = limit_name(key)
        holder = BlockHolder(
            key,
            ServerLimit(self._client, name, timeout_s=self._timeout_s),
            ServerLimit(self._client, f"{name}-waiting", timeout_s=self._timeout_s),
        )
        holder.start(self._context)
        return holder


def limit_name(key: str) -> str:
    """Return the name of the global concurrency limit of a connection key."""
    return "evals-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", key)


def _own_client() -> PrefectClient:
    # Settings of its own: otherwise this is the client of the flow run that is active here.
    return get_client(httpx_settings=client_settings(REQUEST_TIMEOUT_S))
