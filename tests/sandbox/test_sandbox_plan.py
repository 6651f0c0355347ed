"""Which sample runs where; what is refused before anything runs; what a task makes ready."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import MissingFileError, PrerequisiteError, SandboxError
from tasks_lib.sandbox import (
    LocalSandboxEnvironment,
    SandboxPlan,
    check_samples,
    fill_sandboxes,
    make_sandboxes,
    task_sandboxes,
)
from tasks_lib.schema import Sample, SandboxEnvironmentSpec
from tests.sandbox._types import NotingConfig, calls, shown

Spec = SandboxEnvironmentSpec
LOCAL = Spec("local")


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    calls.clear()
    yield
    calls.clear()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "noting.yaml").touch()
    (tmp_path / "a.yaml").touch()
    return str(tmp_path)


def sample(sandbox: Any = None, **fields: Any) -> Sample:
    return Sample(input="q", id=7, sandbox=sandbox, **fields)


@pytest.mark.parametrize(
    ("task", "own", "expected"),
    [
        pytest.param(None, None, None, id="none"),
        pytest.param("local", None, ("local", None), id="the task's"),
        pytest.param(None, "local", ("local", None), id="the sample's"),
        pytest.param(None, ("noting", "a.yaml"), ("noting", "a.yaml"), id="the sample's config"),
        pytest.param(None, "noting", ("noting", "noting.yaml"), id="a config that is found"),
        pytest.param("noting", ("noting", "a.yaml"), ("noting", "a.yaml"), id="its config wins"),
        pytest.param(("noting", "a.yaml"), "noting", ("noting", "a.yaml"), id="it has no config"),
        pytest.param("local", ("noting", "a.yaml"), ("local", None), id="of another type"),
    ],
)
def test_where_a_sample_runs(
    task: Any, own: Any, expected: tuple[str, str | None] | None, folder: str
) -> None:
    spec = Spec(task) if isinstance(task, str) else Spec(*task) if task else None
    plan = SandboxPlan("t", spec, folder=folder)

    found = plan.of(sample(own))

    assert (found and (found.type, shown(found.config))) == expected
    assert check_samples(plan, [sample(own)]) is (expected is not None)


@pytest.mark.parametrize(
    ("spec", "made", "error", "message"),
    [
        pytest.param(None, sample(files={"a": "b"}), PrerequisiteError,
                     "^Sample 7 of the task 't' has files, but no sandbox to put them in: give "
                     'the task or the evaluation one, sandbox="local"', id="files"),
        pytest.param(None, sample(setup="true"), PrerequisiteError,
                     "has a setup script, but no sandbox", id="setup"),
        pytest.param(None, sample("docker"), LookupError, "No sandbox is named 'docker'",
                     id="type"),
        pytest.param(LOCAL, sample(files={"a": "./gone"}), MissingFileError,
                     r"^The file of sample 7 '\./gone' does not exist", id="missing file"),
        pytest.param(LOCAL, sample(files={"/etc/a": "b"}), PrerequisiteError,
                     "^Sample 7 of the task 't' has the file '/etc/a': in a local sandbox it would "
                     "be written on this machine", id="full path"),
        pytest.param(LOCAL, sample(files={"default:a/../../b": "c"}), PrerequisiteError,
                     "'default:a/../../b'", id="above"),
        pytest.param(None, sample(("noting", "gone.yaml")), MissingFileError, "gone.yaml",
                     id="missing config"),
    ],
)  # fmt: skip
def test_refused_before_anything_runs(
    spec: Spec | None, made: Sample, error: type[Exception], message: str, folder: str
) -> None:
    plan = SandboxPlan("t", spec, folder=folder)
    with pytest.raises(error, match=message):
        check_samples(plan, [sample(), made])


def test_types_that_are_overruled_are_told_once(
    folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan = SandboxPlan("t", LOCAL, folder=folder)
    with caplog.at_level(logging.WARNING):
        check_samples(plan, [sample("docker"), sample("k8s"), sample("docker"), sample("local")])

    assert [record.getMessage() for record in caplog.records] == [
        "Samples of the task 't' ask for the sandbox 'docker', 'k8s'; they run in 'local' all the "
        "same, as the task or the evaluation says."
    ]


async def test_a_task_makes_ready_each_config_once(folder: str) -> None:
    plan = SandboxPlan("t", None, folder=folder, cleanup=False)
    samples = [
        sample(),
        sample("noting"),
        sample(("noting", "a.yaml"), metadata={"image": "one"}),
        sample("noting"),
        sample(("noting", "a.yaml"), metadata={"image": "two"}),
        sample(("noting", "a.yaml"), metadata={"image": "one"}),
        sample(Spec("noting", NotingConfig(size=2))),
    ]
    begun = [
        ("task_init", "t", "noting.yaml", None),
        ("task_init", "t", "a.yaml", "one"),
        ("task_init", "t", "a.yaml", "two"),
        ("task_init", "t", NotingConfig(size=2), None),
    ]

    async with task_sandboxes(plan, samples):
        assert calls == begun
        assert "NOTING_IMAGE" not in os.environ

    assert calls[len(begun) :] == [
        ("task_cleanup", "t", "noting.yaml", False),
        ("task_cleanup", "t", "a.yaml", False),
        ("task_cleanup", "t", NotingConfig(size=2), False),
    ]


async def test_what_cannot_be_made_ready_is_cleaned_up(folder: str) -> None:
    plan = SandboxPlan("t", None, folder=folder)
    fails = NotingConfig(size=1, fails_in="task_init")

    with pytest.raises(OSError, match="task_init has failed"):
        async with task_sandboxes(plan, [sample("noting"), sample(Spec("noting", fails))]):
            pytest.fail("must not run")

    assert [call[0] for call in calls] == ["task_init"] * 2 + ["task_cleanup"] * 2


async def test_cleaning_up_fails_nothing(folder: str, caplog: pytest.LogCaptureFixture) -> None:
    plan = SandboxPlan("t", None, folder=folder)
    fails = NotingConfig(size=1, fails_in="task_cleanup")
    with caplog.at_level(logging.WARNING):
        async with task_sandboxes(plan, [sample(Spec("noting", fails)), sample("noting")]):
            pass

    assert [record.getMessage() for record in caplog.records] == [
        "The sandboxes 'noting' of the task 't' could not be cleaned up."
    ]
    assert [call[2] for call in calls[-2:]] == [fails, "noting.yaml"]


@pytest.mark.parametrize(
    ("max_sandboxes", "kind", "most"),
    [
        pytest.param(1, "noting", 1, id="as asked"),
        pytest.param(None, "noting", 2, id="as the type says"),
        pytest.param(3, "local", 3, id="as asked, where the type says nothing"),
        pytest.param(None, "local", 5, id="all"),
    ],
)
async def test_how_many_at_once(
    max_sandboxes: int | None, kind: str, most: int, folder: str, request: Any
) -> None:
    plans = [
        SandboxPlan(name, Spec(kind), folder=folder, max_sandboxes=max_sandboxes)
        for name in ("one", "two")
    ]
    open_now, peak = 0, 0

    async def use(plan: SandboxPlan) -> None:
        nonlocal open_now, peak
        assert plan.spec is not None
        made = await make_sandboxes(plan, plan.spec, sample())
        open_now += 1
        peak = max(peak, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        assert made.cleanup is not None
        await made.cleanup(False)

    await asyncio.gather(*(use(plans[n % 2]) for n in range(5)))

    assert peak == most


async def test_a_turn_is_given_back_when_there_is_nothing_to_hold(folder: str) -> None:
    spec = Spec("noting", NotingConfig(size=1, fails_in="sample_init"))
    plan = SandboxPlan("t", spec, folder=folder, max_sandboxes=1)
    for _ in range(2):
        with pytest.raises(OSError, match="sample_init has failed"):
            await make_sandboxes(plan, spec, sample())

    plan = SandboxPlan("t", Spec("sterile"), folder=folder, max_sandboxes=1)
    for _ in range(2):
        with pytest.raises(SandboxError, match="'sterile' made no environment"):
            await make_sandboxes(plan, Spec("sterile"), sample())


async def filled(made: Sample, folder: str, kind: str = "noting") -> dict[str, Path]:
    """Return the folders of a sample's sandboxes, by name; they are left to pytest."""
    spec = Spec(kind)
    plan = SandboxPlan("t", spec, folder=folder, cleanup=False)
    sandboxes = await make_sandboxes(plan, spec, made)
    try:
        await fill_sandboxes(plan, sandboxes, made)
    finally:
        assert sandboxes.cleanup is not None
        await sandboxes.cleanup(False)
    return {
        name: box.as_type(LocalSandboxEnvironment).folder
        for name, box in sandboxes.environments.items()
    }


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boxes").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "boxes"))


@pytest.fixture
def script(folder: str) -> str:
    Path(folder, "script.sh").write_text('echo "$0" > name; cat sub/a.txt > seen; [[ a == a ]]')
    return "script.sh"


def in_tmp() -> list[str]:
    return [str(path) for path in Path("/tmp").iterdir()]


async def test_files_then_setup(folder: str, script: str) -> None:
    made = sample(files={"sub/a.txt": "first", "second:b.txt": "second"}, setup=script)

    boxes = await filled(made, folder)

    first, second = boxes["first"], boxes["second"]
    assert sorted(path.name for path in first.iterdir()) == ["name", "seen", "sub"]
    assert [path.name for path in second.iterdir()] == ["b.txt"]
    assert (first / "seen").read_text() == "first"
    assert (second / "b.txt").read_text() == "second"
    script_there = (first / "name").read_text().strip()
    assert script_there.startswith("/tmp/")
    assert script_there not in in_tmp()


async def test_a_script_chooses_what_runs_it(folder: str) -> None:
    boxes = await filled(sample(setup="\n#!/bin/cat\nhello\n"), folder)
    assert list(boxes["first"].iterdir()) == []


@pytest.mark.parametrize(
    ("made", "message"),
    [
        pytest.param(sample(setup="echo so >&2; exit 3"),
                     "^The setup script ended with status 3: so$", id="status"),
        pytest.param(sample(setup="echo out; false"), "ended with status 1: out$", id="output"),
        pytest.param(sample(files={"third:a": "b"}),
                     "^The file 'third:a' of sample 7 is for a sandbox 'third'; there is only "
                     "'first', 'second'", id="which sandbox"),
    ],
)  # fmt: skip
async def test_what_fails_a_sample(made: Sample, message: str, folder: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        await filled(made, folder)


async def test_a_script_that_takes_too_long(folder: str) -> None:
    with pytest.raises(RuntimeError, match=r"^The setup script took longer than 300 s\."):
        await filled(sample(setup="sleep 1000"), folder, kind="impatient")
