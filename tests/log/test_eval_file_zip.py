"""`.eval` files that are damaged, foreign or hostile."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks_lib._errors import LogFormatError
from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._eval_log_zip import MAX_MEMBER_BYTES
from tasks_lib.log._files import open_place
from tasks_lib.schema import EvalSample
from tests.log._raw_zip import BZIP2, DEFLATED, STORED, ZSTANDARD, Member, document, write_raw_zip

SPEC = {"task": "t", "created": "2026-11-21T21:04:45+00:00", "model": "m", "eval_id": "e"}
HEADER = {"version": 2, "status": "success", "eval": {**SPEC, "dataset": {}, "config": {}}}
NAME = "samples/1_epoch_1.json"
MIB = 1 << 20


def sample(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "epoch": 1, "input": "i", "target": "t", **fields}


def log_with(path: Path, *members: Member) -> Path:
    return write_raw_zip(path / "log.eval", [document("header.json", HEADER), *members])


def read_all(path: Path) -> list[EvalSample]:
    place = open_place(path)
    EVAL_LOG.read_header(place)
    EVAL_LOG.read_summaries(place)
    return list(EVAL_LOG.read_samples(place))


@pytest.mark.parametrize("method", [STORED, DEFLATED, ZSTANDARD])
def test_every_method_of_packing(tmp_path: Path, method: int) -> None:
    text = "long enough for several chunks " * 100_000

    [found] = read_all(log_with(tmp_path, document(NAME, sample(input=text), method)))

    assert found.input == text


def test_zstandard_in_several_frames(tmp_path: Path) -> None:
    whole = document(NAME, sample(input="x" * 1000), ZSTANDARD)
    codec = pa.Codec("zstd")
    parts = (whole.content[:300], whole.content[300:])
    frames = b"".join(codec.compress(part, asbytes=True) for part in parts)

    [found] = read_all(log_with(tmp_path, Member(NAME, whole.content, ZSTANDARD, frames)))

    assert found.input == "x" * 1000


def test_the_last_of_several_members_with_one_name_counts(tmp_path: Path) -> None:
    members = [document(NAME, sample(input=text)) for text in ("superseded", "valid")]
    path = log_with(
        tmp_path, members[0], document("samples/2_epoch_1.json", sample(id=2)), members[1]
    )

    assert [(s.id, s.input) for s in read_all(path)] == [(1, "valid"), (2, "i")]
    one = EVAL_LOG.read_sample(open_place(path), 1, 1)
    assert one is not None
    assert one.input == "valid"


def test_names_are_no_paths(tmp_path: Path) -> None:
    folder = tmp_path / "below"
    folder.mkdir()
    members = [
        document(f"{up}evil_epoch_1.json", sample(id="evil")) for up in ("samples/../../", "/")
    ]

    found = read_all(log_with(folder, *members))

    assert [s.id for s in found] == ["evil"]
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == [
        "below",
        "below/log.eval",
    ]


def cut(path: Path, keep: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def deep(levels: int) -> bytes:
    return b'{"id": 1, "epoch": 1, "target": "", "input": %s1%s}' % (b"[" * levels, b"]" * levels)


def overlapping() -> list[Member]:
    text = b"1" * 4000
    others = [Member(f"samples/{n}_epoch_1.json", text, STORED, offset=0) for n in range(9)]
    return [Member(NAME, text, STORED), *others]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param([Member(NAME, b"{")], "EOF|Expecting", id="half a document"),
        pytest.param([Member(NAME, b"\xff\xfe{}")], "Expecting value", id="no text"),
        pytest.param([document(NAME, [])], "", id="no object"),
        pytest.param([document(NAME, {"id": 1})], "epoch: Field required", id="no sample"),
        pytest.param(
            [document(NAME, sample(scores={"s": {"value": {"a": ["b"]}}}))],
            "scores",
            id="a score of another form",
        ),
        pytest.param(
            [document(NAME, sample(events=[{"event": "model"}]))], "events.0", id="half an event"
        ),
        pytest.param(
            [document(NAME, sample(events=[{"event": "model", "input_refs": [[0, 9**9]]}]))],
            "refers to items 0 to 387420489 of 0",
            id="a reference to nothing",
        ),
        pytest.param([Member(NAME, deep(100_000))], "", id="nested too deep"),
        pytest.param([Member(NAME, b"1" * 5000)], "", id="a number of 5,000 digits"),
        pytest.param([Member(NAME, b"x", BZIP2)], "packed with method 12", id="unknown method"),
        pytest.param([Member(NAME, b"x", flags=1)], "is encrypted", id="encrypted"),
        pytest.param([Member(NAME, b"x" * 99, packed=b"\x00" * 9)], "", id="damaged deflate"),
        pytest.param(
            [Member(NAME, b"x" * 99, ZSTANDARD, b"\x00" * 9)], "damaged", id="damaged zstandard"
        ),
        pytest.param(
            [Member(NAME, b"x" * 99, ZSTANDARD, pa.compress(b"x" * 99, "zstd", asbytes=True)[:-4])],
            "damaged|cut off",
            id="cut zstandard",
        ),
        pytest.param([Member(NAME, b"{}", packed=b"x")], "", id="cut deflate"),
        pytest.param([Member(NAME, b"{}", offset=10**6)], "", id="beyond the end"),
        pytest.param([Member(NAME, b"{}", offset=7)], "not where it should be", id="elsewhere"),
        pytest.param(
            [document("samples/1_epoch_1/sample.json", sample())], "in pieces", id="chunked sample"
        ),
        pytest.param(overlapping(), "overlap", id="members that overlap"),
    ],
)
def test_bad_members(tmp_path: Path, members: list[Member], reason: str) -> None:
    path = log_with(tmp_path, *members)

    with pytest.raises(LogFormatError, match=rf"(?s)log\.eval.*cannot be read: .*({reason})"):
        read_all(path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        pytest.param({**HEADER, "version": 3}, "version 3 .* upgrade this package", id="newer"),
        pytest.param({**HEADER, "version": "2"}, "version '2'", id="a version that is no number"),
        pytest.param({"version": 2}, "eval: Field required", id="no spec"),
        pytest.param([HEADER], "'header.json' is no JSON object", id="a list"),
        pytest.param({**HEADER, "eval": 1}, "eval: ", id="a spec that is no object"),
        pytest.param({**HEADER, "results": {"scores": 3}}, "scores", id="scores that are none"),
    ],
)
def test_bad_headers(tmp_path: Path, header: object, reason: str) -> None:
    path = write_raw_zip(tmp_path / "log.eval", [document("header.json", header)])

    with pytest.raises(LogFormatError, match=rf"log\.eval' cannot be read: .*{reason}"):
        EVAL_LOG.read_header(open_place(path))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"PAR1" * 9, b"\0" * 4000, b'{"version":2}']
)
def test_no_zip_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.eval"
    path.write_bytes(content)

    with pytest.raises(LogFormatError, match=r"log\.eval' cannot be read: .*zip"):
        EVAL_LOG.read_header(open_place(path))


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated(tmp_path: Path, keep: float) -> None:
    path = cut(log_with(tmp_path, document(NAME, sample(input="x" * 9999), STORED)), keep)

    with pytest.raises(LogFormatError, match=r"log\.eval"):
        read_all(path)


def test_a_zip_file_of_something_else(tmp_path: Path) -> None:
    path = write_raw_zip(tmp_path / "log.eval", [document("word/document.json", {})])

    with pytest.raises(LogFormatError, match="a zip file but not a log"):
        EVAL_LOG.read_header(open_place(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        EVAL_LOG.read_header(open_place(tmp_path / "log.eval"))


@pytest.mark.parametrize("method", [DEFLATED, ZSTANDARD])
@pytest.mark.parametrize(
    ("size", "reason"),
    [
        pytest.param(100, "larger than it says", id="it says that it is small"),
        pytest.param(MAX_MEMBER_BYTES + 1, "more than the", id="it says that it is large"),
    ],
)
def test_bombs_do_not_go_off(tmp_path: Path, method: int, size: int, reason: str) -> None:
    path = log_with(tmp_path, Member(NAME, b" " * 100 * MIB, method, size=size))
    assert path.stat().st_size < MIB
    tracemalloc.start()

    with pytest.raises(LogFormatError, match=reason):
        read_all(path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * MIB


def test_a_large_number_in_a_directory_costs_nothing(tmp_path: Path) -> None:
    path = log_with(tmp_path, Member(NAME, b"{}", STORED, size=MAX_MEMBER_BYTES))

    with pytest.raises(LogFormatError):
        read_all(path)
