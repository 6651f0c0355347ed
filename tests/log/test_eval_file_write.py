"""`.eval` files of our own samples: the reference reads them, and so do we."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tasks_lib._util._json import to_plain
from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._eval_log_names import free_name, other_name, sample_name
from tasks_lib.log._files import open_place
from tasks_lib.schema import (
    ChatMessageUser,
    ContentImage,
    ContentText,
    EvalConfig,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    InfoEvent,
    SampleLimitEvent,
    Score,
)
from tests.log._peer import Peer, lost

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]


@pytest.fixture
def odd_samples(make_sample: MakeSample) -> list[EvalSample]:
    """Samples with what logs hold at most and least."""
    image = ContentImage(image="data:image/png;base64," + "iVBORw0KGgo" * 30)
    question = [ChatMessageUser(content=[ContentText(text="What?"), image], id="q")]
    failed = EvalError(message="m", traceback="t")
    return [
        make_sample(1),
        make_sample(2, scores={"match": Score(value=math.nan)}),
        make_sample("a/../b", input=question, messages=question, choices=["a", "b"]),
        make_sample(".."),
        make_sample("é" * 5000),
        make_sample("error", error=failed, error_retries=[failed, failed], scores=None),
        make_sample(
            "limit",
            limit=EvalSampleLimit(type="token", limit=10),
            events=[SampleLimitEvent(type="token", message="too many", limit=10)],
        ),
        make_sample("null", events=[InfoEvent(data=None), InfoEvent(data={"a": None})]),
        make_sample("bare", output={}, messages=[], events=[], scores=None, target=["a", "b"]),
    ]


def results() -> EvalResults:
    metrics = {
        "accuracy": EvalMetric(name="accuracy", value=0.5),
        "none": EvalMetric(name="none", value=None),
        "nan": EvalMetric(name="nan", value=math.nan),
    }
    return EvalResults(
        total_samples=9,
        completed_samples=8,
        scores=[EvalScore(name="match", scorer="match", reducer="mean", metrics=metrics)],
    )


def test_the_reference_reads_what_we_wrote(
    peer: Peer, tmp_path: Path, make_header: MakeHeader, odd_samples: list[EvalSample]
) -> None:
    reductions = [
        EvalSampleReductions(scorer="match", samples=[EvalSampleScore(sample_id=1, value=0.5)])
    ]
    header = make_header(
        status="success",
        results=results(),
        reductions=reductions,
        config=EvalConfig(epochs=1, task_runs="shard"),
    )
    header.eval.dataset.sample_ids = None
    path = tmp_path / "ours.eval"

    EVAL_LOG.write(open_place(path), header, odd_samples)

    [theirs] = peer.run("tests.log._peer_read", [str(path)])
    expected = to_plain(header)
    del expected["location"]
    for name in ("none", "nan"):
        expected["results"]["scores"][0]["metrics"][name]["value"] = math.nan
    expected["eval"]["dataset"]["sample_ids"] = list(dict.fromkeys(s.id for s in odd_samples))
    assert lost(expected, theirs["header"]) == []
    by_key = {f"{sample.id}/{sample.epoch}": to_plain(sample) for sample in odd_samples}
    assert by_key.keys() == theirs["sample"].keys()
    assert lost(by_key, theirs["sample"]) == []
    assert {(s["id"], s["epoch"]) for s in theirs["log"]["samples"]} == {
        (s.id, s.epoch) for s in odd_samples
    }
    assert sorted(map(repr, theirs["streamed"])) == sorted(repr([s.id, 1]) for s in odd_samples)
    assert [(s["id"], s["epoch"], s.get("error")) for s in theirs["summaries"]] == [
        (s.id, s.epoch, s.error and s.error.message) for s in odd_samples
    ]


def test_we_read_what_we_wrote(
    tmp_path: Path, make_header: MakeHeader, odd_samples: list[EvalSample]
) -> None:
    place = open_place(tmp_path / "ours.eval")

    EVAL_LOG.write(place, make_header(status="error"), odd_samples)

    assert EVAL_LOG.read_header(place).status == "error"
    read = list(EVAL_LOG.read_samples(place))
    assert [(s.id, s.epoch) for s in read] == [(s.id, s.epoch) for s in odd_samples]
    for sample, again in zip(odd_samples, read, strict=True):
        assert to_plain(again)["scores" if sample.scores else "id"] is not None
        one = EVAL_LOG.read_sample(place, sample.id, sample.epoch)
        assert repr(one) == repr(again)
    summaries = EVAL_LOG.read_summaries(place)
    assert [s.input for s in summaries] == [s.summary().input for s in odd_samples]


@pytest.mark.parametrize(
    ("id", "read_as"),
    [
        pytest.param("a\0b", "a\0b", id="NUL"),
        pytest.param("x" * 70_000, "x" * 70_000, id="longer than a name can be"),
        pytest.param("\ud800", "\\ud800", id="a lone surrogate"),
        pytest.param('"', '"', id="a quote"),
        pytest.param("", "", id="empty"),
    ],
)
def test_ids_that_no_name_can_have(
    id: str, read_as: str, tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    place = open_place(tmp_path / "ours.eval")
    sample = make_sample(1).model_copy(update={"id": id, "events": []})

    EVAL_LOG.write(place, make_header(), [sample])

    assert [s.id for s in EVAL_LOG.read_samples(place)] == [read_as]
    found = EVAL_LOG.read_sample(place, id, 1)
    assert (found and found.id) == (id if id == read_as else None)


def test_a_number_and_the_same_as_text_are_two_samples(
    peer: Peer, tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    place = open_place(tmp_path / "ours.eval")
    ids: list[int | str] = [1, "1", "2", 2]

    EVAL_LOG.write(place, make_header(), [make_sample(id, target=repr(id)) for id in ids])

    assert [(s.id, s.target) for s in EVAL_LOG.read_samples(place)] == [(i, repr(i)) for i in ids]
    for id in ids:
        found = EVAL_LOG.read_sample(place, id, 1)
        assert found is not None
        assert (found.id, found.target) == (id, repr(id))
    [theirs] = peer.run("tests.log._peer_read", [place.path])
    assert sorted(map(repr, (s["id"] for s in theirs["log"]["samples"]))) == sorted(map(repr, ids))


def test_names() -> None:
    name = sample_name("a", 2)

    assert name == "samples/a_epoch_2.json"
    assert other_name(1, 1) == "samples/1_epoch_1.int.json"
    assert free_name("a", 2, {name}) == "samples/a_epoch_2.str.json"
    assert free_name("a", 2, {name, other_name("a", 2)}) == "samples/a_epoch_2.str.2.json"


@pytest.mark.parametrize(
    "url",
    [pytest.param("memory://bucket/logs/new.eval", id="memory"), pytest.param("", id="local")],
)
def test_any_store(
    url: str, tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    place = open_place(url or tmp_path / "new" / "folder" / "log.eval")

    EVAL_LOG.write(place, make_header(), [make_sample(id) for id in range(3)])

    assert [sample.id for sample in EVAL_LOG.read_samples(place)] == [0, 1, 2]
    found = EVAL_LOG.read_sample(place, 2, 1)
    assert found is not None
    assert found.messages[0].text == "Be brief."


def test_a_failure_leaves_what_was_there(
    tmp_path: Path, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    path = tmp_path / "log.eval"
    EVAL_LOG.write(open_place(path), make_header(), [make_sample(1)])
    before = path.read_bytes()

    def samples() -> Iterator[EvalSample]:
        yield make_sample(2)
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="the source is gone"):
        EVAL_LOG.write(open_place(path), make_header(), samples())

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["log.eval"]


def test_images_are_written_once(
    tmp_path: Path, make_header: MakeHeader, odd_samples: list[EvalSample]
) -> None:
    path = tmp_path / "log.eval"

    EVAL_LOG.write(open_place(path), make_header(), odd_samples[2:3])

    with ZipFile(path) as archive:
        text = archive.read("samples/a/../b_epoch_1.json").decode()
    assert text.count("iVBORw0KGgo" * 30) == 1
    assert list(json.loads(text)["attachments"]) != []
