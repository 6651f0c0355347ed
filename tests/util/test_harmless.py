"""What of a text a terminal would act on."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib._util._harmless import harmless, harmless_json, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain [bold]äöü[/] 🎉", "plain [bold]äöü[/] 🎉", id="plain"),
        pytest.param("a\tb\nc\r\nd", "a\tb\nc\nd", id="tabs and lines"),
        pytest.param("a\rb", "a\\x0db", id="back to the line's beginning"),
        pytest.param("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07", id="escapes"),
        pytest.param("a\x9b31m", "a\\x9b31m", id="one-byte escapes"),
        pytest.param("a\u202eb\u2066c", "a\\u202eb\\u2066c", id="directions"),
        pytest.param("a\u2028b", "a\\u2028b", id="line separator"),
        pytest.param("\u200f\u061c", "\\u200f\\u061c", id="marks of direction"),
        pytest.param("日本 👩\u200d🚀", "日本 👩\u200d🚀", id="joined characters stay"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
        pytest.param("\x00\x08\x7f", "\\x00\\x08\\x7f", id="controls"),
        pytest.param("[red]x[/red]", "[red]x[/red]", id="markup stays"),
        pytest.param("", "", id="empty"),
    ],
)
def test_harmless(text: str, expected: str) -> None:
    assert harmless(text) == expected


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        pytest.param(" a\n\tb ", 10, "a b", id="one line"),
        pytest.param("abcdef", 6, "abcdef", id="as long as may be"),
        pytest.param("abcdefg", 6, "abcde…", id="cut"),
        pytest.param(" " * 100 + "x", 6, "…", id="cut before its first word"),
        pytest.param("a\x1b", 6, "a\\x1b", id="harmless"),
        pytest.param("", 6, "", id="empty"),
    ],
)
def test_one_line(text: str, most: int, expected: str) -> None:
    assert one_line(text, most) == expected


def _acts(character: str) -> bool:
    """Tell whether a terminal does something else with it than to show it."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _DIRECTIONS
    )


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
ANYTHING = st.text(st.characters(codec=None))


@given(ANYTHING)
def test_nothing_acts_but_tabs_and_lines(text: str) -> None:
    assert [c for c in harmless(text) if _acts(c) and c not in "\t\n"] == []


@given(ANYTHING)
def test_json_stays_the_same(text: str) -> None:
    shown = harmless_json(json.dumps(text, ensure_ascii=False))

    assert json.loads(shown) == text
    assert [c for c in shown if _acts(c) and unicodedata.category(c) != "Cs"] == []
