"""Which choices a completion names.

Pure text in, positions out; `multiple_choice` marks what is found here.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from tasks_lib.schema import choice_index

_ANSWER = re.compile(
    r"answer(?:s|\(s\))?(?:[ \t]+(?:choice|letter|option)s?)?[ \t*_`]*[:\uff1a]", re.IGNORECASE
)
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_LEADING = re.compile(r"[\W_]*(?P<label>[A-Za-z]|\d+)(?![^\W_]|['\u2019][^\W_])")
_STANDALONE = re.compile(
    r"(?<![^\W_])(?<!['\u2019])(?P<label>[A-Z]|\d+|(?<=\()[a-z](?=\)))(?![^\W_]|['\u2019])"
)
_JOINER = re.compile(
    r"[\s*_`)\]}]*(?:[,;/&+|]+\s*(?:(?:and|or)\b)?|\b(?:and|or)\b)[\W_]*", re.IGNORECASE
)
_ENUMERATED = re.compile(r"(?:[,;/&+|]|\band\b|\bor\b)[\s*_(]*([A-Za-z]|\d+)[).:]", re.IGNORECASE)
_PROSE = re.compile(r"\s+(?!(?:is|are|and|or)\b)[a-z]|['\u2019]")
_DENIED = re.compile(
    r"[\s*_`)\]}]+(?:(?:is|are)\s+(?:not|never|wrong|incorrect|false)\b|(?:is|are)n['\u2019]t\b)",
    re.IGNORECASE,
)
_PRINTED = re.compile(r"[\W_]*(?P<label>[A-Za-z]|\d+)[*_`]*[)\].:][*_`]*\s+")
_ABOUT_ALL = re.compile(r"(?:both|all|none|neither|either|only)\b", re.IGNORECASE)
_NEXT_LABEL = re.compile(
    r"[,;/&+|]|(?:and|or)\b|[(\[]?(?:[A-Za-z]|\d+)[)\].:](?:\W|$)", re.IGNORECASE
)
_NEGATION = re.compile(r"\b(?:none|neither|nor|not|no|never|cannot)\b|n['\u2019]t\b", re.IGNORECASE)
_LINE_LABEL = re.compile(r"^[ \t*_`(\[]*(?P<label>[A-Z]|\d+)[*_`]*[)\].:]", re.MULTILINE)
_ONLY_LABEL = re.compile(r"[\s*_`(\[]*(?P<label>[A-Z]|\d+)[\s*_`)\].:]*")
_WORDS_FIRST = ("I", "a", "i")
"""Labels that may be words at the beginning, where "A is right" means the choice."""
_WORDS_LATER = (*_WORDS_FIRST, "A")
_FILLERS = {
    *("and", "or", "both", "the", "is", "are", "correct", "final"),
    *("option", "options", "choice", "choices", "letter", "letters", "answer", "answers"),
    *("boxed", "text", "textbf", "mathbf", "mathrm"),
}


def parse_choices(completion: str, count: int, *, multiple: bool = False) -> list[int]:
    """Return the positions of the choices that `completion` names, ascending. Never raises.

    What counts is the text after `ANSWER:` (any case, wherever it stands, Markdown allowed).
    Of several answers the last that names a choice wins. The choices are named by letters
    (beyond the 26th by numbers, see `choice_label`), alone or in a list ("A, C", "A and C",
    "AC"), in brackets, in bold, followed by their text ("A) Paris"), or in a short sentence
    ("A is right", "I think it is A").

    A completion without any `ANSWER:` names a choice if it is nothing but a letter ("B",
    "(B)"), or begins with one as the choices are printed ("B) Paris") and has no line that
    begins with another.

    Args:
        completion: What the model wrote.
        count: How many choices there are. An answer that lists a letter beyond them names
            nothing.
        multiple: Whether several choices may be right. If not, an answer that names more
            than one names nothing.
    """
    answers = list(_ANSWER.finditer(completion))
    if not answers:
        return _unannounced(completion.strip(), count)
    end = len(completion)
    for answer in reversed(answers):
        named = _named(completion[answer.end() : end], count, multiple)
        if named:
            return sorted(named) if multiple or len(named) == 1 else []
        end = answer.start()
    return []


def _unannounced(completion: str, count: int) -> list[int]:
    """Return the choice that a completion names without saying that it is the answer."""
    alone = _ONLY_LABEL.fullmatch(completion)
    labels = {match["label"] for match in _LINE_LABEL.finditer(completion)}
    begins = _LINE_LABEL.match(completion)
    if alone is not None:
        labels = {alone["label"]}
    elif begins is None or _NEGATION.search(completion.partition("\n")[0]):
        return []
    index = _index(labels.pop(), count) if len(labels) == 1 else None
    return [] if index is None else [index]


def _named(text: str, count: int, multiple: bool) -> set[int]:
    """Return what `text`, all that follows `ANSWER:`, names in its first line with a word."""
    head, _, rest = text.partition("\n")
    if _TOKEN.search(head):
        return _named_in_line(head, count, multiple)
    named: set[int] = set()
    for line in rest.splitlines():
        if not _TOKEN.search(line):
            continue
        found = (
            _named_in_line(line, count, multiple) if not named or _LEADING.match(line) else set()
        )
        if not found or (named and not multiple):
            break
        named |= found
    return named


def _named_in_line(line: str, count: int, multiple: bool) -> set[int]:
    words = _TOKEN.findall(line)
    tokens = [token for token in words if token.casefold() not in _FILLERS]
    if not tokens:
        return _run(words[0], count) if len(words) == 1 and words[0].isupper() else set()
    indices = [_index(token, count) for token in tokens]
    if None not in indices:
        named = indices[:1] if _has_text(line, multiple) else indices
        return {index for index in named if index is not None}
    if len(tokens) == 1:
        return _run(tokens[0], count)
    leading = _LEADING.match(line, _after_fillers(line))
    if leading is not None and not _is_word(leading, line, _WORDS_FIRST):
        return _listed(leading, line, count, multiple)
    return _mentioned(line, count, multiple)


def _has_text(line: str, multiple: bool) -> bool:
    """Tell whether the first label of `line` is followed by its text: "D) Both A and B"."""
    printed = _PRINTED.match(line, _after_fillers(line))
    if printed is None:
        return False
    about_all = _ABOUT_ALL.match(line, printed.end()) is not None
    return about_all or (not multiple and _NEXT_LABEL.match(line, printed.end()) is None)


def _index(label: str, count: int) -> int | None:
    """Return the position of the choice called `label`, None if there is none."""
    if not label.isascii() or len(label) > 9:
        return None
    try:
        index = choice_index(label)
    except ValueError:
        return None
    return index if index < count else None


def _run(word: str, count: int) -> set[int]:
    """Return the positions of the letters of a word like "ACD"; empty if it is another word."""
    indices = [_index(letter, count) for letter in word]
    if not word.isalpha() or len(set(word)) < len(word) or None in indices:
        return set()
    return {index for index in indices if index is not None}


def _after_fillers(line: str) -> int:
    """Return where the first word of `line` begins that says something."""
    for token in _TOKEN.finditer(line):
        if token[0].casefold() not in _FILLERS:
            return token.start()
    return len(line)


def _is_word(match: re.Match[str], line: str, words: Collection[str]) -> bool:
    """Tell whether a letter is the pronoun "I" or the article "a" before a word, no label."""
    return match["label"] in words and bool(_PROSE.match(line, match.end()))


def _listed(leading: re.Match[str], line: str, count: int, multiple: bool) -> set[int]:
    """Return the labels of the list that `leading` begins, whatever text follows it."""
    labels = [leading["label"]]
    position = leading.end()
    while (joiner := _JOINER.match(line, position)) is not None:
        label = _LEADING.match(line, joiner.end())
        if label is None or _is_word(label, line, _WORDS_LATER):
            break
        if label["label"].islower() and leading["label"].isupper():
            break  # "B, i.e. Paris"
        labels.append(label["label"])
        position = label.end()
    if _DENIED.match(line, position):
        return set()
    if multiple and len(labels) == 1 and line[position : position + 1] in (")", ".", ":"):
        labels += _ENUMERATED.findall(line, position)
    indices = {_index(label, count) for label in labels}
    return set() if None in indices else {index for index in indices if index is not None}


def _mentioned(line: str, count: int, multiple: bool) -> set[int]:
    """Return the first label (or list of labels) that stands somewhere in a sentence."""
    for match in _STANDALONE.finditer(line):
        if _index(match["label"], count) is None or _is_word(match, line, _WORDS_LATER):
            continue
        if _NEGATION.search(line, 0, match.start()):
            return set()
        return _listed(match, line, count, multiple)
    return set()
