from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log import EvalLogWriter, list_eval_logs, read_eval_log
from tasks_lib.log._parquet import GROUP_ROWS
from tasks_lib.schema import (
    EvalConfig,
    EvalLog,
    EvalSample,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]

NAME = "2026-11-21T21-04-45+00-00_arithmetic_task1.parquet"


def parts(log_dir: Path, name: str = NAME) -> list[str]:
    folder = log_dir / ".live" / name
    return names(folder) if folder.exists() else []


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids(log_dir: Path, name: str = NAME) -> list[int | str]:
    return [sample.id for sample in read_eval_log(log_dir / name).samples or []]


async def test_a_log_from_start_to_finish(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path, score_columns=["match"])
    await writer.start()
    assert writer.location == str(tmp_path / NAME)
    assert parts(tmp_path) == ["part-0-000000.parquet"]
    assert read_eval_log(writer.location) == make_header(samples=[], location=writer.location)

    samples = [make_sample(id) for id in (1, 2, 3)]
    for sample in samples:
        await writer.append(sample)
    assert ids(tmp_path) == []
    await writer.flush()
    assert parts(tmp_path) == ["part-0-000000.parquet", "part-0-000001.parquet"]
    assert ids(tmp_path) == [1, 2, 3]

    final = make_header(status="success")
    assert await writer.finish(final) == writer.location
    assert names(tmp_path) == [NAME]
    final.samples, final.location = samples, writer.location
    assert read_eval_log(writer.location) == final
    assert writer.rows == 3


async def test_many_appenders_lose_and_repeat_nothing(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=3)), tmp_path)
    await writer.start()

    await asyncio.gather(*(writer.append(make_sample(id)) for id in range(50)))
    await writer.finish(make_header())

    assert ids(tmp_path) == list(range(50))


async def test_a_final_file_that_cannot_be_written_leaves_the_parts(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path)
    await writer.start()
    await writer.append(make_sample(1))
    (tmp_path / NAME).mkdir()

    with pytest.raises(LogError, match=r"could not be finished .+ safe in"):
        await writer.finish(make_header())
    assert parts(tmp_path) == ["part-0-000000.parquet", "part-0-000001.parquet"]

    (tmp_path / NAME).rmdir()
    await writer.finish(make_header())
    assert ids(tmp_path) == [1]


async def test_cancelling_an_append_loses_nothing(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(config=EvalConfig(log_buffer=1)), tmp_path)
    await writer.start()

    appending = asyncio.create_task(writer.append(make_sample(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending
    await writer.finish(make_header())

    assert ids(tmp_path) == [1]


async def test_a_finished_writer_takes_no_more(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path)
    await writer.start()
    await writer.finish(make_header())

    with pytest.raises(LogError, match="is finished"):
        await writer.append(make_sample(1))
    with pytest.raises(LogError, match="is finished already"):
        await writer.finish(make_header())


async def test_two_logs_of_one_name_stay_apart(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writers = [EvalLogWriter(make_header(), tmp_path) for _ in range(3)]
    await writers[0].start()
    await writers[0].append(make_sample(1))
    await writers[0].finish(make_header())
    for writer, id in zip(writers[1:], (2, 3), strict=True):
        await writer.start()
        await writer.append(make_sample(id))
    for writer in writers[1:]:
        await writer.finish(make_header())

    assert [Path(writer.location).name for writer in writers] == [
        NAME,
        NAME.replace(".parquet", "-2.parquet"),
        NAME.replace(".parquet", "-3.parquet"),
    ]
    assert [ids(tmp_path, Path(writer.location).name) for writer in writers] == [[1], [2], [3]]
    assert {info.suffix for info in list_eval_logs(tmp_path)} == {None, "2", "3"}


async def test_shards_write_one_log(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    parent = EvalLogWriter(make_header(), tmp_path, score_columns=["match"])
    await parent.start()
    for shard, id in (("a", 1), ("b", 2), ("a", 3)):  # the second "a" follows a crashed one
        writer = EvalLogWriter(
            make_header(), shard=shard, location=parent.location, score_columns=["match"]
        )
        await writer.start()
        await writer.append(make_sample(id))
        await writer.flush()

    assert parts(tmp_path) == [
        "part-0-000000.parquet",
        "part-a-000000.parquet",
        "part-a-000001.parquet",
        "part-b-000000.parquet",
    ]
    assert ids(tmp_path) == [1, 2, 3]
    await parent.finish(make_header(status="success"))
    assert ids(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("finished", [False, True], ids=["parts", "final file"])
async def test_the_last_attempt_at_a_sample_counts(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, finished: bool
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)), tmp_path, score_columns=["match"]
    )
    await writer.start()
    for sample in (
        make_sample(1, attempt=2, uuid="kept"),
        make_sample(1, attempt=1, uuid="older attempt, later part"),
        make_sample("1", uuid="other id"),
        make_sample(2, uuid="first"),
        make_sample(2, uuid="same attempt, later part"),
        make_sample(2, epoch=2, uuid="other epoch"),
    ):
        await writer.append(sample)
    if finished:
        await writer.finish(make_header())
        assert pq.read_metadata(writer.location).num_rows == 4

    found = [sample.uuid for sample in read_eval_log(writer.location).samples or []]
    assert found == ["kept", "same attempt, later part", "other id", "other epoch"]


async def test_an_unwritable_folder_fails_at_the_start(
    tmp_path: Path, make_header: MakeHeader
) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(PrerequisiteError, match="cannot be written"):
        await EvalLogWriter(make_header(), tmp_path / "file").start()


async def test_logs_in_memory(make_header: MakeHeader, make_sample: MakeSample) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)), "memory://team/logs", score_columns=["match"]
    )
    await writer.start()
    await writer.append(make_sample(1))
    assert [info.type for info in list_eval_logs("memory://team/logs")] == ["live"]
    await writer.finish(make_header(status="success"))

    infos = list_eval_logs("memory://team/logs")
    assert [(info.name, info.type) for info in infos] == [
        (f"memory:///team/logs/{NAME}", "file"),
    ]
    assert [sample.id for sample in read_eval_log(infos[0]).samples or []] == [1]


async def test_golden_header(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(make_header(), tmp_path, score_columns=["match"])
    await writer.start()
    await writer.finish(make_header(status="success"))

    metadata = pq.read_metadata(writer.location).metadata
    header = json.loads(metadata[b"evals.header"])
    assert metadata[b"evals.schema_version"] == b"1"
    assert metadata[b"evals.score_columns"] == b'{"match":"score_match"}'
    assert set(metadata) == {b"evals.header", b"evals.schema_version", b"evals.score_columns"}
    assert {name: header[name] for name in ("version", "status", "results", "error")} == {
        "version": 2,
        "status": "success",
        "results": None,
        "error": None,
    }
    assert (header["eval"]["task"], header["eval"]["dataset"]["sample_ids"]) == (
        "arithmetic",
        [1, 2, 3],
    )
    assert not {"samples", "reductions", "location"} & set(header)


async def test_columns_are_the_same_in_parts_and_final_file(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=1)), tmp_path, score_columns=["match", "é"]
    )
    await writer.start()
    await writer.append(make_sample(1))
    schemas = [pq.read_schema(tmp_path / ".live" / NAME / name) for name in parts(tmp_path)]
    await writer.finish(make_header())
    schemas.append(pq.read_schema(writer.location))

    assert all(schema.equals(schemas[0]) for schema in schemas)
    assert " ".join(schemas[0].names) == (
        "eval_id run_id task task_id model sample_id sample_id_type epoch uuid attempt input "
        "target choices output answer stop_reason score_match score__ scores input_tokens "
        "output_tokens total_tokens reasoning_tokens input_tokens_cache_read "
        "input_tokens_cache_write started_at total_time working_time error limit retries "
        "cost retry_tokens retry_cost digest messages events message_pool model_output model_usage "
        "store metadata attachments details"
    )


def test_writing_a_long_log_holds_little_of_it(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    def peak_of(count: int) -> int:
        """Most bytes of Arrow memory at a time while `count` samples are finished."""
        before = pa.total_allocated_bytes()
        peak = 0

        async def write() -> str:
            nonlocal peak
            writer = EvalLogWriter(make_header(), tmp_path, score_columns=["match"])
            await writer.start()
            sample = make_sample(1, metadata={"text": "x" * 1000})
            for id in range(count):
                sample.id = id
                await writer.append(sample)
            finishing = asyncio.create_task(writer.finish(make_header()))
            while not finishing.done():
                peak = max(peak, pa.total_allocated_bytes() - before)
                await asyncio.sleep(0.0005)
            return await finishing

        location = asyncio.run(write())
        file = pq.ParquetFile(location)
        assert file.metadata.num_rows == count
        assert max(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)) <= (
            GROUP_ROWS
        )
        return peak

    peak_of(500)  # warm up
    assert peak_of(5_000) < 2 * peak_of(500) + 2_000_000
