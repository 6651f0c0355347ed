"""When errors fail a task, and what `debug_errors` raises then."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from flows._counts import error_limit
from flows.eval import eval
from flows.eval_set import eval_set
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import Sample


@pytest.mark.parametrize(
    ("fail_on_error", "total", "limit"),
    [
        pytest.param(True, 10, 1, id="the first"),
        pytest.param(None, 10, 1, id="by default"),
        pytest.param(False, 10, math.inf, id="never"),
        pytest.param(0, 10, 1, id="0"),
        pytest.param(0.0, 10, 1, id="0.0"),
        pytest.param(1, 10, 1, id="1"),
        pytest.param(1.0, 10, 1, id="1.0 is a count"),
        pytest.param(2, 10, 2, id="a count"),
        pytest.param(2.5, 10, 2.5, id="a count that is not whole"),
        pytest.param(20, 10, 20, id="more than there are"),
        pytest.param(0.5, 4, 2, id="a share"),
        pytest.param(0.3, 4, 1.2, id="a share that is not whole"),
        pytest.param(0.01, 4, 1, id="less than a sample"),
        pytest.param(0.7, 10, 7, id="a share that floats round up"),
        pytest.param(0.1, 30, 3, id="another"),
        pytest.param(0.5, 0, 1, id="of nothing"),
    ],
)
def test_error_limit(fail_on_error: bool | float | None, total: int, limit: float) -> None:
    assert error_limit(fail_on_error, total) == limit


class Failures:
    """Lets tasks fail, one after another."""

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        self.second_failed = asyncio.Event()

    def task(self, name: str, error: Exception | None, times: int = 9) -> Task:
        return Task(
            dataset=MemoryDataset([Sample(id=1, input="?")]),
            solver=fails_with(self, name, error, times),
            name=name,
        )


@solver
def fails_with(failures: Failures, name: str, error: Exception | None, times: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        attempt = failures.attempts[name] = failures.attempts.get(name, 0) + 1
        if name == "second":
            failures.second_failed.set()
        elif name == "first":
            await failures.second_failed.wait()
        if error is not None and attempt <= times:
            raise error
        return state

    return solve


def logged(log_dir: Path) -> dict[str, tuple[str, str | None]]:
    logs = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(log_dir))]
    return {log.eval.task: (log.status, log.error.message if log.error else None) for log in logs}


@pytest.mark.usefixtures("prefect_harness")
def test_eval_raises_the_first_error_in_order(tmp_path: Path) -> None:
    failures, error = Failures(), ValueError("this one")
    tasks = [
        failures.task("good", None),
        failures.task("first", error),
        failures.task("second", KeyError("too early")),
    ]

    with pytest.raises(ValueError, match=r"^this one$") as raised:
        eval(tasks, "mockllm/model", debug_errors=True, max_tasks=3, log_dir=str(tmp_path),
             display="none")  # fmt: skip

    assert raised.value is error
    start = "1 of 1 samples failed, the last one (1) with "
    assert logged(tmp_path) == {
        "good": ("success", None),
        "first": ("error", f"{start}'ValueError: this one'"),
        "second": ("error", f"{start}\"KeyError: 'too early'\""),
    }


@pytest.mark.usefixtures("prefect_harness")
def test_eval_set_raises_what_is_left_after_all_attempts(tmp_path: Path) -> None:
    failures = Failures()
    tasks = [
        failures.task("once", KeyError("only once"), times=1),
        failures.task("always", ValueError("this one")),
    ]
    options: dict[str, Any] = {"retry_attempts": 2, "retry_wait": 0, "display": "none"}

    with pytest.raises(ValueError, match=r"^this one$"):
        eval_set(tasks, str(tmp_path), "mockllm/model", debug_errors=True, **options)

    assert failures.attempts == {"once": 2, "always": 2}
    assert logged(tmp_path)["once"] == ("success", None)
    assert logged(tmp_path)["always"][0] == "error"
