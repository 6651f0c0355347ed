"""Tools have a say in what the model sees of their earlier results."""

from __future__ import annotations

from tasks_lib.schema import ChatMessage, ChatMessageTool, ChatMessageUser, Content
from tasks_lib.tool import ToolCallModelInputHints, ToolDef, with_model_input

HINTS: ToolCallModelInputHints = {"disable_computer_screenshot_truncation": False}
KEPT: ToolCallModelInputHints = {"disable_computer_screenshot_truncation": True}


async def look() -> str:
    """Look."""
    return ""


def latest(
    index: int, total: int, content: str | list[Content], hints: ToolCallModelInputHints
) -> str | list[Content]:
    if index == total - 1 or hints["disable_computer_screenshot_truncation"]:
        return content
    return f"{index} of {total}"


def result(function: str, content: str) -> ChatMessageTool:
    return ChatMessageTool(content=content, function=function)


def conversation() -> list[ChatMessage]:
    return [
        ChatMessageUser(content="Look."),
        result("look", "first"),
        result("other", "second"),
        result("look", "third"),
        result("look", "fourth"),
    ]


def test_results_are_shown_as_the_tool_wants() -> None:
    messages = conversation()

    sent = with_model_input(messages, [ToolDef(look, model_input=latest)], HINTS)

    assert [m.text for m in sent] == ["Look.", "0 of 3", "second", "1 of 3", "fourth"]
    assert [m.text for m in messages] == ["Look.", "first", "second", "third", "fourth"]


def test_hints_reach_the_tool() -> None:
    messages = conversation()

    assert with_model_input(messages, [ToolDef(look, model_input=latest)], KEPT) == messages


def test_without_hooks_nothing_is_copied() -> None:
    messages = conversation()

    assert with_model_input(messages, [ToolDef(look)], HINTS) is messages
