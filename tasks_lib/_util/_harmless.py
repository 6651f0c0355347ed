"""Text of others on a terminal: it comes from models and datasets, so nothing in it is obeyed.

Escape sequences could recolour, hide or rewrite what a person reads, set the title of the
window, or type into some terminals; marks of direction reorder what stands there.
"""

from __future__ import annotations

import re

_CONTROLS_AND_DIRECTIONS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f{_CONTROLS_AND_DIRECTIONS}\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile(f"[{_CONTROLS_AND_DIRECTIONS}]")


def harmless(text: str) -> str:
    """Return text in which what a terminal would act on is written out as Python would."""
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str, most: int = 160) -> str:
    """Return harmless text as one line of at most `most` characters, escapes not counted."""
    words = " ".join(text[: 4 * most].split())
    cut = len(words) > most or len(text) > 4 * most
    return harmless(f"{words[: most - 1]}…" if cut else words)


def harmless_json(text: str) -> str:
    """Return the same JSON with what a terminal would act on escaped."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
