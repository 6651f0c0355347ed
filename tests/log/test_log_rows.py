from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib._util._json import decode, encode_exactly, encode_fast
from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._rows import row_sample, sample_row
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageUser,
    ContentImage,
    ContentText,
    EvalError,
    EvalRetryError,
    EvalSample,
    EvalSampleLimit,
    EvalSpec,
    InfoEvent,
    JsonChange,
    ModelOutput,
    ModelUsage,
    Sample,
    SampleInitEvent,
    Score,
    SpanBeginEvent,
    StateEvent,
    ToolCallError,
    ToolEvent,
)

MakeSample = Callable[..., EvalSample]
SPEC = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", model="m")
LONE = "a\ud800b\udfff"
RETRIED = EvalRetryError(
    message="TimeoutError",
    traceback="t",
    started_at="2026-11-21T12:00:00.000000+00:00",
    total_time=1.5,
    working_time=0.5,
    model_usage={
        "a": ModelUsage(input_tokens=1, total_tokens=3, total_cost=0.25),
        "b": ModelUsage(total_tokens=4, total_cost=0.5),
    },
)


class Colour(Enum):
    RED = "red"


def stored(sample: EvalSample, scorers: tuple[str, ...] = ("match",)) -> dict[str, Any]:
    """The sample's row as Arrow holds it."""
    schema = sample_schema(columns_of_scorers(scorers))
    rows: list[dict[str, Any]] = sample_batch(
        [sample_row(sample, scorers)], SPEC, schema
    ).to_pylist()
    return rows[0]


def read_back(sample: EvalSample) -> EvalSample:
    return row_sample(stored(sample))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="a usual sample"),
        pytest.param({"id": "1"}, id="a text id that looks like a number"),
        pytest.param({"id": "../a/'b\"\n" + "x" * 10_000}, id="a long id of odd characters"),
        pytest.param({"input": [ChatMessageUser(content="hi", id=None)]}, id="messages as input"),
        pytest.param({"target": ["a", "b"]}, id="two targets"),
        pytest.param({"target": ["a"]}, id="a list of one target"),
        pytest.param({"target": []}, id="no target"),
        pytest.param({"target": '["a"]'}, id="a target that looks like JSON"),
        pytest.param({"choices": ["x", ""]}, id="choices"),
        pytest.param({"choices": []}, id="no choices"),
        pytest.param({"scores": None}, id="not scored"),
        pytest.param({"scores": {}}, id="scored by no one"),
        pytest.param({"scores": {"s": Score(value={"a": 1, "b": None})}}, id="dict score"),
        pytest.param({"scores": {"s": Score(value=[1, 2.0, "x", True])}}, id="list score"),
        pytest.param({"metadata": {"a": None, "b": [None, {"c": None}]}}, id="nulls in metadata"),
        pytest.param({"metadata": {"text": 'x":null,'}}, id="text that looks like a null"),
        pytest.param({"store": {"x": [1, 1.0, True, "é"]}}, id="store"),
        pytest.param({"attachments": {"h": "x" * 1000}}, id="attachments"),
        pytest.param({"output": ModelOutput()}, id="no output"),
        pytest.param({"events": []}, id="output without events"),
        pytest.param({"output": ModelOutput(), "events": [], "messages": []}, id="nothing at all"),
        pytest.param({"model_usage": {}, "uuid": None, "started_at": None}, id="no numbers"),
        pytest.param({"started_at": "yesterday"}, id="a time that is none"),
        pytest.param({"started_at": "2026-11-21T13:00:00+01:00"}, id="a time elsewhere"),
        pytest.param({"attempt": 3}, id="third attempt"),
        pytest.param({"sandbox": ["docker", "a.yaml"], "files": ["f"], "setup": "s"}, id="sandbox"),
        pytest.param({"limit": EvalSampleLimit(type="token", limit=9)}, id="limit"),
        pytest.param(
            {
                "error": EvalError(message="m", traceback="t", traceback_ansi="a"),
                "error_retries": [EvalError(message="1", traceback="t")],
            },
            id="errors",
        ),
        pytest.param({"error_retries": []}, id="no retries"),
        pytest.param({"error_retries": [RETRIED]}, id="a retry with its cost"),
        pytest.param({"digest": "0123456789abcdef"}, id="digest"),
        pytest.param(
            {"messages": [ChatMessageAssistant(content="x", id=None)], "output": ModelOutput()},
            id="message without id",
        ),
        pytest.param(
            {
                "messages": [
                    ChatMessageUser(content=[ContentText(text="x"), ContentImage(image="i")])
                ]
            },
            id="content parts",
        ),
        pytest.param({"messages": [ChatMessageUser(content="a\0b")], "input": "\0"}, id="NUL"),
        pytest.param({"input": LONE, "target": LONE}, id="lone surrogates in input"),
        pytest.param({"id": LONE, "uuid": LONE}, id="lone surrogates in ids"),
        pytest.param({"metadata": {LONE: {"x": [LONE]}}}, id="lone surrogates in metadata"),
        pytest.param(
            {"metadata": {"a": LONE, "b": "\U000f0000\U000f0fff"}}, id="and private characters"
        ),
        pytest.param({"messages": [ChatMessageUser(content=LONE)]}, id="lone surrogates said"),
        pytest.param({"scores": {LONE: Score(value=LONE, answer=LONE)}}, id="… scored"),
        pytest.param({"error": EvalError(message=LONE, traceback=LONE)}, id="… failed"),
        pytest.param({"metadata": {"a": math.inf, "b": [-math.inf]}}, id="infinities"),
        pytest.param({"metadata": {"deep": json.loads("[" * 140 + "]" * 140)}}, id="deep nesting"),
        pytest.param({"metadata": {"big": 2**100}}, id="a big integer"),
        pytest.param({"input": "x" * 5_000_000}, id="5 MB"),
    ],
)
def test_round_trip(make_sample: MakeSample, fields: dict[str, Any]) -> None:
    sample = make_sample(**fields)

    assert read_back(sample) == sample


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(InfoEvent(data=None), id="info of nothing"),
        pytest.param(InfoEvent(data={"a": None}, source=LONE), id="info with null"),
        pytest.param(SampleInitEvent(sample=Sample(input="x"), state=None), id="no state"),
        pytest.param(
            StateEvent(
                changes=[
                    JsonChange(op="replace", path="/a", value=None),
                    JsonChange(op="move", path="/a", from_="/b"),
                ]
            ),
            id="state",
        ),
        pytest.param(
            ToolEvent(
                id="c1",
                function="add",
                arguments={"x": 1, "y": None},
                result="3",
                error=ToolCallError(type="timeout", message="too slow"),
                truncated=(10, 5),
            ),
            id="tool",
        ),
    ],
)
def test_event_round_trip(make_sample: MakeSample, event: Any) -> None:
    sample = make_sample(events=[event])

    assert read_back(sample).events == [event]


def test_fields_of_newer_versions_are_kept(make_sample: MakeSample) -> None:
    new = {"mood": "sunny", "surrogates": 3, "nested": {"a": [None, 1]}}
    sample = make_sample(**new)
    sample.messages[0] = ChatMessageUser(content="x", id="y", **new)
    sample.events[1] = SpanBeginEvent(id="a", name="generate", **new)
    back = read_back(sample)

    assert back == sample
    assert back.model_extra == new


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"text", "text", id="bytes of text"),
        pytest.param(b"\xff", "data:application/octet-stream;base64,/w==", id="other bytes"),
        pytest.param(date(2026, 11, 21), "2026-11-21", id="date"),
        pytest.param({3}, [3], id="set"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1: {None: "x"}}, {"1": {"None": "x"}}, id="keys that are no text"),
        pytest.param(SPEC.dataset, {}, id="model"),
        pytest.param(
            ToolCallError(type="timeout", message="m"),
            {"type": "timeout", "message": "m"},
            id="data",
        ),
        pytest.param(object(), "<builtins.object>", id="object"),
        pytest.param(Lock(), "<_thread.lock>", id="foreign object"),
        pytest.param(pa.scalar(1), 1, id="foreign integer"),
        pytest.param(Decimal("1.5"), "1.5", id="decimal"),
        pytest.param([LONE, object()], [LONE, "<builtins.object>"], id="object and surrogates"),
        pytest.param(Path("/a"), "/a", id="path"),
    ],
)
def test_what_json_has_no_form_for(
    make_sample: MakeSample, value: object, expected: object
) -> None:
    sample = make_sample(metadata={"value": value}, store={"value": [value]})

    back = read_back(sample)

    assert back.metadata == {"value": expected}
    assert back.store == {"value": [expected]}


def test_cycles_and_bottomless_nesting_end(make_sample: MakeSample) -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]

    back = read_back(make_sample(metadata={"cycle": cycle}, store={"deep": deep}))

    assert back.metadata == {"cycle": {"self": "<cycle>"}}
    assert json.dumps(back.store).strip('{}[]"dep: ') == "<nested too deep>"


def test_nan_stays_nan(make_sample: MakeSample) -> None:
    sample = make_sample(
        metadata={"a": [math.nan]},
        scores={"match": Score(value=math.nan)},
        events=[InfoEvent(data={"x": math.nan})],
    )
    row = stored(sample)
    back = row_sample(row)

    assert row["score_match"] is None
    assert math.isnan(back.metadata["a"][0])
    assert back.scores is not None
    assert math.isnan(back.scores["match"].as_float())
    assert isinstance(back.events[0], InfoEvent)
    assert back.events[0].data != back.events[0].data or "nan" in repr(back.events[0].data)


@given(st.text(st.characters(exclude_categories=[])), st.floats(), st.integers())
def test_any_text_and_number(text: str, number: float, integer: int) -> None:
    sample = EvalSample(
        id=text,
        epoch=1,
        input=text,
        target=[text, text],
        messages=[ChatMessageUser(content=text, id=text)],
        metadata={text: [number, integer]},
    )

    back = read_back(sample)

    assert repr(back) == repr(sample)  # repr, because NaN differs from itself


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("C", 1.0, id="correct"),
        pytest.param("I", 0.0, id="incorrect"),
        pytest.param("P", 0.5, id="partial"),
        pytest.param("N", 0.0, id="no answer"),
        pytest.param(True, 1.0, id="true"),
        pytest.param(7, 7.0, id="integer"),
        pytest.param(0.25, 0.25, id="float"),
        pytest.param(math.inf, math.inf, id="infinity"),
        pytest.param(10**400, None, id="too big for a float"),
        pytest.param("2.5", 2.5, id="a number in text"),
        pytest.param("excellent", None, id="text"),
        pytest.param([1, 2], None, id="list"),
        pytest.param({"a": 1}, None, id="dict"),
    ],
)
def test_score_column(make_sample: MakeSample, value: Any, expected: float | None) -> None:
    row = stored(make_sample(scores={"match": Score(value=value)}))

    assert row["score_match"] == expected


def test_columns_of_scorers() -> None:
    columns = columns_of_scorers(["match", "a/b", "a b", "A_B", "match", "s'; drop", ""])

    assert columns == {
        "match": "score_match",
        "a/b": "score_a_b",
        "a b": "score_a_b_2",
        "A_B": "score_A_B_3",
        "s'; drop": "score_s___drop",
        "": "score_",
    }


def test_flat_columns(make_sample: MakeSample) -> None:
    usage = ModelUsage(input_tokens=1, output_tokens=2, total_tokens=10**30, reasoning_tokens=4)
    usages = {"a": usage, "b": ModelUsage(input_tokens=5)}
    row = stored(
        make_sample(model_usage=usages, error_retries=[RETRIED, RETRIED], digest="0123456789abcdef")
    )

    flat = {name: row[name] for name in row if not str(row[name]).startswith(("{", "["))}
    started_at = flat.pop("started_at")
    assert started_at.isoformat() == "2026-11-21T12:00:00.123456+00:00"
    assert flat.pop("eval_id") == SPEC.eval_id
    assert flat.pop("task_id") == SPEC.task_id
    assert flat == {
        "run_id": "",
        "task": "t",
        "model": "m",
        "sample_id": "1",
        "sample_id_type": "int",
        "epoch": 1,
        "uuid": "uuid-1-1",
        "attempt": 1,
        "input": "What is 40 plus 1?",
        "target": "42",
        "choices": None,
        "output": "It is 42.",
        "answer": "42",
        "stop_reason": "stop",
        "score_match": 1.0,
        "input_tokens": 6,
        "output_tokens": 2,
        "total_tokens": None,
        "reasoning_tokens": 4,
        "input_tokens_cache_read": None,
        "input_tokens_cache_write": None,
        "total_time": 1.5,
        "working_time": 1.25,
        "error": None,
        "limit": None,
        "retries": 2,
        "cost": None,
        "retry_tokens": 14,
        "retry_cost": 1.5,
        "digest": "0123456789abcdef",
        "message_pool": None,
        "model_output": None,
        "store": None,
        "attachments": None,
    }


def test_json_columns_stay_valid_json_with_lone_surrogates(make_sample: MakeSample) -> None:
    row = stored(make_sample(messages=[ChatMessageUser(content=LONE)], input=LONE))

    assert row["input"] == "a\ufffdb\ufffd"
    assert "\\ud800" not in row["messages"]
    assert json.loads(row["messages"])[0]["content"].encode()


USUAL = ToolEvent(id="c", function="f", arguments={"x": [1, "é", {"y": True}]}, truncated=(9, 5))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(USUAL, id="an event"),
        pytest.param(InfoEvent(data=None, new=[1]), id="an event of a newer version"),
        pytest.param(JsonChange(op="move", path="/a", from_="/b"), id="an alias"),
        pytest.param(JsonChange(op="add", path="/a", value=USUAL), id="a model where JSON may be"),
        pytest.param({"a": [ModelUsage(input_tokens=1)]}, id="a model in data"),
        pytest.param(datetime(2026, 11, 21, 12, 30, tzinfo=UTC), id="a time"),
        pytest.param(datetime(2026, 11, 21, 12, 30, 0, 5), id="a time without zone"),
        pytest.param(
            datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            id="a time far off",
        ),
        pytest.param([1, -0.0, 1e300, 5e-324, 2**63, True, "\x7f\u2028\0"], id="numbers and text"),
        pytest.param((1, (2, [])), id="tuples"),
        pytest.param(UUID(int=7), id="a UUID"),
        pytest.param(Colour.RED, id="an enumeration"),
    ],
)
def test_the_fast_and_the_exact_way_write_the_same(value: object) -> None:
    assert decode(encode_fast(value)) == decode(encode_exactly(value))
