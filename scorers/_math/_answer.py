r"""Where in an output the mathematical answer stands.

In this order: the last `\boxed{…}`; what follows the last "answer is" or `ANSWER:` (or the
`####` of GSM8K); the last formula between dollar signs or LaTeX brackets; the last formula
of the last line; the last number. Several answers that only "and", "or" or a comma separates
are one answer. Time grows with the length of the output, not faster.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scorers._math._notation import is_formula_word
from scorers._numbers import last_number

LONGEST = 4096
"""Characters that an answer may have; what is longer is none."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_CUT_OFF = re.compile(r"\\(?:boxed|fbox)")
_MOST_BOXES = 32
_MARKER = re.compile(
    r"\banswers?\b[*_`]{0,3}(?:[ \t]{1,4}(?:is|are|equals|would[ ]be|should[ ]be|must[ ]be)\b"
    r"|[ \t]{0,4}[:=])|^[ \t]{0,4}\#\#\#\#(?!\#)",
    re.IGNORECASE | re.MULTILINE,
)
_BETWEEN = re.compile(
    r"[\s,;$*]*(?:and|or|\\text\s?\{\s?(?:and|or)\s?\})?[\s,;$*]*(?:[A-Za-z]\s?=\s?)?",
    re.IGNORECASE,
)
_DELIMITED = re.compile(
    r"\$\$(?P<display>[^$]{1,4096})\$\$|(?<![\\$])\$(?P<inline>[^$\n]{1,4096}?)(?<!\\)\$(?!\d)"
    r"|\\\[(?P<bracket>(?:[^\\]|\\(?![\[\]])){1,4096})\\\]|\\\((?P<round>(?:[^\\]|\\(?![()])){1,4096})\\\)"
)
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}(?![A-Za-z}])")
_CONNECTORS = ("and", "or", "a", "A", "I")
_EDGES = ".,;:!?*_`\"'"


class _Piece(NamedTuple):
    start: int
    end: int
    text: str


def find_answer(output: str) -> str | None:
    """Return the answer in `output` as it is written there, None if there is none."""
    answer = _boxed(output) or _after_marker(output) or _last_delimited(output)
    if answer is None:
        answer = _formula(_last_line(output), last=True)
    if answer is None:
        number = last_number(output)
        answer = None if number is None else number.text
    if answer is None and len(output) <= LONGEST:
        answer = output
    return (answer.strip() or None) if answer is not None else None


def find_target(target: str) -> str:
    r"""Return what a target asks for: what is in its last `\boxed{…}`, else all of it."""
    return (_boxed(target) or target).strip()


def _boxed(text: str) -> str | None:
    pieces = []
    for opening in deque(_BOX.finditer(text), maxlen=_MOST_BOXES):
        end = _closing_brace(text, opening.end())
        if end is not None:
            content = text[opening.end() : end]
            pieces.append(_Piece(opening.start(), end + 1, _BOX.sub("{", content)))
    outer = [
        piece
        for place, piece in enumerate(pieces)
        if place == 0 or piece.start >= pieces[place - 1].end
    ]
    return _joined(text, outer, from_end=True)


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for position in range(start, min(len(text), start + LONGEST)):
        char = text[position]
        if char in "{}" and text[position - 1] != "\\":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return position
    return None


def _after_marker(text: str) -> str | None:
    markers = deque(_MARKER.finditer(text), maxlen=1)
    if not markers:
        return None
    marker = markers.pop()
    rest = text[marker.end() : marker.end() + LONGEST].lstrip(" \t\r\n:*_`=")
    line = rest.split("\n", 1)[0].rstrip(" \t\r*_`")
    within = rest if line in ("$$", r"\[") else line
    pieces = list(_delimited(within))
    if pieces:
        before = _formula(within[: pieces[0].start], last=False)
        if before is not None and re.search(r"\d", before):
            return before
        return _joined(within, pieces, from_end=False)
    return _formula(line, last=False) or line or None


def _last_delimited(text: str) -> str | None:
    # The last ones only: a delimiter that is missing would pair the wrong ones.
    return _joined(text, list(_delimited(text)), from_end=True)


def _delimited(text: str) -> Iterator[_Piece]:
    for match in _DELIMITED.finditer(text):
        content = match[match.lastgroup or 0]
        if match.lastgroup != "inline" or not _PROSE.search(content):
            yield _Piece(match.start(), match.end(), content)


def _joined(text: str, pieces: Sequence[_Piece], *, from_end: bool) -> str | None:
    """Return the first or last piece, with those that only a comma or a word parts from it."""
    if not pieces:
        return None
    ordered = pieces[::-1] if from_end else pieces
    kept = [ordered[0]]
    for piece in ordered[1:]:
        first, second = (piece, kept[-1]) if from_end else (kept[-1], piece)
        between = text[first.end : second.start]
        if len(between) > 24 or not between.strip() or not _BETWEEN.fullmatch(between):
            break
        kept.append(piece)
    if from_end:
        kept.reverse()
    return ", ".join(piece.text.strip() for piece in kept)


def _last_line(text: str) -> str:
    """Return the last line that is not blank; of a long one the last words."""
    line = text.rstrip().rsplit("\n", 1)[-1]
    return line if len(line) <= LONGEST else line[-LONGEST:].partition(" ")[2]


def _formula(line: str, *, last: bool) -> str | None:
    """Return the first or last run of words of `line` that are no prose."""
    runs: list[list[str]] = [[]]
    for word in line.split():
        if is_formula_word(word.strip(_EDGES + "()[]")) and not _CUT_OFF.search(word):
            runs[-1].append(word)
        else:
            runs.append([])
    formulas = [formula for run in runs if (formula := _trimmed(run))]
    if not formulas:
        return None
    return formulas[-1] if last else formulas[0]


def _trimmed(run: Sequence[str]) -> str:
    """Return a run without the words at its ends that only join formulas."""
    start, end = 0, len(run)
    while start < end and run[start].strip(_EDGES) in ("", *_CONNECTORS):
        start += 1
    while start < end and run[end - 1].strip(_EDGES) in ("", *_CONNECTORS):
        end -= 1
    return " ".join(run[start:end]).strip(_EDGES + " ").lstrip("= ")
