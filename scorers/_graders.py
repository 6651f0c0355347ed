"""Asks graders for their verdicts, and makes a score of these.

Several graders are no `multi_scorer`: they get one and the same prompt, a score tells of those
that failed as well, and a tie is nobody's grade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from scorers._grades import FindGrade
from scorers._grading_prompt import GradingPrompt
from tasks_lib._errors import EvalsError, MediaError, ModelError
from tasks_lib.context import collect
from tasks_lib.model import Model
from tasks_lib.schema import ChatMessage, ChatMessageAssistant, ModelOutput, Score


class Verdict(NamedTuple):
    """What came of asking one grader."""

    grader: str
    """The model."""
    grade: str | None
    """None: it gave none."""
    explanation: str
    """What it wrote; why there is no grade, if there is none."""
    reply: ChatMessageAssistant | None
    """Its answer, if there is one."""


async def ask_grader(model: Model, prompt: GradingPrompt, find_grade: FindGrade) -> Verdict:
    """Return the verdict of one grader; that it fails is a verdict, too.

    Raises:
        Exception: What shows that something else is wrong than the request, see `_is_failure`,
            and what ends the sample, such as a LimitExceededError.
    """
    name = str(model)
    try:
        output = await model.generate([prompt.message])
    except Exception as error:
        if not _is_failure(error):
            raise
        return Verdict(name, None, f"failed: {type(error).__name__}: {error}", None)
    reply = None if output.empty else output.message
    problem = _problem(output)
    if problem is not None:
        return Verdict(name, None, problem, reply)
    grade = find_grade(output.completion)
    if grade is None:
        return Verdict(name, None, f"gave no grade: {output.completion}", reply)
    return Verdict(name, grade, output.completion, reply)


async def ask_graders(
    models: Sequence[Model], prompt: GradingPrompt, find_grade: FindGrade
) -> list[Verdict]:
    """Return the verdicts of all graders, who are asked at the same time, in order."""
    return await collect(*(ask_grader(model, prompt, find_grade) for model in models))


def score_of(verdict: Verdict, prompt: GradingPrompt, answer: str) -> Score:
    """Return the score that a single grader's verdict makes."""
    metadata = {"grading": _messages(prompt, [verdict])}
    if verdict.grade is None:
        explanation = f"Not scored: the grader {verdict.grader} {verdict.explanation}"
        return Score.unscored(answer, explanation, metadata)
    return Score(
        value=verdict.grade, answer=answer, explanation=verdict.explanation, metadata=metadata
    )


def score_of_panel(verdicts: Sequence[Verdict], prompt: GradingPrompt, answer: str) -> Score:
    """Return the score that the verdicts of several graders make: their majority's grade."""
    metadata = {
        "grading": _messages(prompt, verdicts),
        "graders": [
            {"model": verdict.grader, "grade": verdict.grade, "explanation": verdict.explanation}
            for verdict in verdicts
        ],
    }
    told = "\n\n".join(map(_told, verdicts))
    votes = Counter(verdict.grade for verdict in verdicts if verdict.grade is not None)
    grade = majority(votes)
    if grade is not None:
        return Score(value=grade, answer=answer, explanation=told, metadata=metadata)
    counted = ", ".join(f"{count} x {grade}" for grade, count in votes.most_common())
    why = f"no grade has a majority ({counted})" if votes else "no grader gave a grade"
    return Score.unscored(answer, f"Not scored: {why}.\n\n{told}", metadata)


def majority(votes: Counter[str]) -> str | None:
    """Return the grade that has more than half of the votes, None if none has."""
    [(grade, count)] = votes.most_common(1) or [("", 0)]
    return grade if 2 * count > votes.total() else None


def _told(verdict: Verdict) -> str:
    if verdict.grade is None:
        return f"{verdict.grader} {verdict.explanation}"
    return f"{verdict.grader} gave {verdict.grade}: {verdict.explanation}"


def _messages(prompt: GradingPrompt, verdicts: Sequence[Verdict]) -> list[ChatMessage]:
    replies = [verdict.reply for verdict in verdicts]
    return [prompt.text, *(reply for reply in replies if reply is not None)]


def _problem(output: ModelOutput) -> str | None:
    """Return why a grade in `output` would not be the grader's last word, None if it would."""
    if output.stop_reason == "content_filter" or output.error is not None or _is_refusal(output):
        return f"refused to answer: {output.error or output.completion}"
    if not output.completion.strip():
        return "gave an empty answer."
    if output.stop_reason in ("max_tokens", "model_length"):
        return f"was cut off ({output.stop_reason}): {output.completion}"
    return None


def _is_refusal(output: ModelOutput) -> bool:
    content = "" if output.empty else output.message.content
    return not isinstance(content, str) and any(
        part.type == "text" and part.refusal for part in content
    )


def _is_failure(error: Exception) -> bool:
    """Tell whether `error` means that a request failed, not that code or settings are wrong.

    Of our own errors those of models and media do. Of Python's those of the system do, and
    the general ones; others (TypeError, KeyError, ValueError …) show a bug. What is left are
    the exceptions that SDKs define, and that a provider let through.
    """
    if isinstance(error, EvalsError):
        return isinstance(error, ModelError | MediaError)
    if type(error).__module__ == "builtins":
        return isinstance(error, OSError) or type(error) in (Exception, RuntimeError)
    return True
