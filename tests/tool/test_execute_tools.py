"""Doing the tool calls of a message: order, arguments, errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_lib._errors import LimitExceededError, ParameterError
from tasks_lib.context import SampleContext, SampleLimits, use_sample
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    ModelUsage,
    ToolCall,
)
from tasks_lib.tool import (
    OutputLimitExceededError,
    ToolApprovalError,
    ToolDef,
    ToolError,
    ToolParsingError,
    execute_tools,
)
from tests.tool._calls import Trace, asking, echo, errors, texts, tool_events


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([], id="no message"),
        pytest.param([ChatMessageUser(content="Do.")], id="the user's turn"),
        pytest.param([ChatMessageAssistant(content="Done.")], id="no calls"),
        pytest.param([ChatMessageAssistant(content="", tool_calls=[])], id="empty calls"),
        pytest.param(
            [*asking(("echo", {"text": "a"})), ChatMessageUser(content="?")], id="not last"
        ),
    ],
)
async def test_nothing_is_done_unless_the_last_message_asks_for_it(
    messages: list[ChatMessage],
) -> None:
    assert await execute_tools(messages, [ToolDef(echo)]) == ([], None)


async def test_a_call_becomes_a_message() -> None:
    messages = asking(("echo", {"text": "ab", "times": 2}))

    result = await execute_tools(messages, ToolDef(echo))

    assert result.output is None
    assert [message.model_dump(exclude={"id"}) for message in result.messages] == [
        ChatMessageTool(content="abab", tool_call_id="0", function="echo").model_dump(
            exclude={"id"}
        )
    ]
    assert len(messages) == 2


async def test_calls_run_at_once_where_their_tools_allow_it() -> None:
    trace = Trace(together=3)
    calls = [("at_once", {"name": name}) for name in "abc"]

    async with asyncio.timeout(5):
        result = await execute_tools(asking(*calls), trace.tools())

    assert texts(result) == ["a", "b", "c"]
    assert trace.steps == ["begin"] * 3 + ["end"] * 3


async def test_a_tool_that_runs_alone_holds_back_those_after_it() -> None:
    trace = Trace(together=2)
    order = ["at_once", "at_once", "alone", "alone", "at_once", "at_once"]

    async with asyncio.timeout(5):
        result = await execute_tools(
            asking(*((name, {"name": str(i)}) for i, name in enumerate(order))), trace.tools()
        )

    assert texts(result) == ["0", "1", "2", "3", "4", "5"]
    together = ["begin", "begin", "end", "end"]
    assert trace.steps == [*together, "begin 2", "end 2", "begin 3", "end 3", *together]


_ERRORS: dict[str, Exception] = {
    "timeout": TimeoutError(),
    "timeout with a text": TimeoutError("after 3 s"),
    "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "permission": PermissionError(13, "Permission denied", "a.txt"),
    "no file": FileNotFoundError(2, "No such file or directory", "a.txt"),
    "no file, in words": FileNotFoundError("nothing there"),
    "folder": IsADirectoryError(21, "Is a directory", "/tmp"),
    "limit": LimitExceededError("token", value=12, limit=10),
    "custom limit": LimitExceededError("custom", value=2, limit=1, message="Too dear."),
    "parsing": ToolParsingError("no number"),
    "approval": ToolApprovalError(),
    "approval with a reason": ToolApprovalError("too risky"),
    "tool": ToolError("the page is gone"),
    "group": ExceptionGroup("g", [ExceptionGroup("h", [ToolError("inner")]), ValueError("x")]),
    "output": OutputLimitExceededError("10 bytes", "0123456789"),
    "output without any": OutputLimitExceededError("10 bytes"),
}


async def fail(kind: str) -> str:
    """Fail.

    Args:
        kind: How.
    """
    raise _ERRORS[kind]


@pytest.mark.parametrize(
    ("kind", "type", "message", "text"),
    [
        pytest.param("timeout", "timeout", "It took too long and was stopped.", "", id="timeout"),
        pytest.param("timeout with a text", "timeout", "after 3 s", "", id="timeout with a text"),
        pytest.param(
            "unicode",
            "unicode_decode",
            "The output is not text in utf-8: invalid start byte.",
            "",
            id="unicode",
        ),
        pytest.param(
            "permission", "permission", "Permission denied: 'a.txt'.", "", id="permission"
        ),
        pytest.param(
            "no file", "file_not_found", "No such file or directory: 'a.txt'.", "", id="no file"
        ),
        pytest.param(
            "no file, in words", "file_not_found", "nothing there", "", id="no file, in words"
        ),
        pytest.param("folder", "is_a_directory", "Is a directory: '/tmp'.", "", id="folder"),
        pytest.param("limit", "limit", "The token limit of 10 was exceeded: 12.", "", id="limit"),
        pytest.param("custom limit", "limit", "Too dear.", "", id="custom limit"),
        pytest.param("parsing", "parsing", "no number", "", id="parsing"),
        pytest.param("approval", "approval", "The call was not approved.", "", id="approval"),
        pytest.param(
            "approval with a reason", "approval", "too risky", "", id="approval with a reason"
        ),
        pytest.param("tool", "unknown", "the page is gone", "", id="tool error"),
        pytest.param("group", "unknown", "inner", "", id="first of a group"),
        pytest.param(
            "output",
            "limit",
            "The output is longer than the limit of 10 bytes.",
            "0123456789",
            id="output limit keeps the output",
        ),
        pytest.param(
            "output without any",
            "limit",
            "The output is longer than the limit of 10 bytes.",
            "",
            id="output limit without output",
        ),
    ],
)
async def test_errors_that_the_model_is_told(kind: str, type: str, message: str, text: str) -> None:
    with use_sample(SampleContext()) as context:
        result = await execute_tools(asking(("fail", {"kind": kind})), [ToolDef(fail)])

    (event,) = tool_events(context)
    assert errors(result) == [(type, message)]
    assert texts(result) == [text]
    assert event.error is not None
    assert (event.error.type, event.error.message, event.result) == (type, message, text)
    assert (event.failed, event.pending) == (None, None)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("a bug"), id="any exception"),
        pytest.param(
            ExceptionGroup("g", [KeyError("first"), ToolError("second")]), id="in a group"
        ),
        pytest.param(ConnectionResetError(104, "reset"), id="connection"),
    ],
)
async def test_other_errors_fail_the_sample(error: Exception) -> None:
    inner = error.exceptions[0] if isinstance(error, ExceptionGroup) else error

    async def broken() -> str:
        """Break."""
        raise error

    with use_sample(SampleContext()) as context, pytest.raises(type(inner)) as caught:
        await execute_tools(asking(("broken", {})), [ToolDef(broken)])

    (event,) = tool_events(context)
    assert caught.value is inner
    assert caught.value.__notes__ == ["Raised in a call of the tool 'broken'."]
    assert (event.failed, event.pending, event.error, event.result) == (True, None, None, None)
    assert event.completed is not None


async def test_calls_that_still_run_are_cancelled_when_one_fails_the_sample() -> None:
    cancelled: list[str] = []

    async def endless() -> str:
        """Wait."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("endless")
            raise
        return ""

    async def broken() -> str:
        """Break."""
        await asyncio.sleep(0)
        raise ValueError("a bug")

    async with asyncio.timeout(5):
        with use_sample(SampleContext()) as context, pytest.raises(ValueError, match="a bug"):
            await execute_tools(
                asking(("endless", {}), ("broken", {})), [ToolDef(endless), ToolDef(broken)]
            )

    assert cancelled == ["endless"]
    assert [(e.function, e.failed, e.pending) for e in tool_events(context)] == [
        ("endless", True, None),
        ("broken", True, None),
    ]


@pytest.mark.parametrize("calls", [1, 2])
async def test_a_cancellation_from_inside_a_tool_is_passed_on(calls: int) -> None:
    async def broken() -> str:
        """Break."""
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await execute_tools(asking(*[("broken", {})] * calls), [ToolDef(broken)])


async def test_what_the_model_did_wrong_it_is_told() -> None:
    unreadable = ToolCall(id="0", function="echo", arguments={}, parse_error="no JSON: '{'")
    unknown = ToolCall(id="1", function="eco", arguments={"text": "a"})
    message = ChatMessageAssistant(content="", tool_calls=[unreadable, unknown])

    with use_sample(SampleContext()) as context:
        result = await execute_tools([message], [ToolDef(echo)])

    assert errors(result) == [
        ("parsing", "no JSON: '{'"),
        ("parsing", "No tool is named 'eco'. Did you mean 'echo'?"),
    ]
    assert texts(result) == ["", ""]
    assert [(e.function, e.result) for e in tool_events(context)] == [("echo", ""), ("eco", "")]


async def test_a_limit_that_a_tool_reached_stops_the_sample_at_its_next_check() -> None:
    context = SampleContext(limits=SampleLimits(token_limit=10))

    async def ask() -> str:
        """Ask another model."""
        context.record_usage("a/x", ModelUsage(total_tokens=12))
        context.check_limits()
        return ""

    with use_sample(context):
        result = await execute_tools(asking(("ask", {})), [ToolDef(ask)])

    assert errors(result) == [("limit", "The token limit of 10 was exceeded: 12.")]
    with pytest.raises(LimitExceededError):
        context.check_limits()


async def test_a_tool_cannot_change_what_the_model_said() -> None:
    async def clear(items: list[Any], **more: Any) -> str:
        """Clear them.

        Args:
            items: What.
        """
        items.clear()
        return ""

    messages = asking(("clear", {"items": [1, [2]]}))
    await execute_tools(messages, [ToolDef(clear)])

    assert isinstance(messages[1], ChatMessageAssistant)
    assert messages[1].tool_calls is not None
    assert messages[1].tool_calls[0].arguments == {"items": [1, [2]]}


async def test_a_negative_length_of_output_is_refused() -> None:
    with pytest.raises(ParameterError, match="max_output is -1, expected 0 or more"):
        await execute_tools(asking(("echo", {"text": ""})), [ToolDef(echo)], max_output=-1)


@pytest.mark.parametrize(
    ("max_output", "length"), [(None, 16384), (0, 20000), (100, 100)], ids=["default", "all", "100"]
)
async def test_long_output_is_cut(max_output: int | None, length: int) -> None:
    result = await execute_tools(
        asking(("echo", {"text": "z", "times": 20000})), [ToolDef(echo)], max_output
    )

    assert texts(result)[0].count("z") == length
