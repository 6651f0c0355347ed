"""What of a transcript is written once, and that nothing is taken for it that is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from tasks_lib.log import resolve_sample_attachments
from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._rows import row_sample, sample_row
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    EvalSample,
    EvalSpec,
    GenerateConfig,
    InfoEvent,
    JsonChange,
    ModelEvent,
    ModelOutput,
    Sample,
    SampleInitEvent,
    StateEvent,
    ToolCall,
)

MakeSample = Callable[..., EvalSample]
SPEC = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", model="m")
LONE = "a\ud800b\udfff"
SAID = {"message": {"$ref": "#/messages/2"}, "stop_reason": "stop"}


def stored(sample: EvalSample) -> dict[str, Any]:
    """The sample's row as Arrow holds it."""
    schema = sample_schema(columns_of_scorers(["match"]))
    rows: list[dict[str, Any]] = sample_batch(
        [sample_row(sample, ["match"])], SPEC, schema
    ).to_pylist()
    return rows[0]


def read_back(sample: EvalSample) -> EvalSample:
    return row_sample(stored(sample))


def test_a_conversation_with_tools(make_sample: MakeSample) -> None:
    call = ToolCall(id="c1", function="add", arguments={"x": 1, "y": None})
    messages = [
        ChatMessageUser(content="add"),
        ChatMessageAssistant(content="", tool_calls=[call]),
        ChatMessageTool(content="3", tool_call_id="c1", function="add"),
    ]
    events = [
        ModelEvent(
            model="m",
            input=[message.model_copy() for message in messages[:count]],
            tools=[],
            tool_choice="auto",
            config=GenerateConfig(),
            output=ModelOutput.from_content("m", LONE if count == 3 else "x"),
        )
        for count in (1, 2, 3)
    ]
    sample = make_sample(messages=messages, events=events, output=events[-1].output)

    assert read_back(sample) == sample


def test_messages_are_stored_once(make_sample: MakeSample) -> None:
    sample = make_sample()
    forgotten = ChatMessageUser(content="trimmed away", id="gone")
    call = next(event for event in sample.events if isinstance(event, ModelEvent))
    call.input.insert(1, forgotten)
    row = stored(sample)

    events = {event["event"]: event for event in json.loads(row["events"])}
    assert events["model"]["input"] == [0, 3, 1]
    assert events["model"]["output"]["choices"][0]["message"] == {"$ref": "#/messages/2"}
    assert events["score"]["score"] == {"$ref": "#/scores/match"}
    assert [message["id"] for message in json.loads(row["message_pool"])] == ["gone"]
    assert row["model_output"] is None
    assert row_sample(row) == sample


def test_messages_of_states_are_stored_once(make_sample: MakeSample) -> None:
    sample = make_sample()
    changes = [
        JsonChange(op="add", path="/messages/1", value=sample.messages[1].model_copy()),
        JsonChange(op="add", path="/messages/2", value=ChatMessageUser(content="x", id="other")),
        JsonChange(op="replace", path="/output", value=sample.output),
        JsonChange(op="replace", path="/completed", value=None),
    ]
    sample.events.append(StateEvent(changes=changes))
    row = stored(sample)

    written = json.loads(row["events"])[-1]["changes"]
    assert [change.get("value") for change in written] == [
        {"$ref": "#/messages/1"},
        {"id": "other", "content": "x", "role": "user"},
        {"$ref": "#/output"},
        None,
    ]
    back = row_sample(row).events[-1]
    assert isinstance(back, StateEvent)
    assert [change.value for change in back.changes] == [
        sample.messages[1].model_dump(exclude_none=True),
        {"id": "other", "content": "x", "role": "user"},
        sample.output.model_dump(exclude_none=True),
        None,
    ]


def test_outputs_of_states_are_those_before(make_sample: MakeSample) -> None:
    sample = make_sample(events=[])
    outputs = [ModelOutput.from_content("m", text) for text in ("one", "two")]
    for output in outputs:
        output.choices[0].message.id = None
        call = ModelEvent(
            model="m",
            input=[],
            tools=[],
            tool_choice="auto",
            config=GenerateConfig(),
            output=output,
        )
        change = JsonChange(op="replace", path="/output", value=output.model_copy())
        sample.events += [call, StateEvent(changes=[change])]

    row = stored(sample)

    states = [event for event in json.loads(row["events"]) if event["event"] == "state"]
    assert [state["changes"][0]["value"] for state in states] == [{"$ref": "#/output"}] * 2
    changed = [event for event in row_sample(row).events if isinstance(event, StateEvent)]
    assert [state.changes[0].value for state in changed] == [
        output.model_dump(exclude_none=True) for output in outputs
    ]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("What?", id="text"),
        pytest.param(LONE, id="text with lone surrogates"),
        pytest.param([ChatMessageUser(content="What?", id=None)], id="messages"),
        pytest.param(
            [ChatMessageUser(content=[ContentImage(image=f"data:image/png;base64,{'A' * 200}")])],
            id="an image",
        ),
    ],
)
def test_the_input_is_stored_once(make_sample: MakeSample, question: Any) -> None:
    asked = Sample(input=question, target="42", id=1)
    sample = make_sample(input=asked.input)
    sample.events[0] = SampleInitEvent(sample=asked, state={"messages": []})

    row = stored(sample)

    if question != LONE:  # what JSON cannot hold is written in the slow and literal way
        init = json.loads(row["events"])[0]
        assert init["sample"]["input"] == {"$ref": "#/input"}
    assert resolve_sample_attachments(row_sample(row)) == sample


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"$ref": "#/messages/0"}, id="a message"),
        pytest.param({"$ref": "#/scores/match"}, id="a score"),
        pytest.param({"$ref": "#/messages/99"}, id="no message"),
        pytest.param({"$ref": "#/input"}, id="the input"),
        pytest.param({"$ref": "#/output"}, id="the output"),
        pytest.param({"$ref": "#/$defs/Item"}, id="a schema's reference"),
        pytest.param({"a": [{"$ref": "#/messages/1", "more": 1}]}, id="more than a reference"),
        pytest.param('{"$ref":"#/messages/0"}', id="text"),
        pytest.param([{"$ref": "#/messages/0"}, math.inf, LONE], id="among what is written slowly"),
    ],
)
def test_what_looks_like_a_reference_stays(make_sample: MakeSample, content: Any) -> None:
    sample = make_sample()
    sample.events += [InfoEvent(data=content), StateEvent(changes=[])]

    assert read_back(sample) == sample


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        pytest.param({"x": 1}, {"x": True}, id="1 and true"),
        pytest.param({"x": 1}, {"x": 1.0}, id="1 and 1.0"),
        pytest.param({"x": 1, "y": 2}, {"y": 2, "x": 1}, id="another order"),
    ],
)
def test_equal_messages_that_are_written_differently(
    make_sample: MakeSample, said: dict[str, Any], seen: dict[str, Any]
) -> None:
    sample = make_sample()
    sample.messages[0].metadata = said
    call = next(event for event in sample.events if isinstance(event, ModelEvent))
    call.input[0] = sample.messages[0].model_copy(update={"metadata": seen})

    back = next(event for event in read_back(sample).events if isinstance(event, ModelEvent))

    assert repr(back.input[0].metadata) == repr(seen)


def test_messages_without_ids_are_told_apart_by_what_they_say(make_sample: MakeSample) -> None:
    sample = make_sample()
    call = next(event for event in sample.events if isinstance(event, ModelEvent))
    call.input = [ChatMessageUser(content=text, id=None) for text in ("a", "b", "a")]
    row = stored(sample)

    assert [message["content"] for message in json.loads(row["message_pool"])] == ["a", "b"]
    assert row_sample(row) == sample
