"""Finds the grade in what a grader wrote. Pure text in, a grade or None out; never raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeAlias

from tasks_lib.schema import CORRECT, INCORRECT, PARTIAL

FindGrade: TypeAlias = Callable[[str], str | None]
"""From a grader's reply to its grade, None if it gave none."""

_GRADES = {
    "c": CORRECT,
    "correct": CORRECT,
    "i": INCORRECT,
    "incorrect": INCORRECT,
    "p": PARTIAL,
    "partial": PARTIAL,
    "partially": PARTIAL,
    "partially correct": PARTIAL,
    "partly correct": PARTIAL,
}
"""What graders write, by its casefolded form."""

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\u2063\ufeff"))
_MARKS = r"\s*_`\"'“”‘’«»$"  # noqa: RUF001 - meant
_OPENING = rf"(?:\\[a-z]{{1,20}}\s?\{{|[{_MARKS}\[({{<])"
_CLOSING = rf"[{_MARKS}\])}}>]"

_MENTION = re.compile(
    rf"(?<![^\W_])grade{_CLOSING}{{0,12}}+(?:is\s{{0,4}}+)?[:\uff1a=]{_OPENING}{{0,12}}+"
    r"(?P<word>part(?:ial)?ly correct\b|[^\W_]+)?",
    re.IGNORECASE,
)
"""`GRADE:` in any case and dress (`**Grade:** $C`, `"grade": "C"`), with the word after it."""

_CHOICES = re.compile(
    rf"{_CLOSING}*(?:[/|]|or\b|,(?=[{_MARKS}]*(?:or\s+)?[CPI]\b[{_MARKS}]*(?:$|[,.;/|)]|or\b)))"
    rf"[{_MARKS}]*(?:or\s+)?(?:[CPI]|(?:in)?correct|partial\w*)\b",
    re.IGNORECASE,
)
"""More grades after the first one: the grader repeats what it may choose from."""

_END = re.compile(
    rf"(?:(?!\n){_CLOSING})*+"
    r"(?:$|\n|[.,;:!?<|(\[{\u2013\u2014]|-{1,3}\s|(?:because|since|as|for|due|given)\b|[A-Z](?![A-Z]))"
)
"""What shows that the word before it stands alone: the end of a line or clause, a reason, or a
new sentence; not more of the same sentence ("Grade: I think that …")."""

_GOES_ON = re.compile(r"[+\-]|[./]\d")
"""Directly after a letter or number: it is another kind of grade, such as `C+` or `7/10`."""

_PLACEHOLDERS = ("letter", "letters", "grade")
"""Stand for the grade where the instructions say how to write it."""


def grade_after_label(offered: Collection[str]) -> FindGrade:
    """Return what finds the letter (or word) after `GRADE:`; the last one counts.

    Case, Markdown, quotes, brackets, `$` and text that follows don't matter. A mention in
    running prose ("the grade: a close call") and one that repeats the choice ("GRADE: C/I")
    are passed over. If the last one names no grade that was offered, there is none: an
    earlier one, which the grader may have weighed and dropped, does not stand in for it.

    Args:
        offered: The grades that the grader may give, out of C, P and I.
    """

    def find(reply: str) -> str | None:
        text = reply.translate(_INVISIBLE)
        for mention in reversed(list(_MENTION.finditer(text))):
            word, rest = (mention["word"] or "").casefold(), mention.end()
            if not _is_verdict(word, text, rest):
                continue
            grade = None if _GOES_ON.match(text, rest) else _GRADES.get(word)
            return grade if grade in offered else None
        return None

    return find


def grade_by_pattern(pattern: re.Pattern[str]) -> FindGrade:
    """Return what finds the first group of the last match of `pattern`.

    A letter or word for C, P or I becomes the letter, whatever its case; other text, such as
    a number, is the grade as it is.
    """

    def find(reply: str) -> str | None:
        last = None
        for last in pattern.finditer(reply):  # noqa: B007 - the last one is wanted
            pass
        found = (last[1] or "").strip() if last is not None else ""
        return _GRADES.get(found.casefold(), found) or None

    return find


def _is_verdict(word: str, text: str, end: int) -> bool:
    """Tell whether the mention that ends at `end` gives a grade, legal or not."""
    if word in _PLACEHOLDERS or _CHOICES.match(text, end):
        return False
    if word[:1].isdecimal() or _GOES_ON.match(text, end):
        return True
    return _END.match(text, end) is not None
