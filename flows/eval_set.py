"""Evaluate tasks on models until all are done: `from flows.eval_set import eval_set`.

Also the deployment's flow, and `python -m flows.eval_set [FILE.yaml | TASK…]`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Unpack, cast

import click
from prefect import flow
from prefect import task as prefect_task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import Cancelled, Failed
from rich.console import Console

from flows._attempts import adopt_logs, prepare_next, wait_after, waits
from flows._budget import incomplete_state
from flows._click_options import eval_set_options
from flows._earlier_logs import remove_superseded
from flows._eval_set_file import EvalSetFile, read_eval_set_file
from flows._exit import FAILED
from flows._one_at_a_time import one_at_a_time
from flows._options import EvalOptions, EvalSetArgs, read_options, with_signature
from flows._prepare import ModelsArg, Request, prepare_session, start_prefect
from flows._run import (
    check_cancelled,
    default_max_tasks,
    open_session,
    run_flow,
    run_plans,
)
from flows._server import FLOW_OPTIONS, MESSAGE_LENGTH
from flows._session import Session, find_session
from flows._table import print_table
from flows.eval import run_blocking
from flows.eval_task import failure, run_eval_task
from tasks_lib import Tasks
from tasks_lib._errors import ParameterError
from tasks_lib.log import bundle_log_dir, check_bundle_dir, lock_log_dir, remove_abandoned
from tasks_lib.model import NOT_GIVEN
from tasks_lib.schema import EvalLog

DEMO = Path(__file__).parent.parent / "deployments" / "eval_sets" / "demo.yaml"
"""What the command evaluates when it is told nothing."""

DEFAULT_LOG_DIR = "./logs"
"""Where the command puts logs of tasks when it is told nothing."""

MAX_TASKS = 4
"""Tasks of an eval set that run at once unless told (or as many as there are models)."""


@with_signature(EvalSetArgs)
def eval_set(
    tasks: Tasks, log_dir: str, model: ModelsArg = NOT_GIVEN, **kwargs: Unpack[EvalSetArgs]
) -> tuple[bool, list[EvalLog]]:
    """Evaluate tasks on models, failed tasks again, and return whether all succeeded.

    A run that has succeeded in the same `log_dir` before is not run again; of one that has
    not, the finished samples are reused. The logs come without samples, in the order of the
    tasks, each on all models before the next.

    One eval set at a time uses a `log_dir`. With `bundle_dir` its logs are copied there once,
    when all attempts are over, whether they succeeded or not, and also if there was nothing
    to run; not if the set was stopped.

    Args:
        tasks: As for `flows.eval.eval`.
        log_dir: Folder or URL of the logs, for this set only.
        model: As for `flows.eval.eval`.
        **kwargs: See `flows._options.EvalOptions` and `tasks_lib.model.GenerateConfig`.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory, or another eval set
            is using `log_dir`; nothing was run.
        LogError: The bundle could not be written; the logs are there.
        KeyboardInterrupt: It was stopped, or one of its tasks was cancelled; the logs of all
            samples that had finished are there.
    """
    if not log_dir:
        raise ParameterError("eval_set", "log_dir", log_dir, "a folder or URL")
    options = read_options("eval_set", {**kwargs, "log_dir": log_dir})
    return run_set([Request(tasks, options)], model, options)


def run_eval_set_file(
    path: str, overrides: Mapping[str, Any], model: ModelsArg = NOT_GIVEN
) -> tuple[bool, list[EvalLog]]:
    """Do what `eval_set` does for an eval-set file; `overrides` and `model` win over it."""
    return run_set(*requests_of_file(path, overrides, model))


def run_set(
    requests: list[Request], model: ModelsArg, options: EvalOptions
) -> tuple[bool, list[EvalLog]]:
    """Prepare and run an eval set; see `eval_set`."""
    with _prepared(requests, model, options) as session:
        if len(session.outcomes) < len(session.plans):
            start_prefect(session)
            run_blocking(_run_as_flow(session))
        if _was_stopped(session):
            raise KeyboardInterrupt
        _bundle(session)
    session.raise_error()
    return session.success, session.logs


def requests_of_file(
    path: str, overrides: Mapping[str, Any], model: ModelsArg = NOT_GIVEN
) -> tuple[list[Request], ModelsArg, EvalOptions]:
    """Return what an eval-set file asks for: tasks with options, models, common options.

    Raises:
        EvalFileError: The file is wrong; the message names line and field.
        ParameterError: An override is wrong.
    """
    file = read_eval_set_file(path)
    changes = {name: value for name, value in overrides.items() if value is not None}
    options = _options_of_file(file, {**file.options, **changes})
    if options.log_dir is None:
        raise ParameterError("eval_set", "log_dir", None, f"a folder or URL, here or in {path}")
    requests = [
        Request(
            task.task,
            _options_of_file(
                file,
                # What was asked for on the command line wins over the file.
                {**file.options, **task.options, "task_args": task.args, **changes},
                position,
            ),
        )
        for position, task in enumerate(file.tasks)
    ]
    if model is NOT_GIVEN and file.model is not None:
        model = file.model
    return requests, model, options


def _options_of_file(
    file: EvalSetFile, arguments: Mapping[str, Any], task: int | None = None
) -> EvalOptions:
    try:
        return read_options("eval_set", arguments)
    except ParameterError as error:
        raise file.wrong_value(error, task) from error


@flow(name="eval-set", flow_run_name="eval-set {eval_set}", **FLOW_OPTIONS)
async def eval_set_flow(
    eval_set: str, overrides: dict[str, Any] | None = None, run_id: str | None = None
) -> State[None] | None:
    """Run an eval set: every task on every model, failed ones again.

    Ends as Failed if not all tasks succeeded; the logs are there all the same.

    Args:
        eval_set: Path of an eval-set file. For a set that was started in Python, the names
            of its tasks.
        overrides: Arguments of `eval_set` that win over the file's; `model` is one of them.
        run_id: Set for a set that was started in Python: its live objects are in the process.
    """
    if run_id is not None:
        return await _run_all(find_session(run_id))
    changes = {"display": "log", **(overrides or {})}
    model = changes.pop("model", NOT_GIVEN)
    with _prepared(*requests_of_file(eval_set, changes, model)) as session:
        async with open_session(session):
            state = await _run_all(session)
        if not _was_stopped(session):
            await asyncio.to_thread(_bundle, session)
    session.raise_error()
    return state


@contextmanager
def _prepared(requests: list[Request], model: ModelsArg, options: EvalOptions) -> Iterator[Session]:
    """Yield the session of a set that has its log directory to itself within this block."""
    _check_bundle(options)
    session = prepare_session("eval_set", requests, model, options)
    log_dir = session.plans[0].log_dir
    with lock_log_dir(log_dir), one_at_a_time("eval_set"):
        remove_abandoned(log_dir)
        adopt_logs(session, log_dir)
        yield session
        remove_abandoned(log_dir)  # again: at the start, the last kill may be too short ago


def _check_bundle(options: EvalOptions) -> None:
    if options.bundle_dir:
        check_bundle_dir(options.log_dir, options.bundle_dir, options.bundle_overwrite)
    elif options.bundle_overwrite:
        raise ParameterError("eval_set", "bundle_overwrite", True, "False without a bundle_dir")


def _bundle(session: Session) -> None:
    """Copy the logs to where they are published, if that was asked for."""
    options = session.options
    if options.bundle_dir:
        bundle_log_dir(session.plans[0].log_dir, options.bundle_dir, options.bundle_overwrite)


def _was_stopped(session: Session) -> bool:
    """Whether somebody stopped the set or a task of it; the end of a budget is none of that."""
    return any(log.status == "cancelled" and log.incomplete is None for log in session.logs)


async def _run_as_flow(session: Session) -> None:
    async with open_session(session):
        flow_run = eval_set_flow(session.task_names, run_id=session.run_id, return_state=True)
        await run_flow(session, flow_run)
    check_cancelled()


async def _run_all(session: Session) -> State[None] | None:
    options = session.options
    attempts = _run_task.with_options(
        retries=max(options.retry_attempts, 1) - 1,
        retry_delay_seconds=waits(options.retry_attempts, options.retry_wait),
    )

    async def run_plan(position: int) -> None:
        spec = session.spec(position)
        name = f"{spec.task} on {spec.model}"
        await cast(Any, attempts)(name, PlanRef(session, position), return_state=True)

    most = options.max_tasks or default_max_tasks(session.plans, MAX_TASKS)
    return await run_plans(session, most, run_plan)


class PlanRef:
    """A plan of a session. Opaque to Prefect, which would walk anything else."""

    __slots__ = ("position", "session")

    def __init__(self, session: Session, position: int) -> None:
        self.session = session
        self.position = position


@prefect_task(
    name="run-task",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    log_prints=False,
)
async def _run_task(name: str, plan: PlanRef) -> State[None] | None:
    """Attempt a task; Prefect repeats this, after its wait, while it ends as Failed."""
    session, position = plan.session, plan.position
    context = TaskRunContext.get()
    attempt = context.task_run.run_count if context is not None else 1
    if attempt > 1:
        # Asked before: the next attempt takes the place of the last one, whose log must stay.
        ended = incomplete_state([session.outcomes[position]], session.budget)
        if ended is not None:
            return ended
        prepare_next(session, position)
    log = await run_eval_task(session, position)
    options = session.options
    wait_s = wait_after(attempt, options.retry_attempts, options.retry_wait)
    if (ended := incomplete_state([log], session.budget, wait_s)) is not None:
        return ended
    if log.status == "cancelled":
        return Cancelled(message="Stopped.")
    if log.status != "success":
        return Failed(message=failure(log)[:MESSAGE_LENGTH])
    if options.retry_cleanup:
        for previous in session.previous.get(position, []):
            await asyncio.to_thread(remove_superseded, previous, log)
    return None


@click.command("eval-set", context_settings={"max_content_width": 100})
@click.argument("tasks", nargs=-1, metavar="[FILE.yaml | TASK…]")
@eval_set_options
def command(tasks: tuple[str, ...], model: str | None, arguments: dict[str, Any]) -> None:
    """Evaluate an eval-set FILE.yaml, or TASKs (names, files, file.py@name, folders).

    Without either, the demonstration set that ships: real questions on a small model in
    this process, no key, no network. Ends with status 0 when every task succeeded.
    """
    chosen = model if model is not None else NOT_GIVEN
    if tasks and not tasks[0].endswith((".yaml", ".yml")):
        log_dir = arguments.pop("log_dir", None)
        if log_dir is None:  # nobody said that the folder is for this set only
            log_dir, arguments["log_dir_allow_dirty"] = DEFAULT_LOG_DIR, True
        success, logs = eval_set(list(tasks), log_dir, chosen, **arguments)
    elif len(tasks) > 1:
        raise ParameterError("eval-set", "tasks", tasks, "one eval-set file, or tasks")
    else:
        file = tasks[0] if tasks else str(DEMO)
        success, logs = run_eval_set_file(file, arguments, chosen)
    print_table(logs, Console())
    sys.exit(0 if success else FAILED)


if __name__ == "__main__":
    command()
