from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFile

from tasks_lib.log import (
    EvalLogWriter,
    LogFormat,
    list_eval_logs,
    read_eval_log,
    read_eval_log_async,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    read_eval_log_table,
    write_eval_log,
)
from tasks_lib.log._documents import format_of_name
from tasks_lib.log._row_lookup import ROW_COLUMNS
from tasks_lib.log._rows import row_sample
from tasks_lib.schema import (
    EvalConfig,
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


FORMATS: tuple[LogFormat, ...] = ("parquet", "json", "eval")
ENDED = ((10, 2), ("1", 1), (9, 1), (1, 1), (10, 1))
"""Ids and epochs in the order in which samples ended."""


@pytest.fixture
def samples(make_sample: MakeSample) -> list[EvalSample]:
    return [make_sample(id, epoch) for id, epoch in ENDED]


@pytest.fixture(params=FORMATS)
def log_file(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_header: MakeHeader,
    samples: list[EvalSample],
) -> Path:
    """A log in each format, with int and text ids and two epochs."""
    path = tmp_path / f"{STAMP}_arithmetic_task1.{request.param}"
    write_eval_log(make_header(status="success", samples=samples), path)
    return path


@pytest.fixture(params=FORMATS)
async def live_log(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
) -> Path:
    """A log that its writer left unfinished; while it is written it is Parquet in any case."""
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=2)),
        tmp_path,
        score_columns=["match"],
        log_format=request.param,
    )
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
    summaries = read_eval_log_sample_summaries(log_file)
    assert [(summary.id, summary.epoch) for summary in summaries] == expected


def test_samples_are_streamed_in_the_order_of_the_file(log_file: Path) -> None:
    streamed = read_eval_log_samples(log_file)

    assert [(sample.id, sample.epoch) for sample in streamed] == list(ENDED)


def test_samples_are_the_same_in_all_formats(log_file: Path, samples: list[EvalSample]) -> None:
    expected = dict(zip(ENDED, samples, strict=True))

    log = read_eval_log(log_file, resolve_attachments=True)
    streamed = list(read_eval_log_samples(log_file, resolve_attachments=True))

    assert {(sample.id, sample.epoch): sample for sample in streamed} == expected
    assert {(sample.id, sample.epoch): sample for sample in log.samples or []} == expected
    assert {
        (id, epoch): read_eval_log_sample(log_file, id, epoch, True) for id, epoch in ENDED
    } == expected


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
    assert [sample.id for sample in samples] == [3, 1, 2]


def test_a_format_that_the_name_does_not_tell(
    log_file: Path, tmp_path: Path, samples: list[EvalSample]
) -> None:
    format: LogFormat = format_of_name(log_file.name)
    log = read_eval_log(log_file, resolve_attachments=True)
    path = tmp_path / "somewhere.log"
    write_eval_log(log, path, format)

    assert (
        read_eval_log_sample(path, *ENDED[1], format=format, resolve_attachments=True)
        == (samples[1])
    )
    assert len(read_eval_log_sample_summaries(path, format)) == len(ENDED)
    assert len(list(read_eval_log_samples(path, format=format))) == len(ENDED)
    log.location = str(path)
    assert read_eval_log(path, format=format, resolve_attachments=True) == log


@pytest.mark.parametrize("name", ["none.parquet", "none.json", "none.eval", "", ".live/x.parquet"])
def test_no_log(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    for read in (
        lambda: read_eval_log(path),
        lambda: read_eval_log(path, header_only=True),
        lambda: read_eval_log_sample(path, 1),
        lambda: read_eval_log_sample_summaries(path),
        lambda: next(read_eval_log_samples(path, all_samples_required=False)),
    ):
        with pytest.raises(FileNotFoundError, match="no log at"):
            read()


def test_a_header_is_edited_without_its_samples(log_file: Path) -> None:
    before = read_eval_log(log_file)
    header = read_eval_log(log_file, header_only=True)
    header.eval.tags = ["checked"]

    write_eval_log(header)

    before.eval.tags = ["checked"]
    assert read_eval_log(log_file) == before


def test_the_header_of_an_unfinished_log_is_edited(live_log: Path) -> None:
    before = read_eval_log(live_log)
    header = read_eval_log(live_log, header_only=True)
    header.status = "cancelled"

    write_eval_log(header)

    before.status = "cancelled"
    assert live_log.is_file()
    assert read_eval_log(live_log, resolve_attachments=True) == before


def test_a_log_that_was_replaced_since_a_sample_was_read(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    path = tmp_path / "log.parquet"
    for number in range(10):  # ten files, with the same sizes
        for version in ("a", "b"):
            log_of_this_version = make_header(samples=[make_sample(1, uuid=f"{version}{number}")])
            write_eval_log(log_of_this_version, path)
            assert read_eval_log_sample(path, 1).uuid == f"{version}{number}"
            path.rename(tmp_path / f"{version}{number}.parquet")
    for number in range(10):
        assert read_eval_log_sample(tmp_path / f"a{number}.parquet", 1).uuid == f"a{number}"


def test_columns_for_queries_are_not_needed_to_read_a_sample(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    failed = {"message": "boom", "traceback": "…"}
    sample = make_sample(
        "odd",
        attempt=3,
        target=["a", "b"],
        choices=["a", "b"],
        store={"k": 1},
        error=failed,
        error_retries=[failed, failed],
        limit={"type": "token", "limit": 100},
        metadata={"lone": "\ud800"},
        attachments={"key": "text"},
    )
    path = tmp_path / "log.parquet"
    write_eval_log(make_header(samples=[sample]), path)

    [row] = read_eval_log_table(path).to_pylist()

    needed = {name: row[name] for name in ROW_COLUMNS}
    assert row_sample(needed) == row_sample(row) == sample
    assert read_eval_log_sample(path, "odd") == sample
    assert read_eval_log_sample_summaries(path) == [sample.summary()]


@pytest.mark.parametrize(
    ("id", "epoch", "uuid"),
    [
        pytest.param(7, 1, "7-second", id="the later attempt was written first"),
        pytest.param("7", 1, "text", id="text that looks like a number"),
        pytest.param(2000, 1, "uuid-2000-1", id="in the last row group"),
        pytest.param(7, 2, "uuid-7-2", id="in another part"),
        pytest.param(8, 1, "8-again", id="the same attempt twice: what was written last"),
    ],
)
async def test_one_sample_of_many_rows(
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    id: int | str,
    epoch: int,
    uuid: str,
) -> None:
    first = [make_sample(7, attempt=2, uuid="7-second"), make_sample("7", uuid="text")]
    plain = make_sample(1).model_copy(update={"events": [], "messages": []})
    many = [
        plain.model_copy(update={"id": id, "uuid": f"uuid-{id}-1"}) for id in range(7, 2 * 1000 + 1)
    ]
    last = [make_sample(7, 2), make_sample(8, uuid="8-again")]
    writer = EvalLogWriter(make_header(), tmp_path)
    await writer.start()
    for part in (first, many, last):
        for sample in part:
            await writer.append(sample)
        await writer.flush()

    assert read_eval_log_sample(writer.location, id, epoch).uuid == uuid
    log = read_eval_log(writer.location)
    assert [s.uuid for s in log.samples or [] if (s.id, s.epoch) == (id, epoch)] == [uuid]
    await writer.finish(make_header(status="success"))
    assert read_eval_log_sample(writer.location, id, epoch).uuid == uuid


def test_only_the_calling_thread_reads_a_log(
    make_header: MakeHeader, samples: list[EvalSample], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thread of pyarrow that still holds a file when the interpreter ends aborts the process.
    location = f"memory://threads/{STAMP}_arithmetic_task1.parquet"
    write_eval_log(make_header(status="success", samples=samples), location)
    threads: set[int] = set()

    def read(file: MemoryFile, size: int = -1) -> object:
        threads.add(threading.get_ident())
        return plain_read(file, size)

    plain_read = MemoryFile.read
    monkeypatch.setattr(MemoryFile, "read", read)
    assert len(read_eval_log(location).samples or ()) == len(ENDED)
    assert read_eval_log_sample(location, 9, 1).id == 9
    assert read_eval_log_table(location).num_rows == len(ENDED)
    assert threads == {threading.get_ident()}
