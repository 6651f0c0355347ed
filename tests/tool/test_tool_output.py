"""What the model gets to see of what a tool returned."""

from __future__ import annotations

import pytest

from tasks_lib.schema import Content, ContentImage, ContentText
from tasks_lib.tool._output import tool_output

IMAGE = ContentImage(image="data:image/png;base64,AA==")


def text(value: str) -> ContentText:
    return ContentText(text=value)


def notice(size: int, head: str) -> str:
    return (
        f"The output of look has {size} bytes, which is too much to show. It begins with:\n"
        f"<START OF OUTPUT>\n{head}\n<END OF WHAT IS SHOWN>"
    )


@pytest.mark.parametrize(
    ("result", "content"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param("", "", id="no text"),
        pytest.param(7, "7", id="int"),
        pytest.param(1.5, "1.5", id="float"),
        pytest.param(True, "True", id="bool"),
        pytest.param(None, "None", id="None"),
        pytest.param({"a": 1}, "{'a': 1}", id="dict"),
        pytest.param(["a", 1], "['a', 1]", id="list of values"),
        pytest.param([], "[]", id="empty list"),
        pytest.param(text("a"), [text("a")], id="one part"),
        pytest.param([text("a"), IMAGE], [text("a"), IMAGE], id="parts"),
        pytest.param((IMAGE,), [IMAGE], id="tuple of parts"),
    ],
)
def test_parts_stay_and_all_else_is_text(result: object, content: str | list[Content]) -> None:
    assert tool_output(result, "look", 100) == (content, None)


@pytest.mark.parametrize(
    ("result", "content", "size"),
    [
        pytest.param("0123456789!", notice(11, "0123456789"), 11, id="text"),
        pytest.param("é" * 6, notice(12, "é" * 5), 12, id="two bytes a character"),
        pytest.param("a" + "é" * 6, notice(13, "a" + "é" * 4), 13, id="no half characters"),
        pytest.param("\ud800" * 4, notice(12, "????"), 12, id="half characters"),
        pytest.param([text("a" * 11)], [text(notice(11, "a" * 10))], 11, id="one part"),
        pytest.param(
            [text("a" * 6), IMAGE, text("b" * 6), text("c"), IMAGE],
            [text("a" * 6), IMAGE, text(notice(13, "bbbb")), IMAGE],
            13,
            id="text of all parts together",
        ),
        pytest.param(
            [text("a" * 10), text("b")],
            [text("a" * 10), text(notice(11, ""))],
            11,
            id="cut between parts",
        ),
    ],
)
def test_only_the_beginning_of_long_text_is_kept(
    result: object, content: str | list[Content], size: int
) -> None:
    assert tool_output(result, "look", 10) == (content, (size, 10))


def test_nothing_is_cut_without_a_limit() -> None:
    assert tool_output("x" * 100_000, "look", 0) == ("x" * 100_000, None)
