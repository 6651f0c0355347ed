"""What stops an evaluation from outside: cancelled flow runs, and SIGTERM.

Nobody signals a process that was started by hand when its flow run is cancelled in the Prefect
UI or with `prefect flow-run cancel`: the run only gets another state. So the states of all open
runs are looked at every two seconds, with one request.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext

from tasks_lib._util._aio import until_done

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S = 2.0
"""How often the states of our flow runs are looked at."""
MOST_RUNS = 200
"""So many runs are asked about in one request: the API returns no more."""
TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM, as shells have it."""

_CANCELLED = [StateType.CANCELLING, StateType.CANCELLED]


class CancelWatch:
    """Ends work whose flow run is cancelled in Prefect; use as an async context manager."""

    def __init__(self, client: PrefectClient, *, poll_s: float = POLL_S) -> None:
        self._client = client
        self._poll_s = poll_s
        self._open: list[tuple[UUID, asyncio.Task[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> CancelWatch:
        self._task = asyncio.create_task(self._watch(), name="cancel-watch")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def run(self, run_id: str | None, work: Coroutine[Any, Any, T]) -> T:
        """Do the work of a flow run; raises CancelledError when that run is cancelled.

        Only the work is cancelled then, not the caller. If the caller is, so is the work, once,
        and is waited for. Nothing is watched without `run_id`.
        """
        task = asyncio.ensure_future(work)
        entry = (UUID(run_id), task) if run_id else None
        if entry:
            self._open.append(entry)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelling():
                task.cancel()
            await until_done(task)
            return task.result()
        finally:
            if entry:
                self._open.remove(entry)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            if not self._open:
                continue
            try:
                cancelled = await self._cancelled()
            except httpx.HTTPError as error:  # somebody else says that the server is gone
                logger.debug("Flow runs cannot be looked at: %r", error)
                continue
            for run_id, task in self._open:
                if run_id in cancelled and not task.cancelling():
                    logger.warning("The flow run %s was cancelled in Prefect.", run_id)
                    task.cancel()

    async def _cancelled(self) -> set[UUID]:
        ids = [run_id for run_id, _ in self._open][:MOST_RUNS]
        found = await self._client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=ids),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_CANCELLED)),
            ),
            limit=MOST_RUNS,
        )
        return {run.id for run in found}


class Sigterm:
    """Turns SIGTERM into what Ctrl-C does: the logs are finished, then the process ends.

    Python's main thread has the signals; elsewhere nothing is done. Prefect's engines put a
    handler of their own in place that raises an exception wherever the program just is, so
    flows call `claim` when they have begun.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._came = False

    @contextmanager
    def handled(self) -> Iterator[Sigterm]:
        """Cancel the current asyncio task on SIGTERM within this block.

        At its end, outside of flows, what SIGTERM did before is done: a handler of the caller
        is called; without one, SystemExit is raised.
        """
        before = signal.getsignal(signal.SIGTERM)
        self.claim()
        try:
            yield self
        finally:
            if _has_signals():
                signal.signal(signal.SIGTERM, before)
            if self._came and FlowRunContext.get() is None:
                _pass_on(before)

    def claim(self) -> None:
        """Put our handler in place."""
        if _has_signals():
            signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Once: the second time the logs are being finished.
        if self._task is not None and not self._came:
            self._came = True
            self._loop.call_soon_threadsafe(self._task.cancel)


def _pass_on(handler: object) -> None:
    """Do what SIGTERM does with a handler."""
    if callable(handler):
        signal.raise_signal(signal.SIGTERM)
    elif handler == signal.SIG_DFL:
        # Not the signal itself: a temporary server is stopped as the interpreter exits.
        sys.exit(TERMINATED)


def _has_signals() -> bool:
    return threading.current_thread() is threading.main_thread()
