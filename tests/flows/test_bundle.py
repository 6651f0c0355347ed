"""`bundle_dir`: the logs of a set, copied once to where they are published."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from flows.eval_set import eval_set, eval_set_flow
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task, task
from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.log import read_eval_log
from tasks_lib.schema import EvalLog, Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

runs: list[str] = []
"""Tasks whose sample ran."""


@solver
def fails_often(name: str, times: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        runs.append(name)
        if name == "stopped":
            os.kill(os.getpid(), signal.SIGINT)
        if runs.count(name) <= times:
            raise ConnectionError("try again")
        return state

    return solve


@task
def bundled(name: str = "bundled", times: int = 0) -> Task:
    return Task(
        dataset=[Sample(input="q", target="a")],
        solver=fails_often(name, times),
        scorer=match(),
        name=name,
    )


@pytest.fixture(autouse=True)
def no_runs() -> None:
    runs.clear()


def run(tmp_path: Path, *tasks: Task, **options: Any) -> tuple[bool, list[EvalLog]]:
    settings: dict[str, Any] = {
        "display": "none",
        "retry_wait": 0,
        "bundle_dir": str(tmp_path / "site"),
        **options,
    }
    return eval_set(list(tasks), str(tmp_path / "logs"), "mockllm/model", **settings)


def published(tmp_path: Path) -> list[str]:
    """Return the files of the bundle; it must have those of the log directory."""
    files = sorted(path.name for path in (tmp_path / "site").rglob("*") if path.is_file())
    logs = sorted(path.name for path in (tmp_path / "logs").rglob("*"))
    assert files == sorted([*logs, "logs.json"])
    return files


def test_logs_are_bundled_once_after_all_attempts(tmp_path: Path) -> None:
    """Without bundle_overwrite, though there are two attempts."""
    success, logs = run(tmp_path, bundled("first", times=1), bundled("second"))

    assert (success, runs.count("first")) == (True, 2)
    assert len(published(tmp_path)) == 3
    [copy] = (tmp_path / "site").rglob(Path(logs[0].location).name)
    assert read_eval_log(copy, header_only=True).eval == logs[0].eval
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "site"}


def test_logs_are_bundled_when_a_task_failed_and_when_nothing_was_to_run(tmp_path: Path) -> None:
    success, logs = run(tmp_path, bundled(times=9), retry_attempts=1)
    assert (success, logs[0].status) == (False, "error")
    assert len(published(tmp_path)) == 2

    with pytest.raises(PrerequisiteError, match=r"site' exists already.*overwrite=True"):
        run(tmp_path, bundled(times=9))
    assert len(runs) == 1

    runs.extend(["bundled"] * 9)
    assert run(tmp_path, bundled(times=9), bundle_dir=None)[0]
    assert run(tmp_path, bundled(times=9), bundle_overwrite=True)[0]
    assert len(runs) == 11
    assert len(published(tmp_path)) == 2


def test_a_set_that_is_stopped_is_not_bundled(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, bundled("stopped"))

    assert runs == ["stopped"]
    assert {path.name for path in tmp_path.iterdir()} == {"logs"}


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        pytest.param(
            {"bundle_dir": "there"}, PrerequisiteError, "there' exists already", id="exists"
        ),
        pytest.param(
            {"bundle_dir": "logs/site"},
            PrerequisiteError,
            "cannot be one inside the other",
            id="in the logs",
        ),
        pytest.param(
            {"bundle_dir": ".", "bundle_overwrite": True},
            PrerequisiteError,
            "cannot be one inside the other",
            id="around the logs",
        ),
        pytest.param(
            {"bundle_dir": "file/site"},
            PrerequisiteError,
            r"bundle '.*/file/site' cannot be written \(Not a directory\)",
            id="cannot be written",
        ),
        pytest.param(
            {"bundle_dir": None, "bundle_overwrite": True},
            ParameterError,
            "bundle_overwrite is True, expected False without a bundle_dir",
            id="nothing to overwrite",
        ),
    ],
)
def test_what_cannot_be_bundled_is_said_before_anything_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")

    with pytest.raises(kind, match=message):
        run(tmp_path, bundled(), **options)

    assert runs == []
    assert {path.name for path in tmp_path.rglob("*")} == {"there", "file"}


TASK = """
from scorers import match
from tasks_lib import Task, task
from tasks_lib.schema import Sample

@task
def published_words():
    return Task(dataset=[Sample(input="q", target="a")], scorer=match())
"""


async def test_a_deployment_bundles(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(TASK)
    file = tmp_path / "set.yaml"
    file.write_text(
        f"log_dir: {tmp_path}/logs\nbundle_dir: {tmp_path}/site\nmodel: mockllm/model\n"
        "tasks: [words.py@published_words]\n"
    )
    state = await eval_set_flow(str(file), return_state=True)

    assert state.is_completed()
    assert len(published(tmp_path)) == 2
