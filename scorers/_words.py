"""Scorers that compare the words of the output with those of the target: exact, f1.

Both compare normalised words, which are made like this:

1. The text is split at blanks. A word with a digit that is a number as a whole (signs,
   decimals, thousands, percent and currencies understood, see `scorers._numbers`) stands for
   its value: "$1,000.00" is "1000", "-5" is not "5".
2. Other words are split at hyphens, lower-cased (casefold), and lose their punctuation.
3. The articles a, an and the are left out.

A text that has nothing else keeps its articles, and its punctuation: the answer "A" is not the
empty answer.

These are the rules of the evaluation of DROP (Dua et al. 2019, arXiv:1903.00161), which refine
those of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250): SQuAD lower-cases, drops ASCII
punctuation and articles and splits at blanks, with no eye for hyphens ("well-known" becomes
"wellknown") or numbers ("3.0" becomes "30"). On text without either the two agree.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from scorers._numbers import whole_number
from scorers._scorer import scorer
from scorers.metrics import mean, stderr
from tasks_lib._errors import ParameterError
from tasks_lib.schema import CORRECT, INCORRECT, Score, Target
from tasks_lib.task import Scorer, TaskState

_Word: TypeAlias = str | Decimal
"""A normalised word, or the value of one that is a number."""

_ARTICLES = frozenset({"a", "an", "the"})
_DIGIT = re.compile(r"[\d¼-¾⅐-⅞]")
_HYPHEN = re.compile("[-\u2010\u2011]")
_SYMBOLS = frozenset(string.punctuation)


@scorer(metrics=[mean(), stderr()])
def exact() -> Scorer:
    """Correct when the output has the same normalised words as one of the targets, in order.

    What is normalised is said in `scorers._words`: case, punctuation, articles, and how
    numbers are written, do not count. An empty output is correct only if a target is empty,
    too. inspect_ai compares sets of words: there "no no yes" is "yes no".
    """

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        words = _words(output)
        hit = any(_target_words(wanted, frozenset()) == words for wanted in target)
        return Score(value=CORRECT if hit else INCORRECT, answer=output, explanation=output)

    return score


@scorer(metrics=[mean(), stderr()])
def f1(
    answer_fn: Callable[[str], str] | None = None, stop_words: list[str] | None = None
) -> Scorer:
    """Score how many words the answer shares with the target, from 0 to 1.

    The value is the F1 of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250), over the
    normalised words of `scorers._words`:

        precision = same / words of the answer
        recall    = same / words of the target
        F1        = 2 · precision · recall / (precision + recall)

    where a word that occurs i times in one and j times in the other counts min(i, j) times
    in `same`. Of several targets the best counts. When answer or target is empty, F1 is 1 if
    both are, else 0. It is not rounded. (inspect_ai rounds it to two decimals and, at first,
    counted every word once.)

    Args:
        answer_fn: Takes the answer out of the output; by default all of it is the answer.
        stop_words: Words that do not count, beside the articles. A text that has no others
            keeps them.

    Raises:
        ParameterError: `stop_words` is a single text.
        TypeError: When it scores: `answer_fn` returned something that is no text.
    """
    if isinstance(stop_words, str):
        raise ParameterError("f1", "stop_words", stop_words, "a list of words")
    dropped = frozenset(word for text in stop_words or () for word in _words(text))

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output.completion
        answer = output if answer_fn is None else answer_fn(output)
        if not isinstance(answer, str):
            raise TypeError(f"f1: answer_fn returned {answer!r}, expected a text.")
        counts = Counter(_words(answer, dropped))
        found = [_overlap(counts, Counter(_target_words(wanted, dropped))) for wanted in target]
        best = max(found, key=lambda overlap: overlap.f1, default=None)
        return Score(
            value=best.f1 if best else 0.0,
            answer=answer,
            explanation=_explanation(best, found),
        )

    return score


class _Overlap(NamedTuple):
    """How many words an answer and a target have, and share."""

    same: int
    answer: int
    target: int

    @property
    def f1(self) -> float:
        if not self.answer or not self.target:
            return float(self.answer == self.target)
        # 2PR / (P + R) with P = same / answer and R = same / target.
        return 2 * self.same / (self.answer + self.target)


def _overlap(answer: Counter[_Word], target: Counter[_Word]) -> _Overlap:
    return _Overlap((answer & target).total(), answer.total(), target.total())


def _explanation(best: _Overlap | None, found: Sequence[_Overlap]) -> str:
    if best is None:
        return "There is no target."
    which = f"target {found.index(best) + 1}" if len(found) > 1 else "the target"
    return (
        f"{best.same} of the {best.answer} words of the answer are among the {best.target} of "
        f"{which}."
    )


def _words(text: str, dropped: frozenset[_Word] = frozenset()) -> list[_Word]:
    """Return the normalised words of `text`, in order, without articles and `dropped`."""
    parts = text.split()
    words = [word for part in parts for word in _normal_words(part)]
    kept = [word for word in words if word not in _ARTICLES and word not in dropped]
    return kept or words or [part.casefold() for part in parts]


# Targets come again with every epoch and model, outputs do not.
@lru_cache(maxsize=4096)
def _target_words(text: str, dropped: frozenset[_Word]) -> list[_Word]:
    return _words(text, dropped)


def _normal_words(part: str) -> list[_Word]:
    """Return the words of a part of a text that has no blanks."""
    number = whole_number(part) if _DIGIT.search(part) else None
    if number is not None:
        return [number.value]
    bare = part.strip(string.punctuation)
    if bare.isalnum():  # most words: nothing is left to drop
        return [bare.casefold()]
    pieces = _HYPHEN.split(part)
    if len(pieces) > 1:
        return [word for piece in pieces for word in _normal_words(piece)]
    kept = "".join(char for char in part if not _is_punctuation(char))
    return [kept.casefold()] if kept else []


def _is_punctuation(char: str) -> bool:
    return char in _SYMBOLS or unicodedata.category(char).startswith("P")
