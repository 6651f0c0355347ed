"""`eval_set`: attempts, what is reused, what runs again, and eval-set files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from flows._attempts import wait_after, waits
from flows._eval_set_file import EvalSetTask, read_eval_set_file
from flows._receipt import receipt_text
from flows.eval import eval as run_eval
from flows.eval_set import eval_set, run_eval_set_file
from scorers import match
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Task, task
from tasks_lib._errors import EvalFileError, ParameterError, PrerequisiteError
from tasks_lib.dataset import check_ids, sample_digest
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import EvalLog, Sample, WorkReceipt, WorkShare

pytestmark = pytest.mark.usefixtures("prefect_harness")

DEFAULT = "Default output from mockllm/model"

calls: list[tuple[str, int | str, int]] = []
"""Every solver call: task, sample, how often this task was called before."""


@solver
def breaks_at_first(name: str, times: int = 1) -> Solver:
    """Fail sample 2 the first `times` times."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        before = sum(call[:2] == (name, state.sample_id) for call in calls)
        calls.append((name, state.sample_id, before))
        if state.sample_id == 2 and before < times:
            raise ConnectionError("try again")
        return await generate(state)

    return solve


def questions(count: int = 3) -> list[Sample]:
    return [Sample(input=f"q{i}", target=DEFAULT) for i in range(count)]


@task
def steady(name: str = "steady") -> Task:
    return Task(dataset=questions(), solver=breaks_at_first(name, 0), scorer=match(), name=name)


@task
def shaky(name: str = "shaky", times: int = 1) -> Task:
    return Task(dataset=questions(), solver=breaks_at_first(name, times), scorer=match(), name=name)


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


def run(tasks: Any, log_dir: Path, **options: Any) -> tuple[bool, list[EvalLog]]:
    settings = {"display": "none", "retry_wait": 0, "max_samples": 1, **options}
    return eval_set(tasks, str(log_dir), "mockllm/model", **settings)


def test_a_failed_task_is_attempted_again_and_finished_samples_are_reused(tmp_path: Path) -> None:
    success, logs = run([shaky(), steady()], tmp_path)

    assert success
    assert [log.eval.task for log in logs] == ["shaky", "steady"]
    assert [log.eval.attempt for log in logs] == [2, 1]
    assert logs[0].stats.reused_samples == 1
    assert sorted(c[:2] for c in calls if c[0] == "shaky") == [
        ("shaky", 1),
        ("shaky", 2),
        ("shaky", 2),
        ("shaky", 3),
    ]
    full = read_eval_log(logs[0].location)
    assert [(s.id, s.attempt) for s in full.samples or []] == [(1, 1), (2, 2), (3, 2)]
    assert logs[0].results is not None
    assert logs[0].results.completed_samples == 3
    assert logs[0].samples is None
    assert len(list_eval_logs(str(tmp_path))) == 2  # that of the failed attempt is gone


def test_logs_of_failed_attempts_can_be_kept(tmp_path: Path) -> None:
    run([shaky()], tmp_path, retry_cleanup=False)

    logs = [read_eval_log(info.name, header_only=True) for info in list_eval_logs(str(tmp_path))]
    assert sorted((log.eval.attempt, log.status) for log in logs) == [(1, "error"), (2, "success")]
    assert len({log.eval.task_id for log in logs}) == 1


def test_attempts_are_bounded_and_connections_shrink(tmp_path: Path) -> None:
    success, logs = run([shaky(times=9)], tmp_path, retry_attempts=3, max_connections=8)

    assert not success
    assert (logs[0].status, logs[0].eval.attempt) == ("error", 3)
    assert logs[0].error is not None
    assert "ConnectionError: try again" in logs[0].error.message
    assert sum(call[1] == 2 for call in calls) == 3
    assert logs[0].plan.config.max_connections == 2


def test_running_again_after_success_runs_nothing(tmp_path: Path) -> None:
    first = run([steady("a"), steady("b")], tmp_path)
    before = len(calls)
    again = run([steady("b"), steady("a")], tmp_path)

    assert len(calls) == before
    assert [log.eval.task for log in again[1]] == ["b", "a"]
    assert again[1] == first[1][::-1]


def test_what_was_killed_right_before_the_start_is_gone_at_the_end(tmp_path: Path) -> None:
    killed = tmp_path / ".live" / "2026-11-21T21-04-45+00-00_steady_id1.parquet"
    killed.mkdir(parents=True)
    there: list[bool] = []

    @solver
    def time_passes() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            there.append(killed.exists())
            os.utime(killed, (0, 0))
            return await generate(state)

        return solve

    os.utime(killed, (time.time() + 60,) * 2)
    questions_later = Task(dataset=questions(1), solver=time_passes(), scorer=match(), name="later")
    success, [log] = run(questions_later, tmp_path)

    assert (success, there) == (True, [True])
    assert [path.name for path in tmp_path.iterdir()] == [Path(log.location).name]


def test_only_a_task_that_was_added_runs(tmp_path: Path) -> None:
    run([steady("a")], tmp_path)
    success, logs = run([steady("a"), steady("new")], tmp_path)

    assert success
    assert [log.eval.task for log in logs] == ["a", "new"]
    assert [call[0] for call in calls] == ["a"] * 3 + ["new"] * 3


def test_an_incomplete_set_is_finished_by_the_next_call(tmp_path: Path) -> None:
    first, _ = run([shaky()], tmp_path, retry_attempts=1)
    second, logs = run([shaky()], tmp_path, retry_attempts=1)

    assert (first, second) == (False, True)
    assert logs[0].stats.reused_samples == 1
    assert logs[0].eval.attempt == 2


def test_more_epochs_run_only_the_extra_ones(tmp_path: Path) -> None:
    run([steady()], tmp_path)
    _, logs = run([steady()], tmp_path, epochs=2)

    assert len(calls) == 6
    assert logs[0].stats.reused_samples == 3
    assert logs[0].results is not None
    assert logs[0].results.total_samples == 6


def test_a_set_goes_on_from_a_log_of_eval_and_gives_a_receipt(tmp_path: Path) -> None:
    options: dict[str, Any] = {"display": "none", "max_samples": 1, "fail_on_error": False}
    [first] = run_eval([shaky()], "mockllm/model", log_dir=str(tmp_path), limit=2, **options)
    assert first.stats.work is None

    # Two of three samples were asked for then: what is there of them is known by its content.
    _, [log] = run([shaky()], tmp_path, ignore_changes=["samples"], retry_cleanup=False)

    assert [call[1] for call in calls] == [1, 2, 2, 3]
    one = WorkShare(samples=1)  # this model reports no tokens
    assert log.stats.work == WorkReceipt(kept=one, redone=one, new=one)
    assert receipt_text(log) == "kept 1 sample; redid 1; 1 new"
    assert (log.eval.attempt, log.eval.task_id) == (2, first.eval.task_id)
    digests = [sample_digest(sample) for sample in check_ids(shaky().dataset)]
    full = read_eval_log(log.location)
    assert [sample.digest for sample in full.samples or []] == digests


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"limit": 2}, id="limit"),
        pytest.param({"temperature": 0.5}, id="generate options"),
        pytest.param({"solver": generate()}, id="solver"),
        pytest.param({"message_limit": 5}, id="message limit"),
    ],
)
def test_what_makes_another_run(tmp_path: Path, change: dict[str, Any]) -> None:
    _, first = run([steady()], tmp_path)
    _, second = run([steady()], tmp_path, **change)

    assert second[0].eval.eval_id != first[0].eval.eval_id
    assert second[0].stats.reused_samples == 0


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError, match="the same run twice: steady on mockllm/model"):
        run([steady(), steady()], tmp_path)
    assert calls == []


@pytest.mark.parametrize(
    ("attempts", "wait", "expected"),
    [
        pytest.param(4, 30, [30, 60, 120], id="doubled"),
        pytest.param(10, 30, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600], id="an hour at most"),
        pytest.param(1, 30, [], id="a single attempt"),
        pytest.param(0, 30, [], id="none is one"),
    ],
)
def test_waits(attempts: int, wait: float, expected: list[float]) -> None:
    assert waits(attempts, wait) == expected
    after = [wait_after(number + 1, attempts, wait) for number in range(max(attempts, 1))]
    assert after == [*expected, 0]


def test_log_dir_is_required(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="log_dir is ''"):
        eval_set([steady()], "", "mockllm/model")


TASKS = """
from tasks_lib import Task, task
from tasks_lib.schema import Sample
from scorers import match

@task
def sums(base: int = 0):
    return Task(dataset=[Sample(input=f"{base}+{i}", target="x") for i in range(3)], scorer=match())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sums.py").write_text(TASKS)
    return tmp_path


def write(folder: Path, text: str) -> str:
    path = folder / "set.yaml"
    path.write_text(text)
    return str(path)


def test_eval_set_file(folder: Path) -> None:
    path = write(
        folder,
        f"""\
log_dir: {folder}/logs/{{date}}
model: mockllm/model
tasks:
  - sums.py@sums
  - task: sums.py@sums
    args: {{base: 5}}
    limit: 2
temperature: 0.5
display: none
""",
    )

    success, logs = run_eval_set_file(path, {"max_tokens": 7})

    assert success
    assert [(log.eval.task_args, log.eval.config.limit) for log in logs] == [
        ({"base": 0}, None),
        ({"base": 5}, 2),
    ]
    assert {(log.plan.config.temperature, log.plan.config.max_tokens) for log in logs} == {(0.5, 7)}
    assert "{date}" not in logs[0].location


def test_overrides_win_over_the_file(folder: Path) -> None:
    path = write(
        folder,
        f"log_dir: {folder}/logs\nmodel: mockllm/a\ndisplay: none\n"
        "tasks: [{task: sums.py@sums, limit: 2}]\n",
    )

    _, logs = run_eval_set_file(path, {"limit": 1}, "mockllm/b")

    assert (logs[0].eval.model, logs[0].eval.config.limit) == ("mockllm/b", 1)


def test_task_files_are_found_beside_the_file(folder: Path) -> None:
    file = read_eval_set_file(write(folder, "tasks: [sums.py@sums, elsewhere]"))

    assert [Path(t.task.split("@")[0]).resolve() for t in file.tasks[:1]] == [folder / "sums.py"]
    assert file.tasks[1] == EvalSetTask("elsewhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("tasks: [a\n", r"set.yaml:2: is no YAML", id="no YAML"),
        pytest.param("- a\n", r"set.yaml: expected keys with values, got list", id="a list"),
        pytest.param("", r"set.yaml: expected keys with values, got nothing", id="empty"),
        pytest.param("model: x\n", r"field 'tasks': expected a list", id="no tasks"),
        pytest.param("tasks: []\n", r"set.yaml:1: field 'tasks': expected a list", id="empty list"),
        pytest.param(
            "tasks: [a]\nlimt: 3\n",
            r"set.yaml:2: field 'limt': unknown. Did you mean 'limit'",
            id="unknown key",
        ),
        pytest.param(
            "tasks:\n  - a\n  - task: b\n    agrs: {}\n",
            r"set.yaml:4: field 'tasks\[1\].agrs': unknown. Did you mean .*'args'",
            id="unknown key of a task",
        ),
        pytest.param(
            "tasks:\n  - limit: 3\n",
            r"set.yaml:2: field 'tasks\[0\].task': expected the task's name",
            id="task without a name",
        ),
        pytest.param(
            "tasks: [a]\nmodel: {x: 1}\n",
            r"set.yaml:2: field 'model': expected a model's name",
            id="no model",
        ),
    ],
)
def test_broken_file_names_line_and_field(folder: Path, text: str, message: str) -> None:
    with pytest.raises(EvalFileError, match=message):
        read_eval_set_file(write(folder, text))


def test_wrong_value_in_a_file_names_line_and_field(folder: Path) -> None:
    path = write(folder, f"log_dir: {folder}/logs\ntasks: [sums.py@sums]\nepochs: many\n")

    with pytest.raises(EvalFileError, match=r"set.yaml:3: field 'epochs': is 'many', expected"):
        run_eval_set_file(path, {}, "mockllm/model")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EvalFileError, match=r"none.yaml: cannot be read"):
        read_eval_set_file(tmp_path / "none.yaml")
