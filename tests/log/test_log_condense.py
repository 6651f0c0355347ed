from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._condense import condense_sample, resolve_sample_attachments
from tasks_lib.log._rows import row_sample, sample_row
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentVideo,
    ErrorEvent,
    EvalError,
    EvalSample,
    EvalSpec,
    Event,
    GenerateConfig,
    InfoEvent,
    JsonChange,
    ModelCall,
    ModelEvent,
    ModelOutput,
    Sample,
    SampleInitEvent,
    StateEvent,
    StoreEvent,
    ToolCall,
    ToolEvent,
    ToolInfo,
)

MakeSample = Callable[..., EvalSample]
SPEC = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", model="m")
LONG = "word " * 25
SHORT = "w" * 100
IMAGE = "data:image/png;base64," + "iVBO" * 50
SOUND = "data:audio/wav;codecs=pcm;base64," + "UklG" * 50
TINY = "data:image/gif;base64,R0lGODlh"
REMOVED = "<base64-data-removed>"
LONE = "a\ud800b"


def key(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def ref(text: str) -> str:
    return f"attachment://{key(text)}"


def user(*content: Content | str, id: str = "u") -> ChatMessageUser:
    parts = [ContentText(text=part) if isinstance(part, str) else part for part in content]
    return ChatMessageUser(content=parts, id=id)


def model_event(**fields: Any) -> ModelEvent:
    values: dict[str, Any] = {
        "model": "m",
        "input": [],
        "tools": [],
        "tool_choice": "auto",
        "config": GenerateConfig(),
        "output": ModelOutput(),
    }
    return ModelEvent(**(values | fields))


def tool_event(**fields: Any) -> ToolEvent:
    return ToolEvent(**({"id": "c", "function": "f", "arguments": {}} | fields))


def bare(**fields: Any) -> EvalSample:
    return EvalSample(**({"id": 1, "epoch": 1, "input": "x"} | fields))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(InfoEvent(data=LONG), {"data": ref(LONG)}, id="long text"),
        pytest.param(InfoEvent(data=SHORT), {"data": SHORT}, id="100 characters"),
        pytest.param(InfoEvent(data=SHORT + "w"), {"data": ref(SHORT + "w")}, id="101 characters"),
        pytest.param(
            InfoEvent(data={LONG: [1, {"a": [LONG, "x", None]}]}),
            {"data": {LONG: [1, {"a": [ref(LONG), "x", None]}]}},
            id="deep in JSON, but no keys",
        ),
        pytest.param(
            SampleInitEvent(sample=Sample(input=LONG, target=LONG), state={"a": LONG}),
            {"sample": Sample(input=ref(LONG), target=LONG), "state": {"a": ref(LONG)}},
            id="sample and state",
        ),
        pytest.param(
            SampleInitEvent(sample=Sample(input=[user(LONG)]), state=None),
            {"sample": Sample(input=[user(ref(LONG))])},
            id="sample of messages",
        ),
        pytest.param(
            StateEvent(changes=[JsonChange(op="add", path=LONG, value=(LONG, 1))]),
            {"changes": [JsonChange(op="add", path=LONG, value=(ref(LONG), 1))]},
            id="state",
        ),
        pytest.param(
            StoreEvent(changes=[JsonChange(op="add", path="/a", value=LONG)]),
            {"changes": [JsonChange(op="add", path="/a", value=ref(LONG))]},
            id="store",
        ),
        pytest.param(
            model_event(
                input=[
                    ChatMessageUser(content=LONG, id=LONG),
                    user(LONG, ContentImage(image=IMAGE)),
                ],
                tools=[ToolInfo(name=LONG, description=LONG)],
                call=ModelCall(request={"a": LONG}, response={"b": [LONG]}),
            ),
            {
                "input": [
                    ChatMessageUser(content=ref(LONG), id=LONG),
                    user(ref(LONG), ContentImage(image=ref(IMAGE))),
                ],
                "tools": [ToolInfo(name=LONG, description=ref(LONG))],
                "call": ModelCall(request={"a": ref(LONG)}, response={"b": [ref(LONG)]}),
            },
            id="what a model is told",
        ),
        pytest.param(
            tool_event(arguments={"code": LONG}, result=LONG),
            {"arguments": {"code": ref(LONG)}, "result": LONG},
            id="arguments of a tool, its text stays",
        ),
        pytest.param(
            tool_event(result=[{"type": "image", "image": IMAGE}, {"type": "text", "text": LONG}]),
            {"result": [{"type": "image", "image": ref(IMAGE)}, {"type": "text", "text": LONG}]},
            id="an image that a tool returns",
        ),
        pytest.param(
            ErrorEvent(error=EvalError(message=LONG, traceback=LONG)),
            {"error": EvalError(message=LONG, traceback=LONG)},
            id="an error: readers resolve nothing there",
        ),
    ],
)
def test_events(event: Event, expected: dict[str, Any]) -> None:
    sample = bare(events=[event])
    before = sample.model_dump()
    condensed = condense_sample(sample)

    assert condensed.events == [event.model_copy(update=expected)]
    assert resolve_sample_attachments(condensed) == sample
    assert sample.model_dump() == before


def test_what_a_model_says() -> None:
    call = ToolCall(id="1", function="f", arguments={"code": LONG})
    message = ChatMessageAssistant(
        content=[ContentReasoning(reasoning=LONG), ContentText(text=IMAGE)],
        tool_calls=[call],
        id="a",
    )
    output = ModelOutput.from_content("m", "")
    output.choices[0].message = message
    sample = bare(events=[model_event(output=output)], output=output, messages=[message])

    condensed = condense_sample(sample)

    assert condensed.output == output
    assert condensed.messages == [
        message.model_copy(
            update={"content": [ContentReasoning(reasoning=LONG), ContentText(text=ref(IMAGE))]}
        )
    ]
    event = condensed.events[0]
    assert isinstance(event, ModelEvent)
    assert event.output.message.content == [
        ContentReasoning(reasoning=ref(LONG)),
        ContentText(text=ref(IMAGE)),
    ]
    assert event.output.message.tool_calls == [call]
    assert condensed.attachments == {key(LONG): LONG, key(IMAGE): IMAGE}
    assert resolve_sample_attachments(condensed) == sample


@pytest.mark.parametrize(
    ("content", "kept", "removed"),
    [
        pytest.param(ContentImage(image=IMAGE), ref(IMAGE), REMOVED, id="image"),
        pytest.param(ContentImage(image=TINY), ref(TINY), REMOVED, id="a small image"),
        pytest.param(ContentAudio(audio=SOUND, format="wav"), ref(SOUND), REMOVED, id="sound"),
        pytest.param(ContentVideo(video=IMAGE, format="mp4"), ref(IMAGE), REMOVED, id="video"),
        pytest.param(ContentText(text=LONG), LONG, LONG, id="long text"),
        pytest.param(
            ContentText(text="data:text/plain,a"),
            "data:text/plain,a",
            "data:text/plain,a",
            id="a data URI that is not base64",
        ),
        pytest.param(
            ContentText(text=f"See {IMAGE}"), f"See {IMAGE}", f"See {IMAGE}", id="in text"
        ),
        pytest.param(
            ContentImage(image="https://x.org/i.png"),
            "https://x.org/i.png",
            "https://x.org/i.png",
            id="a URL",
        ),
    ],
)
def test_messages_and_input(content: Content, kept: str, removed: str) -> None:
    sample = bare(input=[user(content)], messages=[user(content)])

    for log_images, expected in ((True, kept), (False, removed)):
        condensed = condense_sample(sample, log_images)
        [message] = condensed.messages
        assert not isinstance(message.content, str)
        assert [getattr(part, part.type) for part in message.content] == [expected]
        assert condensed.input == condensed.messages
    assert resolve_sample_attachments(condense_sample(sample)) == sample


def test_without_images_none_is_left_anywhere() -> None:
    output = ModelOutput.from_content("m", IMAGE)
    sample = bare(
        input=[user(ContentImage(image=IMAGE))],
        messages=[output.message],
        output=output,
        events=[
            model_event(input=[user(ContentImage(image="attachment://old"))], output=output),
            tool_event(result=IMAGE),
            InfoEvent(data={"seen": [IMAGE]}),
        ],
        attachments={"old": SOUND, "text": LONG},
    )

    condensed = condense_sample(sample, log_images=False)

    assert "base64," not in condensed.model_dump_json()
    assert condensed.model_dump_json().count(REMOVED) == 7 + 1  # the attachment among them
    assert condensed.attachments == {"old": REMOVED, "text": LONG}


def test_condensing_twice_changes_nothing() -> None:
    messages: list[ChatMessage] = [user(LONG, ContentImage(image=IMAGE))]
    sample = bare(messages=messages, events=[model_event(input=messages), InfoEvent(data=LONG)])
    condensed = condense_sample(sample)

    assert condense_sample(condensed) == condensed


def test_attachments_of_others_keep_their_keys() -> None:
    attachments = {"5c1f": LONG, "77ab": IMAGE, "unused": "x"}
    sample = bare(
        messages=[user(ContentImage(image="attachment://77ab"))],
        events=[InfoEvent(data=["attachment://5c1f", "tc://77ab", SHORT + "!"])],
        attachments=attachments,
    )

    condensed = condense_sample(sample)

    assert condensed.messages == sample.messages
    assert condensed.events[0].model_dump()["data"] == [
        "attachment://5c1f",
        "attachment://77ab",
        ref(SHORT + "!"),
    ]
    assert condensed.attachments == {**attachments, key(SHORT + "!"): SHORT + "!"}


def test_references_where_others_resolve_none_are_resolved() -> None:
    output = ModelOutput.from_content("m", "attachment://k")
    error = EvalError(message="attachment://k", traceback="")
    sample = bare(output=output, events=[ErrorEvent(error=error)], attachments={"k": LONG})

    condensed = condense_sample(sample)

    assert condensed.output.completion == LONG
    assert condensed.events[0].model_dump()["error"]["message"] == LONG


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("attachment://nowhere", id="to nothing"),
        pytest.param(ref(LONG), id="to an attachment of the sample"),
        pytest.param("tc://nowhere", id="in the old form"),
    ],
)
def test_text_that_looks_like_a_reference(text: str) -> None:
    output = ModelOutput.from_content("m", text)
    sample = bare(
        messages=[ChatMessageUser(content=text, id="u"), output.message],
        output=output,
        events=[model_event(output=output), InfoEvent(data=[text, LONG])],
    )

    assert resolve_sample_attachments(condense_sample(sample)) == sample


def test_a_reference_to_what_is_lost_stays() -> None:
    sample = bare(events=[InfoEvent(data="attachment://lost")], attachments={"other": LONG})

    resolved = resolve_sample_attachments(sample)

    assert resolved.events == sample.events
    assert resolved.attachments == {}


def test_messages_that_events_share_stay_shared() -> None:
    first, second = user(ContentImage(image=IMAGE), id="1"), user(LONG, id="2")
    events = [model_event(input=[first]), model_event(input=[first, second])]
    sample = bare(messages=[first, second], events=[])
    sample.events = list(events)  # validation would not copy, but this test must not rely on it

    condensed = condense_sample(sample)

    one, two = condensed.events
    assert isinstance(one, ModelEvent)
    assert isinstance(two, ModelEvent)
    assert one.input[0] is two.input[0]
    assert condensed.messages[1] is second


def test_cycles_and_bottomless_nesting_end() -> None:
    cycle: dict[str, Any] = {"text": LONG}
    cycle["self"] = cycle
    deep: list[Any] = [LONG]
    for _ in range(5_000):
        deep = [deep]
    event = InfoEvent(data=None)
    event.data = cycle
    sample = bare()
    sample.events = [event, StateEvent(changes=[])]
    sample.events[1].__dict__["changes"] = [JsonChange(op="add", path="/a", value=deep)]

    condensed = condense_sample(sample)

    data = condensed.events[0].__dict__["data"]
    assert data["text"] == ref(LONG)
    assert data["self"] is cycle


def test_lone_surrogates_have_a_key_too() -> None:
    text = LONE * 60
    sample = bare(events=[InfoEvent(data=[text, LONE])])
    condensed = condense_sample(sample)

    assert condensed.attachments == {key(text): text}
    assert resolve_sample_attachments(condensed) == sample


texts = st.sampled_from([LONG, SHORT, IMAGE, TINY, ref(LONG), ref(IMAGE), "attachment://", LONE])
values = st.recursive(
    texts | st.none() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(values, max_size=4), st.lists(texts, max_size=3))
def test_whatever_it_is_comes_back(data: list[Any], said: list[str]) -> None:
    messages = [user(text, ContentImage(image=text), id=str(i)) for i, text in enumerate(said)]
    sample = bare(
        messages=messages,
        events=[InfoEvent(data=data), model_event(input=messages), tool_event(result=data)],
    )

    assert resolve_sample_attachments(condense_sample(sample)) == sample
    assert resolve_sample_attachments(row_sample(stored(sample))) == sample


def stored(sample: EvalSample, *, log_images: bool = True) -> dict[str, Any]:
    """The sample's row as Arrow holds it."""
    schema = sample_schema(columns_of_scorers([]))
    rows: list[dict[str, Any]] = sample_batch(
        [sample_row(sample, log_images=log_images)], SPEC, schema
    ).to_pylist()
    return rows[0]
