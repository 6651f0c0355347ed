"""Rows and columns of `samples_df`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib.analysis import (
    EvalColumn,
    SampleColumn,
    SampleMessages,
    SampleScores,
    SampleSummary,
    samples_df,
)
from tasks_lib.schema import (
    ChatMessageUser,
    ContentImage,
    ContentText,
    EvalError,
    EvalSample,
    EvalSampleLimit,
    EvalSampleSummary,
    Score,
)
from tests.analysis._rows import cells, rows

MakeSample = Callable[..., EvalSample]
WriteLog = Callable[..., Path]

PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 20


def test_a_usual_sample(make_sample: MakeSample, write_log: WriteLog) -> None:
    path = write_log([make_sample(1)])

    assert rows(path) == [
        {
            "sample_id": "uuid-a-1-1",
            "eval_id": "eval-a",
            "log": str(path),
            "id": "1",
            "epoch": 1,
            "input": "user:\n40 plus 1?\n",
            "choices": None,
            "target": "42",
            "metadata_level": 3,
            "score_match": "C",
            "model_usage": (
                '{"mockllm/model":{"input_tokens":10,"output_tokens":4,"total_tokens":14}}'
            ),
            "total_tokens": 14,
            "cost": None,
            "total_time": 1.5,
            "working_time": 1.25,
            "error": "",
            "limit": None,
            "retries": 0,
        }
    ]


def test_an_unusual_sample(make_sample: MakeSample, write_log: WriteLog) -> None:
    failure = EvalError(message="ValueError: no", traceback="…")
    sample = make_sample(
        "x/1",
        input=[
            ChatMessageUser(content=" Look: "),
            ChatMessageUser(content=[ContentImage(image=PIXEL), ContentText(text="What?")]),
        ],
        choices=["a", "ü"],
        target=["a", "b"],
        metadata={"name": "y" * 2000, "nested": {"deep": [1]}, "none": None, "flag": True},
        scores={"a": Score(value={"x": 1, "y": 0.5}), "b": Score(value=[1, "C"])},
        model_usage={},
        total_time=None,
        working_time=None,
        error=failure,
        error_retries=[failure, failure],
        limit=EvalSampleLimit(type="token", limit=7),
        uuid=None,
    )

    [row] = rows(write_log([sample]))

    del row["log"]
    assert row == {
        "sample_id": "n7Knbua7c4nPRs4jwtvcqV",
        "eval_id": "eval-a",
        "id": "x/1",
        "epoch": 1,
        "input": "user:\nLook:\n\n\nuser:\nWhat?\n",
        "choices": '["a","ü"]',
        "target": "a,b",
        "metadata_flag": True,
        "metadata_name": "y" * 1000,
        "score_a": '{"x":1,"y":0.5}',
        "score_b": '[1,"C"]',
        "model_usage": "{}",
        "total_tokens": 0,
        "cost": None,
        "total_time": None,
        "working_time": None,
        "error": "ValueError: no",
        "limit": "token",
        "retries": 2,
    }


def test_full_metadata(make_sample: MakeSample, write_log: WriteLog) -> None:
    path = write_log([make_sample(metadata={"name": "y" * 2000, "nested": {"deep": [1]}})])

    [row] = rows(path, full=True)

    assert row["metadata_name"] == "y" * 2000
    assert row["metadata_nested"] == '{"deep":[1]}'


FAILED = EvalError(message="no", traceback="Traceback", traceback_ansi="")

PATHS = [
    pytest.param("id", None, 1, id="id as it is"),
    pytest.param("epoch", None, 2, id="number"),
    pytest.param("epoch", str, "2", id="number as text"),
    pytest.param("total_time", int, None, id="no value to convert"),
    pytest.param("working_time", float, 1.25, id="float"),
    pytest.param(
        "started_at", datetime, datetime.fromisoformat("2026-11-21T12:00:00.123456Z"), id="time"
    ),
    pytest.param("scores.match.value", None, "C", id="value of a score"),
    pytest.param("scores.match.answer", int, 42, id="answer of a score as a number"),
    pytest.param("$.scores.match.explanation", None, "It is 42.", id="path from the root"),
    pytest.param("metadata", None, '{"level":3}', id="dict as JSON, short values only"),
    pytest.param("metadata.tags", None, '["x","y"]', id="list as JSON"),
    pytest.param("metadata.tags[1]", None, "y", id="item of a list"),
    pytest.param("metadata.other", None, None, id="entry that is not there"),
    pytest.param("store.seen", None, True, id="entry of the store"),
    pytest.param("model_usage.*.total_tokens", None, 14, id="star"),
    pytest.param("messages[1].content", None, "40 plus 1? ", id="content of a message"),
    pytest.param("messages[?(@.role=='tool')].error.type", None, "timeout", id="filter"),
    pytest.param("messages[-1].content", None, "It is 42.", id="last message"),
    pytest.param("output.completion", None, "It is 42.", id="completion"),
    pytest.param("output.stop_reason", None, "stop", id="property of the output"),
    pytest.param("output.usage.input_tokens", None, 10, id="in the output"),
    pytest.param("events[*].event", None, "span_begin", id="first of several matches"),
    pytest.param("$..tool_call_id", None, "call1", id="anywhere"),
    pytest.param("error", None, "no", id="error of the summary"),
    pytest.param("limit", None, "time", id="limit of the summary"),
    pytest.param("retries", None, 1, id="retries"),
    pytest.param("error_retries[0].message", None, "no", id="repeated error"),
    pytest.param("uuid", None, "uuid-a-1-2", id="uuid"),
    pytest.param("completed", None, True, id="completed"),
    pytest.param("attempt", None, 1, id="attempt"),
]


@pytest.mark.parametrize(("path", "kind", "expected"), PATHS)
def test_paths(
    path: str, kind: Any, expected: object, sample: EvalSample, write_log: WriteLog
) -> None:
    assert cells(write_log([sample]), SampleColumn("x", path=path, type=kind)) == [expected]


@pytest.fixture
def sample(make_sample: MakeSample) -> EvalSample:
    return make_sample(
        1,
        2,
        metadata={"level": 3, "tags": ["x", "y"], "long": None},
        store={"seen": True},
        total_time=None,
        error=FAILED,
        error_retries=[FAILED],
        limit=EvalSampleLimit(type="time", limit=1),
    )


FIELDS = sorted(set(EvalSample.model_fields) - {"attachments"})


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_that_of_the_sample(
    field: str, make_sample: MakeSample, write_log: WriteLog
) -> None:
    """What is made from columns of the log is what the sample itself says."""
    image = ContentImage(image=PIXEL)
    samples = [
        make_sample(2, input=[ChatMessageUser(content=[image], id="q")], target=["a", "b"]),
        make_sample("2", messages=[ChatMessageUser(content=[image], id="q")], scores=None),
        make_sample(
            10,
            choices=["a"],
            sandbox={"type": "docker", "config": "compose.yaml"},
            files=["a.txt"],
            setup="true",
            store={"a": {"b": [1, None, 0.5]}},
            metadata={"long": "x" * 2000, "none": None},
            error=FAILED,
            error_retries=[FAILED],
            limit=EvalSampleLimit(type="time", limit=1),
            attempt=2,
            started_at="2026-11-21T12:00:00+02:00",
        ),
    ]
    path = write_log(samples)

    found = cells(path, SampleColumn("x", path=field, full=True))

    dumps = [
        s.model_dump(mode="json", exclude_none=True) for s in (samples[0], samples[2], samples[1])
    ]
    expected = [dump.get(field) for dump in dumps]
    assert [as_json(cell, value) for cell, value in zip(found, expected, strict=True)] == [
        value if isinstance(value, list | dict) or value is None else str(value)
        for value in expected
    ]


def as_json(cell: Any, value: object) -> object:
    """Return the JSON in a cell, or a plain cell as text."""
    if isinstance(value, list | dict):
        return json.loads(cell)
    return None if cell is None else str(cell)


def test_summary_functions_see_what_summaries_say(sample: EvalSample, write_log: WriteLog) -> None:
    seen: list[EvalSampleSummary] = []

    def remember(summary: EvalSampleSummary) -> int:
        seen.append(summary)
        return len(summary.input)

    column = SampleColumn("x", path=remember)

    assert cells(write_log([sample]), column) == [len(str(sample.input))]
    assert seen == [sample.summary()]


def test_full_functions_see_the_sample(make_sample: MakeSample, write_log: WriteLog) -> None:
    image = ChatMessageUser(content=[ContentImage(image=PIXEL)], id="q")
    samples = [make_sample(1), make_sample(2, input=[image])]
    seen: list[EvalSample] = []

    def remember(sample: EvalSample) -> int:
        seen.append(sample)
        return len(sample.events)

    found = cells(write_log(samples), SampleColumn("x", path=remember, full=True))

    assert found == [5, 5]
    assert seen == samples  # the image is where it was, not an attachment


def test_messages_and_scores(make_sample: MakeSample, write_log: WriteLog) -> None:
    scores = {
        "match": Score(value="C", answer="42", explanation="Yes.", metadata={"n": 1}),
        "close": Score(value=0.5),
    }
    path = write_log([make_sample(scores=scores)])

    [row] = rows(path, [*SampleMessages, *SampleScores])

    assert row == {
        "sample_id": "uuid-a-1-1",
        "eval_id": "eval-a",
        "log": str(path),
        "messages": (
            "system:\nBe brief.\n\n\n"
            "user:\n40 plus 1?\n\n\n"
            "assistant:\nI use a tool.\n\nTool Call: add\nArguments:\na: 40\nb: [1, 'x']\n\n"
            "tool:\n?\n\nError in tool call 'add':\nToo slow.\n\n\n"
            "assistant:\nIt is 42.\n"
        ),
        "score_close": 0.5,
        "score_match": "C",
        "score_match_answer": "42",
        "score_match_explanation": "Yes.",
        "score_match_metadata": '{"n":1}',
    }


def test_rows_come_by_epoch_and_id(make_sample: MakeSample, write_log: WriteLog) -> None:
    keys = [("b", 1), (10, 2), (-3, 1), (9, 1), ("10", 1), (10, 1), (2**70, 1), ("B", 1)]
    path = write_log([make_sample(id, epoch) for id, epoch in keys])

    found = rows(path, [SampleColumn("id", path="id", type=str), SampleColumn("e", path="epoch")])

    assert [(row["id"], row["e"]) for row in found] == [
        ("-3", 1),
        ("9", 1),
        ("10", 1),
        (str(2**70), 1),
        ("10", 1),
        ("B", 1),
        ("b", 1),
        ("10", 2),
    ]


def test_a_sample_in_several_logs_counts_once(make_sample: MakeSample, write_log: WriteLog) -> None:
    first = write_log([make_sample(1, log="a"), make_sample(2, log="a")], "a")
    retry = write_log([make_sample(1, log="a"), make_sample(2, log="b")], "b")

    found = rows([retry, first])

    assert [(row["sample_id"], row["eval_id"]) for row in found] == [
        ("uuid-a-1-1", "eval-b"),
        ("uuid-b-2-1", "eval-b"),
        ("uuid-a-2-1", "eval-a"),
    ]


def test_names_of_several_levels_get_suffixes(make_sample: MakeSample, write_log: WriteLog) -> None:
    columns = [
        EvalColumn("model", path="eval.model"),
        EvalColumn("error", path="error.message"),
        *SampleSummary,
        SampleColumn("model", path="model_usage"),
    ]

    table = samples_df(write_log([make_sample()]), columns=columns, frame="arrow")

    assert table.column_names == [
        "sample_id",
        "eval_id",
        "model_eval",
        "error_eval",
        "log",
        "id",
        "epoch",
        "input",
        "choices",
        "target",
        "metadata_level",
        "score_match",
        "model_usage",
        "total_tokens",
        "cost",
        "total_time",
        "working_time",
        "error_sample",
        "limit",
        "retries",
        "model_sample",
    ]
