"""Streamed responses are the same as whole ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib.model._providers._anthropic_stream import streamed_message

START: dict[str, Any] = {"type": "message", "model": "claude-x", "content": [], "stop_reason": None}
CITATION = {"type": "char_location", "cited_text": "a"}


async def told(events: Iterable[object]) -> AsyncIterator[object]:
    for event in events:
        yield event


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {**START, "usage": usage}}


def block(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": fields}


def delta(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


STOP = {"type": "message_stop"}


async def test_message() -> None:
    events = [
        start(input_tokens=9, cache_read_input_tokens=5, output_tokens=1),
        {"type": "ping"},
        block(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="h"),
        delta(0, type="thinking_delta", thinking="m"),
        delta(0, type="signature_delta", signature="s1"),
        {"type": "content_block_stop", "index": 0},
        block(1, type="text", text="", citations=None),
        delta(1, type="text_delta", text="Pa"),
        delta(1, type="text_delta", text="ris"),
        delta(1, type="citations_delta", citation=CITATION),
        delta(1, type="news_delta", news="?"),
        block(2, type="tool_use", id="t1", name="add", input={}),
        delta(2, type="input_json_delta", partial_json=""),
        delta(2, type="input_json_delta", partial_json='{"x": '),
        delta(2, type="input_json_delta", partial_json="1}"),
        block(3, type="tool_use", id="t2", name="now", input={}),
        block(4, type="redacted_thinking", data="x1"),
        {"type": "news"},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 20, "cache_read_input_tokens": None},
        },
        STOP,
    ]

    assert await streamed_message(told(events)) == {
        "type": "message",
        "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s1"},
            {"type": "text", "text": "Paris", "citations": [CITATION]},
            {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}},
            {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
            {"type": "redacted_thinking", "data": "x1"},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 20},
    }


async def test_arguments_that_are_cut_off_stay_text() -> None:
    events = [
        start(),
        block(0, type="tool_use", id="t1", name="add", input={}),
        delta(0, type="input_json_delta", partial_json='{"x": 1'),
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        STOP,
    ]

    message = await streamed_message(told(events))

    assert message["content"][0]["input"] == '{"x": 1'


@pytest.mark.parametrize(
    ("events", "error"),
    [
        pytest.param([], "ended before its message did", id="nothing"),
        pytest.param([start(), block(0, type="text", text="Pa")], "ended before", id="cut"),
        pytest.param([STOP], "does not start with its message", id="no start"),
        pytest.param([start(), "ping", STOP], "no JSON object", id="not an event"),
    ],
)
async def test_broken_streams(events: list[object], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        await streamed_message(told(events))


pieces = st.lists(st.text(max_size=5), max_size=6)


@given(
    texts=st.lists(pieces, max_size=3),
    arguments=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5)),
    cut=st.integers(min_value=0, max_value=60),
)
async def test_however_it_is_cut(
    texts: list[list[str]], arguments: dict[str, Any], cut: int
) -> None:
    events: list[object] = [start()]
    for index, parts in enumerate(texts):
        events.append(block(index, type="text", text=""))
        events += [delta(index, type="text_delta", text=part) for part in parts]
    written, last = json.dumps(arguments), len(texts)
    events.append(block(last, type="tool_use", id="t", name="f", input={}))
    for piece in (written[:cut], written[cut:]):
        events.append(delta(last, type="input_json_delta", partial_json=piece))

    message = await streamed_message(told([*events, STOP]))

    assert message["content"] == [
        *({"type": "text", "text": "".join(parts)} for parts in texts),
        {"type": "tool_use", "id": "t", "name": "f", "input": arguments},
    ]
