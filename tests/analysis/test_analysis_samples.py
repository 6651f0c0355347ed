"""Rows and columns of `samples_df`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ColumnValueError, ParameterError
from tasks_lib.analysis import (
    EvalColumn,
    EvalModel,
    MessageColumn,
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
    EvalLog,
    EvalSample,
    EvalSampleLimit,
    EvalSampleSummary,
    Score,
)

MakeSample = Callable[..., EvalSample]
WriteLog = Callable[..., Path]

PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 20


def rows(path: Any, columns: Any = None, **options: Any) -> list[dict[str, Any]]:
    chosen = {} if columns is None else {"columns": columns}
    table = samples_df(path, **chosen, **options, frame="arrow")
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def cells(path: Any, column: SampleColumn, **options: Any) -> list[Any]:
    return [row[column.name] for row in rows(path, [column], **options)]


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
        "total_time",
        "working_time",
        "error_sample",
        "limit",
        "retries",
        "model_sample",
    ]


def test_the_last_column_of_a_name_counts(make_sample: MakeSample, write_log: WriteLog) -> None:
    columns = [SampleColumn("x", path="epoch"), *EvalModel, SampleColumn("x", path="target")]

    assert [row["x"] for row in rows(write_log([make_sample()]), columns)] == ["42"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param(["C", 0.5, None], ["C", "0.5", None], id="text and numbers are text"),
        pytest.param([1, 0.5, 2], [1.0, 0.5, 2.0], id="whole numbers among others are floats"),
        pytest.param([1, None, 2], [1, None, 2], id="a missing value leaves whole numbers"),
        pytest.param([True, False, None], [True, False, None], id="flags"),
        pytest.param([True, 2, 1], ["True", "2", "1"], id="flags and numbers are text"),
        pytest.param([0.5, math.nan, math.inf], [0.5, None, math.inf], id="NaN is missing"),
        pytest.param([2**80, 1, 2], [str(2**80), "1", "2"], id="more than 64 bits are text"),
        pytest.param(["\ud800x", "y", None], ["\ufffdx", "y", None], id="lone surrogate"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one log", "several logs"])
def test_types_of_scores(
    scores: list[Any],
    expected: list[Any],
    together: bool,
    make_sample: MakeSample,
    write_log: WriteLog,
) -> None:
    """A column has one type, however its values are spread over logs."""
    samples = [
        make_sample(n, scores=None if value is None else {"s": Score(value=value)})
        for n, value in enumerate(scores)
    ]
    if together:
        paths = [write_log(samples)]
    else:
        paths = [write_log([sample], f"{n}") for n, sample in enumerate(samples)]

    assert [row["score_s"] for row in rows(paths)] == expected


def test_lone_surrogates_are_replaced_in_text_and_json(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    """Ids have escapes instead: they must stay different."""
    sample = make_sample(
        "\ud800",
        input="\udfffin",
        target=["\ud800", "b"],
        metadata={"\ud801key": "\udc00value", "n": 1},
        uuid="uuid",
    )
    events = SampleColumn("events", path=lambda sample: len(sample.events), full=True)
    names = ("id", "input", "target", "metadata_n", "metadata_\ufffdkey", "events")

    [row] = rows(write_log([sample]), [*SampleSummary, events])

    assert [row[name] for name in names] == [
        "\ufdd0\\ud800",
        "user:\n\ufffdin\n",
        "\ufffd,b",
        1,
        "\ufffdvalue",
        5,
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(
            [SampleColumn("x", path="epok")],
            "there is no field 'epok'. Did you mean 'epoch'",
            id="field that is not there",
        ),
        pytest.param(
            [SampleColumn("x", path="limit", required=True)],
            "Column 'x' cannot be read from path 'limit': there is no value",
            id="required value",
        ),
        pytest.param(
            [SampleColumn("x", path="target", type=bool)],
            "'42' cannot be converted to bool",
            id="value of another type",
        ),
        pytest.param(
            [SampleColumn("x", path="target", value=lambda target: target["a"])],
            "string indices must be integers",
            id="function of the value that fails",
        ),
        pytest.param(
            [SampleColumn("x", path=lambda summary: summary.nothing)],
            "has no attribute 'nothing'",
            id="function of the sample that fails",
        ),
        pytest.param(
            [SampleColumn("x", path=lambda summary: object())],
            "a cell cannot hold object",
            id="function that returns something else",
        ),
    ],
)
def test_cells_that_cannot_be_made(
    columns: list[SampleColumn], message: str, make_sample: MakeSample, write_log: WriteLog
) -> None:
    path = write_log([make_sample()])

    with pytest.raises(ColumnValueError) as failure:
        samples_df(path, columns=columns)
    table, errors = samples_df(path, columns=columns, strict=False, frame="arrow")

    assert message in str(failure.value)
    assert str(path) in str(failure.value)
    assert [str(error) for error in errors] == [str(failure.value)]
    assert [error.column for error in errors] == ["x"]
    assert table.column("x").to_pylist() == [None]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(["epoch", "metadata"], ["a", 1], id="entries that are there count"),
        pytest.param(["metadata", "epoch"], [1, 1], id="the later column counts"),
    ],
)
def test_an_entry_with_the_name_of_another_column(
    columns: list[str], expected: list[Any], make_sample: MakeSample, write_log: WriteLog
) -> None:
    known = {
        "epoch": SampleColumn("metadata_x", path="epoch"),
        "metadata": SampleColumn("metadata_*", path="metadata"),
    }
    path = write_log([make_sample(1, metadata={"x": "a"}), make_sample(2, metadata={})])

    found = rows(path, [known[name] for name in columns])

    assert [row["metadata_x"] for row in found] == [
        value if len({type(v) for v in expected}) == 1 else str(value) for value in expected
    ]


def test_columns_of_messages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="samples_df: columns is MessageColumn"):
        samples_df(tmp_path, columns=[MessageColumn("x", path="id")])


def test_no_name_takes_the_place_of_another(make_sample: MakeSample, write_log: WriteLog) -> None:
    """Not even one that comes from a log."""
    metadata = {"sample_id": "forged", "log": "forged", "log_sample": 1, "order": 2}
    columns = [SampleColumn("*", path="metadata")]
    path = write_log([make_sample(metadata=metadata)])

    assert rows(path, columns) == [
        {
            "sample_id": "uuid-a-1-1",
            "eval_id": "eval-a",
            "log_eval": str(path),
            "log_sample_sample": "forged",
            "log_sample": 1,
            "order": 2,
            "sample_id_sample": "forged",
        }
    ]


def test_transcripts_stay_unread(
    make_sample: MakeSample, write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns of the log are enough, also for messages and paths into metadata."""
    path = write_log([make_sample()])
    columns = [*SampleSummary, *SampleMessages, *SampleScores, *EvalModel]
    expected = rows(path, columns)

    def refuse(*args: object, **options: object) -> EvalLog:
        raise AssertionError("transcripts are read")

    monkeypatch.setattr(EvalSample, "model_validate", refuse)

    assert rows(path, columns) == expected
