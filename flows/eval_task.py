"""One task on one model: dataset -> samples -> log -> results -> artifacts. Read this first."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from flows._artifacts import publish
from flows._budget import incomplete_state, not_started
from flows._counts import status_text
from flows._server import FLOW_OPTIONS, MESSAGE_LENGTH
from flows._session import Session, find_plan
from flows._subflow import run_subflow
from flows._task_run import TaskRun
from tasks_lib._util._blot import blotted, without_credentials
from tasks_lib.approval import use_approval
from tasks_lib.model import use_active_model
from tasks_lib.schema import (
    EvalError,
    EvalLog,
)
from tasks_lib.task import RunSpec, use_scorers


@flow(name="eval-task", flow_run_name="{spec.task} on {spec.model}", **FLOW_OPTIONS)
async def eval_task(spec: RunSpec) -> State[None] | None:
    """Run every sample of a task, write its log, publish its results.

    The log is complete whatever happens to Prefect; a run that is cancelled or fails leaves
    a log of all samples that had finished. The flow run ends as its log: Failed when too
    many samples failed, or something that no sample is to blame for; Cancelled; Completed.
    """
    session, position = find_plan(spec)
    session.sigterm.claim()
    plan = session.plans[position]
    plan.header.eval.flow_run_id = flow_run.id
    display = session.display.task(spec.task, spec.model, plan.total)
    previous = session.previous.get(position, [])
    run = TaskRun(plan, previous, display, session.governor, session.budget)
    try:
        scorers = [(named.name, scorer) for named, scorer in plan.scorers]
        with (
            use_active_model(plan.model, plan.config, plan.roles),
            use_scorers(scorers),
            use_approval(plan.approval),
        ):
            log = await session.watch.run(flow_run.id, run.run())
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. The log holds every sample that had finished.")
    finally:
        display.close(run.log)
        if run.log is not None:
            session.outcomes[position] = run.log
            session.error_rows[position] = run.error_rows
        if run.error is not None:
            session.errors[position] = run.error
    await publish(log, run.error_rows, session.link)
    if (ended := incomplete_state([log])) is not None:
        return ended
    return None if log.status == "success" else Failed(message=failure(log))


def failure(log: EvalLog) -> str:
    """Return in a line why a task did not succeed, and where its log is."""
    reason = blotted(log.error.message) if log.error else status_text(log)
    location = without_credentials(log.location)
    text = f"{log.eval.task} on {log.eval.model}: {reason}"
    return f"{text[:MESSAGE_LENGTH]} (log: {location})"


async def run_eval_task(session: Session, position: int) -> EvalLog:
    """Run the plan at `position` as a subflow; return the header of its log.

    When not even a log could be started, the header says so and has no location. While
    Prefect's server is gone the same is done without a flow run.
    """
    header = session.plans[position].header
    ended = not_started(header, session.budget)
    if ended is None:
        spec = session.spec(position)
        raised = await run_subflow(
            session.link, eval_task, spec, lambda: position in session.outcomes
        )
        if position not in session.outcomes:
            ended = _without_log(session, position, raised)
    if ended is not None:
        session.outcomes[position] = ended
    return session.outcomes[position]


def _without_log(session: Session, position: int, raised: Exception | None) -> EvalLog:
    header = session.plans[position].header
    if raised is None:
        return header.model_copy(update={"status": "cancelled"})
    session.errors[position] = raised
    error = EvalError(message=blotted(str(raised)), traceback=blotted(repr(raised)))
    return header.model_copy(update={"status": "error", "error": error})
