"""Parquet files that are no logs of ours, or not any more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogFormatError
from tasks_lib.log import (
    EvalLogWriter,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    read_eval_log_table,
    write_eval_log,
)
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
STAMP = "2026-11-21T21-04-45+00-00"


@pytest.fixture
def parquet_log(tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample) -> Path:
    path = tmp_path / f"{STAMP}_arithmetic_task1.parquet"
    samples = [make_sample(id) for id in range(5)]
    write_eval_log(make_header(status="success", samples=samples), path)
    return path


@pytest.fixture
async def live_log(tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample) -> Path:
    writer = EvalLogWriter(
        make_header(config=EvalConfig(log_buffer=2)),
        tmp_path,
        score_columns=["match"],
    )
    await writer.start()
    for id in (3, 1, 2):
        await writer.append(make_sample(id))
    await writer.flush()
    return Path(writer.location)


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
def test_files_that_are_no_logs(parquet_log: Path, how: str, message: str) -> None:
    damage(parquet_log, how)

    for read in (
        lambda: read_eval_log(parquet_log),
        lambda: list(read_eval_log_samples(parquet_log)),
        lambda: read_eval_log_sample(parquet_log, 1),
        lambda: read_eval_log_sample_summaries(parquet_log),
        lambda: read_eval_log_table(parquet_log),
    ):
        with pytest.raises(LogFormatError, match=f"{re.escape(parquet_log.name)}.*{message}"):
            read()
    if how != "damaged data":  # only its samples are damaged
        with pytest.raises(LogFormatError, match=message):
            read_eval_log(parquet_log, header_only=True)
        assert list_eval_logs(parquet_log.parent, filter=lambda log: True) == []


def test_a_damaged_part_is_named(live_log: Path) -> None:
    part = live_log.parent / ".live" / live_log.name / "part-0-000001.parquet"
    damage(part, "half")

    with pytest.raises(LogFormatError, match=part.name):
        read_eval_log(live_log)
    with pytest.raises(LogFormatError, match=part.name):
        list(read_eval_log_samples(live_log, all_samples_required=False))
    assert read_eval_log(live_log, header_only=True).status == "started"
