"""trim_messages: what is left of a conversation that is too long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib._errors import ParameterError
from tasks_lib.model import trim_messages
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ToolCall,
)


def message(spec: str) -> ChatMessage:
    """Return a message: `s`, `u`, `a` or `t` for the role, `!` for input, the rest is text.

    The text of an assistant after a colon names its calls, a letter each; the text of a tool
    is the call that it answers.
    """
    role, source = spec[0], "input" if spec[1:2] == "!" else None
    text, _, asked = spec[1:].removeprefix("!").partition(":")
    common: dict[str, Any] = {"content": text, "source": source}
    if role == "t":
        return ChatMessageTool(**common, tool_call_id=text)
    if role == "a":
        calls = [ToolCall(id=call, function="f", arguments={}) for call in asked]
        return ChatMessageAssistant(**common, tool_calls=calls or None)
    return ChatMessageSystem(**common) if role == "s" else ChatMessageUser(**common)


def spec_of(message: ChatMessage) -> str:
    calls = message.tool_calls if isinstance(message, ChatMessageAssistant) else None
    asked = ":" + "".join(call.id for call in calls) if calls is not None else ""
    return f"{message.role[0]}{'!' if message.source == 'input' else ''}{message.text}{asked}"


TURNS = "a1 u1 a2 u2 a3 u3 a4 u4 a5 u5"


@pytest.mark.parametrize(
    ("conversation", "preserve", "expected"),
    [
        pytest.param("", 0.7, "", id="nothing"),
        pytest.param(f"u!q {TURNS}", 0.7, "u!q u2 a3 u3 a4 u4 a5 u5", id="three of ten go"),
        pytest.param(f"s0 u!q {TURNS}", 0.0, "s0 u!q", id="none of the rest"),
        pytest.param(f"s0 u!q {TURNS}", 1.0, f"s0 u!q {TURNS}", id="all of the rest"),
        pytest.param(f"u!q {TURNS}", 0.9, f"u!q {TURNS[3:]}", id="a tenth of ten is one"),
        pytest.param("u!q a1 u1 a2 u2", 0.8, "u!q a1 u1 a2 u2", id="less than one"),
        pytest.param(
            "s0 a!e u!q a1 s1 u1 a2 u2", 0.5, "s0 a!e u!q s1 a2 u2", id="system and input stay"
        ),
        pytest.param("s0 a0 u0 a1 u1 a2 u2", 0.5, "s0 a0 u0 a2 u2", id="to the first user message"),
        pytest.param("s0 a1 a2 s1", 0.5, "s0 a2 s1", id="no user message"),
        pytest.param("u!q a:x tx u1 a2 u2", 0.8, "u!q u1 a2 u2", id="a result without its call"),
        pytest.param("u!q a:xy tx ty u1", 0.75, "u!q u1", id="several results"),
        pytest.param("u!q a1 u1 a:xy tx", 0.7, "u!q u1 a:x tx", id="a call without a result"),
        pytest.param("u!q a!:x tx u1", 0.6, "u!q a!:x tx u1", id="a call of the input"),
        pytest.param("u!q a!:x tx u1", 0.5, "u!q a! u1", id="a result that went"),
        pytest.param("u!q u1 a1 a:x", 1.0, "u!q u1", id="the last is none of the model's"),
        pytest.param("u!q a!p", 0.7, "u!q a!p", id="except in the input"),
    ],
)
async def test_what_is_left(conversation: str, preserve: float, expected: str) -> None:
    messages = [message(spec) for spec in conversation.split()]

    trimmed = await trim_messages(messages, preserve)

    assert " ".join(map(spec_of, trimmed)) == expected
    assert " ".join(map(spec_of, messages)) == conversation


async def test_preserve_is_seven_tenths() -> None:
    messages = [message(spec) for spec in f"u!q {TURNS}".split()]

    assert await trim_messages(messages) == await trim_messages(messages, preserve=0.7)


async def test_messages_are_not_copied_without_need() -> None:
    messages = [message(spec) for spec in ["u!q", "a:xy", "tx", "u1"]]

    trimmed = await trim_messages(messages, 1.0)

    assert [new is old for new, old in zip(trimmed, messages, strict=True)] == [
        *(True, False, True, True)
    ]


@pytest.mark.parametrize("preserve", [-0.1, 1.1, float("nan")])
async def test_another_share(preserve: float) -> None:
    with pytest.raises(ParameterError, match=r"preserve is .*, expected a number between 0 and 1"):
        await trim_messages([], preserve)


specs = st.lists(
    st.sampled_from(["s0", "u!q", "u1", "a1", "a:x", "a:xy", "a:y", "tx", "ty", "a!:x", "t!x"]),
    max_size=15,
)


@given(specs, st.floats(0, 1))
async def test_what_holds_of_every_conversation(conversation: list[str], preserve: float) -> None:
    messages = [message(spec) for spec in conversation]

    trimmed = await trim_messages(messages, preserve)

    ids = [message.id for message in messages]
    kept = [ids.index(message.id) for message in trimmed]
    assert kept == sorted(kept)
    asked: set[str | None] = set()
    answered = {m.tool_call_id for m in trimmed if isinstance(m, ChatMessageTool)}
    for one in trimmed:
        if isinstance(one, ChatMessageAssistant):
            calls = {call.id for call in one.tool_calls or ()}
            assert calls <= answered
            asked |= calls
        elif isinstance(one, ChatMessageTool):
            assert one.tool_call_id in asked
    if trimmed and trimmed[-1].source != "input":
        assert trimmed[-1].role != "assistant"
    assert [m for m in trimmed if m.role == "system"] == [m for m in messages if m.role == "system"]
