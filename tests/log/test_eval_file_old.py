"""Logs of older versions of the reference, and of versions that are newer than this one."""

from __future__ import annotations

import copy
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._util._json import to_plain
from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._eval_log_parse import parse_header, parse_sample, parse_summary
from tasks_lib.log._files import open_place
from tasks_lib.schema import (
    ChatMessageTool,
    EvalLog,
    EvalSample,
    LoggedGenerateConfig,
    LoggedSample,
    ModelEvent,
    SampleInitEvent,
    ScoreEvent,
    ToolFunction,
    UnknownEvent,
)
from tests.log._peer import Peer, differences
from tests.log._raw_zip import document, write_raw_zip

SPEC = {"task": "t", "created": "2024-05-01T10:00:00+02:00", "model": "m"}


def header(**fields: Any) -> EvalLog:
    spec = SPEC | {"dataset": {}, "config": {}} | fields.pop("eval", {})
    return parse_header(copy.deepcopy({"version": 2, "status": "success", "eval": spec, **fields}))


def sample(**fields: Any) -> EvalSample:
    plain = {"id": 1, "epoch": 1, "input": "i", "target": "t", "messages": [], **fields}
    return parse_sample(copy.deepcopy(plain), "the scorer")


def event(kind: str, **fields: Any) -> Any:
    at = {"timestamp": "2024-05-01T10:00:00", "working_start": 0}
    [found] = sample(events=[{"event": kind, **at, **fields}]).events
    return found


def test_a_log_without_an_id_always_gets_the_same() -> None:
    spec = {"run_id": "run", "task_id": "task"}

    ids = {header(eval=spec).eval.eval_id for _ in range(3)}

    assert len(ids) == 1
    assert header(eval=spec | {"eval_id": "mine"}).eval.eval_id == "mine"
    assert header(eval=spec | {"run_id": "other"}).eval.eval_id not in ids


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            ["docker", "compose.yaml"], {"type": "docker", "config": "compose.yaml"}, id="pair"
        ),
        pytest.param(["local", None], {"type": "local"}, id="without a config"),
        pytest.param(["local"], {"type": "local"}, id="one"),
        pytest.param({"type": "docker"}, {"type": "docker"}, id="as today"),
        pytest.param("local", "local", id="ours"),
    ],
)
def test_sandboxes(before: object, after: object) -> None:
    assert header(eval={"sandbox": before}).eval.sandbox == after
    assert sample(sandbox=before).sandbox == after


def test_one_scorer_and_its_metrics() -> None:
    metrics = {"accuracy": {"name": "accuracy", "value": 0.5}}
    reductions = [{"scorer": "match", "samples": [{"sample_id": 1, "value": 1.0}]}]
    old = {
        "total_samples": 1,
        "scorer": {"name": "match", "params": {"x": 1}},
        "metrics": metrics,
        "sample_reductions": reductions,
    }

    log = header(results=old)

    assert log.results is not None
    assert to_plain(log.results)["scores"] == [
        {"name": "match", "scorer": "match", "params": {"x": 1}}
        | {"metrics": {"accuracy": {"name": "accuracy", "value": 0.5, "params": {}}}}
    ]
    assert to_plain(log.reductions) == reductions


def test_names_that_changed() -> None:
    log = header(
        eval={"config": {"max_messages": 7}, "task_args": {"a": 1}},
        plan={"config": {"reasoning_history": True}},
    )

    assert log.eval.config.message_limit == 7
    assert log.eval.task_args_passed == {"a": 1}
    assert log.plan.config.reasoning_history == "all"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"score": {"value": "C"}}, id="a single score"),
        pytest.param({"scores": {"88F74D2C": {"value": "C"}}}, id="a placeholder"),
    ],
)
def test_a_score_without_a_name_is_that_of_the_first_scorer(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    assert {name: s.value for name, s in (sample(**fields).scores or {}).items()} == {
        "the scorer": "C"
    }
    spec: dict[str, Any] = SPEC | {"dataset": {}, "config": {}}
    scores = [{"name": "named", "scorer": "named"}]
    members = [
        document("header.json", {"version": 2, "eval": spec, "results": {"scores": scores}}),
        document(
            "samples/1_epoch_1.json", {"id": 1, "epoch": 1, "input": "", "target": "", **fields}
        ),
    ]
    [read] = EVAL_LOG.read_samples(open_place(write_raw_zip(tmp_path / "a.eval", members)))
    assert set(read.scores or {}) == {"named"}


def test_a_transcript_is_its_events() -> None:
    old = {"events": [{"event": "info", "timestamp": "2024-05-01T10:00:00", "data": "d"}]}

    found = sample(transcript={**old, "content": {"hash": "long"}})

    assert ([e.event for e in found.events], found.attachments) == (["info"], {"hash": "long"})


def test_an_error_of_a_tool() -> None:
    [message] = sample(messages=[{"role": "tool", "content": "", "tool_error": "bad"}]).messages

    assert isinstance(message, ChatMessageTool)
    assert message.error is not None
    assert (message.error.type, message.error.message, message.id) == ("unknown", "bad", None)


def test_a_score_without_a_value_is_no_number() -> None:
    found = event("score", score={"explanation": "failed"})

    assert isinstance(found, ScoreEvent)
    assert isinstance(found.score.value, float)
    assert math.isnan(found.score.value)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        pytest.param("2024-05-01T10:00:00", 10, id="without an offset"),
        pytest.param("2024-05-01T10:00:00.5+02:00", 8, id="with one"),
        pytest.param("2024-05-01T10:00:00Z", 10, id="UTC"),
        pytest.param("2024-05-01T10:00:00-05:00", 15, id="west"),
    ],
)
def test_times_without_an_offset_are_utc(text: str, hour: int) -> None:
    found = event("info", data=None, timestamp=text)

    assert found.timestamp.astimezone(UTC).replace(microsecond=0) == datetime(
        2024, 5, 1, hour, tzinfo=UTC
    )


def test_a_summary_with_messages_has_their_text() -> None:
    summary = parse_summary(
        {"id": 1, "epoch": 1, "input": [{"role": "user", "content": "a"}], "scores": {"s": {}}}
    )

    assert summary.input == "a"
    assert summary.scores is not None
    assert str(summary.scores["s"].value) == "nan"


MODEL_EVENT = {
    "model": "m",
    "tools": [{"name": "t", "description": "d", "parameters": {"future": 1}}],
    "tool_choice": {"name": "t"},
    "config": {"temperature": 1.0, "effort": "huge"},
    "output": {"model": "m", "choices": [], "future": [1]},
    "input": [{"role": "user", "content": [{"type": "text", "text": "t", "future": 1}]}],
}


def test_nothing_of_a_newer_version_is_lost() -> None:
    plain = {
        "id": 1,
        "epoch": 1,
        "input": "i",
        "target": "t",
        "future": {"a": [1]},
        "events": [
            {"event": "prophecy", "timestamp": "2024-05-01T10:00:00Z", "what": {"deep": [None]}},
            {"event": "model", "timestamp": "2024-05-01T10:00:00Z", "uuid": "u", **MODEL_EVENT},
            {
                "event": "sample_init",
                "timestamp": "2024-05-01T10:00:00Z",
                "state": {},
                "sample": {"input": "i", "sandbox": {"type": "docker"}, "future": 1},
            },
            {
                "event": "sample_limit",
                "timestamp": "2024-05-01T10:00:00Z",
                "type": "patience",
                "message": "m",
            },
        ],
        "limit": {"type": "patience", "limit": 1.0, "reason": "r"},
        "output": {"model": "m", "choices": [], "completion": "said otherwise"},
    }

    found = parse_sample(copy.deepcopy(plain))

    unknown, model, init, _ = found.events
    assert isinstance(unknown, UnknownEvent)
    assert unknown.model_extra == {"what": {"deep": [None]}}
    assert isinstance(model, ModelEvent)
    assert model.tool_choice == ToolFunction("t")
    assert isinstance(model.config, LoggedGenerateConfig)
    assert model.config.model_extra == {"effort": "huge"}
    assert isinstance(init, SampleInitEvent)
    assert isinstance(init.sample, LoggedSample)
    lost = [line for line in differences(plain, to_plain(found)) if "'<absent>' became" not in line]
    assert [line for line in lost if "timestamp" not in line] == []


def test_ids_of_old_logs_are_those_of_the_reference(peer: Peer, tmp_path: Path) -> None:
    spec = SPEC | {"run_id": "run", "task_id": "täsk", "dataset": {}, "config": {}}
    start = document("_journal/start.json", {"version": 2, "eval": spec, "plan": {}})
    path = write_raw_zip(tmp_path / "old.eval", [start])

    [theirs] = peer.run("tests.log._peer_read", [str(path)])

    assert EVAL_LOG.read_header(open_place(path)).eval.eval_id == theirs["log"]["eval"]["eval_id"]
