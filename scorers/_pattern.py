"""Scorers that read the answer with a regular expression: pattern, answer."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import ParameterError
from tasks_lib.schema import CORRECT, INCORRECT, Score, Target
from tasks_lib.task import Scorer, TaskState


class AnswerPattern(StrEnum):
    """Patterns that read what follows `ANSWER:`, in group 1. Markdown may surround it."""

    LETTER = r"(?i)ANSWER[*_`]*+\s*+:[\s*_`(\[$]*+([A-Z])(?![^\W_])"
    """One letter, also in brackets or with text after it: `A`, `(A)`, `A) Paris`."""

    WORD = (
        r"(?im)ANSWER[*_`]*+\s*+:[\s*_`\"'(\[$]*+"
        r"([-+]?[^\W_]++(?:[-_.,:/'\u2019]++[^\W_]++)*+%?)(?:[^\w\n]|_)*+$"
    )
    """One word or number, alone on its line; punctuation may follow."""

    LINE = r"(?i)ANSWER[*_`]*+\s*+:[\s*_`]*+(.*[^\s*_`])"
    """The rest of the line."""


_ANSWERS = {
    "letter": re.compile(AnswerPattern.LETTER),
    "word": re.compile(AnswerPattern.WORD),
    "line": re.compile(AnswerPattern.LINE),
}


@scorer(metrics=[accuracy(), stderr()])
def pattern(pattern: str, ignore_case: bool = True, match_all: bool = False) -> Scorer:
    """Correct when what a regular expression finds in the output is one of the targets.

    The first place where it matches counts. Its groups are compared with the targets: one of
    them has to be a target, with `match_all` all of them that took part in the match. The
    match of a pattern without groups is compared as a whole.

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
    except re.error as error:
        expected = f"a regular expression ({error})"
        raise ParameterError("pattern", "pattern", pattern, expected) from error
    return _regex_scorer(regex, ignore_case, match_all)


@scorer(metrics=[accuracy(), stderr()])
def answer(pattern: Literal["letter", "word", "line"]) -> Scorer:
    """Correct when what follows the first `ANSWER:` of the output is one of the targets.

    Goes with prompts that ask for such a line, as `chain_of_thought` does. Case does not
    matter.

    Args:
        pattern: What is read: a letter, a word, or the rest of the line.
    """
    if pattern not in _ANSWERS:
        raise ParameterError("answer", "pattern", pattern, '"letter", "word" or "line"')
    return _regex_scorer(_ANSWERS[pattern], ignore_case=True, match_all=False)


def _regex_scorer(regex: re.Pattern[str], ignore_case: bool, match_all: bool) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        found = regex.search(output)
        if found is None:
            explanation = f"The pattern was not found in the output: {output}"
            return Score(value=INCORRECT, explanation=explanation)
        groups = [group for group in found.groups() if group is not None]
        if regex.groups == 0:
            groups = [found[0]]
        hits = [group for group in groups if _is_target(group, target, ignore_case)]
        if hits and (not match_all or len(hits) == len(groups)):
            read = ", ".join(groups) if match_all else hits[0]
            return Score(value=CORRECT, answer=read, explanation=output)
        return Score(
            value=INCORRECT, answer=groups[0] if len(groups) == 1 else None, explanation=output
        )

    return score


def _is_target(group: str, target: Target, ignore_case: bool) -> bool:
    if not ignore_case:
        return group in target
    folded = group.casefold()
    return any(folded == wanted.casefold() for wanted in target)
