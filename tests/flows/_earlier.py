"""Logs that earlier runs have left, made by hand: no server, no model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows._options import EvalSetArgs, read_options
from flows._prepare import Request, prepare_session
from flows._session import Session
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task, task
from tasks_lib.dataset import sample_digest
from tasks_lib.log import write_eval_log
from tasks_lib.schema import (
    EvalError,
    EvalLog,
    EvalRetryError,
    EvalSample,
    ModelUsage,
    Sample,
)
from tasks_lib.task import RunPlan


@solver
def earlier_step(word: str = "a") -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


@task
def earlier_task(name: str = "earlier", size: int = 3, prefix: str = "q") -> Task:
    samples = [Sample(input=f"{prefix}{i}", target="x") for i in range(1, size + 1)]
    return Task(dataset=samples, solver=earlier_step(), scorer=match(), name=name)


def session_of(tasks: Any, log_dir: str | Path, **arguments: Any) -> Session:
    """Return the session of an eval set that has not run."""
    arguments = {"display": "none", **arguments}
    assert arguments.keys() <= EvalSetArgs.__annotations__.keys()
    options = read_options("eval_set", {**arguments, "log_dir": str(log_dir)})
    return prepare_session("eval_set", [Request(tasks, options)], "mockllm/model", options)


def plan_of(tasks: Any, log_dir: str | Path, **arguments: Any) -> RunPlan:
    """Return the plan of one task."""
    [plan] = session_of(tasks, log_dir, **arguments).plans
    return plan


def used(tokens: int) -> dict[str, ModelUsage]:
    return {"mockllm/model": ModelUsage(total_tokens=tokens)} if tokens else {}


def sample(id: int | str, epoch: int = 1, *, tokens: int = 10, **fields: Any) -> EvalSample:
    """Return a finished sample of `earlier_task`; its attempt is known by id and epoch."""
    values: dict[str, Any] = {
        "id": id,
        "epoch": epoch,
        "input": f"q{id}",
        "target": "x",
        "uuid": f"{id}/{epoch}",
        "model_usage": used(tokens),
    }
    made = EvalSample.model_validate(values | fields)
    if "digest" not in fields:
        made.digest = sample_digest(
            Sample(id=made.id, input=made.input, target=made.target, choices=made.choices)
        )
    return made


def failed(id: int | str, epoch: int = 1, **fields: Any) -> EvalSample:
    """Return a sample that ended with an error, in an attempt of its own."""
    error = EvalError(message="broke", traceback="")
    return sample(id, epoch, **{"error": error, "uuid": f"failed {id}", "scores": None, **fields})


def retry(tokens: int) -> EvalRetryError:
    """Return an attempt at a sample that failed."""
    return EvalRetryError(message="broke", traceback="", model_usage=used(tokens))


def log_of(plan: RunPlan, status: str = "error", **spec: Any) -> EvalLog:
    """Return the header of a log that the plan's run has left."""
    header = plan.header.model_copy(deep=True, update={"status": status})
    values = {"created": "2026-01-01T00:00:00+00:00", **spec}
    header.eval = header.eval.model_copy(update=values)
    return header


def leave(log: EvalLog, samples: Sequence[EvalSample], path: Path) -> EvalLog:
    """Write a log with these samples; return its header as it is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = log.model_copy(update={"location": str(path)})
    write_eval_log(header.model_copy(update={"samples": list(samples)}), str(path))
    return header
