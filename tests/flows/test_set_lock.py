"""One eval set at a time uses a log directory; the next one is told who does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.eval import eval as run_eval
from flows.eval_set import eval_set, eval_set_flow
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task, task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import list_eval_logs, lock_log_dir
from tasks_lib.schema import Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

REFUSAL = rf"is being used by another eval set: process {os.getpid()} on "

refused: list[str] = []
"""What other eval sets were told while one was running."""


@solver
def starts_the_set_again(log_dir: str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        try:
            eval_set([locked(log_dir)], log_dir, "mockllm/model", display="none")
        except PrerequisiteError as error:
            refused.append(str(error))
        return state

    return solve


@task
def locked(log_dir: str) -> Task:
    return Task(
        dataset=[Sample(input="q", target="a")],
        solver=starts_the_set_again(log_dir),
        scorer=match(),
        name="locked",
    )


def test_a_set_has_its_log_directory_to_itself_while_it_runs(tmp_path: Path) -> None:
    log_dir = str(tmp_path / "logs")
    refused.clear()
    success, logs = eval_set([locked(log_dir)], log_dir, "mockllm/model", display="none")

    assert (success, len(refused)) == (True, 1)
    assert f"The log directory {log_dir!r} {REFUSAL}" in refused[0]
    assert [str(path) for path in Path(log_dir).rglob("*")] == [logs[0].location]
    with lock_log_dir(log_dir):
        pass


def test_nothing_runs_where_another_set_does(tmp_path: Path) -> None:
    """What is called once needs no lock: its logs have names of their own."""
    log_dir = str(tmp_path)
    with lock_log_dir(log_dir):
        with pytest.raises(PrerequisiteError, match=REFUSAL):
            eval_set([locked(log_dir)], log_dir, "mockllm/model", display="none")
        assert list_eval_logs(log_dir) == []

        refused.clear()
        [log] = run_eval(locked(log_dir), "mockllm/model", log_dir=log_dir, display="none")
        assert (log.status, len(refused)) == ("success", 1)


def test_a_set_that_cannot_start_leaves_no_lock(tmp_path: Path) -> None:
    log_dir = str(tmp_path)
    with pytest.raises(PrerequisiteError, match="the same run twice"):
        eval_set([locked(log_dir), locked(log_dir)], log_dir, "mockllm/model", display="none")

    assert list(tmp_path.iterdir()) == []


TASK = """
from scorers import match
from tasks_lib import Task, task
from tasks_lib.schema import Sample

@task
def plain_words():
    return Task(dataset=[Sample(input="q", target="a")], scorer=match())
"""


async def test_a_deployment_fails_and_says_who_is_there(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(TASK)
    file = tmp_path / "set.yaml"
    file.write_text(
        f"log_dir: {tmp_path}/logs\nmodel: mockllm/model\ntasks: [words.py@plain_words]\n"
    )
    with lock_log_dir(tmp_path / "logs"):
        state = await eval_set_flow(str(file), return_state=True)

        assert state.is_failed()
        assert REFUSAL in (state.message or "")
        assert list_eval_logs(tmp_path / "logs") == []

    state = await eval_set_flow(str(file), return_state=True)
    assert state.is_completed()
    assert len(list_eval_logs(tmp_path / "logs")) == 1
