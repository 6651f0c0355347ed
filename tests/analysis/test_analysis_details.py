"""Rows and columns of `messages_df` and `events_df`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.analysis import (
    EvalModel,
    EventColumn,
    EventInfo,
    EventTiming,
    MessageColumn,
    MessageContent,
    ModelEventColumns,
    SampleColumn,
    ToolEventColumns,
    events_df,
    messages_df,
)
from tasks_lib.schema import ChatMessageUser, ErrorEvent, EvalError, EvalSample, SandboxEvent

MakeSample = Callable[..., EvalSample]
WriteLog = Callable[..., Path]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_messages_are_those_of_model_calls(make_sample: MakeSample, write_log: WriteLog) -> None:
    unseen = ChatMessageUser(content="No model was sent this.", id="unseen")
    sample = make_sample()
    path = write_log([sample.model_copy(update={"messages": [*sample.messages, unseen]})])

    table = messages_df(path, frame="arrow")

    base = {"sample_id": "uuid-a-1-1", "eval_id": "eval-a", "log": str(path)}
    nothing = dict.fromkeys(
        ("source", "tool_calls", "tool_call_id", "tool_call_function", "tool_call_error")
    )
    expected = [
        {"message_id": "system-a-1-1", "role": "system", "content": "Be brief."},
        {
            "message_id": "user-a-1-1",
            "role": "user",
            "content": "40 plus 1? ",
            "source": "input",
        },
        {
            "message_id": "wish-a-1-1",
            "role": "assistant",
            "content": "I use a tool.",
            "source": "generate",
            "tool_calls": "add(a=40, b=[1, 'x'])",
        },
        {
            "message_id": "tool-a-1-1",
            "role": "tool",
            "content": "?",
            "tool_call_id": "call1",
            "tool_call_function": "add",
            "tool_call_error": "Too slow.",
        },
        {
            "message_id": "answer-a-1-1",
            "role": "assistant",
            "content": "It is 42.",
            "source": "generate",
        },
    ]
    assert table.to_pylist() == [
        base | nothing | row | {"order": order} for order, row in enumerate(expected, 1)
    ]
    assert table.column_names == [
        "message_id",
        "sample_id",
        "eval_id",
        "log",
        "role",
        "source",
        "content",
        "tool_calls",
        "tool_call_id",
        "tool_call_function",
        "tool_call_error",
        "order",
    ]


def test_messages_without_an_id_get_one(make_sample: MakeSample, write_log: WriteLog) -> None:
    sample = make_sample()
    for message in sample.messages:
        message.id = None
    path = write_log([sample])

    found = messages_df(path, frame="arrow").column("message_id").to_pylist()
    again = messages_df(path, columns=[MessageColumn("role", path="role")], frame="arrow")

    assert len(set(found)) == 5
    assert all(len(id) == 22 for id in found)
    assert again.column("message_id").to_pylist() == found


def test_a_message_that_samples_share_is_in_each(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    samples = [make_sample(1, 1), make_sample(1, 2)]
    for sample in samples:
        sample.messages[0].id = "shared"

    table = messages_df(write_log(samples), frame="arrow", filter=lambda m: m.role == "system")

    assert table.select(["message_id", "sample_id", "order"]).to_pylist() == [
        {"message_id": "shared", "sample_id": "uuid-a-1-1", "order": 1},
        {"message_id": "shared", "sample_id": "uuid-a-1-2", "order": 1},
    ]


def test_columns_of_coarser_levels_are_repeated(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    columns = [
        *MessageContent,
        SampleColumn("epoch", path="epoch"),
        SampleColumn("source", path="target"),
        SampleColumn("events", path=lambda sample: len(sample.events), full=True),
        *EvalModel,
    ]
    path = write_log([make_sample(1, 1), make_sample(1, 2)])

    table = messages_df(path, columns=columns, filter=lambda m: m.role == "user", frame="arrow")

    names = ["epoch", "source_sample", "events", "source_message", "model", "order"]
    assert table.select(names).to_pylist() == [
        {
            "epoch": epoch,
            "source_sample": "42",
            "events": 5,
            "source_message": "input",
            "model": "mockllm/model",
            "order": 1,
        }
        for epoch in (1, 2)
    ]
    assert table.column_names[:5] == [
        "message_id",
        "sample_id",
        "eval_id",
        "model",
        "model_base_url",
    ]


def test_long_and_odd_tool_calls(make_sample: MakeSample, write_log: WriteLog) -> None:
    sample = make_sample()
    message: Any = sample.messages[2]
    message.tool_calls[0].arguments = {"text": "x" * 1000, "flag": None}
    message.tool_calls.append(message.tool_calls[0].model_copy(update={"arguments": {}}))

    table = messages_df(write_log([sample]), frame="arrow")

    assert table.column("tool_calls")[2].as_py() == (
        f"add(\n    text='{'x' * 1000}',\n    flag=None\n)\nadd()"
    )


def test_events(make_sample: MakeSample, write_log: WriteLog) -> None:
    path = write_log([make_sample()])

    table = events_df(path, columns=[*EventInfo, *EventTiming], frame="arrow")

    kinds = ["span_begin", "model", "tool", "model", "span_end"]
    base = {"sample_id": "uuid-a-1-1", "eval_id": "eval-a", "log": str(path), "span_id": "s"}
    times = {"timestamp": NOON, "completed": None, "working_time": None}
    found = table.to_pylist()
    ids = [row.pop("event_id") for row in found]
    assert found == [
        base
        | times
        | {"event": kind, "working_start": 0.25 if kind == "model" else 0.0, "order": order}
        for order, kind in enumerate(kinds, 1)
    ]
    assert ids == events_df(path, frame="arrow").column("event_id").to_pylist()
    assert len(set(ids)) == 5


def test_columns_of_models_and_tools_share_a_frame(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    sample = make_sample()
    failure = EvalError(message="no", traceback="Traceback")
    sample.events += [
        ErrorEvent(error=failure, timestamp=NOON),
        SandboxEvent(action="exec", result=1, timestamp=NOON),
    ]

    table = events_df(
        write_log([sample]), columns=[*ModelEventColumns, *ToolEventColumns], frame="arrow"
    )

    shown = [
        {name: value for name, value in row.items() if value is not None and "_event_" in name}
        for row in table.to_pylist()
    ]
    model = {
        "model_event_model": "mockllm/model",
        "model_event_tools": "[]",
        "model_event_tool_choice": "auto",
        "model_event_config": '{"temperature":0.5}',
        "model_event_usage": '{"input_tokens":10,"output_tokens":4,"total_tokens":14}',
        "model_event_time": 0.5,
    }
    asked = "system:\nBe brief.\n\n\nuser:\n40 plus 1?\n"
    wish = "assistant:\nI use a tool.\n\nTool Call: add\nArguments:\na: 40\nb: [1, 'x']"
    result = "tool:\n?\n\nError in tool call 'add':\nToo slow.\n"
    assert shown == [
        {},
        model | {"model_event_input": asked, "model_event_completion": "I use a tool."},
        {
            "tool_event_function": "add",
            "tool_event_arguments": '{"a":40,"b":[1,"x"]}',
            "tool_event_view": "add\n\n40 + [1, 'x'] + {{c}}",
            "tool_event_result": "?",
            "tool_event_error_type": "timeout",
            "tool_event_error_message": "Too slow.",
        },
        model
        | {
            "model_event_input": f"{asked}\n\n{wish}\n\n{result}",
            "model_event_completion": "It is 42.",
        },
        {},
        {},
        {},
    ]


def test_custom_columns_of_events(make_sample: MakeSample, write_log: WriteLog) -> None:
    columns = [
        EventColumn("kind", path="event"),
        EventColumn("tokens", path="output.usage.total_tokens", type=float),
        EventColumn("arg", path="arguments.b[1]"),
        EventColumn("name", path=lambda event: event.name, event="span_begin"),
    ]

    table = events_df(write_log([make_sample()]), columns=columns, frame="arrow")

    assert table.select(["kind", "tokens", "arg", "name"]).to_pylist()[:3] == [
        {"kind": "span_begin", "tokens": None, "arg": None, "name": "generate"},
        {"kind": "model", "tokens": 14.0, "arg": None, "name": None},
        {"kind": "tool", "tokens": None, "arg": "x", "name": None},
    ]


def test_filtered_events(make_sample: MakeSample, write_log: WriteLog) -> None:
    samples = [make_sample(1), make_sample(2, events=[])]

    table = events_df(write_log(samples), filter=lambda e: e.event == "model", frame="arrow")

    assert table.select(["sample_id", "event", "order"]).to_pylist() == [
        {"sample_id": "uuid-a-1-1", "event": "model", "order": 1},
        {"sample_id": "uuid-a-1-1", "event": "model", "order": 2},
    ]


def test_details_of_a_sample_in_several_logs_count_once(
    make_sample: MakeSample, write_log: WriteLog
) -> None:
    paths = [write_log([make_sample(log="a")], name) for name in ("a", "b")]

    assert len(messages_df(paths, frame="arrow")) == 5
    assert len(events_df(paths, frame="arrow")) == 5


@pytest.mark.parametrize(
    ("read", "column"),
    [
        pytest.param(messages_df, EventColumn("x", path="event"), id="event among messages"),
        pytest.param(events_df, MessageColumn("x", path="id"), id="message among events"),
    ],
)
def test_wrong_columns(read: Any, column: Any, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="columns is"):
        read(tmp_path, columns=[column])
