"""The sandbox "local": what every sandbox does, and what is its own."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tasks_lib.sandbox import LocalSandboxEnvironment, SandboxEnvironments, SandboxPlan
from tasks_lib.sandbox._make import make_sandboxes
from tasks_lib.schema import Sample, SandboxEnvironmentSpec
from tasks_lib.util import SandboxEnvironment
from tests.sandbox._checks import CHECKS, Check

LOCAL = SandboxEnvironmentSpec("local")


def inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.fixture
async def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SandboxEnvironments]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    plan = SandboxPlan("my task", LOCAL, folder=".")
    sandboxes = await make_sandboxes(plan, LOCAL, Sample(input="q"))
    folder = sandboxes.environments["default"].as_type(LocalSandboxEnvironment).folder
    yield sandboxes
    if folder in inside(tmp_path) and sandboxes.cleanup is not None:
        await sandboxes.cleanup(False)


@pytest.fixture
def box(made: SandboxEnvironments) -> SandboxEnvironment:
    return made.environments["default"]


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_does_what_a_sandbox_does(check: Check, box: SandboxEnvironment) -> None:
    await check(box)


async def test_is_a_folder_of_its_own_that_is_removed(
    made: SandboxEnvironments, tmp_path: Path
) -> None:
    box = made.environments["default"].as_type(LocalSandboxEnvironment)
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)

    assert box.folder.parent == tmp_path
    assert box.folder.name.startswith("evals-my-task-")
    assert box.folder.stat().st_mode & 0o777 == 0o700
    await box.exec(["sh", "-c", "mkdir -p a/b && touch a/b/c && ln -s ../../outside a/link"])
    await box.exec(["chmod", "-R", "000", "a", "."])
    assert made.cleanup is not None
    await made.cleanup(False)

    assert inside(tmp_path) == [outside]
    assert outside.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("file", ["sub/../b.txt", "{folder}/b.txt"])
async def test_paths_that_lead_elsewhere_are_taken(box: SandboxEnvironment, file: str) -> None:
    folder = box.as_type(LocalSandboxEnvironment).folder
    (folder / "sub").mkdir()

    await box.write_file(file.format(folder=folder), "x")

    assert (folder / "b.txt").read_text() == "x"


async def test_user_is_ignored_with_one_warning(
    box: SandboxEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    ours = (await box.exec(["id", "-u"])).stdout
    with caplog.at_level(logging.WARNING):
        results = [await box.exec(["id", "-u"], user="somebody_else") for _ in range(2)]

    assert [result.stdout for result in results] == [ours, ours]
    assert [r.getMessage() for r in caplog.records] == [
        "A local sandbox runs as the user that we are, not as 'somebody_else'."
    ]


async def test_commands_do_not_see_our_secrets(
    box: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "s3cr3t-of-ours")
    monkeypatch.setenv("SOME_SETTING", "seen")
    script = 'echo "$SOME_API_KEY-$SOME_SETTING-$PATH"'

    without = await box.exec(["sh", "-c", script])
    given = await box.exec(["sh", "-c", script], env={"SOME_API_KEY": "theirs"})

    assert without.stdout == f"-seen-{os.environ['PATH']}\n"
    assert given.stdout.startswith("theirs-seen-")


async def test_nobody_can_connect(box: SandboxEnvironment) -> None:
    with pytest.raises(NotImplementedError, match="LocalSandboxEnvironment has no connection"):
        await box.connection()


async def test_kept_folders_are_named_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    plan = SandboxPlan("kept task", LOCAL, folder=".", cleanup=False)
    for made in [await make_sandboxes(plan, LOCAL, Sample(input="q")) for _ in range(2)]:
        assert made.cleanup is not None
        await made.cleanup(False)
    folders = {str(path) for path in inside(tmp_path)}
    assert len(folders) == 2

    with caplog.at_level(logging.WARNING):
        await LocalSandboxEnvironment.task_cleanup("kept task", None, False)
        await LocalSandboxEnvironment.task_cleanup("kept task", None, False)

    [message] = [r.getMessage() for r in caplog.records]
    said, _, named = message.partition(" To remove them: rm -rf ")
    assert said == "The task 'kept task' has left 2 sandboxes."
    assert set(named.split()) == folders


async def test_many_at_once_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    plan = SandboxPlan("many", LOCAL, folder=".")

    async def work(number: int) -> str:
        made = await make_sandboxes(plan, LOCAL, Sample(input="q"))
        box = made.environments["default"]
        await box.write_file("number", str(number))
        seen = await box.exec(["cat", "number"])
        assert made.cleanup is not None
        await made.cleanup(False)
        return seen.stdout

    assert await asyncio.gather(*map(work, range(20))) == [str(n) for n in range(20)]
    assert inside(tmp_path) == []
