"""Running the plans of a session: which at once, which one after another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from flows._approval import person_asker
from flows._artifacts import ErrorRow, publish_errors
from flows._budget import incomplete_state
from flows._cancel import CancelWatch, Sigterm
from flows._events import api_url
from flows._governor import Governor
from flows._link import UNTOLD, ServerLink, unreachable
from flows._logging import evaluation_logging
from flows._orphans import take_over
from flows._server import MESSAGE_LENGTH
from flows._session import Session, register_session
from flows._slots import LeasedSlots
from flows.eval_task import failure
from tasks_lib._errors import EvalsError
from tasks_lib._util._aio import gather_limited
from tasks_lib._util._gc import calm_gc
from tasks_lib.approval import use_ask
from tasks_lib.context import use_budget, use_concurrency, use_connection_slots
from tasks_lib.model import close_models, use_prices
from tasks_lib.schema import EvalLog
from tasks_lib.task import RunPlan

logger = logging.getLogger(__name__)

GOVERNOR_WINDOW = 600
"""Task runs that the server may lag behind: 1,800 events of the 10,000 that it can hold."""


@asynccontextmanager
async def open_session(session: Session) -> AsyncIterator[Session]:
    """Let the flows of this block find the session, show it, and share connections.

    Within it SIGTERM stops the session, as does cancelling one of its flow runs in Prefect. At
    the end waits until the server has recorded the task runs, and closes connections: they
    don't outlive their event loop.

    Raises:
        SystemExit: At the end, after SIGTERM.
    """
    options = session.options
    session.sigterm = Sigterm()
    with (
        session.sigterm.handled(),
        register_session(session),
        session.display.show(),
        use_ask(person_asker(session.display.kind)),
        use_concurrency(options.max_subprocesses),
        use_budget(session.budget),
        evaluation_logging(options.log_level, options.log_level_transcript),
        calm_gc(),
    ):
        try:
            async with _prefect(session), LeasedSlots() as slots:
                try:
                    with use_connection_slots(slots), use_prices(session.prices):
                        yield session
                finally:
                    await session.governor.wait_for_all()
        finally:
            await close_models()
            for plan in session.plans:
                for model in (plan.model, *plan.roles.values()):
                    await model.api.aclose()


@asynccontextmanager
async def _prefect(session: Session) -> AsyncIterator[None]:
    """Open the session's ways to Prefect's server."""
    session.link = link = ServerLink()
    async with link.open() as client, CancelWatch(client) as session.watch:
        session.governor = Governor(client, window=GOVERNOR_WINDOW, link=link)
        yield


async def run_flow(session: Session, run: Awaitable[object]) -> None:
    """Await the flow of a session; it has done its work also if Prefect cannot be told.

    Raises:
        PrerequisiteError: The server did not let it begin; nothing was run.
    """
    try:
        await run
    except UNTOLD as error:
        if not session.has_begun:
            raise unreachable(api_url(session.link.client), error) from error
        session.link.tell(error)
    except Abort as error:  # somebody has ended the run in Prefect
        if not session.has_begun:
            raise EvalsError(f"Prefect did not let the evaluation begin: {error}") from error
        logger.warning("Prefect did not take the end of the evaluation: %s", error)


async def do_work(
    session: Session, folders: Collection[str], work: Callable[[], Coroutine[Any, Any, object]]
) -> None:
    """Do the work of a session's flow; call it first within that.

    Cancelling the flow's run ends it; what killed runs with logs in the same folders have left
    in Prefect is marked as Crashed.
    """
    session.has_begun = True
    session.sigterm.claim()
    async with take_over(session.link.client, flow_run.id, flow_run.name, folders):
        await session.watch.run(flow_run.id, work())


async def run_plans(
    session: Session, max_tasks: int | None, run_plan: Callable[[int], Awaitable[None]]
) -> State[None] | None:
    """Run all plans that have no outcome yet; return the state that their flow ends in.

    With `max_tasks`, so many at once, in order. Without, task after task, and the models of
    a task at once.
    """
    waiting = [i for i in range(len(session.plans)) if i not in session.outcomes]
    groups = [waiting] if max_tasks else _by_task(session.plans, waiting)

    async def run_one(position: int) -> None:
        await run_plan(position)
        check_cancelled()

    async def run_groups() -> None:
        for group in groups:
            jobs = [partial(run_one, position) for position in group]
            await gather_limited(max_tasks or len(group), jobs)

    folders = {plan.log_dir for plan in session.plans}
    try:
        await do_work(session, folders, run_groups)
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. The logs hold every sample that had finished.")
    count = sum((log.results and log.results.errored_samples) or 0 for log in session.logs)
    await publish_errors(session.task_names, count, _failed_samples(session), session.link)
    if (ended := incomplete_state(session.logs)) is not None:
        return ended
    failed = [failure(log) for log in session.logs if log.status != "success"]
    return Failed(message="; ".join(failed)[:MESSAGE_LENGTH]) if failed else None


def _failed_samples(session: Session) -> list[tuple[EvalLog, ErrorRow]]:
    return [
        (session.outcomes[position], row)
        for position in sorted(session.error_rows)
        for row in session.error_rows[position]
    ]


def check_cancelled() -> None:
    """Raise CancelledError if this asyncio task was cancelled while a flow ran to its end.

    Flows don't raise it: they end in the state Cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def default_max_tasks(plans: Sequence[RunPlan], minimum: int) -> int | None:
    """Return how many tasks run at once unless told: a task per model, at least `minimum`.

    None when that is one: then tasks run one after another.
    """
    most = max(len({str(plan.model) for plan in plans}), minimum)
    return most if most > 1 else None


def _by_task(plans: Sequence[RunPlan], positions: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    seen: set[str] = set()
    for position in positions:
        model = str(plans[position].model)
        if not groups or model in seen:
            groups.append([])
            seen = set()
        seen.add(model)
        groups[-1].append(position)
    return groups
