"""Logs as one JSON document."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from tasks_lib._errors import LogFormatError
from tasks_lib.log import (
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    write_eval_log,
)
from tasks_lib.log._json_stream import JsonStream
from tasks_lib.schema import (
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    Score,
)

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]


@pytest.fixture
def log(make_header: MakeHeader, make_sample: MakeSample) -> EvalLog:
    """A log with all that stands beside samples."""
    accuracy = EvalMetric(name="accuracy", value=0.5)
    reduced = [EvalSampleScore(sample_id=id, value=0.5) for id in (1, 2)]
    log = make_header(
        status="success",
        samples=[make_sample(id, epoch) for epoch in (1, 2) for id in (1, 2)],
        results=EvalResults(
            total_samples=4,
            completed_samples=4,
            scores=[EvalScore(name="match", scorer="match", metrics={"accuracy": accuracy})],
        ),
        reductions=[EvalSampleReductions(scorer="match", reducer="mean", samples=reduced)],
    )
    log.eval.config.epochs = 2
    return log


def test_the_document(tmp_path: Path, log: EvalLog) -> None:
    path = tmp_path / "log.json"
    write_eval_log(log, path)

    document = json.loads(path.read_text())

    assert list(document) == [
        *("version", "status", "eval", "plan", "results", "stats", "reductions", "samples")
    ]
    assert document["version"] == 2
    assert "task_file" not in document["eval"]
    assert [(s["id"], s["epoch"]) for s in document["samples"]] == [(1, 1), (2, 1), (1, 2), (2, 2)]
    assert "error" not in document["samples"][0]


def test_round_trip(tmp_path: Path, log: EvalLog) -> None:
    path = tmp_path / "log.json"
    write_eval_log(log, path)
    header = log.model_copy(update={"samples": None, "location": str(path)})
    samples = log.samples or []

    assert read_eval_log(path, header_only=True) == header
    assert list(read_eval_log_samples(path, resolve_attachments=True)) == samples
    assert read_eval_log(path, resolve_attachments=True) == log.model_copy(
        update={"location": str(path)}
    )
    assert read_eval_log_sample_summaries(path) == [sample.summary() for sample in samples]


LONG = "A text that events repeat again and again, of more than a hundred characters. " * 2


def test_long_texts_of_events_are_written_once(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    sample = make_sample(1)
    sample.events[0] = sample.events[0].model_copy(update={"state": {"a": LONG, "b": LONG}})
    write_eval_log(make_header(samples=[sample]), tmp_path / "log.json")

    assert (tmp_path / "log.json").read_text().count(LONG) == 1
    [kept] = read_eval_log(tmp_path / "log.json").samples or []
    assert list(kept.attachments.values()) == [LONG]
    assert read_eval_log_sample(tmp_path / "log.json", 1, resolve_attachments=True) == sample


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(math.inf, math.inf, id="infinity"),
        pytest.param(10**30, 10**30, id="integer of any size"),
        pytest.param("nul\0 and \u2028", "nul\0 and \u2028", id="control characters"),
        pytest.param("lone \ud800 surrogate", "lone \\ud800 surrogate", id="lone surrogate"),
        pytest.param('"\\ud800" as text', '"\\ud800" as text', id="text of an escape"),
        pytest.param(b"\xff", "data:application/octet-stream;base64,/w==", id="bytes"),
        pytest.param({1: None}, {"1": None}, id="keys that are no text"),
        pytest.param(object(), "<builtins.object>", id="unknown object"),
        pytest.param([None, {"a": None}], [None, {"a": None}], id="nulls in data"),
    ],
)
def test_content_that_json_has_no_form_for(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample, written: Any, read: Any
) -> None:
    samples = [make_sample(1, metadata={"value": written}), make_sample(2)]
    write_eval_log(make_header(samples=samples), tmp_path / "log.json")

    back = list(read_eval_log_samples(tmp_path / "log.json", all_samples_required=False))

    assert [sample.metadata for sample in back] == [{"value": read}, {"level": 3}]


def test_nan_is_a_constant(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    metrics = {
        "none": EvalMetric(name="none", value=None),
        "nan": EvalMetric(name="nan", value=math.nan),
    }
    results = EvalResults(scores=[EvalScore(name="match", scorer="match", metrics=metrics)])
    samples = [make_sample(1, scores={"match": Score(value=math.nan)})]
    path = tmp_path / "log.json"
    write_eval_log(make_header(results=results, samples=samples), path)

    log = read_eval_log(path)

    assert path.read_text().count(":NaN") >= 3
    assert log.results and log.samples and log.samples[0].scores
    values = [metric.value for metric in log.results.scores[0].metrics.values()]
    assert [value is None or math.isnan(value) for value in values] == [True, True]
    assert math.isnan(log.samples[0].scores["match"].as_float())


def test_a_document_of_other_tools(tmp_path: Path, log: EvalLog) -> None:
    """Indented, members in another order, and after the samples more than reductions."""
    path = tmp_path / "log.json"
    write_eval_log(log, path)
    expected = read_eval_log(path)
    document = json.loads(path.read_text())

    for name, members in (
        ("sorted.json", sorted(document)),
        ("reversed.json", list(document)[::-1]),
        ("theirs.json", [*(m for m in document if m != "reductions"), "reductions"]),
        ("more.json", [*(m for m in document if m != "reductions"), "reductions", "etag"]),
    ):
        text = json.dumps({m: document.get(m) for m in members}, indent=2)
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        found = read_eval_log(tmp_path / name)
        header = read_eval_log(tmp_path / name, header_only=True)
        assert (found.results, found.reductions) == (expected.results, expected.reductions), name
        assert found.samples == expected.samples, name
        assert (header.eval, header.stats) == (expected.eval, expected.stats), name
        assert (header.results, header.reductions) == (expected.results, expected.reductions), name


class Counting(io.BytesIO):
    """Knows how much of it was read, and how often."""

    consumed = 0
    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.consumed += len(content)
        self.reads += 1
        return content


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param({"x": [{"reductions": [1]}]}, id="the name in a sample"),
        pytest.param({"x": '"reductions": []}'}, id="the name in a text"),
        pytest.param({'"reductions': []}, id="the name in a name"),
        pytest.param({str(i): {"reductions": [i]} for i in range(40)}, id="the name many times"),
    ],
)
@pytest.mark.parametrize("has_reductions", [True, False])
def test_reductions_behind_the_samples_are_found(
    tmp_path: Path, log: EvalLog, trap: dict[str, Any], has_reductions: bool
) -> None:
    path = tmp_path / "log.json"
    for sample in log.samples or []:
        sample.metadata = trap
    write_eval_log(log, path)
    document = json.loads(path.read_text())
    reductions = document.pop("reductions")
    document["samples"][-1]["zz"] = trap  # the last in the file
    if has_reductions:
        document["reductions"] = reductions
    path.write_text(json.dumps(document))

    header = read_eval_log(path, header_only=True)

    assert header.reductions == (log.reductions if has_reductions else None)


def test_a_member_that_only_ends_like_reductions(tmp_path: Path, log: EvalLog) -> None:
    path = tmp_path / "log.json"
    write_eval_log(log, path)
    document = json.loads(path.read_text())
    del document["reductions"]
    path.write_text(json.dumps(document | {'not "reductions': [{"scorer": "wrong"}]}))

    assert read_eval_log(path, header_only=True).reductions is None


@pytest.mark.parametrize("reduced", [2, 100, 20_000])
@pytest.mark.parametrize("behind", [True, False])
def test_samples_are_not_parsed_for_the_header(
    tmp_path: Path, log: EvalLog, reduced: int, behind: bool
) -> None:
    """Reductions, however many, are before the samples (ours) or behind (the reference's)."""
    scores = [EvalSampleScore(sample_id=id, value=0.5) for id in range(reduced)]
    log.reductions = [EvalSampleReductions(scorer="match", samples=scores)]
    path = tmp_path / "log.json"
    write_eval_log(log, path)
    document = json.loads(path.read_text())
    if behind:
        document["reductions"] = document.pop("reductions")
    text = json.dumps(document)
    path.write_text(text.replace('[{"id": 1,', '[!{"id": 1,'))  # no JSON any more

    assert read_eval_log(path, header_only=True).reductions == log.reductions
    with pytest.raises(LogFormatError, match=r"log\.json' cannot be read as a JSON log"):
        read_eval_log(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "cut off", id="empty"),
        pytest.param("hello", "needs '{'", id="text"),
        pytest.param("[1, 2]", "needs '{'", id="array"),
        pytest.param("{}", "eval: Field required", id="empty object"),
        pytest.param('{"a": 1}', "eval: Field required", id="foreign object"),
        pytest.param('{"version": 3, "eval": {}}', "version 3 .* upgrade", id="newer version"),
        pytest.param('{"version": 2, "eval": 5}', "eval: Input should be", id="wrong type"),
        pytest.param('{"eval": {}} {}', "more after the end", id="two documents"),
        pytest.param('{"eval": {}', "cut off", id="unclosed"),
        pytest.param('{"eval": {"a', "Unterminated string", id="cut in a text"),
        pytest.param('{"eval" {}}', "needs ':'", id="no colon"),
        pytest.param("{1: 2}", "needs a key", id="key that is no text"),
        pytest.param('{"eval": ' + "[" * 100_000, "nested too deep", id="nested too deep"),
    ],
)
def test_documents_that_are_no_logs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "2026-11-21T21-04-45+00-00_arithmetic_task1.json"
    path.write_text(text)

    for header_only in (True, False):
        with pytest.raises(LogFormatError, match=rf"task1\.json'.*{message}"):
            read_eval_log(path, header_only)
    assert list_eval_logs(tmp_path, filter=lambda log: True) == []
    assert len(list_eval_logs(tmp_path)) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda text: text[: len(text) // 2], "", id="half"),
        pytest.param(lambda text: text[:-4], "", id="without its end"),
        pytest.param(
            lambda text: text.replace('"samples":[\n', '"samples":[5,'), "5 stands", id="number"
        ),
        pytest.param(
            lambda text: text.replace('"uuid":', '"uuid":5,"x":'), "uuid: Input", id="wrong type"
        ),
    ],
)
def test_documents_with_damaged_samples(
    tmp_path: Path, log: EvalLog, damage: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "log.json"
    write_eval_log(log, path)
    path.write_text(damage(path.read_text()))

    for read in (
        lambda: read_eval_log(path),
        lambda: list(read_eval_log_samples(path)),
        lambda: read_eval_log_sample_summaries(path),
    ):
        with pytest.raises(LogFormatError, match=rf"log\.json' cannot be read.*{message}"):
            read()


def test_invalid_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_bytes(b'{"eval": "\xff\xfe"}')

    with pytest.raises(LogFormatError, match="cannot be read as a JSON log"):
        read_eval_log(tmp_path / "log.json")


class Trickle(io.RawIOBase):
    """A file that gives a few bytes at a time, whatever is asked for."""

    def __init__(self, content: bytes, step: int) -> None:
        self._source = io.BytesIO(content)
        self._step = step

    def read(self, size: int = -1) -> bytes:
        return self._source.read(self._step)


VALUES = {
    "int": 12345678901234567890123,
    "float": -1.5e-30,
    "constants": [True, False, None, math.inf, -math.inf],
    "text": 'é \U0001f600 " \\ \0 ',
    "nested": {"a": [[], {}, [{"b": {}}]], "": " "},
    "samples": [{"id": 1}, 2, "three", [4], None, 5.5],
    "last": 12,
}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_the_stream_reads_what_json_reads(
    step: int, indent: int | None, ensure_ascii: bool
) -> None:
    content = json.dumps(VALUES, indent=indent, ensure_ascii=ensure_ascii).encode()
    source: IO[bytes] = Trickle(content, step)  # type: ignore[assignment]
    stream = JsonStream(source)

    found = {
        key: list(stream.items()) if key == "samples" else stream.value()
        for key in stream.members()
    }

    assert found == VALUES


def test_the_stream_holds_one_item_at_a_time() -> None:
    items = [{"text": "x" * 1000, "number": number} for number in range(20_000)]
    source = Counting(json.dumps({"samples": items}).encode())
    stream = JsonStream(source)

    members = stream.members()

    assert next(members) == "samples"
    assert next(stream.items()) == items[0]
    assert source.consumed < 1_000_000


def test_the_stream_parses_a_big_value_few_times() -> None:
    """Each time that it needs more it reads as much again as it has."""
    source = Counting(json.dumps({"big": "x" * 16_000_000}).encode())
    stream = JsonStream(source)

    assert [len(stream.value()) for _ in stream.members()] == [16_000_000]
    assert source.reads < 12
