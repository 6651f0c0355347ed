"""Running the plans of a session: which at once, which one after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from flows._approval import person_asker
from flows._governor import Governor
from flows._logging import evaluation_logging
from flows._server import MESSAGE_LENGTH
from flows._session import Session, register_session
from flows._slots import LeasedSlots
from flows.eval_task import failure
from tasks_lib._util._aio import gather_limited
from tasks_lib._util._gc import calm_gc
from tasks_lib.approval import use_ask
from tasks_lib.context import use_concurrency, use_connection_slots
from tasks_lib.model import close_models, use_prices
from tasks_lib.task import RunPlan

GOVERNOR_WINDOW = 600
"""Task runs that the server may lag behind: 1,800 events of the 10,000 that it can hold."""


@asynccontextmanager
async def open_session(session: Session) -> AsyncIterator[Session]:
    """Let the flows of this block find the session, show it, and share connections.

    At the end waits until the server has recorded the task runs, and closes connections:
    they don't outlive their event loop.
    """
    options = session.options
    with (
        register_session(session),
        session.display.show(),
        use_ask(person_asker(session.display.kind)),
        use_concurrency(options.max_subprocesses),
        evaluation_logging(options.log_level, options.log_level_transcript),
        calm_gc(),
    ):
        try:
            async with get_client() as client, LeasedSlots() as slots:
                session.governor = Governor(client, window=GOVERNOR_WINDOW)
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


async def run_plans(
    session: Session, max_tasks: int | None, run_plan: Callable[[int], Awaitable[None]]
) -> State[None] | None:
    """Run all plans that have no outcome yet; return the state that their flow ends in.

    With `max_tasks`, so many at once, in order. Without, task after task, and the models of
    a task at once; a task that was cancelled stops those after it.
    """
    waiting = [i for i in range(len(session.plans)) if i not in session.outcomes]
    groups = [waiting] if max_tasks else _by_task(session.plans, waiting)
    try:
        for group in groups:
            jobs = [partial(run_plan, position) for position in group]
            await gather_limited(max_tasks or len(group), jobs)
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. The logs hold every sample that had finished.")
    failed = [failure(log) for log in session.logs if log.status != "success"]
    return Failed(message="; ".join(failed)[:MESSAGE_LENGTH]) if failed else None


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
