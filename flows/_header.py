"""The header of a log: what is evaluated, how, and with which code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows._named import solver_spec
from flows._options import EvalOptions
from flows._revision import package_versions, revision
from tasks_lib import Task
from tasks_lib._util._params import plain_defaults, plain_params
from tasks_lib._util._registry import (
    is_registered,
    registry_defaults,
    registry_params,
    unqualified_name,
)
from tasks_lib.dataset import dataset_digest
from tasks_lib.model import Model
from tasks_lib.sandbox import SandboxEnvironmentSpec, sandbox_json
from tasks_lib.schema import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalModelConfig,
    EvalPlan,
    EvalPlanStep,
    EvalSpec,
    GenerateConfig,
    Sample,
    utc_now,
)
from tasks_lib.task import ScorerPlan, Solver, eval_scorer, metric_definitions


def make_header(  # noqa: PLR0913 - what a run is made of
    *,
    task: Task,
    model: Model,
    roles: Mapping[str, Model],
    solvers: Sequence[Solver],
    scorers: Sequence[ScorerPlan],
    samples: Sequence[Sample],
    eval_config: EvalConfig,
    config: GenerateConfig,
    options: EvalOptions,
    run_id: str,
    sandbox: SandboxEnvironmentSpec | None,
) -> EvalLog:
    """Return the header of a log that is about to start."""
    solver, solver_args = solver_spec(options.solver)
    spec = EvalSpec(
        run_id=run_id,
        created=utc_now().isoformat(timespec="seconds"),
        task=task.name,
        task_version=task.version,
        task_file=_relative(task.task_file),
        task_registry_name=task.registry_name,
        task_attribs=plain_params(task.attribs),
        task_args=plain_params(task.task_args),
        task_args_passed=plain_params(task.task_args_passed),
        solver=solver,
        solver_args=solver_args,
        tags=options.tags,
        dataset=_dataset(task, samples),
        sandbox=sandbox_json(sandbox) if sandbox is not None else None,
        model=str(model),
        model_generate_config=model.config,
        model_base_url=model.base_url,
        model_args=plain_params(model.log_args()),
        model_roles={role: _role(of) for role, of in roles.items()} or None,
        config=eval_config,
        revision=revision(),
        packages=package_versions(),
        metadata=plain_params({**(options.metadata or {}), **(task.metadata or {})}) or None,
        scorers=[eval_scorer(plan) for plan in scorers] or None,
        metrics=metric_definitions(task.metrics) if task.metrics is not None else None,
    )
    return EvalLog(eval=spec, plan=EvalPlan(steps=[_step(s) for s in solvers], config=config))


def _step(solver: Solver) -> EvalPlanStep:
    return EvalPlanStep(
        solver=_name(solver),
        params=plain_params(registry_params(solver)),
        defaults=plain_defaults(registry_defaults(solver)),
    )


def _relative(file: str | None) -> str | None:
    """Return a task's file from the working folder, where it is below it."""
    if file is None or not Path(file).is_relative_to(Path.cwd()):
        return file
    return str(Path(file).relative_to(Path.cwd()))


def _dataset(task: Task, samples: Sequence[Sample]) -> EvalDataset:
    dataset = task.dataset
    whole = len(samples) == len(dataset)
    selected = None if whole else [sample.id for sample in samples if sample.id is not None]
    return EvalDataset(
        name=dataset.name,
        location=dataset.location,
        samples=len(dataset),
        sample_ids=selected,
        shuffled=dataset.shuffled,
        digest=dataset_digest(samples),
    )


def _role(model: Model) -> EvalModelConfig:
    return EvalModelConfig(
        model=str(model),
        config=model.config,
        base_url=model.base_url,
        args=plain_params(model.log_args()),
    )


def _name(obj: object) -> str:
    return unqualified_name(obj) if is_registered(obj) else type(obj).__name__
