"""Scorers that read the answer with a regular expression: pattern, answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Literal, TypeAlias

from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import ParameterError
from tasks_lib.schema import CORRECT, INCORRECT, Score, Target
from tasks_lib.task import Scorer, TaskState

_Find: TypeAlias = Callable[[str], re.Match[str] | None]


class AnswerPattern(StrEnum):
    """Patterns that read what follows `ANSWER:`, in group 1. Markdown may surround it.

    In `pattern` they read the first answer of an output; `answer` reads the last.
    """

    LETTER = r"(?i)ANSWER[*_`]*+\s*+:[\s*_`(\[$]*+([A-Z])(?![^\W_])"
    """One letter, also in brackets or with text after it: `A`, `(A)`, `A) Paris`."""

    WORD = (
        r"(?im)ANSWER[*_`]*+\s*+:[\s*_`\"'(\[$]*+([-+]?[^\W_]++"
        r"(?:(?!(?<=ANSWER)[*_`]*+:)[-_.,:/'\u2019]++[^\W_]++)*+%?)(?:[^\w\n]|_)*+$"
    )
    """One word or number, alone on its line; punctuation may follow."""

    LINE = r"(?i)ANSWER[*_`]*+\s*+:[\s*_`]*+(.*[^\s*_`])"
    """The rest of the line."""


_ANSWER = re.compile(r"ANSWER[*_`]*+\s*+:", re.IGNORECASE)
_ANSWERS = {
    "letter": re.compile(AnswerPattern.LETTER),
    "word": re.compile(AnswerPattern.WORD),
    "line": re.compile(AnswerPattern.LINE),
}


@scorer(metrics=[accuracy(), stderr()])
def pattern(pattern: str, ignore_case: bool = True, match_all: bool = False) -> Scorer:
    r"""Correct when what a regular expression finds in the output is one of the targets.

    The first place where it matches counts. Its groups are compared with the targets, as
    text: one of them has to be a target, with `match_all` all of them that took part in the
    match, one at least. The match of a pattern without groups is compared as a whole. An
    output without a match is incorrect.

    Long outputs are searched within the event loop: a pattern like `(a+)+$` that backtracks
    without end on some of them stops all samples.

    Args:
        pattern: The regular expression.
        ignore_case: Whether upper and lower case are the same, in the pattern and in the
            comparison.
        match_all: Whether all groups have to be targets.

    Raises:
        ParameterError: It is not a valid regular expression.
    """
    try:
        regex = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        expected = f"a regular expression ({error})"
        raise ParameterError("pattern", "pattern", pattern, expected) from error
    return _regex_scorer(regex.search, ignore_case, match_all)


@scorer(metrics=[accuracy(), stderr()])
def answer(pattern: Literal["letter", "word", "line"]) -> Scorer:
    """Correct when what follows the last `ANSWER:` of the output is one of the targets.

    Goes with prompts that ask for such a line, as `chain_of_thought` does. Case does not
    matter, nor does Markdown around it. The last one counts, as in `multiple_choice`: models
    repeat the instruction first and correct themselves later. One after which there is no
    letter, word or line, as asked for, does not count.

    Args:
        pattern: What is read: a letter, a word, or the rest of the line. See `AnswerPattern`.

    Raises:
        ParameterError: `pattern` is none of these.
    """
    if pattern not in _ANSWERS:
        raise ParameterError("answer", "pattern", pattern, '"letter", "word" or "line"')
    regex = _ANSWERS[pattern]
    return _regex_scorer(lambda text: _last(regex, text), ignore_case=True, match_all=False)


def _last(regex: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last answer in `text` that `regex` can read."""
    end = len(text)
    for start in reversed([announced.start() for announced in _ANSWER.finditer(text)]):
        # Never beyond the next answer: each part of a long text is read once.
        found = regex.match(text, start, end)
        if found is not None:
            return found
        end = start
    return None


def _regex_scorer(find: _Find, ignore_case: bool, match_all: bool) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        found = find(output)
        if found is None:
            explanation = f"The pattern was not found in the output: {output}"
            return Score(value=INCORRECT, explanation=explanation)
        groups = [group for group in found.groups() if group is not None]
        if found.re.groups == 0:
            groups = [found[0]]
        wanted = _folded_targets(*target) if ignore_case else frozenset(target)
        hits = [g for g in groups if (g.casefold() if ignore_case else g) in wanted]
        if hits and (not match_all or len(hits) == len(groups)):
            read = ", ".join(groups) if match_all else hits[0]
            return Score(value=CORRECT, answer=read, explanation=output)
        only = groups[0] if len(groups) == 1 else None
        return Score(value=INCORRECT, answer=only, explanation=output)

    return score


# Targets come again with every epoch and model.
@lru_cache(maxsize=4096)
def _folded_targets(*targets: str) -> frozenset[str]:
    return frozenset(target.casefold() for target in targets)
