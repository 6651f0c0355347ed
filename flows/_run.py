"""Running the plans of a session: which at once, which one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from flows._session import Session, register_session
from flows._slots import LeasedSlots
from tasks_lib._util._aio import gather_limited
from tasks_lib.context import use_connection_slots
from tasks_lib.model import close_models
from tasks_lib.task import RunPlan


@asynccontextmanager
async def open_session(session: Session) -> AsyncIterator[Session]:
    """Let the flows of this block find the session, show it, and share connections."""
    with register_session(session), session.display.show():
        try:
            async with LeasedSlots() as slots:
                with use_connection_slots(slots):
                    yield session
        finally:
            # Connections do not outlive their event loop; they open again when used again.
            await close_models()
            for plan in session.plans:
                for model in (plan.model, *plan.roles.values()):
                    await model.api.aclose()


async def run_plans(
    session: Session, max_tasks: int | None, run_plan: Callable[[int], Awaitable[None]]
) -> None:
    """Run all plans that have no outcome yet.

    With `max_tasks`, so many at once, in order. Without, task after task, and the models of
    a task at once; a task that was cancelled stops those after it.
    """
    waiting = [i for i in range(len(session.plans)) if i not in session.outcomes]
    groups = [waiting] if max_tasks else _by_task(session.plans, waiting)
    for group in groups:
        jobs = [lambda position=position: run_plan(position) for position in group]
        await gather_limited(max_tasks or len(group), jobs)
        if any(log.status == "cancelled" for log in session.outcomes.values()):
            return


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
