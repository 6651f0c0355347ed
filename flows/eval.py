"""Evaluate tasks on models, once: `from flows.eval import eval`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, Unpack

from prefect import flow
from prefect.client.schemas.objects import State

from flows._one_at_a_time import one_at_a_time
from flows._options import EvalArgs, EvalOptions, read_options, with_signature
from flows._prepare import ModelsArg, Request, prepare_session, start_prefect
from flows._run import check_cancelled, default_max_tasks, open_session, run_flow, run_plans
from flows._server import FLOW_OPTIONS
from flows._session import Session, find_session
from flows.eval_task import run_eval_task
from tasks_lib import Tasks
from tasks_lib.log import read_eval_log
from tasks_lib.model import NOT_GIVEN
from tasks_lib.schema import EvalLog

T = TypeVar("T")


class EvalLogs(list[EvalLog]):
    """Logs that a notebook does not print when they are a cell's last value."""

    def __repr__(self) -> str:
        """Return nothing: a log with its samples would fill the page."""
        return ""


@with_signature(EvalArgs)
def eval(tasks: Tasks, model: ModelsArg = NOT_GIVEN, **kwargs: Unpack[EvalArgs]) -> list[EvalLog]:
    """Evaluate tasks on models and return their logs.

    Logs come in the order of the tasks, each on all models before the next. A failing
    sample is a row of its log; a failing task ends with a log of status "error" and does not
    stop the others. Ctrl-C ends all with logs of status "cancelled", which are returned.

    Args:
        tasks: Task objects, functions, registered names, files, `file.py@name`, folders or
            globs; nothing: every task file below the working folder.
        model: One or more models, as objects or names (`provider/name`, several separated
            by commas); by default those of the environment variable EVAL_MODEL.
        **kwargs: See `flows._options.EvalOptions` and `tasks_lib.model.GenerateConfig`.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory; nothing was run.
        EvaluationRunningError: This process is evaluating something already.
    """
    options = read_options("eval", kwargs)
    return run_to_logs(lambda outcome: _eval(tasks, model, options, outcome))


@with_signature(EvalArgs)
async def eval_async(
    tasks: Tasks, model: ModelsArg = NOT_GIVEN, **kwargs: Unpack[EvalArgs]
) -> list[EvalLog]:
    """Do the same as `eval`, in a running event loop. Being cancelled finishes the logs.

    A process evaluates one thing at a time: for several, pass several tasks to one call.
    """
    return await _eval(tasks, model, read_options("eval_async", kwargs), [])


@flow(name="eval", flow_run_name="eval {tasks}", **FLOW_OPTIONS)
async def eval_flow(tasks: str, run_id: str) -> State[None] | None:
    """Run each task on each model. `tasks` tells people what `run_id` stands for."""
    session = find_session(run_id)

    async def run_plan(position: int) -> None:
        await run_eval_task(session, position)

    most = session.options.max_tasks or default_max_tasks(session.plans, 1)
    return await run_plans(session, most, run_plan)


async def run_session(
    session: Session, run: Callable[..., Awaitable[object]], outcome: list[EvalLog]
) -> EvalLogs:
    """Run a session by the flow `run`; return its logs, with their samples unless told.

    The logs are also added to `outcome`, which the caller has when this is cancelled.
    """
    await asyncio.to_thread(start_prefect, session)
    try:
        async with open_session(session):
            await run_flow(session, run(session.task_names, session.run_id, return_state=True))
    finally:
        header_only = session.options.log_header_only
        logs = EvalLogs(log if header_only else _full(log) for log in session.logs)
        outcome.extend(logs)
    check_cancelled()
    session.raise_error()
    return logs


async def _eval(
    tasks: Tasks, model: ModelsArg, options: EvalOptions, outcome: list[EvalLog]
) -> list[EvalLog]:
    with one_at_a_time("eval"):
        session = prepare_session("eval", [Request(tasks, options)], model, options)
        return await run_session(session, eval_flow, outcome)


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where an event loop is running (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="eval") as executor:
        return executor.submit(asyncio.run, work).result()


def run_to_logs(
    run: Callable[[list[EvalLog]], Coroutine[Any, Any, list[EvalLog]]],
) -> list[EvalLog]:
    """Return the logs of `run`; after Ctrl-C those that it has added to the list it is given.

    Raises:
        KeyboardInterrupt: There are none.
    """
    outcome: list[EvalLog] = []
    try:
        return run_blocking(run(outcome))
    except KeyboardInterrupt:
        if not outcome:
            raise
        return EvalLogs(outcome)


def _full(log: EvalLog) -> EvalLog:
    return read_eval_log(log.location) if log.location else log
