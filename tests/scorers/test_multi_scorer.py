"""multi_scorer: several verdicts at the same time, and the one that is made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scorers import (
    CORRECT,
    INCORRECT,
    Score,
    Scorer,
    Target,
    accuracy,
    includes,
    match,
    multi_scorer,
    scorer,
)
from tasks_lib import Task
from tasks_lib._errors import ParameterError, PrerequisiteError, UnknownNameError
from tasks_lib._util._registry import registry_name
from tasks_lib.task import ScoreReducer, TaskState

Make = Callable[..., TaskState]


def _saying(*scores: Score | None) -> list[Scorer]:
    def one(said: Score | None) -> Scorer:
        async def judge(state: TaskState, target: Target) -> Score | None:
            return said

        return judge

    return [one(said) for said in scores]


def _record(value: object, **more: object) -> dict[str, object]:
    rest = {"answer": None, "explanation": None, "metadata": None, **more}
    return {"scorer": "judge", "value": value, **rest}


@pytest.mark.parametrize(
    ("values", "reducer", "expected"),
    [
        pytest.param(["C", "C", "I"], "mode", "C", id="mode"),
        pytest.param(["C", "I"], "mean", 0.5, id="mean"),
        pytest.param([1, 2, 9], "median", 2.0, id="median"),
        pytest.param(["P", "C"], "max", "C", id="max"),
        pytest.param(["C"], "mode", "C", id="one"),
    ],
)
async def test_verdict(
    values: list[str | float], reducer: str, expected: str | float, state_with: Make
) -> None:
    scorers = _saying(*[Score(value=value) for value in values])

    score = await multi_scorer(scorers, reducer)(state_with("x"), Target("x"))

    assert score == Score(
        value=expected,
        explanation="\n".join(f"judge: {value}" for value in values),
        metadata={"scores": [_record(value) for value in values]},
    )


async def test_names_and_what_they_said_are_kept(state_with: Make) -> None:
    combined = multi_scorer([match("begin"), includes()], "max")

    score = await combined(state_with("It is Paris"), Target("Paris"))

    said = {"answer": "It is Paris", "explanation": "It is Paris", "metadata": None}
    assert score == Score(
        value=CORRECT,
        answer="It is Paris",
        explanation="It is Paris",
        metadata={
            "scores": [
                {"scorer": "match", "value": INCORRECT, **said},
                {"scorer": "includes", "value": CORRECT, **said},
            ]
        },
    )


async def test_who_gives_no_verdict_has_no_say(state_with: Make) -> None:
    unscored = Score.unscored(explanation="no grade", metadata={"grading": 1})
    first = Score(value=1, metadata={"grading": 2})
    scorers = _saying(None, unscored, first, Score(value=2))

    score = await multi_scorer(scorers, "mean")(state_with("x"), Target("x"))

    assert score == Score(
        value=1.5,
        explanation="judge: no verdict\njudge: no verdict\njudge: 1\njudge: 2",
        metadata={
            "scores": [
                {"scorer": "judge", "value": None},
                _record(None, explanation="no grade", metadata={"grading": 1}),
                _record(1, metadata={"grading": 2}),
                _record(2),
            ]
        },
    )


async def test_nobody_gives_a_verdict(state_with: Make) -> None:
    combined = multi_scorer(_saying(None, Score.unscored()), "mode")

    score = await combined(state_with("x"), Target("x"))

    assert score is not None
    assert score.is_unscored
    assert score.explanation == (
        "None of the scorers gave a verdict.\njudge: no verdict\njudge: no verdict"
    )
    assert score.metadata == {"scores": [{"scorer": "judge", "value": None}, _record(None)]}


async def test_a_function_reduces(state_with: Make) -> None:
    def strictest(scores: list[Score]) -> Score:
        worst = min(scores, key=Score.as_float)
        return Score(value=worst.value, explanation="the lowest", metadata={"of": len(scores)})

    scorers = _saying(Score(value=3, metadata={"a": 1}), Score(value=2))
    score = await multi_scorer(scorers, strictest)(state_with("x"), Target("x"))

    assert score == Score(
        value=2,
        explanation="the lowest",
        metadata={"of": 2, "scores": [_record(3, metadata={"a": 1}), _record(2)]},
    )


async def test_scorers_run_at_the_same_time(state_with: Make) -> None:
    met = asyncio.Barrier(2)

    async def meet(state: TaskState, target: Target) -> Score:
        await met.wait()
        return Score(value=CORRECT)

    combined = multi_scorer([meet, meet], "mode")

    score = await asyncio.wait_for(combined(state_with("x"), Target("x")), timeout=5)

    assert score is not None
    assert score.value == CORRECT


async def test_an_error_cancels_the_others(state_with: Make) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(state: TaskState, target: Target) -> Score:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return Score(value=CORRECT)

    async def fail(state: TaskState, target: Target) -> Score:
        await began.wait()
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await asyncio.wait_for(
            multi_scorer([wait, fail], "mode")(state_with("x"), Target("x")), timeout=5
        )
    assert cancelled.is_set()


async def test_a_scorer_returns_something_else(state_with: Make) -> None:
    async def number(state: TaskState, target: Target) -> Any:
        return 1.0

    with pytest.raises(PrerequisiteError, match="the scorer 'number' returned float, expected a"):
        await multi_scorer([number], "mean")(state_with("x"), Target("x"))


async def test_a_reducer_returns_something_else(state_with: Make) -> None:
    reducer: Any = len
    with pytest.raises(PrerequisiteError, match="the reducer returned int, expected a Score"):
        await multi_scorer(_saying(Score(value=1)), reducer)(state_with("x"), Target("x"))


@pytest.mark.parametrize(
    ("scorers", "reducer", "error", "message"),
    [
        pytest.param(
            [], "mode", ParameterError, "scorers is \\[\\], expected a list of", id="none"
        ),
        pytest.param(["match"], "mode", ParameterError, "scorers is \\['match'\\]", id="a name"),
        pytest.param(None, "mod", UnknownNameError, "Did you mean 'mode'", id="unknown reducer"),
        pytest.param(None, 3, ParameterError, "reducer is 3, expected the name", id="no reducer"),
    ],
)
def test_bad_arguments(
    scorers: list[Any] | None, reducer: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        multi_scorer(_saying(None) if scorers is None else scorers, reducer)


def test_a_task_needs_a_name_for_it() -> None:
    with pytest.raises(PrerequisiteError, match="decorate the function that makes it with @scorer"):
        Task(scorer=multi_scorer([match()], "mode"))


def test_a_decorated_function_gives_it_one() -> None:
    @scorer(metrics=[accuracy()], name="multi_scorer_of_this_test")
    def best_of(reducer: str | ScoreReducer = "max") -> Scorer:
        return multi_scorer([match(), includes()], reducer)

    [made] = Task(scorer=best_of()).scorer or []

    assert registry_name(made) == "multi_scorer_of_this_test"
