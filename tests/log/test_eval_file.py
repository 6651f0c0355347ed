"""`.eval` files, there and back: what the reference wrote is the same for it afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from tasks_lib.log import read_eval_log, write_eval_log
from tasks_lib.log._condense import resolve_sample_attachments
from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._eval_log_zip import open_zip
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._json_log import JSON_LOG
from tasks_lib.schema import ContentImage, EvalSample, ModelEvent, ToolEvent
from tests.log._peer import Peer, differences

LOGS = ("agent", "scored", "running")
ZSTANDARD = 93


def place_of(folder: Path, name: str) -> Place:
    return open_place(folder / name)


def samples_of(folder: Path, name: str) -> list[EvalSample]:
    return list(EVAL_LOG.read_samples(place_of(folder, name)))


def through_eval(source: Path, target: Path) -> None:
    place = open_place(source)
    EVAL_LOG.write(open_place(target), EVAL_LOG.read_header(place), EVAL_LOG.read_samples(place))


def through_parquet(source: Path, target: Path) -> None:
    log = EVAL_LOG.read_header(open_place(source))
    log.samples = list(EVAL_LOG.read_samples(open_place(source)))
    between = target.with_suffix(".parquet")
    write_eval_log(log, between)
    log = read_eval_log(between)
    EVAL_LOG.write(open_place(target), log, log.samples or [])


def through_json(source: Path, target: Path) -> None:
    place, between = open_place(source), open_place(target.with_suffix(".json"))
    JSON_LOG.write(between, EVAL_LOG.read_header(place), EVAL_LOG.read_samples(place))
    EVAL_LOG.write(
        open_place(target), JSON_LOG.read_header(between), JSON_LOG.read_samples(between)
    )


WAYS = {"eval": through_eval, "parquet": through_parquet, "json": through_json}


@pytest.fixture(scope="module")
def readings(
    peer: Peer, peer_logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the reference reads from each log, before and after each way, in one process."""
    folder = tmp_path_factory.mktemp("ways")
    files = {name: peer_logs / f"{name}.eval" for name in LOGS}
    for way, go in WAYS.items():
        for name in LOGS:
            target = folder / f"{name}-{way}.eval"
            go(peer_logs / f"{name}.eval", target)
            files[target.stem] = target
    read = peer.run("tests.log._peer_read", [str(file) for file in files.values()])
    return dict(zip(files, read, strict=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("part", ["log", "sample", "streamed", "header"])
def test_nothing_is_lost(readings: dict[str, Any], name: str, way: str, part: str) -> None:
    before, after = readings[name][part], readings[f"{name}-{way}"][part]
    if way == "parquet" and name == "agent" and part in ("log", "header"):
        # With one epoch they repeat the samples' scores: the Parquet file leaves them out.
        assert [item["samples"][0]["value"] for item in before["reductions"]] == [1.0]
        before = {key: value for key, value in before.items() if key != "reductions"}

    assert differences(before, after) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LOGS)
def test_summaries_say_the_same(readings: dict[str, Any], name: str, way: str) -> None:
    def shown(summary: dict[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in summary.items() if k not in ("retries", "metadata", "input")}
        scores = {
            name: {key: value for key, value in score.items() if key != "metadata"}
            for name, score in summary.get("scores", {}).items()
        }
        return {**kept, "scores": scores}

    def by_id(summaries: list[dict[str, Any]]) -> dict[str, Any]:
        return {f"{summary['id']}/{summary['epoch']}": shown(summary) for summary in summaries}

    before = by_id(readings[name]["summaries"])

    assert differences(before, by_id(readings[f"{name}-{way}"]["summaries"])) == []


def test_the_logs_hold_what_these_tests_are_about(
    readings: dict[str, Any], peer_logs: Path
) -> None:
    with ZipFile(peer_logs / "agent.eval") as archive:
        assert {info.compress_type for info in archive.infolist()} == {ZSTANDARD}
    with open_zip(place_of(peer_logs, "agent.eval")) as members:
        assert b'"input_refs"' in members.read("samples/1_epoch_1.json")
    [agent] = readings["agent"]["log"]["samples"]
    assert {event["event"] for event in agent["events"]} >= {
        "approval",
        "info",
        "logger",
        "model",
        "sample_init",
        "sandbox",
        "score",
        "span_begin",
        "span_end",
        "state",
        "store",
        "subtask",
        "tool",
    }
    assert {usage["total_cost"] > 0 for usage in agent["model_usage"].values()} == {True}
    scored = readings["scored"]["log"]
    assert [len(part) for part in (scored["samples"], scored["reductions"])] == [14, 6]
    broken, *_ = (sample for sample in scored["samples"] if "error" in sample)
    assert (broken["id"], len(broken["error_retries"])) == ("broken", 1)
    limits = {sample["limit"]["type"] for sample in scored["samples"] if "limit" in sample}
    assert limits == {"message"}


def test_messages_of_a_pool_are_where_they_belong(peer_logs: Path) -> None:
    [sample] = samples_of(peer_logs, "agent.eval")
    *_, last = (event for event in sample.events if isinstance(event, ModelEvent))

    whole = resolve_sample_attachments(sample)

    assert [m.role for m in last.input] == [m.role for m in sample.messages[:-1]]
    inputs = [e.input for e in sample.events if isinstance(e, ModelEvent) and len(e.input) > 4]
    assert inputs[0][0] is inputs[-1][0]  # shared, not copied
    assert [m.text for m in whole.messages if m.role == "user"] == ["What is this?"]
    image = whole.input[1].content[1]  # type: ignore[union-attr]  # a message with two parts
    assert isinstance(image, ContentImage)
    assert image.image.startswith("data:image/png;base64,iVBOR")
    assert sample.input[1].content[1].image.startswith("attachment://")  # type: ignore[union-attr]


def test_errors_of_tools_are_typed(peer_logs: Path) -> None:
    [sample] = samples_of(peer_logs, "agent.eval")

    calls = [event for event in sample.events if isinstance(event, ToolEvent)]

    assert [(call.function, call.error and call.error.type) for call in calls] == [
        ("add", None),
        ("fail", "unknown"),
        ("fail", "permission"),
        ("add", "parsing"),
        ("nothing", "parsing"),
    ]


def test_a_log_that_is_being_written(peer_logs: Path) -> None:
    place = place_of(peer_logs, "running.eval")

    header = EVAL_LOG.read_header(place)
    keys = [(summary.id, summary.epoch) for summary in EVAL_LOG.read_summaries(place)]

    assert (header.status, header.eval.task, header.results) == ("started", "scored", None)
    assert keys == [(7, 1), ("x/y", 1), ("..", 1), ("endless", 1)]  # the last batch, too
    assert [(s.id, s.epoch) for s in EVAL_LOG.read_samples(place)] == keys
    assert header.eval.config.log_buffer == 1


@pytest.mark.parametrize(
    ("id", "epoch", "found"),
    [
        pytest.param(7, 1, True, id="a number"),
        pytest.param("7", 1, False, id="the same as text"),
        pytest.param("x/y", 2, True, id="with a slash"),
        pytest.param("..", 1, True, id="dots"),
        pytest.param("..", 3, False, id="no such epoch"),
        pytest.param("nobody", 1, False, id="no such id"),
    ],
)
def test_one_sample(peer_logs: Path, id: int | str, epoch: int, found: bool) -> None:
    sample = EVAL_LOG.read_sample(place_of(peer_logs, "scored.eval"), id, epoch)

    assert (sample and (sample.id, sample.epoch)) == ((id, epoch) if found else None)


def test_what_is_written_is_what_every_version_reads(peer_logs: Path, tmp_path: Path) -> None:
    through_eval(peer_logs / "agent.eval", tmp_path / "new.eval")

    with ZipFile(tmp_path / "new.eval") as archive:
        assert [(info.filename, info.compress_type) for info in archive.infolist()] == [
            ("_journal/start.json", ZIP_DEFLATED),
            ("samples/1_epoch_1.json", ZIP_DEFLATED),
            ("summaries.json", ZIP_DEFLATED),
            ("reductions.json", ZIP_DEFLATED),
            ("header.json", ZIP_DEFLATED),
        ]
        assert archive.testzip() is None
    assert [file.name for file in tmp_path.iterdir()] == ["new.eval"]
