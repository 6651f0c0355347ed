"""What happens before the flows of a call: everything is checked, then Prefect is started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from flows._approval import check_person
from flows._budget import check_budget
from flows._display import Display
from flows._identity import check_distinct
from flows._link import check_server
from flows._logging import check_log_levels
from flows._options import EvalOptions
from flows._plan import make_plans
from flows._server import quiet_prefect_logging, server_defaults, start_temporary_server
from flows._session import Session
from tasks_lib import Tasks
from tasks_lib._errors import DisplayError, ParameterError, PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log import check_writable, resolve_log_dir
from tasks_lib.model import Model, NotGiven, resolve_models
from tasks_lib.task import RunPlan

ModelsArg: TypeAlias = str | Model | Sequence[str | Model] | NotGiven | None
"""One or more models; not given: those of EVAL_MODEL; None: no model."""


class Request(NamedTuple):
    """Tasks with the options that hold for them."""

    tasks: Tasks
    options: EvalOptions


def prepare_session(
    function: str, requests: Sequence[Request], model: ModelsArg, options: EvalOptions
) -> Session:
    """Return a session with a plan for every task on every model.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory; nothing has been
            started or written.
    """
    check_log_levels(options.log_level, options.log_level_transcript)
    display, options = open_display(function, options)
    models = resolve_models(
        model,
        base_url=options.model_base_url,
        config=options.config,
        model_args=options.model_args,
    )
    run_id = short_uuid()
    log_dir = resolve_log_dir(options.log_dir)
    plans = [
        plan
        for request in requests
        for plan in make_plans(
            function, request.tasks, models, request.options, run_id=run_id, log_dir=log_dir
        )
    ]
    if not plans:
        raise PrerequisiteError(
            f"{function}: no task was found. Name a task file, `file.py@name`, a folder or a "
            "registered task."
        )
    if function == "eval_set":
        check_distinct([plan.header for plan in plans])
    return make_session(function, run_id, plans, options, display)


def make_session(
    function: str, run_id: str, plans: Sequence[RunPlan], options: EvalOptions, display: Display
) -> Session:
    """Return a session of plans that fit its display, its budget and their log directories.

    Raises:
        PrerequisiteError: They do not, or a log directory cannot be written.
    """
    check_display(function, display, plans)
    session = Session(run_id, plans, options, display)
    check_budget(function, options.budget, plans, session.prices or ())
    # Last, so that wrong arguments do not even leave a folder.
    for log_dir in dict.fromkeys(plan.log_dir for plan in plans):
        check_writable(log_dir)
    return session


def open_display(function: str, options: EvalOptions) -> tuple[Display, EvalOptions]:
    """Return what shows the progress of a call, and the options that this leaves.

    A conversation is followed one sample after another: `max_tasks` and `max_samples` are 1.

    Raises:
        ParameterError: One of them is more than 1, or a variable names an unknown display.
        DisplayError: An eval set is to be shown as a conversation.
    """
    display = Display(options.display, score_display=options.score_display)
    if display.kind != "conversation":
        return display, options
    if function == "eval_set":
        raise DisplayError(
            "eval_set: display is 'conversation', which shows one sample after another: a set "
            "is too long for that. Use eval, or another display."
        )
    for name in ("max_tasks", "max_samples"):
        value = getattr(options, name)
        if value not in (None, 1):
            expected = "1, or nothing, beside display='conversation', which shows one at a time"
            raise ParameterError(function, name, value, expected)
    return display, options.model_copy(update={"max_tasks": 1, "max_samples": 1})


def check_display(function: str, display: Display, plans: Sequence[RunPlan]) -> None:
    """Make sure that a display suits the plans; for a conversation, let one sample run at a time.

    Raises:
        PrerequisiteError: Nobody could be asked to approve calls of tools.
        DisplayError: Several models are to be shown as a conversation.
    """
    for plan in plans:
        check_person(plan.approval, display.kind)
    if display.kind != "conversation":
        return
    models = sorted({str(plan.model) for plan in plans})
    if len(models) > 1:
        raise DisplayError(
            f"{function}: display is 'conversation', which shows one model, but there are "
            f"{len(models)}: {', '.join(models)}. Evaluate them one by one, or use another display."
        )
    for plan in plans:
        plan.header.eval.config.max_samples = 1


def start_prefect(session: Session) -> None:
    """Apply our defaults, keep Prefect's routine lines off the terminal, start a server.

    A temporary server is started only where no API is configured.
    """
    server_defaults()
    if session.display.kind != "log":
        quiet_prefect_logging()
    if start_temporary_server() is None:
        check_server()
