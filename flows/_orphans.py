"""Flow runs of a killed evaluation, which Prefect would show as running for ever.

Each run of `eval`, `eval_set`, `score` and the like says in its labels which process it is of
and which folder its logs are in (by a digest). The next one with that folder marks as Crashed
what is left of a process that is gone: the runs, what is below them, and their task runs. Runs
of processes that live, of other machines (from here nobody can tell), and without our labels
are left alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Crashed

from tasks_lib.log import Origin

logger = logging.getLogger(__name__)

FLOWS = ["eval", "eval-set", "eval-retry", "score"]
"""Names of the flows that a call starts; all others of ours are below one of these."""

SIGN_S = 2.0
"""How long it may take to label a flow run."""
TIMEOUT_S = 20.0
"""How long marking may take, beside the evaluation; what is left is done the next time."""
PAGE = 200
"""Runs in an answer of the API: it returns no more."""

_UNFINISHED = [
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
]
_PREFIX = "evals."


@asynccontextmanager
async def take_over(
    client: PrefectClient, run_id: str | None, run_name: str, log_dirs: Collection[str]
) -> AsyncIterator[None]:
    """Sign the flow run, and meanwhile mark those as Crashed that it takes over from.

    What can't be done is left for the next time; the block's end waits `TIMEOUT_S` at most.
    """
    # First: a run that is killed before could not be told apart.
    if run_id is not None and not await _done(sign(client, run_id, log_dirs), SIGN_S):
        yield
        return
    marking = asyncio.create_task(
        _done(mark_orphans(client, run_name, log_dirs), TIMEOUT_S), name="orphans"
    )
    try:
        yield
    finally:
        await asyncio.wait([marking])


async def sign(client: PrefectClient, run_id: str, log_dirs: Collection[str]) -> None:
    """Label a flow run with this process and the folders of its logs."""
    await client.update_flow_run_labels(UUID(run_id), labels_of(log_dirs))


async def mark_orphans(client: PrefectClient, run_name: str, log_dirs: Collection[str]) -> int:
    """Mark as Crashed what killed runs with those folders left; return how many there were.

    Args:
        client: For asking the server.
        run_name: The flow run that takes over; people are told.
        log_dirs: The folders of the logs.
    """
    marks = _marks(log_dirs)
    ours = FlowFilter(name=FlowFilterName(any_=FLOWS))
    gone = [run for run in await _unfinished(client, flow_filter=ours) if _is_orphan(run, marks)]
    for run in gone:
        pid = run.labels.get(f"{_PREFIX}pid")
        message = f"Process {pid} is gone. Its work is taken over by {run_name!r}."
        await _mark_crashed(client, run, message)
    if gone:
        logger.info("Marked %d runs of killed processes as Crashed.", len(gone))
    return len(gone)


def labels_of(log_dirs: Collection[str]) -> dict[str, bool | int | float | str]:
    """Return the labels of a flow run of this process whose logs go to `log_dirs`."""
    origin = Origin.here("", "", None)
    labels: dict[str, str | int | None] = {
        "folders": " ".join(sorted(_marks(log_dirs))),
        "host": origin.host,
        "pid": origin.pid,
        "began": origin.began,
    }
    return {f"{_PREFIX}{name}": value for name, value in labels.items() if value is not None}


async def _done(work: Awaitable[object], timeout_s: float) -> bool:
    """Whether something of use, but not needed, could be done in time."""
    try:
        async with asyncio.timeout(timeout_s):
            await work
    except (httpx.HTTPError, PrefectException, TimeoutError) as error:
        logger.info("Flow runs of killed processes may be left as running: %r", error)
        return False
    return True


def _is_orphan(run: FlowRun, marks: set[str]) -> bool:
    labels = run.labels
    pid, host = labels.get(f"{_PREFIX}pid"), labels.get(f"{_PREFIX}host")
    began = labels.get(f"{_PREFIX}began")
    folders = str(labels.get(f"{_PREFIX}folders") or "").split()
    if not isinstance(pid, int) or not host or marks.isdisjoint(folders):
        return False
    origin = Origin(log="", host=str(host), pid=pid, began=str(began) if began else None, writer="")
    return origin.is_running is False


async def _unfinished(
    client: PrefectClient, parent: UUID | None = None, flow_filter: FlowFilter | None = None
) -> list[FlowRun]:
    """Return the runs that have not ended, of some flows or below a run."""
    run_filter = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED))
    )
    if parent is not None:
        run_filter.parent_flow_run_id = FlowRunFilterParentFlowRunId(any_=[parent])
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(
            flow_filter=flow_filter,
            flow_run_filter=run_filter,
            sort=FlowRunSort.START_TIME_DESC,
            limit=PAGE,
            offset=len(found),
        )
        found.extend(page)
        if len(page) < PAGE:
            return found


async def _mark_crashed(client: PrefectClient, run: FlowRun, message: str) -> None:
    """Mark a run and all below it, the run itself last: only by it the others are found."""
    for child in await _unfinished(client, run.id):
        await _mark_crashed(client, child, message)
    while page := await _unfinished_task_runs(client, run.id):
        for task_run in page:
            await client.set_task_run_state(task_run.id, _crashed(message), force=True)
    await client.set_flow_run_state(run.id, _crashed(message), force=True)


async def _unfinished_task_runs(client: PrefectClient, run_id: UUID) -> list[TaskRun]:
    return await client.read_task_runs(
        task_run_filter=TaskRunFilter(
            flow_run_id=TaskRunFilterFlowRunId(any_=[run_id]),
            state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNFINISHED)),
        ),
        limit=PAGE,
    )


def _crashed(message: str) -> State[None]:
    return Crashed(message=message)


def _marks(log_dirs: Collection[str]) -> set[str]:
    """Return what stands for folders: their names are nobody's business."""
    return {hashlib.sha256(log_dir.encode()).hexdigest()[:16] for log_dir in log_dirs}
