"""From the arguments of a call to runs that are ready: names and defaults become objects.

All that can be checked is checked here, before anything runs or is written.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flows._header import make_header
from flows._identity import task_identity
from flows._named import resolve_scorers, resolve_solver
from flows._options import EvalOptions
from scorers import create_reducers
from solvers import generate
from tasks_lib import Epochs, Task, Tasks
from tasks_lib._errors import ParameterError
from tasks_lib.approval import approval_config, resolve_approval
from tasks_lib.dataset import check_ids, check_selection, select_samples
from tasks_lib.model import Model, get_model, resolve_model_roles
from tasks_lib.sandbox import SandboxPlan, check_samples, resolve_sandbox
from tasks_lib.schema import EvalConfig, Sample, SandboxEnvironmentSpec
from tasks_lib.steps import generate_with
from tasks_lib.task import (
    RunPlan,
    Scorer,
    ScoreReducer,
    Solver,
    SolverList,
    load_tasks,
    scorer_plans,
)

logger = logging.getLogger(__name__)


def make_plans(
    function: str,
    tasks: Tasks,
    models: Sequence[Model],
    options: EvalOptions,
    *,
    run_id: str,
    log_dir: str,
) -> list[RunPlan]:
    """Return a plan for each task on each model, in the order of the tasks, then models.

    Tasks given by name are made anew for each model; a `Task` object is shared. A task with
    a model of its own runs on that one only.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory.
    """
    check_selection(options.limit, options.sample_id, function=function)
    loaded = [load_tasks(tasks, options.task_args) for _ in models]
    plans: list[RunPlan] = []
    for same_task in zip(*loaded, strict=True):
        for task, model in zip(same_task, models, strict=True):
            plans.append(make_plan(task, model, options, run_id, log_dir))
            if task.model is not None:
                break
    return plans


def make_plan(task: Task, model: Model, options: EvalOptions, run_id: str, log_dir: str) -> RunPlan:
    """Return the plan for one task on one model (or on the task's own)."""
    model = _model(task, model)
    roles = resolve_model_roles({**(options.model_roles or {}), **(task.model_roles or {})})
    dataset = check_ids(task.dataset)
    samples = select_samples(dataset, options.limit, options.sample_id, task.name)
    sandboxes = _sandboxes(task, samples, options)
    solvers = _solvers(task, options.solver)
    scorers = _scorers(task, options)
    plans_of_scorers = scorer_plans(scorers, task.metrics)
    epochs, reducers = _epochs(task, options.epochs)
    config = task.config.merge(options.config)
    approval = task.approval if options.approval is None else resolve_approval(options.approval)
    model.check_config(config)
    for role in roles.values():
        role.check_config()
    eval_config = _eval_config(task, options, epochs, list(reducers))
    eval_config.approval = approval_config(approval)
    header = make_header(
        task=task,
        model=model,
        roles=roles,
        solvers=solvers,
        scorers=plans_of_scorers,
        samples=samples,
        eval_config=eval_config,
        config=config,
        options=options,
        run_id=run_id,
        sandbox=sandboxes.spec if sandboxes is not None else None,
    )
    header.eval.task_identity = task_identity(header)
    return RunPlan(
        header=header,
        samples=samples,
        model=model,
        roles=roles,
        setup=_setup(task.setup),
        solvers=solvers,
        cleanup=task.cleanup,
        scorers=list(zip(plans_of_scorers, scorers, strict=True)),
        reducers=reducers,
        approval=approval,
        sandboxes=sandboxes,
        generate=generate_with(model),
        config=config,
        log_dir=log_dir,
        log_format=options.log_format,
    )


def _model(task: Task, asked: Model) -> Model:
    """Return the model that a task runs on: its own, if it has one."""
    if task.model is None:
        return asked
    own = get_model(task.model) if isinstance(task.model, str) else task.model
    if str(asked) not in ("none/none", str(own)):
        logger.warning("The task %r runs on its own model, %s, not on %s.", task.name, own, asked)
    return own


def _sandboxes(task: Task, samples: Sequence[Sample], options: EvalOptions) -> SandboxPlan | None:
    """Return where the samples run, None if none of them has a sandbox."""
    plan = SandboxPlan(
        task.name.rsplit("/", 1)[-1],
        _sandbox(resolve_sandbox(options.sandbox), task.sandbox),
        folder=task.run_dir,
        max_sandboxes=options.max_sandboxes,
        cleanup=options.sandbox_cleanup,
    )
    return plan if check_samples(plan, samples) else None


def _sandbox(
    asked: SandboxEnvironmentSpec | None, own: SandboxEnvironmentSpec | None
) -> SandboxEnvironmentSpec | None:
    """Return the call's sandbox, else the task's own, whose config serves a call for its type."""
    if asked is None or (own is not None and own.type == asked.type and asked.config is None):
        return own
    return asked


def _scorers(task: Task, options: EvalOptions) -> list[Scorer]:
    if not options.score:
        return []
    return resolve_scorers(options.scorer) if options.scorer is not None else task.scorer or []


def _solvers(task: Task, override: Any) -> list[Solver]:
    chosen = override if override is not None else task.solver
    if chosen is None:
        return [generate()]
    flat: list[Solver] = []
    for solver in (
        chosen if isinstance(chosen, Sequence) and not isinstance(chosen, str) else [chosen]
    ):
        flat.extend(_flat(solver))
    return flat


def _flat(solver: Any) -> list[Solver]:
    """Return the solvers that `solver` is made of, agents as solvers."""
    resolved = resolve_solver(solver)
    if isinstance(resolved, Sequence):
        return [step for inner in resolved for step in _flat(inner)]
    return [resolved]


def _setup(setup: Solver | None) -> Solver | None:
    steps = _flat(setup) if setup is not None else []
    return steps[0] if len(steps) == 1 else SolverList(steps) if steps else None


def _epochs(task: Task, override: Epochs | None) -> tuple[int, dict[str, ScoreReducer]]:
    count = override.epochs if override is not None else task.epochs or 1
    asked = (override.reducer if override is not None else None) or task.epochs_reducer
    return count, {named.name: named.reducer for named in create_reducers(asked, count)}


def _eval_config(task: Task, options: EvalOptions, epochs: int, reducers: list[str]) -> EvalConfig:
    fail_on_error = _first(options.fail_on_error, task.fail_on_error, True)
    if not isinstance(fail_on_error, bool) and fail_on_error < 0:
        raise ParameterError("eval", "fail_on_error", fail_on_error, "a share or count, 0 or more")
    return EvalConfig(
        limit=options.limit,
        sample_id=options.sample_id,
        epochs=epochs,
        epochs_reducer=reducers,
        fail_on_error=fail_on_error,
        retry_on_error=options.retry_on_error,
        errors_as_incorrect=options.errors_as_incorrect or None,
        message_limit=_first(options.message_limit, task.message_limit),
        token_limit=_first(options.token_limit, task.token_limit),
        time_limit=_first(options.time_limit, task.time_limit),
        working_limit=_first(options.working_limit, task.working_limit),
        max_samples=options.max_samples,
        max_tasks=options.max_tasks,
        max_subprocesses=options.max_subprocesses,
        max_sandboxes=options.max_sandboxes,
        sandbox_cleanup=options.sandbox_cleanup,
        stall_timeout=options.stall_timeout,
        same_errors=options.same_errors,
        budget=options.budget.model_dump(exclude_none=True) if options.budget else None,
        score_display=options.score_display,
        log_samples=options.log_samples,
        log_realtime=options.log_realtime,
        log_images=options.log_images,
        log_buffer=options.log_buffer,
        log_shared=options.log_shared,
        task_runs=options.task_runs,
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
