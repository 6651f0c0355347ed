"""Task runs are recorded before more are started, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.context import FlowRunContext, TaskRunContext

from flows._governor import POLL_S, Governor
from flows._link import ServerLink
from flows._server import FLOW_OPTIONS

NOWHERE = "http://127.0.0.1:9/api"


@task(name="nothing", cache_policy=NO_CACHE, persist_result=False)
async def nothing() -> UUID:
    """Return the id of this task run."""
    context = TaskRunContext.get()
    assert context is not None
    return context.task_run.id


@flow(name="governed", **FLOW_OPTIONS)
async def governed(runs: int) -> tuple[bool, int, int, int]:
    """Run tasks under a governor.

    Returns whether all are recorded, how many are so according to the governor and to the
    API, and how many were unrecorded at most.
    """
    unrecorded = []
    async with get_client() as client:
        governor = Governor(client, every=5, window=15)
        for _ in range(runs):
            await governor.note(await nothing())
            unrecorded.append(governor.expected - governor.recorded)
        complete = await governor.wait_for_all()
        flow_run = FlowRunContext.get()
        assert flow_run is not None and flow_run.flow_run is not None
        ids = FlowRunFilterId(any_=[flow_run.flow_run.id])
        found = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=ids), limit=200)
    finished = [run for run in found if run.state is not None and run.state.is_completed()]
    return complete, governor.recorded, len(finished), max(unrecorded)


async def test_all_runs_are_recorded_at_the_end(prefect_harness: Path) -> None:
    assert await governed(43) == (True, 43, 43, 14)


async def test_runs_that_never_arrive_are_waited_for_once(
    harness_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with PrefectClient(harness_url) as client, asyncio.timeout(10):
        governor = Governor(client, every=2, window=4, timeout_s=0.3)
        for _ in range(20):
            await governor.note(uuid4())
        complete = await governor.wait_for_all()

    assert (complete, governor.expected, governor.recorded) == (False, 20, 0)
    assert [
        record.getMessage() for record in caplog.records if record.name == "flows._governor"
    ] == [
        "4 of 4 task runs may be missing in Prefect: none was recorded within 0.3 s. "
        "The log has all samples."
    ]


async def test_without_a_server_everything_passes(caplog: pytest.LogCaptureFixture) -> None:
    async with PrefectClient(NOWHERE) as client, asyncio.timeout(10):
        governor = Governor(client, every=2, window=4)
        for _ in range(20):
            await governor.note(uuid4())
        complete = await governor.wait_for_all()

    assert (complete, governor.expected, governor.recorded) == (False, 20, 0)
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert warnings == [
        "4 of 4 task runs may be missing in Prefect: the Prefect server does not answer "
        "(ConnectError). The log has all samples."
    ]


async def test_what_is_lost_meanwhile_is_waited_for_no_longer(prefect_harness: Path) -> None:
    """The server was gone for a moment, and is back: what was on its way then never arrives."""
    link = ServerLink()
    async with get_client() as client:
        governor = Governor(client, link=link)
        await governor.note(uuid4())
        waiting = asyncio.create_task(governor.wait_for_all())
        await asyncio.sleep(3 * POLL_S)
        assert not waiting.done()
        link.outages += 1
        async with asyncio.timeout(10):
            assert await waiting is False
    assert (governor.expected, governor.recorded) == (1, 0)


async def test_nothing_noted_is_complete() -> None:
    governor = Governor(PrefectClient(NOWHERE))

    assert await governor.wait_for_all()
