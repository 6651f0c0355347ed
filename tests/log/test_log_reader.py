from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogFormatError
from tasks_lib.log import (
    EvalLogInfo,
    EvalLogWriter,
    list_eval_logs,
    read_eval_log,
    read_eval_log_async,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    write_eval_log,
)
from tasks_lib.schema import (
    EvalLog,
    EvalSample,
    EvalSampleReductions,
    EvalSampleScore,
    EvalSampleSummary,
    ModelUsage,
    Score,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
STAMP = "2026-11-21T21-04-45+00-00"


@pytest.fixture
def log_file(tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample) -> Path:
    """A log with int and text ids and two epochs, in the order in which samples ended."""
    samples = [make_sample(id, epoch) for id, epoch in ((10, 2), ("1", 1), (9, 1), (1, 1), (10, 1))]
    path = tmp_path / f"{STAMP}_arithmetic_task1.parquet"
    write_eval_log(make_header(status="success", samples=samples), path)
    return path


@pytest.fixture
async def live_log(tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample) -> Path:
    """A log that its writer left unfinished."""
    writer = EvalLogWriter(make_header(), tmp_path, buffer=2, score_columns=["match"])
    await writer.start()
    for id in (3, 1, 2):
        await writer.append(make_sample(id))
    await writer.flush()
    return Path(writer.location)


def test_samples_come_by_epoch_and_id(log_file: Path) -> None:
    expected = [(1, 1), (9, 1), (10, 1), ("1", 1), (10, 2)]

    log = read_eval_log(log_file)

    assert log.location == str(log_file)
    assert [(sample.id, sample.epoch) for sample in log.samples or []] == expected
    streamed = read_eval_log_samples(log_file)
    assert [(sample.id, sample.epoch) for sample in streamed] == expected
    summaries = read_eval_log_sample_summaries(log_file)
    assert [(summary.id, summary.epoch) for summary in summaries] == expected


def test_header_only(log_file: Path) -> None:
    log = read_eval_log(log_file, header_only=True)

    assert (log.status, log.eval.task, log.samples) == ("success", "arithmetic", None)


async def test_async_and_relative_and_file_url(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(log_file.parent)
    expected = read_eval_log(log_file)

    assert await read_eval_log_async(log_file.name) == expected
    assert read_eval_log(f"./{log_file.name}") == expected
    assert read_eval_log(log_file.as_uri()) == expected
    assert read_eval_log(list_eval_logs(".")[0]) == expected


@pytest.mark.parametrize(
    ("id", "epoch"),
    [
        pytest.param(1, 1, id="number"),
        pytest.param("1", 1, id="text that looks like it"),
        pytest.param(10, 2, id="second epoch"),
    ],
)
def test_one_sample(log_file: Path, make_sample: MakeSample, id: int | str, epoch: int) -> None:
    sample = read_eval_log_sample(log_file, id, epoch)

    assert (type(sample.id), sample.id, sample.epoch) == (type(id), id, epoch)
    assert sample.uuid == f"uuid-{id}-{epoch}"


@pytest.mark.parametrize(
    ("id", "epoch"),
    [
        pytest.param(2, 1, id="unknown number"),
        pytest.param("10", 1, id="text for a number"),
        pytest.param(1, 2, id="unknown epoch"),
    ],
)
def test_no_such_sample(log_file: Path, id: int | str, epoch: int) -> None:
    with pytest.raises(IndexError, match=f"has no sample {id!r} in epoch {epoch}"):
        read_eval_log_sample(log_file, id, epoch)


def test_summaries(tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample) -> None:
    sample = make_sample(1, target=["a", "b"], metadata={"long": "x" * 2000, "list": [1]})
    write_eval_log(make_header(samples=[sample]), tmp_path / "log.parquet")

    assert read_eval_log_sample_summaries(tmp_path / "log.parquet") == [
        EvalSampleSummary(
            id=1,
            epoch=1,
            input="What is 40 plus 1?",
            target=["a", "b"],
            metadata={"long": "x" * 1000},
            scores={"match": Score(value="C")},
            model_usage={
                "mockllm/model": ModelUsage(input_tokens=10, output_tokens=4, total_tokens=14)
            },
            total_time=1.5,
            working_time=1.25,
            uuid="uuid-1-1",
            completed=True,
        )
    ]


@pytest.mark.parametrize("epochs", [1, 2])
def test_reductions_of_several_epochs_are_kept(
    tmp_path: Path, make_header: MakeHeader, epochs: int
) -> None:
    scores = [EvalSampleScore(sample_id=1, value=0.5), EvalSampleScore(sample_id="1", value="C")]
    log = make_header(reductions=[EvalSampleReductions(scorer="match", samples=scores)])
    log.eval.config.epochs = epochs
    write_eval_log(log, tmp_path / "log.parquet")

    back = read_eval_log(tmp_path / "log.parquet", header_only=True)

    assert back.reductions == (log.reductions if epochs > 1 else None)


def test_a_header_keeps_what_json_cannot(tmp_path: Path, make_header: MakeHeader) -> None:
    log = make_header()
    log.eval.metadata = {"none": None, "lone": "\ud800", "inf": float("inf")}
    write_eval_log(log, tmp_path / "log.parquet")

    assert read_eval_log(tmp_path / "log.parquet").eval == log.eval


def test_an_unfinished_log(live_log: Path) -> None:
    folder = live_log.parent / ".live" / live_log.name

    log = read_eval_log(live_log)

    assert not live_log.exists()
    assert (log.status, log.location) == ("started", str(live_log))
    assert [sample.id for sample in log.samples or []] == [1, 2, 3]
    assert read_eval_log(folder) == log
    assert read_eval_log(f"{folder}/") == log
    assert read_eval_log_sample(live_log, 3).id == 3
    assert len(read_eval_log_sample_summaries(live_log)) == 3
    with pytest.raises(RuntimeError, match="status 'started'"):
        next(read_eval_log_samples(live_log))
    samples = read_eval_log_samples(live_log, all_samples_required=False)
    assert [sample.id for sample in samples] == [1, 2, 3]


async def test_a_log_that_is_finished_while_it_is_read(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path, buffer=1)
    await writer.start()
    for id in (1, 2, 3):
        await writer.append(make_sample(id))
    samples = read_eval_log_samples(writer.location, all_samples_required=False)
    first = next(samples)
    await writer.finish(make_header(status="success"))

    assert [first.id, *(sample.id for sample in samples)] == [1, 2, 3]


def test_no_log(tmp_path: Path) -> None:
    for path in (tmp_path / "none.parquet", tmp_path, tmp_path / ".live" / "x.parquet"):
        with pytest.raises(FileNotFoundError, match="no log at"):
            read_eval_log(path)
    with pytest.raises(NotImplementedError, match="format='json'"):
        read_eval_log(tmp_path / "log.json")


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "newer version":
        table = pq.read_table(path)
        metadata = {**pq.read_metadata(path).metadata, b"evals.schema_version": b"2"}
        pq.write_table(table.replace_schema_metadata(metadata), path)
    elif how == "foreign table":
        pq.write_table(pa.table({"a": [1]}), path)
    elif how == "damaged data":
        path.write_bytes(content[:100] + b"\0" * 3000 + content[3100:])
    else:
        pieces = {"empty": b"", "text": b"hello" * 100, "half": content[: len(content) // 2]}
        path.write_bytes(pieces[how])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        pytest.param("empty", "cannot be read as a log", id="empty"),
        pytest.param("text", "cannot be read as a log", id="text"),
        pytest.param("half", "cannot be read as a log", id="half"),
        pytest.param("damaged data", "cannot be read as a log", id="damaged data"),
        pytest.param("foreign table", "not a log of ours", id="foreign table"),
        pytest.param("newer version", "schema version 2, .* upgrade", id="newer version"),
    ],
)
def test_files_that_are_no_logs(log_file: Path, how: str, message: str) -> None:
    damage(log_file, how)

    with pytest.raises(LogFormatError, match=f"{re.escape(log_file.name)}.*{message}"):
        read_eval_log(log_file)
    if how != "damaged data":  # only its samples are damaged
        with pytest.raises(LogFormatError, match=message):
            read_eval_log(log_file, header_only=True)
        assert list_eval_logs(log_file.parent, filter=lambda log: True) == []


def test_a_damaged_part_is_named(live_log: Path) -> None:
    part = live_log.parent / ".live" / live_log.name / "part-0-000001.parquet"
    damage(part, "half")

    with pytest.raises(LogFormatError, match=part.name):
        read_eval_log(live_log)
    assert read_eval_log(live_log, header_only=True).status == "started"


def size_of(path: Path) -> int:
    return path.stat().st_size


async def test_listing(
    tmp_path: Path, live_log: Path, log_file: Path, make_header: MakeHeader
) -> None:
    assert live_log == log_file  # the finished log hides parts that a killed writer left
    other = EvalLogWriter(make_header(task="other"), tmp_path / "below")
    await other.start()
    os.utime(log_file, (1000, 1000))
    (tmp_path / "notes.txt").write_text("x")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "table.parquet")

    infos = list_eval_logs(tmp_path)

    assert infos[1] == EvalLogInfo(
        name=str(log_file),
        type="file",
        size=size_of(log_file),
        mtime=1000.0,
        task="arithmetic",
        task_id="task1",
        suffix=None,
    )
    assert (infos[0].name, infos[0].type, infos[0].task) == (other.location, "live", "other")
    assert infos[0].size > 1000
    assert list_eval_logs(tmp_path, descending=False) == infos[::-1]
    assert list_eval_logs(tmp_path, recursive=False) == infos[1:]
    assert list_eval_logs(tmp_path, formats=["json"]) == []
    assert list_eval_logs(tmp_path, filter=lambda log: log.eval.task == "other") == infos[:1]
    assert list_eval_logs(tmp_path / "nowhere") == []


def test_listing_follows_the_environment(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_LOG_DIR", str(log_file.parent))

    assert [info.name for info in list_eval_logs()] == [str(log_file)]
