"""From logs to plans that go on with them: what a log says becomes objects again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, TypeAlias, cast

from flows._logged_model import logged_model
from flows._logging import check_log_levels
from flows._named import SOLVER_KINDS, ByName, find_factory
from flows._options import EvalOptions, read_options
from flows._plan import make_plan
from flows._prepare import make_session, open_display
from flows._retry_options import plain_arguments, run_arguments
from flows._retry_task import task_of_log
from flows._session import Session
from scorers import create_reducers
from tasks_lib import Epochs, Task
from tasks_lib._errors import MissingFileError, ParameterError, PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log import (
    EvalLogInfo,
    LogFile,
    check_log_ended,
    open_place,
    read_eval_log,
    resolve_log_dir,
)
from tasks_lib.model import Model
from tasks_lib.schema import EvalLog, EvalModelConfig, EvalScorer
from tasks_lib.task import RunPlan, logged_arguments, logged_scorer

LogsArg: TypeAlias = "EvalLog | LogFile | Sequence[EvalLog | LogFile]"
"""A log, its path or URL, an entry of a listing, or several of these."""

ModelsOfLogs: TypeAlias = "str | Model | Sequence[str | Model] | None"
"""Models in place of those that are made from logs; each log takes the one of its name."""

_PEER = "inspect_ai/"
"""What logs of the reference put before the names of what it brings itself."""


@dataclass(frozen=True)
class OldLog:
    """A log that is gone on with."""

    header: EvalLog
    place: str
    """Path or URL that it has or, if its run was killed, would have had."""

    @property
    def folder(self) -> str:
        """The folder that it is in."""
        return open_place(self.place).parent.url


def find_old_logs(function: str, logs: LogsArg) -> list[OldLog]:
    """Return the logs that are meant, headers only.

    Raises:
        MissingFileError: There is no such log.
        LogFormatError: A file is no log, or damaged.
        ParameterError: There is none, one twice, a folder, or one that is in no file.
        PrerequisiteError: One is being written.
    """
    several = [logs] if isinstance(logs, EvalLog | EvalLogInfo | str | PathLike) else list(logs)
    if not several:
        raise ParameterError(function, "tasks", logs, "at least one log")
    found: dict[str, OldLog] = {}
    for log in several:
        old = _old_log(function, log)
        if old.place in found:
            raise ParameterError(function, "tasks", old.place, "each log once")
        found[old.place] = old
    return list(found.values())


def prepare_retry(
    function: str, logs: Sequence[OldLog], model: ModelsOfLogs, given: Mapping[str, Any]
) -> Session:
    """Return a session with a plan for each log, which takes over what is finished in it.

    Raises:
        PrerequisiteError: Something cannot be restored, or is unknown or contradictory; nothing
            has been started or written.
    """
    headers = [log.header for log in logs]
    options = read_options(function, run_arguments(function, headers, given))
    check_log_levels(options.log_level, options.log_level_transcript)
    display, options = open_display(function, options)
    models = _by_name(function, model, headers)
    run_id = short_uuid()
    plans = [_plan(function, log, models, given, run_id) for log in logs]
    session = make_session(function, run_id, plans, options, display)
    session.previous = {position: [header] for position, header in enumerate(headers)}
    return session


def _old_log(function: str, log: EvalLog | LogFile) -> OldLog:
    if isinstance(log, EvalLog):
        if not log.location:
            expected = "a log that is in a file: one in memory has nowhere to read samples from"
            raise ParameterError(function, "tasks", f"the log of {log.eval.task!r}", expected)
        log = log.location
    if not isinstance(log, EvalLogInfo):
        _refuse_folder(function, fspath(log))
    try:
        header = read_eval_log(log, header_only=True)
    except FileNotFoundError as error:
        path = log.name if isinstance(log, EvalLogInfo) else fspath(log)
        raise MissingFileError("log", path) from error
    return OldLog(header, check_log_ended(header.location))


def _refuse_folder(function: str, path: str) -> None:
    place = open_place(path)
    if place.parent.name != ".live" and place.fs.isdir(place.path):
        expected = "the path of a log; all that is unfinished in a folder is for eval_set"
        raise ParameterError(function, "tasks", path, expected)


def _by_name(function: str, model: ModelsOfLogs, logs: Sequence[EvalLog]) -> dict[str, str | Model]:
    """Return the models that were passed, by name; each must be that of a log."""
    if model is None:
        return {}
    several = [model] if isinstance(model, str | Model) else list(model)
    models = {str(one): one for one in several}
    known = {log.eval.model for log in logs}
    for name in models:
        if name not in known:
            expected = f"the model of a log ({', '.join(sorted(known))}), which is gone on with"
            raise ParameterError(function, "model", name, expected)
    return models


def _plan(
    function: str,
    old: OldLog,
    models: Mapping[str, str | Model],
    given: Mapping[str, Any],
    run_id: str,
) -> RunPlan:
    log = old.header
    task = task_of_log(log)
    arguments = {**plain_arguments(log, old.place), **given}
    if not given.get("score", True):
        arguments["score"] = False
    arguments["epochs"] = _epochs(log, task)
    arguments["solver"] = _solver(log)
    options = read_options(function, arguments)
    roles = _roles(function, log, task, options)
    options = options.model_copy(update={"model_roles": roles})
    model = _model(function, log, task, models, options)
    log_dir = resolve_log_dir(options.log_dir) if options.log_dir else old.folder
    plan = make_plan(task, model, options, run_id, log_dir)
    if changes := _overrides(plan.header, log):
        options = options.model_copy(update=changes)
        plan = make_plan(task, model, options, run_id, log_dir)
    plan.header.eval.task_id = log.eval.task_id
    plan.header.eval.attempt = log.eval.attempt + 1
    return plan


def _epochs(log: EvalLog, task: Task) -> Epochs:
    """Return the epochs of a log, with its reducers unless they are the task's own."""
    config = log.eval.config
    own = [named.name for named in create_reducers(task.epochs_reducer)]
    logged: Any = config.epochs_reducer or own
    return Epochs(config.epochs or 1, None if logged == own else logged)


def _solver(log: EvalLog) -> object:
    """Return what stood in place of the task's solver, None if nothing did."""
    name = log.eval.solver
    if name is None:
        return None
    if name == "chain" and not log.eval.solver_args:
        return [_by_logged_name(step.solver, step.params) for step in log.plan.steps]
    return _by_logged_name(name, log.eval.solver_args or {})


def _by_logged_name(name: str, params: Mapping[str, Any]) -> ByName:
    name = name.removeprefix(_PEER)
    return ByName(name, logged_arguments(name, find_factory(SOLVER_KINDS, name), params))


def _model(
    function: str,
    log: EvalLog,
    task: Task,
    models: Mapping[str, str | Model],
    options: EvalOptions,
) -> Model:
    spec = log.eval
    if task.model is not None:
        if str(task.model) != spec.model:
            raise PrerequisiteError(
                f"{function}: the task {spec.task!r} runs on its own model, {task.model}, by "
                f"now; the log {log.location!r} is of {spec.model}."
            )
        return cast(Model, task.model)  # what make_plan does with a name, it does anyway
    chosen = models.get(spec.model)
    if isinstance(chosen, Model):
        return chosen
    logged = EvalModelConfig(
        model=spec.model,
        config=spec.model_generate_config,
        # Whoever passes the name says that the model is where it usually is.
        base_url=None if chosen is not None else spec.model_base_url,
        args=spec.model_args,
    )
    return logged_model(
        function, logged, base_url=options.model_base_url, model_args=options.model_args
    )


def _roles(
    function: str, log: EvalLog, task: Task, options: EvalOptions
) -> dict[str, str | Model | dict[str, Any]]:
    """Return the models of the roles: those that are passed, else as the log says."""
    roles = dict(options.model_roles or {})
    for role, logged in (log.eval.model_roles or {}).items():
        if role in roles or role in (task.model_roles or {}):
            continue
        if isinstance(logged, list):
            raise PrerequisiteError(
                f"{function}: the role {role!r} of the log has {len(logged)} models; pass one of "
                "them as model_roles."
            )
        roles[role] = logged_model(function, logged, role)
    return roles


def _overrides(header: EvalLog, log: EvalLog) -> dict[str, object]:
    """Return the arguments of `eval` without which the plan would not be that of the log."""
    new, old = header.eval, log.eval
    changes: dict[str, object] = {}
    if new.scorers and old.scorers and _names(new.scorers) != _names(old.scorers):
        changes["scorer"] = [logged_scorer(scorer) for scorer in old.scorers]
    if old.config.approval not in (None, new.config.approval):
        changes["approval"] = old.config.approval
    if old.sandbox not in (None, new.sandbox):
        changes["sandbox"] = old.sandbox
    return changes


def _names(scorers: Sequence[EvalScorer]) -> list[tuple[str, dict[str, Any]]]:
    return [(scorer.name.removeprefix(_PEER), scorer.options or {}) for scorer in scorers]
