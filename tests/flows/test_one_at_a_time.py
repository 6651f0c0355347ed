"""A process evaluates one thing at a time, and a call that failed is not in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flows.eval import eval, eval_async
from flows.eval_retry import eval_retry
from flows.eval_set import eval_set
from scorers import match
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Task
from tasks_lib._errors import ParameterError, PrerequisiteError
from tests.flows._scored import log_with, one_sample, write
from tests.flows._tasks import halves, samples

pytestmark = pytest.mark.usefixtures("prefect_harness")

REFUSED: list[str] = []


@solver
def evaluates_meanwhile(log: str) -> Solver:
    """Try to evaluate something else by each of the functions."""
    quiet: dict[str, Any] = {"display": "none"}
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: eval_async(halves(1), "mockllm/model", log_dir="other", **quiet),
        lambda: asyncio.to_thread(eval, halves(1), "mockllm/model", log_dir="other", **quiet),
        lambda: asyncio.to_thread(eval_set, halves(1), "other", "mockllm/model", **quiet),
        lambda: asyncio.to_thread(eval_retry, log, **quiet),
    ]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for call in calls:
            try:
                await call()
            except RuntimeError as error:
                assert isinstance(error, PrerequisiteError)
                REFUSED.append(str(error).partition(" already")[0])
        return await generate(state)

    return solve


def test_another_evaluation_is_refused_and_does_no_harm(own_folder: Path) -> None:
    REFUSED.clear()
    log = write(log_with([one_sample(1)]), own_folder)
    task = Task(samples(1), solver=[evaluates_meanwhile(log), generate()], scorer=match())

    [done] = eval(task, "mockllm/model", log_dir="logs", display="none")

    assert [
        f"{function}: this process is evaluating something"
        for function in ("eval", "eval", "eval_set", "eval_retry")
    ] == REFUSED
    assert done.status == "success"
    assert [path.name for path in own_folder.rglob("*.parquet")] == [
        Path(log).name,
        Path(done.location).name,
    ]


def test_a_wrong_call_does_not_break_the_next_one(log_dir: str) -> None:
    with pytest.raises(ParameterError, match=r"model_args is 'gone\.yaml'"):
        eval(halves(1), "mockllm/model", model_args="gone.yaml", log_dir=log_dir)
    with pytest.raises(ParameterError, match="limit"):
        eval(halves(1), "mockllm/model", limit=-1, log_dir=log_dir)

    [log] = eval(halves(1), "mockllm/model", log_dir=log_dir, display="none")

    assert log.status == "success"
