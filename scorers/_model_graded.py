"""Scorers that let models judge: model_graded_qa, model_graded_fact."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scorers._graders import ask_grader, ask_graders, score_of, score_of_panel
from scorers._grades import grade_after_label, grade_by_pattern
from scorers._grading_prompt import (
    DEFAULT_FACT_TEMPLATE,
    DEFAULT_QA_TEMPLATE,
    GradingForm,
    History,
)
from scorers._scorer import scorer
from scorers.metrics import accuracy, stderr
from tasks_lib._errors import ParameterError
from tasks_lib.model import Model, get_model
from tasks_lib.schema import Score, Target
from tasks_lib.task import Scorer, TaskState


@scorer(metrics=[accuracy(), stderr()])
def model_graded_qa(  # noqa: PLR0913 - the documented signature
    template: str | None = None,
    instructions: str | None = None,
    grade_pattern: str | None = None,
    include_history: bool | Callable[[TaskState], str] = False,
    partial_credit: bool = False,
    model: str | Model | Sequence[str | Model] | None = None,
    model_role: str | None = "grader",
) -> Scorer:
    """Ask a model whether the output satisfies the criterion that the target states.

    The grade is what follows the last `GRADE:` of the grader's reply, in any case, Markdown
    or quotes, with or without text after it: C, P or I (correct, partial, incorrect; the
    words count as well). A mention in running prose, and one that only repeats the choice
    ("GRADE: C/I"), is passed over; a last one that was not on offer is no grade. The submission
    is shown between lines with a mark that it cannot contain, and only the reply is searched.

    **A grader that fails is no wrong answer.** If its request fails for good, it refuses, its
    reply is empty, cut off or without a grade, the sample is *unscored* (`Score.unscored`):
    the explanation says why, no metric includes it. What is not the grader's failure
    propagates: limits, wrong settings, errors in code.

    Several models are asked at the same time. What more than half of those say that gave a
    grade is the score; without such a majority, as with two that disagree, the sample is
    unscored, since whoever was listed first is no better judge. Use an odd number.

    The score's answer is the output, its explanation what the grader wrote, and its metadata
    has `grading`, the messages to and from the graders, and with several of them `graders`: a
    dict of model, grade and explanation for each. Calls of graders are recorded and their
    usage is counted like all others.

    Args:
        template: Text, or path or URL of a file with it: what the grader is asked. Variables
            are `{question}`, `{answer}`, `{criterion}` (the target; several as a numbered
            list), `{instructions}`, `{mark}` (of the lines around them) and the sample's
            metadata, as in `str.format`. It must have `{answer}`, unless a function makes
            the history.
        instructions: How the grader is to judge and to write its grade. By default it is
            asked to reason first and to close with `GRADE: $LETTER`, out of C and I, and P
            with `partial_credit`. With others all three letters are legal.
        grade_pattern: Regular expression whose first group is the grade; its last match
            counts. Then all that it finds is legal: letters and words for C, P and I become
            the letter, other text (say a number) is the score's value as it is.
        include_history: Whether `{question}` is the conversation up to the last assistant
            message, without system messages, and not only the input; or a function that
            makes a text of the state.
        partial_credit: Whether the default instructions offer P, which counts 0.5.
        model: Who grades; several as a list. Wins over `model_role`.
        model_role: The role whose model grades, if the evaluation gives it away
            (`model_roles={"grader": …}`). Else, or with None, the evaluated model grades
            itself; it is looked up for each sample, so one task can run on several models.

    Raises:
        ParameterError: The template cannot be filled or lacks a variable, the pattern is wrong or
            has no group, or `model` is empty.
        PrerequisiteError: There is no such model, or its key is missing, see `get_model`.
        DatasetError: When it runs: the sample's metadata lacks a variable of the template.
    """
    return _model_graded(
        "model_graded_qa",
        DEFAULT_QA_TEMPLATE if template is None else template,
        instructions,
        grade_pattern,
        include_history,
        partial_credit,
        model,
        model_role,
    )


@scorer(metrics=[accuracy(), stderr()])
def model_graded_fact(  # noqa: PLR0913 - the documented signature
    template: str | None = None,
    instructions: str | None = None,
    grade_pattern: str | None = None,
    include_history: bool | Callable[[TaskState], str] = False,
    partial_credit: bool = False,
    model: str | Model | Sequence[str | Model] | None = None,
    model_role: str | None = "grader",
) -> Scorer:
    """Ask a model whether the output has the facts of the target, an expert's answer.

    All is as in `model_graded_qa` but the default template: it has the facts compared, without
    regard to wording and style.

    Args:
        template: See `model_graded_qa`, as with all others.
        instructions: How the grader is to judge and to write its grade.
        grade_pattern: Regular expression whose first group is the grade.
        include_history: Whether the conversation is shown, or a function that makes its text.
        partial_credit: Whether the default instructions offer P, which counts 0.5.
        model: Who grades; several as a list.
        model_role: The role whose model grades if `model` is not given.

    Raises:
        PrerequisiteError: An argument is wrong, see `model_graded_qa`.
        DatasetError: When it runs: the sample's metadata lacks a variable of the template.
    """
    return _model_graded(
        "model_graded_fact",
        DEFAULT_FACT_TEMPLATE if template is None else template,
        instructions,
        grade_pattern,
        include_history,
        partial_credit,
        model,
        model_role,
    )


def _model_graded(  # noqa: PLR0913 - what the two scorers share
    function: str,
    template: str,
    instructions: str | None,
    grade_pattern: str | None,
    include_history: History,
    partial_credit: bool,
    model: str | Model | Sequence[str | Model] | None,
    model_role: str | None,
) -> Scorer:
    grades = "CPI" if partial_credit else "CI"
    form = GradingForm(function, template, instructions, include_history, grades)
    if grade_pattern is not None:
        find_grade = grade_by_pattern(_pattern(function, grade_pattern))
    else:
        find_grade = grade_after_label(tuple(grades if form.offers_grades else "CPI"))
    resolve_graders = _resolver(function, model, model_role)

    async def score(state: TaskState, target: Target) -> Score:
        graders = resolve_graders()
        prompt, answer = form.prompt(state, target), state.output.completion
        if len(graders) == 1:
            return score_of(await ask_grader(graders[0], prompt, find_grade), prompt, answer)
        return score_of_panel(await ask_graders(graders, prompt, find_grade), prompt, answer)

    return score


def _pattern(function: str, grade_pattern: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(grade_pattern)
    except re.error as error:
        expected = f"a regular expression ({error})"
        raise ParameterError(function, "grade_pattern", grade_pattern, expected) from None
    if not pattern.groups:
        expected = "a group in brackets, which captures the grade"
        raise ParameterError(function, "grade_pattern", grade_pattern, expected)
    return pattern


def _resolver(
    function: str, model: str | Model | Sequence[str | Model] | None, role: str | None
) -> Callable[[], list[Model]]:
    """Return what names the graders of a sample: asked each time, as roles and models change."""
    if role == "":
        raise ParameterError(function, "model_role", role, "the name of a role, or None")
    if model is None:
        return lambda: [get_model(role=role)]
    named = [model] if isinstance(model, str | Model) else list(model)
    if not named or not all(isinstance(name, str | Model) and name != "" for name in named):
        raise ParameterError(function, "model", model, "a model, or a list of at least one")

    def resolve() -> list[Model]:
        return [get_model(name) for name in named]

    resolve()  # so that a missing key is found now, and not after the answers are paid for
    return resolve
