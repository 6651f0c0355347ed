"""Content that is meant to break logs: each comes back as it was, or as a clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
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
    write_eval_log,
)
from tasks_lib.log._arrow import VERSION_KEY
from tasks_lib.log._parquet import GROUP_BYTES
from tasks_lib.schema import (
    ChatMessageUser,
    EvalLog,
    EvalSample,
    EvalSpec,
    InfoEvent,
    ModelOutput,
    Score,
    StateEvent,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
Read = Callable[[str], object]
LONE = "a\ud800b\udfff"
IDS: list[int | str] = [
    *(1, "1", "01", "1.0", 0, -1, 2**70, str(2**70)),
    *("", " ", "a/b", "../../etc/passwd", "..", "C:\\x", "'\"`;--", "a\nb\tc", "a\0b", "\0"),
    *("x" * 10_000, "é" * 10_000, "\u202eabc", "😀", LONE, "\ufffd", "NULL", "nan", "part-0-1"),
]
READ: dict[str, Read] = {
    "header": lambda location: read_eval_log(location, header_only=True),
    "whole": read_eval_log,
    "one sample": lambda location: read_eval_log_sample(location, 1),
    "samples": lambda location: list(read_eval_log_samples(location)),
    "summaries": read_eval_log_sample_summaries,
}


async def written(
    how: str, folder: Path, header: EvalLog, samples: list[EvalSample], scorers: list[str]
) -> str:
    """Write a log at once, or sample by sample, and return its location."""
    header = header.model_copy(update={"status": "success"})
    if how == "at once":
        location = str(folder / "2026-11-21T21-04-45+00-00_t_i.parquet")
        write_eval_log(header.model_copy(update={"samples": samples}), location)
        return location
    writer = EvalLogWriter(header, folder, score_columns=scorers)
    await writer.start()
    for sample in samples:
        await writer.append(sample)
    return await writer.finish(header)


ways = pytest.mark.parametrize("how", ["at once", "sample by sample"])


@ways
async def test_ids_are_never_mixed_up(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, how: str
) -> None:
    samples = [make_sample(id, epoch) for id in IDS for epoch in (1, 2)]
    location = await written(how, tmp_path, make_header(), samples, ["match"])

    by_key = {(type(sample.id), sample.id, sample.epoch): sample for sample in samples}
    log = read_eval_log(location)
    assert log.samples is not None
    assert {(type(s.id), s.id, s.epoch): s for s in log.samples} == by_key
    assert len(log.samples) == len(samples)
    assert [(type(s.id), s.id, s.epoch) for s in read_eval_log_sample_summaries(location)] == [
        (type(s.id), s.id, s.epoch) for s in log.samples
    ]
    for sample in samples:
        assert read_eval_log_sample(location, sample.id, sample.epoch) == sample
    assert [info.name for info in list_eval_logs(tmp_path)] == [location]


@ways
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"messages": [ChatMessageUser(content="a\0b" * 9)]}, id="NUL"),
        pytest.param({"messages": [ChatMessageUser(content=LONE)]}, id="lone surrogates"),
        pytest.param({"input": LONE, "target": [LONE, "\0"]}, id="lone surrogates in columns"),
        pytest.param({"metadata": {LONE: LONE, "\0": "\0"}}, id="odd keys"),
        pytest.param({"metadata": {"a": [math.inf, -math.inf]}}, id="infinities"),
        pytest.param({"scores": {"match": Score(value=math.inf)}}, id="an infinite score"),
        pytest.param({"scores": {"match": Score(value=2**80)}}, id="a score of many digits"),
        pytest.param(
            {"scores": {name: Score(value=1) for name in ("input", "scores", "EPOCH", "a.b", "")}},
            id="scorers named like columns",
        ),
        pytest.param({"metadata": {"'; DROP TABLE x; --": "\u2028\u2029</script>"}}, id="code"),
        pytest.param({"store": {"text": '{"$ref":"#/messages/0"}'}}, id="our own syntax"),
        pytest.param({"total_time": math.inf, "working_time": -0.0}, id="odd times"),
        pytest.param({"uuid": "", "started_at": ""}, id="empty text"),
    ],
)
async def test_comes_back(
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    how: str,
    fields: dict[str, Any],
) -> None:
    samples = [make_sample(1), make_sample(2, **fields), make_sample(3)]
    scorers = list(samples[1].scores or {})
    location = await written(how, tmp_path, make_header(), samples, scorers)

    assert read_eval_log(location).samples == samples
    assert read_eval_log_sample(location, 2) == samples[1]
    assert [summary.id for summary in read_eval_log_sample_summaries(location)] == [1, 2, 3]


async def test_scores_of_scorers_named_like_columns(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    scores = {"input": Score(value=0.25), "model": Score(value="C"), "Model": Score(value="I")}
    location = await written(
        "sample by sample", tmp_path, make_header(), [make_sample(1, scores=scores)], [*scores]
    )

    assert duckdb.execute(
        f"SELECT model, input, score_input, score_model, score_Model_2 FROM '{location}'"
    ).fetchall() == [("mockllm/model", "What is 40 plus 1?", 0.25, 1.0, 0.0)]


@ways
async def test_what_json_has_no_form_for_becomes_text(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, how: str
) -> None:
    cycle: dict[object, object] = {b"k": b"\xff", 7: {None: {1.5}}}
    cycle["self"] = cycle
    metadata = {"cycle": cycle, "nan": math.nan}
    sample = make_sample(1, metadata=metadata, store={"x": [object()]})
    other = make_sample(2)
    location = await written(how, tmp_path, make_header(), [sample, other], ["match"])

    back = read_eval_log_sample(location, 1)
    assert math.isnan(back.metadata.pop("nan"))
    assert back.metadata == {
        "cycle": {
            "b'k'": "data:application/octet-stream;base64,/w==",
            "7": {"None": [1.5]},
            "self": "<cycle>",
        }
    }
    assert back.store == {"x": ["<builtins.object>"]}
    assert read_eval_log_sample(location, 2) == other


def test_what_json_has_no_form_for_in_events(make_sample: MakeSample, tmp_path: Path) -> None:
    """Events are written faster than the rest, so what is odd in them takes another way."""
    cycle: list[Any] = []
    cycle.append(cycle)
    event = InfoEvent(data=None)
    event.__dict__["data"] = {"cycle": cycle, "set": {1}, 2: b"\xff\xfe", "lone": LONE}
    sample = make_sample(1, events=[*make_sample().events, event, StateEvent(changes=[])])
    log = EvalLog(eval=make_log_spec(), samples=[sample])

    write_eval_log(log, tmp_path / "log.parquet")

    back = read_eval_log_sample(tmp_path / "log.parquet", 1)
    assert back.events[-2].model_dump()["data"] == {
        "cycle": ["<cycle>"],
        "set": [1],
        "2": "data:application/octet-stream;base64,//4=",
        "lone": LONE,
    }
    assert back.events[:-2] == sample.events[:-2]
    assert back.messages == sample.messages


def make_log_spec() -> EvalSpec:
    return EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", model="m")


@ways
async def test_a_message_of_50_mb(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, how: str
) -> None:
    huge = make_sample(100, messages=[ChatMessageUser(content="\0é" + "x" * 50_000_000, id="u")])
    huge.output = ModelOutput.from_content("m", "ok")
    samples = [*(make_sample(id) for id in range(1, 100)), huge, make_sample(101)]
    location = await written(how, tmp_path, make_header(), samples, ["match"])

    assert read_eval_log_sample(location, 100) == huge
    metadata = pq.read_metadata(location)
    sizes = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert [rows[i] for i, size in enumerate(sizes) if size > 2 * GROUP_BYTES] == [1]
    assert sum(rows) == len(samples)


@pytest.mark.parametrize("read", READ.values(), ids=READ)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "cannot be read as a log", id="empty"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-500]),
            "cannot be read as a log",
            id="cut off at the end",
        ),
        pytest.param(
            lambda path: path.write_bytes(b"PAR1" + b"\0" * 64 + b"PAR1"),
            "cannot be read as a log",
            id="zeros",
        ),
        pytest.param(
            lambda path: pq.write_table(pa.table({"a": [1]}), path),
            "is a Parquet file but not a log of ours",
            id="someone else's",
        ),
        pytest.param(
            lambda path: rewrite_version(path, b"2"),
            "has schema version 2, this package reads up to 1: upgrade it",
            id="of a newer version",
        ),
        pytest.param(
            lambda path: rewrite_version(path, b"one"),
            "is a Parquet file but not a log of ours",
            id="of no version",
        ),
    ],
)
def test_a_damaged_or_foreign_file(
    tmp_path: Path,
    make_header: MakeHeader,
    make_sample: MakeSample,
    read: Read,
    damage: Callable[[Path], object],
    message: str,
) -> None:
    path = tmp_path / "2026-11-21T21-04-45+00-00_t_i.parquet"
    write_eval_log(make_header(status="success", samples=[make_sample(1)]), path)
    damage(path)

    with pytest.raises(LogFormatError, match=message) as caught:
        read(str(path))

    assert path.name in str(caught.value)
    assert [info.name for info in list_eval_logs(tmp_path)] in ([], [str(path)])


def rewrite_version(path: Path, version: bytes) -> None:
    """Change the schema version of a log and nothing else."""
    table = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata or {}
    pq.write_table(table.replace_schema_metadata({**metadata, VERSION_KEY: version}), path)


def test_flipped_bits_are_found(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    """Pages have checksums: what was damaged on the way is never taken for content."""
    path = tmp_path / "log.parquet"
    samples = [make_sample(id) for id in range(1, 200)]
    write_eval_log(make_header(status="success", samples=samples), path)
    written, expected = path.read_bytes(), read_eval_log(path).samples
    found = 0
    for position in range(
        pq.read_metadata(path).row_group(0).column(0).data_page_offset, 7000, 300
    ):
        content = bytearray(written)
        content[position] ^= 0x10
        path.write_bytes(content)
        try:
            samples_now = read_eval_log(path).samples
        except LogFormatError as error:
            assert "log.parquet" in str(error)
            found += 1
        else:  # a bit of a page's header that nobody needs
            assert samples_now == expected
    assert found >= 12
