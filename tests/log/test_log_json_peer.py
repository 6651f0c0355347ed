"""`.json` logs and the reference: we read what it writes, it reads what we write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks_lib.log import (
    convert_eval_logs,
    read_eval_log,
    read_eval_log_sample_summaries,
    write_eval_log,
)
from tasks_lib.schema import EvalDataset, EvalLog, EvalSample, ModelEvent, Score
from tests.log._peer import Peer, differences

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]


@pytest.fixture(scope="module")
def ways(peer_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A log of the reference, and what became of it on ways through our formats."""
    folder = tmp_path_factory.mktemp("json-ways")
    theirs = peer_logs / "scored.json"
    write_eval_log(read_eval_log(theirs), folder / "written.json")
    for step in ("eval", "parquet"):
        convert_eval_logs(theirs, step, folder / step)
        convert_eval_logs(folder / step / f"scored.{step}", "json", folder / f"by-{step}")
    return {
        "theirs": theirs,
        "written": folder / "written.json",
        "by eval": folder / "by-eval" / "scored.json",
        "by parquet": folder / "by-parquet" / "scored.json",
    }


@pytest.fixture(scope="module")
def readings(peer: Peer, ways: dict[str, Path]) -> dict[str, Any]:
    """What the reference reads of them."""
    read = peer.run("tests.log._peer_read", [str(path) for path in ways.values()])
    for reading in read:  # we order ids in another way
        for samples in (reading["log"]["samples"], reading["summaries"]):
            samples.sort(key=lambda sample: (sample["epoch"], str(sample["id"])))
    return dict(zip(ways, read, strict=True))


@pytest.mark.parametrize("way", ["written", "by eval", "by parquet"])
@pytest.mark.parametrize("part", ["log", "sample", "streamed", "header", "summaries"])
def test_nothing_is_lost(readings: dict[str, Any], way: str, part: str) -> None:
    assert readings["theirs"][part]
    assert differences(readings["theirs"][part], readings[way][part]) == []


def test_we_read_the_same_as_they(ways: dict[str, Path], readings: dict[str, Any]) -> None:
    theirs = readings["theirs"]
    log = read_eval_log(ways["theirs"], resolve_attachments=True)
    samples = log.samples or []

    header = read_eval_log(ways["theirs"], header_only=True)

    assert header == log.model_copy(update={"samples": None})
    assert log.reductions
    assert (log.status, log.eval.eval_id) == ("success", theirs["log"]["eval"]["eval_id"])
    read = {f"{sample.id}/{sample.epoch}": sample for sample in samples}
    assert read.keys() == theirs["sample"].keys()
    for key, sample in read.items():
        plain = theirs["sample"][key]
        assert [event.event for event in sample.events] == [e["event"] for e in plain["events"]]
        assert [message.text for message in sample.messages] == [
            message["content"] for message in plain["messages"] if message["content"]
        ]
        calls = [event for event in sample.events if isinstance(event, ModelEvent)]
        assert [len(call.input) for call in calls] == [
            len(e["input"]) for e in plain["events"] if e["event"] == "model"
        ]
        assert all(call.input for call in calls)
    summaries = read_eval_log_sample_summaries(ways["theirs"])
    assert [summary.uuid for summary in summaries] == [sample.uuid for sample in samples]


def test_they_read_what_we_write(
    tmp_path: Path, peer: Peer, make_header: MakeHeader, make_sample: MakeSample
) -> None:
    path = tmp_path / "ours.json"
    samples = [
        make_sample(1, scores={"match": Score(value=float("nan"))}),
        make_sample("two", metadata={"lone": "\ud800", "nul": "\0", "inf": float("inf")}),
        make_sample(3, messages=[], events=[], scores=None),
    ]
    log = make_header(status="success", samples=samples)
    log.eval.dataset = EvalDataset(samples=3, sample_ids=[1, "two", 3])
    write_eval_log(log, path)

    [theirs] = peer.run("tests.log._peer_read", [str(path)])

    assert theirs["streamed"] == [[1, 1], ["two", 1], [3, 1]]
    read = {sample["id"]: sample for sample in theirs["log"]["samples"]}
    assert read[1]["scores"]["match"]["value"] == "NaN"
    assert read["two"]["metadata"] == {"lone": "\\ud800", "nul": "\0", "inf": "Infinity"}
    for sample in samples:
        assert read[sample.id]["uuid"] == sample.uuid
        assert read[sample.id].get("messages", []) == [
            json.loads(message.model_dump_json(exclude_none=True)) for message in sample.messages
        ]
        kinds = [event["event"] for event in read[sample.id].get("events", [])]
        assert kinds == [event.event for event in sample.events]
    assert theirs["header"]["eval"]["dataset"]["sample_ids"] == [1, "two", 3]
