"""What is left of runs that were killed before they had written anything, or after all was."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks_lib.log import EvalLogWriter, LogFormat, write_eval_log
from tasks_lib.log._abandoned import remove_abandoned
from tests.log._left_logs import leave, uuids

LONG_AGO_S = 60.0
FIRST = "part-0-000000.parquet.partial"


@pytest.mark.parametrize(
    ("files", "age_s", "stays"),
    [
        pytest.param([FIRST], LONG_AGO_S, False, id="killed at its first part"),
        pytest.param([], LONG_AGO_S, False, id="killed before it"),
        pytest.param([FIRST], -60.0, True, id="just being started"),
        pytest.param(["part-0-000000.parquet"], LONG_AGO_S, True, id="has samples"),
        pytest.param([FIRST, "part-0-000001.parquet"], LONG_AGO_S, True, id="has samples, too"),
        pytest.param(["notes.txt"], LONG_AGO_S, True, id="somebody's file"),
    ],
)
def test_which_folders_are_removed(
    tmp_path: Path, files: list[str], age_s: float, stays: bool
) -> None:
    live = tmp_path / ".live" / "2026-11-21T21-04-45+00-00_sums_id1.parquet"
    live.mkdir(parents=True)
    (tmp_path / ".live" / "eval-set.lock").touch()
    changed = time.time() - age_s
    for name in files:
        (live / name).write_text("half")
        os.utime(live / name, (changed, changed))
    os.utime(live, (changed, changed))

    remove_abandoned(tmp_path)

    left = [file.name for file in live.iterdir()] if stays else []
    assert (live.exists(), sorted(left)) == (stays, sorted(files) if stays else [])
    assert (tmp_path / ".live" / "eval-set.lock").exists()


def test_a_folder_without_any(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "logs")

    assert not (tmp_path / "logs").exists()


def finished_but_for_parts(
    header: Any, log_dir: Path | str, samples: list[Any], log_format: LogFormat = "parquet"
) -> EvalLogWriter:
    """Finish a log, as a process does that is killed before it can remove the parts."""

    async def finished() -> EvalLogWriter:
        writer = await leave(header, log_dir, samples, log_format)
        await writer.finish(header.model_copy(update={"status": "success"}))
        return writer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks_lib.log._live.remove_parts", lambda *_: None)
        return asyncio.run(finished())


@pytest.mark.parametrize("log_format", ["parquet", "json", "eval"])
@pytest.mark.parametrize("store", ["", "memory://"])
def test_parts_of_a_finished_log_are_removed(
    tmp_path: Path,
    make_header: Callable[..., Any],
    make_sample: Callable[..., Any],
    log_format: LogFormat,
    store: str,
) -> None:
    log_dir = f"{store}{tmp_path}"
    samples = [make_sample(1), make_sample(2)]
    writer = finished_but_for_parts(make_header(), log_dir, samples, log_format)
    writer._live.leave()
    fs, path = fsspec.url_to_fs(log_dir)
    assert len(fs.find(path)) > 2

    remove_abandoned(log_dir)

    assert fs.find(path) == [fsspec.url_to_fs(writer.location)[1]]
    assert len(uuids(writer.location)) == 2


@pytest.mark.parametrize("why", ["is finishing it just now", "has a sample that the log lacks"])
def test_parts_of_a_finished_log_stay_if_somebody(
    why: str, tmp_path: Path, make_header: Callable[..., Any], make_sample: Callable[..., Any]
) -> None:
    samples = [make_sample(1), make_sample(2)]
    writer = finished_but_for_parts(make_header(), tmp_path, samples)
    if "lacks" in why:
        writer._live.leave()
        write_eval_log(make_header().model_copy(update={"samples": samples[:1]}), writer.location)
    before = sorted(tmp_path.rglob("*"))

    remove_abandoned(tmp_path)

    assert sorted(tmp_path.rglob("*")) == before
    assert len([path for path in before if path.is_file()]) > 2


def test_parts_that_cannot_be_read_stay(
    tmp_path: Path,
    make_header: Callable[..., Any],
    make_sample: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = finished_but_for_parts(make_header(), tmp_path, [make_sample(1)])
    writer._live.leave()
    Path(writer.location).write_bytes(b"broken")
    before = sorted(tmp_path.rglob("*"))

    remove_abandoned(tmp_path)

    assert sorted(tmp_path.rglob("*")) == before
    [message] = caplog.messages
    assert message.startswith(f"The parts of the finished log {writer.location!r} stay: ")


def test_a_store_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def ls(*_: Any, **__: Any) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.ls", ls)
    remove_abandoned(f"memory://{tmp_path}")

    assert caplog.messages == [
        f"What killed runs may have left in 'memory://{tmp_path}' stays: RuntimeError: no answer"
    ]
