"""Rows hold images, sound and video once, as attachments."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._condense import resolve_sample_attachments
from tasks_lib.log._rows import row_sample, sample_row
from tasks_lib.schema import (
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    EvalSample,
    EvalSpec,
    GenerateConfig,
    InfoEvent,
    ModelEvent,
    ModelOutput,
    Sample,
    SampleInitEvent,
    ToolEvent,
)

MakeSample = Callable[..., EvalSample]
SPEC = EvalSpec(created="2026-11-21T21:04:45+00:00", task="t", model="m")
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


def stored(sample: EvalSample, *, log_images: bool = True) -> dict[str, Any]:
    """The sample's row as Arrow holds it."""
    schema = sample_schema(columns_of_scorers([]))
    rows: list[dict[str, Any]] = sample_batch(
        [sample_row(sample, log_images=log_images)], SPEC, schema
    ).to_pylist()
    return rows[0]


def with_images() -> EvalSample:
    message = user("Look", ContentImage(image=IMAGE), ContentImage(image=TINY))
    output = ModelOutput.from_content("m", [ContentImage(image=SOUND)])
    return bare(
        input=[user("Look", ContentImage(image=IMAGE))],
        messages=[message, output.message],
        output=output,
        events=[
            SampleInitEvent(sample=Sample(input=[message]), state={"seen": [IMAGE]}),
            model_event(input=[message], output=output),
            tool_event(result=[{"type": "image", "image": IMAGE}]),
            InfoEvent(data={IMAGE: f'quoted: "{IMAGE}"', "lone": LONE}),
        ],
        metadata={"image": IMAGE},
    )


def test_rows_hold_an_image_once() -> None:
    sample = with_images()
    row = stored(sample)
    transcript = "".join(row[name] or "" for name in ("messages", "message_pool", "model_output"))

    assert json.loads(row["attachments"]) == {key(IMAGE): IMAGE, key(SOUND): SOUND}
    assert "iVBO" not in transcript + row["details"]
    assert row["events"].count(IMAGE) == 2  # a key and a part of a text stay
    assert json.loads(row["metadata"]) == {"image": IMAGE}
    assert TINY in transcript
    assert resolve_sample_attachments(row_sample(row)) == sample


def test_rows_of_a_read_sample_are_the_same() -> None:
    row = stored(with_images())

    assert stored(row_sample(row)) == row


def test_rows_without_images() -> None:
    row = stored(with_images(), log_images=False)
    back = row_sample(row)

    assert row["attachments"] is None
    assert back.messages[0].content == [
        ContentText(text="Look"),
        ContentImage(image=REMOVED),
        ContentImage(image=REMOVED),
    ]
    assert back.output.message.content == [ContentImage(image=REMOVED)]
    assert back.input == [user("Look", ContentImage(image=REMOVED))]


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(IMAGE.replace("VBO", "VB\n"), id="line breaks in base64"),
        pytest.param(IMAGE + '"\\', id="quotes after it"),
        pytest.param(f"data:image/png;name=é;base64,{'iVBO' * 50}", id="text that is not ASCII"),
        pytest.param(f"data:;base64,{'iVBO' * 50}", id="without a type"),
        pytest.param(f"{IMAGE}{LONE}", id="with a lone surrogate"),
    ],
)
def test_odd_data_uris_in_rows(uri: str) -> None:
    sample = bare(messages=[user(ContentImage(image=uri), id="u")])
    row = stored(sample)

    assert "iVB" not in row["messages"]
    assert resolve_sample_attachments(row_sample(row)) == sample


def test_a_large_image_takes_no_time(make_sample: MakeSample) -> None:
    image = "data:image/png;base64," + "iVBO" * 5_000_000
    sample = make_sample(messages=[user(ContentImage(image=image))], output=ModelOutput())
    row = stored(sample)

    assert len(row["messages"]) < 300
    assert resolve_sample_attachments(row_sample(row)).messages == sample.messages


def test_text_that_looks_like_a_reference_to_an_image_of_the_input() -> None:
    text = ChatMessageUser(content=ref(IMAGE), id="text")
    image = user(ContentImage(image=IMAGE), id="image")

    for sample in (bare(input=[image], messages=[text]), bare(input=[text], messages=[image])):
        assert resolve_sample_attachments(row_sample(stored(sample))) == sample
