"""The verdict of the scorer math on one output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from scorers._math._answer import LONGEST, find_answer, find_target
from scorers._math._notation import is_words, plain_text
from scorers._math._pool import Failure, ask
from scorers._math._worker import Question
from scorers._numbers import Number, same_number, whole_number
from tasks_lib.schema import CORRECT, INCORRECT, Score

_DECIMAL = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d{1,60})(?:\.\d{1,60})?")
_SHOWN = 80


class _Wanted(NamedTuple):
    """A target."""

    formula: str
    text: str
    number: Number | None


async def judge_answer(output: str, target: Iterable[str], cpu_s: float) -> Score:
    """Return the score of an output, as the scorer promises.

    Args:
        output: What the model wrote.
        target: What is asked for: any of these.
        cpu_s: Processor time that it may take.
    """
    targets = [_wanted(text) for text in target if text.strip()]
    if not targets:
        return Score.unscored(explanation="The sample has no target.")
    answer = find_answer(output)
    if answer is None:
        return Score(value=INCORRECT, explanation=f"No answer was found in: {output}")
    if len(answer) > LONGEST:
        explanation = f"The answer is longer than {LONGEST} characters."
        return Score(value=INCORRECT, explanation=explanation)
    verdict = _compare_simply(targets, answer)
    if verdict is None:
        question: Question = {
            "targets": [wanted.formula for wanted in targets],
            "answer": answer,
            "cpu_s": cpu_s,
        }
        return await _compare_formulas(question, output)
    correct, compared = verdict
    return _score(correct, answer, output, compared)


def _compare_simply(targets: list[_Wanted], answer: str) -> tuple[bool, str] | None:
    """Compare texts and plain numbers; None if what the formulas mean has to decide."""
    text, number = plain_text(answer), _number(answer)
    if any(text == wanted.text for wanted in targets):
        return True, "text"
    if number is None:
        words = is_words(text) or all(is_words(wanted.text) for wanted in targets)
        return (False, "text") if words else None
    others = [wanted.number for wanted in targets if wanted.number is not None]
    if any(same_number(other, number) for other in others):
        return True, "numbers"
    return (False, "numbers") if len(others) == len(targets) else None


async def _compare_formulas(question: Question, output: str) -> Score:
    """Compare formulas in another process."""
    result = await ask(question)
    if isinstance(result, Failure):
        return _failed(result, question)
    both_read = result["target_read"] and result["answer_read"]
    compared = "formulas" if both_read else "text"
    return _score(result["is_correct"], question["answer"], output, compared)


def _failed(failure: Failure, question: Question) -> Score:
    answer = question["answer"]
    limits = f"{question['cpu_s']:g} s of processor time and 1 GiB of memory"
    if failure is Failure.ANSWER:
        explanation = f"The answer {_shown(answer)} cannot be judged with {limits}."
        return Score(value=INCORRECT, answer=answer, explanation=explanation)
    if failure is Failure.TARGET:
        shown = " or ".join(_shown(target) for target in question["targets"])
        explanation = f"The target {shown} cannot be read with {limits}; set a higher timeout."
        return Score.unscored(answer, explanation)
    explanation = "The process that compares formulas got no processor time, or was ended."
    return Score.unscored(answer, explanation)


def _score(correct: bool, answer: str, output: str, compared: str) -> Score:
    return Score(
        value=CORRECT if correct else INCORRECT,
        answer=answer,
        explanation=output,
        metadata={"compared": compared},
    )


def _number(text: str) -> Number | None:
    """Return the number of a text that is digits and no more."""
    text = text.strip()
    return whole_number(text) if _DECIMAL.fullmatch(text) else None


@lru_cache(maxsize=4096)  # a target comes again with every epoch and model
def _wanted(target: str) -> _Wanted:
    formula = find_target(target)
    return _Wanted(formula, plain_text(formula), _number(formula))


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
