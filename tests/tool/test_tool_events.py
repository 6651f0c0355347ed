"""What the transcript says of tool calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tasks_lib.context import SampleContext, transcript, use_sample, waiting
from tasks_lib.schema import (
    ChatMessageAssistant,
    ContentImage,
    ContentText,
    SpanBeginEvent,
    ToolCall,
    ToolCallContent,
    ToolCallView,
    ToolEvent,
)
from tasks_lib.tool import (
    ToolDef,
    execute_tools,
)
from tests.tool._calls import Trace, asking, echo, tool_events


@pytest.mark.parametrize("calls", [1, 2])
async def test_a_call_that_is_cut_off_says_so_in_the_transcript(calls: int) -> None:
    begun = asyncio.Event()

    async def endless() -> str:
        """Wait."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    with use_sample(SampleContext()) as context:
        work = asyncio.create_task(
            execute_tools(asking(*[("endless", {})] * calls), ToolDef(endless))
        )
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    assert [(e.failed, e.pending) for e in tool_events(context)] == [(True, None)] * calls
    assert [e.event for e in context.transcript.events].count("span_end") == calls


async def test_a_call_is_a_span_with_all_that_happened_in_it() -> None:
    async def note(text: str) -> str:
        """Note it.

        Args:
            text: What.
        """
        transcript().info(text)
        with waiting():
            await asyncio.sleep(0.05)
        return f"noted {text}"

    with use_sample(SampleContext()) as context:
        call = ToolCall(id="7", function="note", arguments={"text": "x"}, internal={"k": 1})
        await execute_tools(
            [ChatMessageAssistant(content="", tool_calls=[call])], [ToolDef(note)], max_output=3
        )

    begin, event, info, end = context.transcript.events
    assert isinstance(begin, SpanBeginEvent)
    assert isinstance(event, ToolEvent)
    assert (begin.name, begin.type) == ("note", "tool")
    assert [info.event, end.event] == ["info", "span_end"]
    assert event.completed is not None
    assert event.completed >= event.timestamp
    assert event.working_time is not None
    assert event.working_time < 0.04
    times = {"timestamp", "completed", "working_start", "working_time"}
    assert event.model_dump(exclude=times, exclude_none=True) == {
        "event": "tool",
        "span_id": begin.id,
        "type": "function",
        "id": "7",
        "function": "note",
        "arguments": {"text": "x"},
        "internal": {"k": 1},
        "result": (
            "The output of note has 7 bytes, which is too much to show. It begins with:\n"
            "<START OF OUTPUT>\nnot\n<END OF WHAT IS SHOWN>"
        ),
        "truncated": (7, 3),
    }
    assert ToolEvent.model_validate_json(event.model_dump_json()) == event


async def test_calls_at_once_are_spans_beside_each_other() -> None:
    trace = Trace(together=2)
    with use_sample(SampleContext()) as context:
        async with asyncio.timeout(5):
            await execute_tools(asking(*[("at_once", {"name": "x"})] * 2), trace.tools())

    spans = [event for event in context.transcript.events if isinstance(event, SpanBeginEvent)]
    assert [(span.name, span.parent_id) for span in spans] == [("at_once", None)] * 2
    assert [event.span_id for event in tool_events(context)] == [span.id for span in spans]


async def test_parts_of_messages_reach_message_and_event() -> None:
    parts: list[ContentText | ContentImage] = [
        ContentText(text="See:"),
        ContentImage(image="data:image/png;base64,AA=="),
    ]

    async def look() -> Sequence[ContentText | ContentImage]:
        """Look."""
        return parts

    with use_sample(SampleContext()) as context:
        result = await execute_tools(asking(("look", {})), [ToolDef(look)])

    (event,) = tool_events(context)
    assert result.messages[0].content == parts
    assert event.result == [
        {"type": "text", "text": "See:"},
        {"type": "image", "image": "data:image/png;base64,AA==", "detail": "auto"},
    ]


def shown(call: ToolCall) -> ToolCallView:
    content = f"echo {call.arguments['text']}"
    return ToolCallView(call=ToolCallContent(format="text", content=content))


async def test_a_viewer_says_how_a_call_is_shown() -> None:
    given = ToolCallContent(format="markdown", content="given")
    calls = [
        ToolCall(id="0", function="echo", arguments={"text": "a"}),
        ToolCall(id="1", function="echo", arguments={"text": "a"}, view=given),
        ToolCall(id="2", function="echo", arguments={"wrong": "a"}),
    ]
    with use_sample(SampleContext()) as context:
        await execute_tools(
            [ChatMessageAssistant(content="", tool_calls=calls)], [ToolDef(echo, viewer=shown)]
        )

    assert [event.view for event in tool_events(context)] == [
        ToolCallContent(format="text", content="echo a"),
        given,
        None,
    ]
