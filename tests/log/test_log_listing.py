"""Which logs a folder holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks_lib.log import EvalLogInfo, EvalLogWriter, LogFormat, list_eval_logs, write_eval_log
from tasks_lib.schema import EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
STAMP = "2026-11-21T21-04-45+00-00"


@pytest.fixture
def write(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> Callable[[str, int], EvalLogInfo]:
    """Write a log of this name and time of change, and return its entry."""

    def write(name: str, mtime: int) -> EvalLogInfo:
        path = tmp_path / name
        write_eval_log(make_header(status="success", samples=[make_sample()]), path)
        os.utime(path, (mtime, mtime))
        return EvalLogInfo(
            name=str(path),
            type="file",
            size=path.stat().st_size,
            mtime=float(mtime),
            task="arithmetic",
            task_id="task1",
        )

    return write


Write = Callable[[str, int], EvalLogInfo]


def accept_all() -> tuple[list[EvalLog], Callable[[EvalLog], bool]]:
    """Return a filter that accepts all logs, and the list of those that it was asked about."""
    seen: list[EvalLog] = []

    def accept(log: EvalLog) -> bool:
        seen.append(log)
        return True

    return seen, accept


def test_logs_of_all_formats_by_time(tmp_path: Path, write: Write) -> None:
    third = write(f"{STAMP}_arithmetic_task1.parquet", 3000)
    first = write(f"below/{STAMP}_arithmetic_task1.json", 1000)
    second = write(f"below/deeper/{STAMP}_arithmetic_task1-retry.eval", 2000)
    second = second.model_copy(update={"suffix": "retry"})

    assert list_eval_logs(tmp_path) == [third, second, first]
    assert list_eval_logs(tmp_path, descending=False) == [first, second, third]
    assert list_eval_logs(tmp_path, recursive=False) == [third]


@pytest.mark.parametrize("formats", [["parquet"], ["json"], ["eval"], ["eval", "json"], []])
def test_formats(tmp_path: Path, write: Write, formats: list[LogFormat]) -> None:
    for format in ("parquet", "json", "eval"):
        write(f"{STAMP}_arithmetic_task1.{format}", 1000)

    found = list_eval_logs(tmp_path, formats)

    assert sorted(info.name.rpartition(".")[2] for info in found) == sorted(formats)


def test_only_eval_files_may_have_any_name(tmp_path: Path, write: Write) -> None:
    """Their task is that of the header."""
    write("renamed.parquet", 1000)
    write("renamed.json", 1000)
    renamed = write("my_best_run.eval", 1000)
    (tmp_path / "foreign.eval").write_text("no log")
    os.utime(tmp_path / "foreign.eval", (500, 500))

    assert list_eval_logs(tmp_path) == [
        renamed,
        EvalLogInfo(
            name=str(tmp_path / "foreign.eval"),
            type="file",
            size=6,
            mtime=500.0,
            task="",
            task_id="",
        ),
    ]


async def test_logs_that_are_being_written(
    tmp_path: Path, write: Write, make_header: MakeHeader
) -> None:
    parquet = EvalLogWriter(make_header(task="first"), tmp_path)
    await parquet.start()
    other = EvalLogWriter(make_header(task="second"), tmp_path / "below", log_format="eval")
    await other.start()

    found = {info.name: info for info in list_eval_logs(tmp_path)}

    assert {name: (info.type, info.task) for name, info in found.items()} == {
        parquet.location: ("live", "first"),
        other.location: ("live", "second"),
    }
    assert all(info.size > 1000 and info.mtime for info in found.values())
    assert [info.name for info in list_eval_logs(tmp_path, recursive=False)] == [parquet.location]
    assert [info.name for info in list_eval_logs(tmp_path, ["eval"])] == [other.location]
    headers, accept = accept_all()
    assert len(list_eval_logs(tmp_path, filter=accept)) == 2
    assert {(log.location, log.status, log.eval.task) for log in headers} == {
        (parquet.location, "started", "first"),
        (other.location, "started", "second"),
    }


async def test_a_finished_log_hides_parts_that_were_left(
    tmp_path: Path, write: Write, make_header: MakeHeader
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path)
    await writer.start()
    finished = write(f"{STAMP}_arithmetic_task1.parquet", 1000)

    assert writer.location == finished.name
    assert list_eval_logs(tmp_path) == [finished]


@pytest.mark.parametrize("format", ["parquet", "json", "eval"])
@pytest.mark.parametrize("damage", ["empty", "half", "foreign"])
def test_a_filter_meets_only_logs_that_can_be_read(
    tmp_path: Path, write: Write, format: str, damage: str
) -> None:
    good = [write(f"{STAMP}_arithmetic_task{number}.parquet", number) for number in range(20)]
    bad = Path(write(f"{STAMP}_other_task1.{format}", 5000).name)
    if damage == "foreign" and format == "parquet":
        pq.write_table(pa.table({"a": [1]}), bad)
    else:
        content = bad.read_bytes()
        pieces = {"empty": b"", "half": content[: len(content) // 20], "foreign": b'{"a": 1}'}
        bad.write_bytes(pieces[damage])
    (tmp_path / "notes.txt").write_text("x")

    seen, accept = accept_all()
    found = list_eval_logs(tmp_path, filter=accept)

    names = [info.name for info in good[::-1]]
    assert [info.name for info in found] == names
    assert [log.location for log in seen] == names
    assert len(list_eval_logs(tmp_path)) == 21


def test_a_filter_chooses(tmp_path: Path, write: Write) -> None:
    infos = [write(f"{STAMP}_arithmetic_task{number}.json", number) for number in range(5)]
    wanted = infos[3].name

    found = list_eval_logs(tmp_path, filter=lambda log: log.location == wanted)

    assert [info.name for info in found] == [wanted]


def test_an_error_in_a_filter_is_not_hidden(tmp_path: Path, write: Write) -> None:
    write(f"{STAMP}_arithmetic_task1.parquet", 1000)

    with pytest.raises(ZeroDivisionError):
        list_eval_logs(tmp_path, filter=lambda log: 1 / 0 > 1)


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    assert list_eval_logs(tmp_path / "nowhere") == []
    assert list_eval_logs(tmp_path / "file") == []
    assert list_eval_logs("memory://nowhere") == []


def test_the_default_is_looked_up_when_it_is_needed(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = write(f"{STAMP}_arithmetic_task1.parquet", 1000)
    monkeypatch.chdir(tmp_path)
    assert list_eval_logs() == []  # ./logs

    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path))
    assert list_eval_logs() == [info]
    monkeypatch.setenv("EVAL_LOG_DIR", str(tmp_path / "elsewhere"))
    assert list_eval_logs() == []


@pytest.mark.parametrize("format", ["parquet", "json", "eval"])
def test_any_store(make_header: MakeHeader, make_sample: MakeSample, format: str) -> None:
    url = f"memory:///listing/{format}/{STAMP}_arithmetic_task1.{format}"
    write_eval_log(make_header(samples=[make_sample()]), url)

    [info] = list_eval_logs(f"memory://listing/{format}", filter=lambda log: True)

    assert (info.name, info.type, info.task) == (url, "file", "arithmetic")
    assert info.mtime
