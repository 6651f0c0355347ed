"""What happens before the flows of a call: everything is checked, then Prefect is started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from flows._approval import check_person
from flows._display import Display
from flows._logging import check_log_levels
from flows._options import EvalOptions
from flows._plan import make_plans
from flows._server import quiet_prefect_logging, server_defaults, start_temporary_server
from flows._session import Session
from tasks_lib import Tasks
from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log import check_writable, resolve_log_dir
from tasks_lib.model import Model, NotGiven, resolve_models

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
    display = Display(options.display)
    for plan in plans:
        check_person(plan.approval, display.kind)
    session = Session(run_id, plans, options, display)
    check_writable(log_dir)  # last, so that wrong arguments do not even leave a folder
    return session


def start_prefect(session: Session) -> None:
    """Apply our defaults, keep Prefect's routine lines off the terminal, start a server.

    A temporary server is started only where no API is configured.
    """
    server_defaults()
    if session.display.kind != "log":
        quiet_prefect_logging()
    start_temporary_server()
