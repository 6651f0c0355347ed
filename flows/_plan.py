"""From the arguments of a call to runs that are ready: names and defaults become objects.

All that can be checked is checked here, before anything runs or is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from flows._header import make_header
from flows._options import EvalOptions
from scorers import create_reducers
from solvers import generate
from tasks_lib import Epochs, Task, Tasks
from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib._util._registry import is_registered, registry_create
from tasks_lib.dataset import check_ids, check_selection, select_samples
from tasks_lib.model import Model, get_model, resolve_model_roles
from tasks_lib.schema import EvalConfig, Sample
from tasks_lib.steps import generate_with
from tasks_lib.task import (
    RunPlan,
    ScoreReducer,
    Solver,
    SolverSpec,
    load_tasks,
    scorer_plans,
)


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
    if task.model is not None:
        model = get_model(task.model) if isinstance(task.model, str) else task.model
    roles = resolve_model_roles(task.model_roles or options.model_roles)
    dataset = check_ids(task.dataset)
    samples = select_samples(dataset, options.limit, options.sample_id, task.name)
    _check_samples(task, samples)
    solvers = _solvers(task, options.solver)
    scorers = task.scorer or [] if options.score else []
    plans_of_scorers = scorer_plans(scorers, task.metrics)
    epochs, reducers = _epochs(task, options.epochs)
    config = task.config.merge(options.config)
    model.check_config(config)
    for role in roles.values():
        role.check_config()
    eval_config = _eval_config(task, options, epochs, list(reducers))
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
    )
    return RunPlan(
        header=header,
        samples=samples,
        model=model,
        roles=roles,
        setup=task.setup,
        solvers=solvers,
        cleanup=task.cleanup,
        scorers=list(zip(plans_of_scorers, scorers, strict=True)),
        reducers=reducers,
        generate=generate_with(model),
        config=config,
        log_dir=log_dir,
        log_format=options.log_format,
    )


def _check_samples(task: Task, samples: Sequence[Sample]) -> None:
    for sample in samples:
        for name in ("sandbox", "files", "setup"):
            if getattr(sample, name):
                raise NotImplementedError(
                    f"Sample {sample.id!r} of the task {task.name!r} has {name}: sandboxes are "
                    "not implemented yet."
                )


def _solvers(task: Task, override: Any) -> list[Solver]:
    chosen = override if override is not None else task.solver
    if chosen is None:
        return [generate()]
    flat: list[Solver] = []
    for solver in (
        chosen if isinstance(chosen, Sequence) and not isinstance(chosen, str) else [chosen]
    ):
        flat.extend(_flat(resolve_solver(solver)))
    return flat


def resolve_solver(solver: Any) -> Solver:
    """Return a solver given as itself, by name, or as a `SolverSpec`.

    Raises:
        PrerequisiteError: The name is unknown, or the solver is not registered and so could
            not be recorded in the log.
    """
    if isinstance(solver, str):
        solver = SolverSpec(solver)
    if isinstance(solver, SolverSpec):
        solver = registry_create("solver", solver.solver, **solver.args)
    if isinstance(solver, Sequence) or is_registered(solver, "solver"):
        return cast(Solver, solver)
    raise PrerequisiteError(
        f"The solver {getattr(solver, '__name__', solver)!r} is not registered: decorate the "
        "function that makes it with @solver, so that the log can say what ran."
    )


def _flat(solver: Solver) -> list[Solver]:
    if isinstance(solver, Sequence):
        return [step for inner in solver for step in _flat(inner)]
    return [solver]


def _epochs(task: Task, override: Epochs | None) -> tuple[int, dict[str, ScoreReducer]]:
    count = override.epochs if override is not None else task.epochs or 1
    asked = (override.reducer if override is not None else None) or task.epochs_reducer
    return count, {named.name: named.reducer for named in create_reducers(asked)}


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
        message_limit=_first(options.message_limit, task.message_limit),
        token_limit=_first(options.token_limit, task.token_limit),
        time_limit=_first(options.time_limit, task.time_limit),
        working_limit=_first(options.working_limit, task.working_limit),
        max_samples=options.max_samples,
        max_tasks=options.max_tasks,
        log_samples=options.log_samples,
        log_realtime=options.log_realtime,
        log_images=options.log_images,
        log_buffer=options.log_buffer,
        log_shared=options.log_shared,
        task_runs=options.task_runs,
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
