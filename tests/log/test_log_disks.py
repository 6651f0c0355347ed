"""Disks that are full or cannot be written: nothing that was evaluated is lost.

`/dev/full` under the name of the file that is to be written is a full disk for this file
alone: the system itself answers that no space is left. What fails on it is removed, so the
next attempt finds room again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log import EvalLogWriter, read_eval_log
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1.parquet"
NO_SPACE = "No space left on device"


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where parts are spilled to: a folder of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill_disk(log_dir: Path, name: str) -> None:
    """Leave no space for a file of the live folder."""
    (log_dir / ".live" / NAME / f"{name}.partial").symlink_to("/dev/full")


def uuids(location: str) -> list[str | None]:
    return [sample.uuid for sample in read_eval_log(location).samples or []]


async def started(header: EvalLog, log_dir: Path) -> EvalLogWriter:
    header.eval.config = EvalConfig(log_buffer=1)
    writer = EvalLogWriter(header, log_dir)
    await writer.start()
    return writer


async def test_full_while_a_part_is_written(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = await started(make_header(), log_dir)
    await writer.append(make_sample(1))
    fill_disk(log_dir, "part-0-000002.parquet")
    await writer.append(make_sample(2))

    assert uuids(writer.location) == ["uuid-1-1"]
    assert len(names(temporary_folder)) == 1
    assert f"could not be written ({NO_SPACE})" in caplog.messages[0]
    await writer.append(make_sample(3))  # so soon the disk is not asked again
    assert uuids(writer.location) == ["uuid-1-1"]
    await writer.flush()
    assert uuids(writer.location) == ["uuid-1-1", "uuid-2-1", "uuid-3-1"]
    assert caplog.messages[1:] == [
        f"All samples that were kept elsewhere are in {str(log_dir / '.live' / NAME)!r} now."
    ]
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == ["uuid-1-1", "uuid-2-1", "uuid-3-1"]
    assert (names(log_dir), names(temporary_folder)) == ([NAME], [])


async def test_full_while_parts_are_merged(
    log_dir: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = await started(make_header(), log_dir)
    fill_disk(log_dir, "part-0-000049.parquet")
    for id in range(48):
        await writer.append(make_sample(id))
    await writer.flush()

    assert len(names(log_dir / ".live" / NAME)) == 49
    assert [NO_SPACE in message for message in caplog.messages] == [True]
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == [f"uuid-{id}-1" for id in range(48)]


async def test_full_while_the_log_is_finished(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = await started(make_header(), log_dir)
    await writer.append(make_sample(1))
    fill_disk(log_dir, NAME)

    with pytest.raises(LogError) as raised:
        await writer.finish(make_header(status="success"))
    assert NO_SPACE in str(raised.value)
    assert f"is read from there; `evals log recover {writer.location}`" in str(raised.value)
    assert uuids(writer.location) == ["uuid-1-1"]
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == ["uuid-1-1"]


_NO_ROOM_AT_ALL = """
import asyncio, resource, sys
from tasks_lib._errors import EvalsError
from tasks_lib.log import EvalLogWriter, read_eval_log
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample, EvalSpec

def allow_file_sizes(bytes):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, hard))

async def main(log_dir):
    spec = EvalSpec(created="2026-11-21T21:04:45+00:00", task="arithmetic", task_id="task1",
                    model="m", config=EvalConfig(log_buffer=1))
    writer = EvalLogWriter(EvalLog(eval=spec), log_dir)
    allow_file_sizes(100)
    try:
        await writer.start()
    except EvalsError as error:
        print(type(error).__name__, error)
    allow_file_sizes(resource.RLIM_INFINITY)
    await writer.start()
    await writer.append(EvalSample(id=1, epoch=1, input="", target=""))
    allow_file_sizes(100)
    for id in (2, 3):
        try:
            await writer.append(EvalSample(id=id, epoch=1, input="", target=""))
        except EvalsError as error:
            print(type(error).__name__, error)
    allow_file_sizes(resource.RLIM_INFINITY)
    await writer.finish(EvalLog(eval=spec, status="success"))
    print([sample.id for sample in read_eval_log(writer.location).samples])

asyncio.run(main(sys.argv[1]))
"""


def test_no_room_anywhere(log_dir: Path, temporary_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _NO_ROOM_AT_ALL, str(log_dir)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONDONTWRITEBYTECODE": "1",  # half a file of it would stay
            "TMPDIR": str(temporary_folder),
        },
        check=True,
    )

    kept = (
        f"LogError Samples could not be written to {str(log_dir / '.live' / NAME)!r} nor to a "
        "local folder ([Errno 27] File too large). They are kept in memory."
    )
    assert done.stdout.splitlines() == [
        f"PrerequisiteError The log directory {str(log_dir)!r} cannot be written (File too "
        "large). Pass another as log_dir, or set EVAL_LOG_DIR.",
        kept,
        kept,
        "[1, 2, 3]",
    ]


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("a-file", id="a file"),
        pytest.param("a-file/logs", id="below a file"),
        pytest.param("/proc/logs", id="a file system that cannot be written"),
    ],
)
async def test_no_log_can_be_started(tmp_path: Path, make_header: MakeHeader, folder: str) -> None:
    (tmp_path / "a-file").write_text("x")

    with pytest.raises(PrerequisiteError, match=r"cannot be written \(.+\)\. Pass another"):
        await EvalLogWriter(make_header(), tmp_path / folder).start()


async def test_a_live_folder_that_became_a_file(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = await started(make_header(), log_dir)
    await writer.append(make_sample(1))
    folder = log_dir / ".live" / NAME
    folder.rename(log_dir / "moved")
    folder.write_text("in the way")

    await writer.append(make_sample(2))
    with pytest.raises(LogError, match="Not a directory"):
        await writer.finish(make_header(status="success"))
    folder.unlink()
    (log_dir / "moved").rename(folder)
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == ["uuid-1-1", "uuid-2-1"]


async def test_parts_that_somebody_removed(
    log_dir: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = await started(make_header(), log_dir)
    for id in (1, 2):
        await writer.append(make_sample(id))
    (log_dir / ".live" / NAME / "part-0-000001.parquet").unlink()

    with pytest.raises(LogError, match=r"its parts part-0-000001\.parquet are gone"):
        await writer.finish(make_header(status="success"))
    assert names(log_dir) == [".live"]
    assert uuids(writer.location) == ["uuid-2-1"]
