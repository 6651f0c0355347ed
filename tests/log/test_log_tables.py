"""The rows of a log as an Arrow table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks_lib._errors import LogFormatError
from tasks_lib.log import (
    BASE_SCHEMA,
    EvalLogWriter,
    LogFormat,
    columns_of_scorers,
    convert_eval_logs,
    read_eval_log,
    read_eval_log_table,
    write_eval_log,
)
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample, Score

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
FORMATS: tuple[LogFormat, ...] = ("parquet", "json", "eval")


@pytest.fixture
def samples(make_sample: MakeSample) -> list[EvalSample]:
    """Samples in the order in which they ended; one has a scorer that no other has."""
    other = {"match": Score(value="I"), "Match": Score(value=0.25)}
    return [make_sample(3), make_sample("3", 2, scores=other), make_sample(1, scores=None)]


@pytest.fixture(params=FORMATS)
def log_file(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_header: MakeHeader,
    samples: list[EvalSample],
) -> Path:
    path = tmp_path / f"log.{request.param}"
    write_eval_log(make_header(status="success", samples=samples), path)
    return path


def test_all_columns(log_file: Path) -> None:
    table = read_eval_log_table(log_file)

    names = BASE_SCHEMA.names
    scores = names.index("scores")
    assert table.schema.names == [*names[:scores], "score_match", "score_Match_2", *names[scores:]]
    assert [field.type for field in table.schema if field.name in names] == BASE_SCHEMA.types
    assert (
        json.loads(table.schema.metadata[b"evals.score_columns"])
        == {
            "match": "score_match",
            "Match": "score_Match_2",
        }
        == columns_of_scorers(["match", "Match"])
    )
    assert table.num_rows == 3


def test_chosen_columns_in_the_order_wanted(log_file: Path) -> None:
    wanted = ["epoch", "score_match", "sample_id", "nothing", "epoch", "score_Match_2", "model"]

    table = read_eval_log_table(log_file, wanted)

    assert table.to_pydict() == {
        "epoch": [1, 2, 1],
        "score_match": [1.0, 0.0, None],
        "sample_id": ["3", "3", "1"],
        "score_Match_2": [None, 0.25, None],
        "model": ["mockllm/model"] * 3,
    }
    assert table.schema.names == ["epoch", "score_match", "sample_id", "score_Match_2", "model"]


def test_all_formats_have_the_same_rows(
    tmp_path: Path, log_file: Path, make_header: MakeHeader, samples: list[EvalSample]
) -> None:
    write_eval_log(make_header(status="success", samples=samples), tmp_path / "same.parquet")
    flat = [name for name in BASE_SCHEMA.names if name not in ("events", "attachments")]

    assert read_eval_log_table(log_file, flat).equals(
        read_eval_log_table(tmp_path / "same.parquet", flat)
    )


def test_columns_stay_when_the_header_is_edited(log_file: Path) -> None:
    before = read_eval_log_table(log_file)

    write_eval_log(read_eval_log(log_file, header_only=True))

    assert read_eval_log_table(log_file).equals(before)


@pytest.mark.parametrize("source", FORMATS)
def test_scorers_that_no_header_tells_get_columns(
    tmp_path: Path, make_header: MakeHeader, samples: list[EvalSample], source: LogFormat
) -> None:
    log = make_header(samples=samples)
    log.eval.scorers = None
    write_eval_log(log, tmp_path / f"log.{source}")

    convert_eval_logs(tmp_path / f"log.{source}", "parquet", tmp_path / "out")

    table = read_eval_log_table(tmp_path / "out" / "log.parquet", ["score_match", "score_Match_2"])
    assert table.to_pydict() == {
        "score_match": [1.0, 0.0, None],
        "score_Match_2": [None, 0.25, None],
    }


def test_no_column_is_no_column(log_file: Path) -> None:
    assert read_eval_log_table(log_file, []).schema.names == []


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_log_without_samples(
    tmp_path: Path, make_header: MakeHeader, log_format: LogFormat
) -> None:
    write_eval_log(make_header(samples=[]), tmp_path / f"log.{log_format}")

    table = read_eval_log_table(tmp_path / f"log.{log_format}")

    assert table.num_rows == 0
    assert table.schema.field("epoch").type == pa.int32()
    assert "score_match" in table.schema.names


async def test_the_last_attempts_of_an_unfinished_log(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    header = make_header(config=EvalConfig(log_buffer=2))
    writer = EvalLogWriter(header, tmp_path, score_columns=["match"])
    await writer.start()
    for sample in (
        make_sample(1, uuid="first"),
        make_sample(2, attempt=2, uuid="second attempt"),
        make_sample(1, uuid="again"),
        make_sample("1", uuid="text"),
        make_sample(2, uuid="late first attempt"),
        make_sample(1, 2, uuid="other epoch"),
    ):
        await writer.append(sample)
    expected = ["second attempt", "again", "text", "other epoch"]

    table = read_eval_log_table(writer.location, ["uuid", "score_match"])

    assert table.to_pydict() == {"uuid": expected, "score_match": [1.0] * 4}
    await writer.finish(make_header(status="success"))
    assert read_eval_log_table(writer.location, ["uuid"]).to_pydict() == {"uuid": expected}


def test_only_the_columns_wanted_are_read(
    tmp_path: Path, make_header: MakeHeader, samples: list[EvalSample]
) -> None:
    """The transcript of this log is damaged, its other columns are not."""
    path = tmp_path / "log.parquet"
    write_eval_log(make_header(samples=samples), path)
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    start = columns["events"].data_page_offset
    content = path.read_bytes()
    end = start + columns["events"].total_compressed_size
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])

    assert read_eval_log_table(path, ["epoch"]).to_pydict() == {"epoch": [1, 2, 1]}
    with pytest.raises(LogFormatError, match=r"log\.parquet"):
        read_eval_log_table(path, ["events"])


def test_a_column_that_an_older_log_lacks_is_null(
    tmp_path: Path, make_header: MakeHeader, samples: list[EvalSample]
) -> None:
    path = tmp_path / "log.parquet"
    write_eval_log(make_header(samples=samples), path)
    table = pq.read_table(path)
    older = table.drop_columns(["answer"]).replace_schema_metadata(pq.read_metadata(path).metadata)
    pq.write_table(older, path)

    found = read_eval_log_table(path, ["answer", "epoch"])

    assert found.to_pydict() == {"answer": [None] * 3, "epoch": [1, 2, 1]}
    assert found.schema.field("answer").type == pa.string()
    assert read_eval_log_table(path).schema.names == table.schema.names


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no log at"):
        read_eval_log_table(tmp_path / "none.parquet", ["epoch"])
