"""Sandboxes of an evaluation: where samples run, what is logged of it, what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.eval import eval_async
from scorers import accuracy, scorer
from solvers import solver
from tasks_lib import Task
from tasks_lib._errors import MissingFileError, NoSandboxError, PrerequisiteError, UnknownNameError
from tasks_lib.log import read_eval_log
from tasks_lib.schema import (
    EvalSample,
    Sample,
    SandboxEnvironmentSpec,
    SandboxEvent,
    Score,
    SpanBeginEvent,
    Target,
)
from tasks_lib.task import Generate, Scorer, Solver, TaskState
from tasks_lib.util import sandbox
from tests.sandbox._types import calls

pytestmark = pytest.mark.usefixtures("prefect_harness")


@pytest.fixture(autouse=True)
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder that local sandboxes are made in."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    calls.clear()
    yield folder
    calls.clear()


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@solver
def write_in_sandbox() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        names = (await sandbox().exec(["ls"])).stdout.split()
        state.metadata["found"] = names
        await sandbox().write_file("answer.txt", f"answer {state.sample_id}")
        return state

    return solve


@scorer(metrics=[accuracy()])
def read_in_sandbox() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        answer = await sandbox().read_file("answer.txt")
        return Score(value="C" if answer == target.text else "I", answer=answer)

    return score


left_behind: list[str] = []


async def look_around(state: TaskState) -> None:
    left_behind.extend((await sandbox().exec(["ls"])).stdout.split())


def in_sandbox(count: int = 1, **task: Any) -> Task:
    samples = [Sample(input="q", id=n, target=f"answer {n}") for n in range(1, count + 1)]
    arguments: dict[str, Any] = {
        "dataset": samples, "solver": write_in_sandbox(), "scorer": read_in_sandbox(), **task
    }  # fmt: skip
    return Task(name="in_sandbox", **arguments)


def samples_of(log: Any) -> list[EvalSample]:
    return read_eval_log(log.location).samples or []


@pytest.mark.parametrize("task_runs", ["stage", "shard"])
def test_a_sample_in_its_sandbox(run: Any, boxes: Path, task_runs: str) -> None:
    made = Sample(
        input="q",
        id=1,
        target="answer 1",
        files={"a.txt": "a", "sub/b.txt": "b"},
        setup="sleep 1; touch ready",
        metadata={"level": 3},
    )
    left_behind.clear()

    log = run(in_sandbox(dataset=[made], sandbox="local", cleanup=look_around), task_runs=task_runs)

    assert log.status == "success"
    assert log.results.scores[0].metrics["accuracy"].value == 1
    [sample] = samples_of(log)
    assert log.eval.sandbox == {"type": "local"}
    assert sample.sandbox == {"type": "local"}
    assert sample.files == ["a.txt", "sub/b.txt"]
    assert sample.setup == "sleep 1; touch ready"
    assert sample.metadata == {"level": 3, "found": ["a.txt", "ready", "sub"]}
    assert left_behind == ["a.txt", "answer.txt", "ready", "sub"]
    assert sample.total_time is not None and sample.total_time < 1
    assert sample.working_time is not None and sample.working_time <= sample.total_time
    assert inside(boxes) == []
    spans = {e.id: e.name for e in sample.events if isinstance(e, SpanBeginEvent)}
    seen = [
        (spans.get(e.span_id or ""), e.action) for e in sample.events if isinstance(e, SandboxEvent)
    ]
    assert seen == [
        *[("sandbox", "write_file")] * 3,  # two files and the script
        *[("sandbox", "exec")] * 3,
        *[("write_in_sandbox", action) for action in ("exec", "write_file")],
        (None, "exec"),  # the task's cleanup
        ("read_in_sandbox", "read_file"),
    ]


def test_a_sample_that_cannot_be_set_up_fails_alone(run: Any, boxes: Path) -> None:
    broken = Sample(input="q", id="broken", setup="echo sorry >&2; exit 5")
    fine = Sample(input="q", id="fine", target="answer fine")

    log = run(in_sandbox(dataset=[broken, fine], sandbox="local"), fail_on_error=False)

    errors = {sample.id: sample.error for sample in samples_of(log)}
    assert errors["fine"] is None
    assert errors["broken"] is not None
    assert errors["broken"].message == "SandboxError: The setup script ended with status 5: sorry"
    assert inside(boxes) == []


@pytest.mark.parametrize(
    ("task", "asked", "own", "header", "used"),
    [
        pytest.param("local", "noting", None, "noting", "noting", id="the call's"),
        pytest.param("noting", None, "local", "noting", "noting", id="the task's"),
        pytest.param(None, None, "local", None, "local", id="the sample's"),
    ],
)
def test_who_says_where(
    run: Any, task: Any, asked: Any, own: Any, header: str | None, used: str
) -> None:
    dataset = [Sample(input="q", id=1, target="answer 1", sandbox=own)]

    log = run(in_sandbox(dataset=dataset, sandbox=task), sandbox=asked)

    assert (log.eval.sandbox or {}).get("type") == header
    [sample] = samples_of(log)
    assert sample.error is None
    assert isinstance(sample.sandbox, dict)
    assert sample.sandbox["type"] == used
    assert bool(calls) == (used == "noting")


def test_configs_are_beside_the_task(run: Any, own_folder: Path) -> None:
    config = own_folder / "noting.yaml"
    config.touch()

    log = run(in_sandbox(sandbox="noting"))
    task_s = run(in_sandbox(sandbox=("noting", "noting.yaml")), sandbox="noting")
    model = run(in_sandbox(sandbox=SandboxEnvironmentSpec("noting", {"size": 4})))

    assert log.eval.sandbox == {"type": "noting", "config": str(config)}
    assert task_s.eval.sandbox == log.eval.sandbox
    assert model.eval.sandbox == {"type": "noting", "config": {"size": 4, "fails_in": ""}}


def test_a_task_begins_and_ends_once(run: Any, boxes: Path) -> None:
    mixed = [Sample(input="q", id=n, target=f"answer {n}") for n in (1, 2)]
    mixed[1] = mixed[1].model_copy(update={"sandbox": "noting"})

    log = run(in_sandbox(dataset=mixed), epochs=2, fail_on_error=False, max_sandboxes=1)

    ended = sorted((sample.id, sample.error is None) for sample in samples_of(log))
    assert ended == [(1, False), (1, False), (2, True), (2, True)]
    errors = {s.error.message.partition(":")[0] for s in samples_of(log) if s.error}
    assert errors == {NoSandboxError.__name__}
    assert [call[0] for call in calls] == [
        "task_init",
        *["sample_init", "sample_cleanup"] * 2,
        "task_cleanup",
    ]
    assert calls[2] == ("sample_cleanup", "in_sandbox", ["first", "second"], False)
    assert calls[-1] == ("task_cleanup", "in_sandbox", None, True)
    assert inside(boxes) == []


def test_a_task_that_cannot_begin(run: Any) -> None:
    fails = SandboxEnvironmentSpec("noting", {"size": 1, "fails_in": "task_init"})

    log = run(in_sandbox(sandbox=fails))

    assert log.status == "error"
    assert "task_init has failed" in log.error.message
    assert samples_of(log) == []
    assert [call[0] for call in calls] == ["task_init", "task_cleanup"]


def test_what_cannot_be_removed_fails_nothing(run: Any) -> None:
    fails = SandboxEnvironmentSpec("noting", {"size": 1, "fails_in": "sample_cleanup"})

    log = run(in_sandbox(sandbox=fails, count=2), max_sandboxes=1)

    assert log.status == "success"
    assert log.results.completed_samples == 2


def test_sandboxes_are_kept_if_asked_for(run: Any, boxes: Path, caplog: Any) -> None:
    log = run(in_sandbox(sandbox="local"), sandbox_cleanup=False)

    assert log.eval.config.sandbox_cleanup is False
    [kept] = inside(boxes)
    assert (boxes / kept / "answer.txt").read_text() == "answer 1"
    assert f"rm -rf {boxes / kept}" in caplog.text


def test_each_attempt_has_a_fresh_sandbox(run: Any, boxes: Path) -> None:
    tries: list[list[str]] = []

    @solver(name="fails_once_in_sandbox")
    def fails_once() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            tries.append((await sandbox().exec(["ls"])).stdout.split())
            await sandbox().write_file("answer.txt", "answer 1")
            if len(tries) == 1:
                raise ValueError("once")
            return state

        return solve

    log = run(in_sandbox(sandbox="local", solver=fails_once()), retry_on_error=1)

    assert log.status == "success"
    assert tries == [[], []]
    assert inside(boxes) == []


async def test_a_cancelled_sample_is_cleaned_up(log_dir: str, boxes: Path) -> None:
    begun = asyncio.Event()

    @solver(name="hangs_in_sandbox")
    def hangs() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            begun.set()
            await sandbox().exec(["sleep", "600"])
            return state

        return solve

    task = in_sandbox(sandbox="noting", solver=hangs())
    running = asyncio.create_task(
        eval_async(task, "mockllm/model", log_dir=log_dir, display="none")
    )
    await asyncio.wait_for(begun.wait(), 60)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert [call[0] for call in calls] == [
        "task_init", "sample_init", "sample_cleanup", "task_cleanup"
    ]  # fmt: skip
    assert calls[2][-1] is True
    assert inside(boxes) == []


@pytest.mark.parametrize(
    ("task", "options", "error"),
    [
        pytest.param({}, {"sandbox": "docker"}, UnknownNameError, id="type of the call"),
        pytest.param({"sandbox": "docker"}, {}, UnknownNameError, id="type of the task"),
        pytest.param({}, {"sandbox": 3}, ValueError, id="no type"),
        pytest.param({}, {"max_sandboxes": 0}, ValueError, id="number"),
        pytest.param({"dataset": [Sample(input="q", files={"a": "./gone"})], "sandbox": "local"},
                     {}, MissingFileError, id="file of a sample"),
        pytest.param({"dataset": [Sample(input="q", setup="true")]}, {}, PrerequisiteError,
                     id="nowhere to set up"),
    ],
)  # fmt: skip
def test_refused_before_anything_runs(
    run: Any, log_dir: str, task: dict[str, Any], options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(in_sandbox(**task), **options)
    assert not Path(log_dir).exists()
    assert calls == []
