"""Keeps the number of task runs that Prefect has yet to record within what it can hold.

Clients send task runs as events, the server records them later, and its in-memory broker
drops events above 10,000 without a word. A temporary server that is stopped too early loses
whatever it has not recorded. So every 20th run is remembered and looked up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from flows._link import ServerLink

logger = logging.getLogger(__name__)

POLL_S = 0.1
"""Time between two look-ups of the same task run."""
REQUEST_TIMEOUT_S = 10.0
"""A server that takes longer for one look-up counts as gone."""


class Governor:
    """Holds callers back while too many of their task runs are not recorded.

    It never holds them for ever: after `timeout_s` without progress, or when the server does
    not answer, everything passes for another `timeout_s`, with one warning in all. Scores and
    logs don't depend on it.
    """

    def __init__(
        self,
        client: PrefectClient,
        *,
        every: int = 20,
        window: int = 200,
        timeout_s: float = 60.0,
        link: ServerLink | None = None,
    ) -> None:
        """Create it.

        Args:
            client: For looking up task runs.
            every: Each so many runs one is looked up.
            window: So many runs may be unrecorded; `every` or more.
            timeout_s: How long to wait without progress.
            link: Knows whether the server is gone, and warns of it: what it has not recorded
                then is not waited for.
        """
        self._client = client
        self._every = every
        self._window = window
        self._timeout_s = timeout_s
        self._link = link
        self._outages = 0
        self._lost = 0
        self._marks: deque[tuple[int, UUID]] = deque()
        self._last: UUID | None = None
        self._expected = 0
        self._recorded = 0
        self._turn = asyncio.Lock()
        self._free_until = 0.0
        self._warned = False

    @property
    def expected(self) -> int:
        """Task runs that were noted."""
        return self._expected

    @property
    def recorded(self) -> int:
        """Task runs of these that are known to be recorded; more may be."""
        return self._recorded - self._lost

    async def note(self, task_run_id: UUID) -> None:
        """Count a task run that has ended; waits while too many are unrecorded."""
        self._expected += 1
        self._last = task_run_id
        self._forget_lost()
        if self._expected % self._every == 0:
            self._marks.append((self._expected, task_run_id))
        if self._expected - self._recorded >= self._window and self._marks:
            await self._until_below(self._window)

    async def wait_for_all(self) -> bool:
        """Wait until all noted runs are recorded; False if that can't be said."""
        self._forget_lost()
        if self._last is not None and self._recorded < self._expected:
            self._marks.append((self._expected, self._last))
            self._free_until = 0.0
            await self._until_below(1)
        return self.recorded == self._expected

    def _forget_lost(self) -> None:
        """Wait no longer for what was sent before or while the server was gone."""
        if self._link is None or self._link.outages == self._outages:
            return
        if not self._link.is_gone:
            self._outages = self._link.outages
        self._lost += self._expected - self._recorded
        self._recorded = self._expected
        self._marks.clear()

    async def _until_below(self, allowed: int) -> None:
        async with self._turn:
            while self._expected - self._recorded >= allowed and self._marks:
                if time.monotonic() < self._free_until or not await self._oldest_recorded():
                    return
                if self._marks:
                    self._recorded, _ = self._marks.popleft()

    async def _oldest_recorded(self) -> bool:
        """Wait for the oldest mark, as long as it is one; False: waiting longer is of no use."""
        _, task_run_id = self._marks[0]
        give_up = time.monotonic() + self._timeout_s
        while time.monotonic() < give_up:
            try:
                if await self._is_recorded(task_run_id):
                    return True
            except (httpx.HTTPError, TimeoutError) as error:
                if self._link is not None:
                    self._link.tell(error)
                    self._warned = True
                self._let_pass(f"the Prefect server does not answer ({type(error).__name__})")
                return False
            await asyncio.sleep(POLL_S)
            self._forget_lost()
            if not self._marks:
                return True
        self._let_pass(f"none was recorded within {self._timeout_s:g} s")
        return False

    async def _is_recorded(self, task_run_id: UUID) -> bool:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                task_run = await self._client.read_task_run(task_run_id)
        except ObjectNotFound:
            return False
        return task_run.state is not None and task_run.state.is_final()

    def _let_pass(self, reason: str) -> None:
        self._free_until = time.monotonic() + self._timeout_s
        # Looking up the oldest of thousands again would only cost time: start afresh.
        self._marks.clear()
        if not self._warned:
            self._warned = True
            logger.warning(
                "%d of %d task runs may be missing in Prefect: %s. The log has all samples.",
                self._expected - self._recorded,
                self._expected,
                reason,
            )
