"""Parts that the store of a log does not take are kept elsewhere and come home.

The store is a folder that is gone for a while, so that nothing has to be waited for;
test_log_stores does the same with S3.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogError, LogFormatError, PrerequisiteError
from tasks_lib.log import recover_eval_log
from tasks_lib.log._log_file import LogFile
from tasks_lib.log._origin import ORIGIN_KEY
from tasks_lib.schema import EvalLog, EvalSample
from tests.log._left_logs import (
    NAME,
    STEM,
    come_back,
    go_away,
    leave,
    names,
    only_entry,
    part,
    uuids,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]


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


def forget_origin(path: Path) -> None:
    """Let a part not say any more where it comes from."""
    table, metadata = pq.read_table(path), dict(pq.read_metadata(path).metadata)
    del metadata[ORIGIN_KEY]
    pq.write_table(table.replace_schema_metadata(metadata), path)


async def test_the_store_comes_back(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1)])
    go_away(log_dir)
    for id in (2, 3, 4):
        await writer.append(make_sample(id))  # the run goes on

    spill = only_entry(temporary_folder)
    assert stat.S_IMODE(spill.stat().st_mode) == 0o700
    assert names(spill) == [part(log_dir, number).name for number in (2, 3, 4)]
    expected = (
        f"{str(log_dir / '.live' / NAME)!r} could not be written (No such file or "
        f"directory). The samples that are missing there are kept in {str(spill)!r}: should "
        f"this run end before they are brought home, run `evals log recover {spill}`."
    )
    assert caplog.messages == [expected]
    for waits in (writer.flush(), writer.finish(make_header(status="success"))):
        with pytest.raises(LogError) as raised:
            await waits
        assert str(raised.value) == expected

    come_back(log_dir)
    await writer.append(make_sample(5))
    await writer.flush()
    assert names(temporary_folder) == []
    assert uuids(writer.location) == [f"uuid-{id}-1" for id in (1, 2, 3, 4, 5)]
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == [f"uuid-{id}-1" for id in (1, 2, 3, 4, 5)]
    assert names(log_dir) == [NAME]


@pytest.mark.parametrize("named_by", ["spill folder", "log", "live folder"])
async def test_the_run_is_killed_meanwhile(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    named_by: str,
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1)])
    go_away(log_dir)
    await writer.append(make_sample(2))
    await writer.append(make_sample(1, attempt=2, uuid="again"))
    come_back(log_dir)
    spill = only_entry(temporary_folder)
    log_files: dict[str, LogFile] = {
        "spill folder": spill,
        "log": writer.location,
        "live folder": log_dir / ".live" / NAME,
    }

    log = recover_eval_log(log_files[named_by], force=True)

    assert log.location == writer.location
    assert uuids(writer.location) == ["again", "uuid-2-1"]
    assert (names(temporary_folder), names(log_dir)) == ([], [NAME])


async def test_parts_of_another_log_stay(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
) -> None:
    writers = [await leave(make_header(), log_dir, [make_sample(1)]) for _ in range(2)]
    go_away(log_dir)
    for writer in writers:
        await writer.append(make_sample(2, uuid=Path(writer.location).name))
    come_back(log_dir)

    recover_eval_log(writers[0].location, force=True)

    assert len(names(temporary_folder)) == 1
    assert uuids(writers[0].location) == ["uuid-1-1", NAME]
    assert uuids(writers[1].location) == ["uuid-1-1"]
    await writers[1].finish(make_header(status="success"))
    assert uuids(writers[1].location) == ["uuid-1-1", f"{STEM}-2.parquet"]


async def test_parts_that_say_nothing_of_their_log(
    temporary_folder: Path, log_dir: Path, make_header: MakeHeader
) -> None:
    await leave(make_header(), log_dir, [])
    folder = temporary_folder / "found"
    folder.mkdir()
    part(log_dir, 0).rename(folder / part(log_dir, 0).name)
    forget_origin(folder / part(log_dir, 0).name)

    with pytest.raises(LogFormatError, match="says which log it belongs to"):
        recover_eval_log(folder)


async def test_neither_store_nor_local_folder(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1)])
    go_away(log_dir)
    go_away(temporary_folder)
    for id in (2, 3):
        with pytest.raises(LogError, match=r"nor to a local folder .+ kept in memory"):
            await writer.append(make_sample(id))

    come_back(log_dir)
    await writer.finish(make_header(status="success"))
    assert uuids(writer.location) == [f"uuid-{id}-1" for id in (1, 2, 3)]


async def test_parts_of_another_user_are_not_trusted(
    log_dir: Path,
    temporary_folder: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = await leave(make_header(), log_dir, [make_sample(1)])
    go_away(log_dir)
    await writer.append(make_sample(2))
    come_back(log_dir)
    spill = only_entry(temporary_folder)
    monkeypatch.setattr(os, "getuid", lambda: spill.stat().st_uid + 1)

    with pytest.raises(PrerequisiteError, match="belongs to another user"):
        recover_eval_log(spill, force=True)
    recover_eval_log(writer.location, force=True)
    assert uuids(writer.location) == ["uuid-1-1"]
    assert len(names(spill)) == 1
