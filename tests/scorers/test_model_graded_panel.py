"""Several graders: asked at once, the majority decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scorers import model_graded_fact, model_graded_qa
from tasks_lib._errors import ModelError
from tasks_lib.model import Model, get_model
from tasks_lib.schema import ModelOutput, Target
from tests.scorers._grading import Grader, answered, plain

DOWN = ModelError("down")


@pytest.mark.parametrize(
    ("replies", "value"),
    [
        pytest.param("CCC", "C", id="all agree"),
        pytest.param("ICI", "I", id="two of three"),
        pytest.param("PPI", "P", id="partial"),
        pytest.param("CI", "unscored", id="two that disagree"),
        pytest.param("CIP", "unscored", id="three grades"),
        pytest.param("CCIP", "unscored", id="half is no majority"),
        pytest.param("CCCIP", "C", id="more than half"),
        pytest.param("-CC", "C", id="one failed"),
        pytest.param("--C", "C", id="one is left"),
        pytest.param("-CI", "unscored", id="the others disagree"),
        pytest.param("---", "unscored", id="all failed"),
        pytest.param("C", "C", id="a list of one"),
    ],
)
async def test_majority(replies: str, value: str) -> None:
    graders = [Grader(DOWN if letter == "-" else f"GRADE: {letter}") for letter in replies]
    scorer = model_graded_qa(model=[grader.model for grader in graders], partial_credit=True)

    score = await scorer(answered(), Target("x"))

    assert plain(score)["value"] == value
    assert len({grader.prompts[0] for grader in graders}) == 1


@pytest.mark.parametrize(
    ("says", "value", "begins"),
    [
        pytest.param(["GRADE: C", "GRADE: c."], "C", "", id="agreed"),
        pytest.param(
            ["GRADE: C", "GRADE: I"], "unscored",
            "Not scored: no grade has a majority (1 x C, 1 x I).\n\n", id="disagreed",
        ),
        pytest.param(
            [DOWN, "Hm."], "unscored", "Not scored: no grader gave a grade.\n\n", id="failed"
        ),
    ],
)  # fmt: skip
async def test_each_verdict_is_kept(says: list[Any], value: str, begins: str) -> None:
    told = {
        "GRADE: C": ("C", "GRADE: C", "gave C: GRADE: C"),
        "GRADE: c.": ("C", "GRADE: c.", "gave C: GRADE: c."),
        "GRADE: I": ("I", "GRADE: I", "gave I: GRADE: I"),
        "Hm.": (None, "gave no grade: Hm.", "gave no grade: Hm."),
        DOWN: (None, "failed: ModelError: down", "failed: ModelError: down"),
    }
    graders = [Grader(text, name) for text, name in zip(says, "ab", strict=True)]

    score = await model_graded_fact(model=[g.model for g in graders])(answered(), Target("x"))

    (grade_a, why_a, line_a), (grade_b, why_b, line_b) = (told[text] for text in says)
    replies = [("assistant", text) for text in says if text is not DOWN]
    assert plain(score) == {
        "value": value,
        "answer": "Paris",
        "explanation": f"{begins}mockllm/a {line_a}\n\nmockllm/b {line_b}",
        "metadata": {
            "grading": [("user", graders[0].prompts[0]), *replies],
            "graders": [
                {"model": "mockllm/a", "grade": grade_a, "explanation": why_a},
                {"model": "mockllm/b", "grade": grade_b, "explanation": why_b},
            ],
        },
    }


async def test_graders_are_asked_at_the_same_time() -> None:
    everybody = asyncio.Barrier(3)

    async def answer(*_: object) -> ModelOutput:
        await asyncio.wait_for(everybody.wait(), 5)
        return ModelOutput.from_content("m", "GRADE: C")

    models: list[str | Model] = [get_model("mockllm/m", custom_outputs=answer) for _ in range(3)]

    assert plain(await model_graded_qa(model=models)(answered(), Target("x")))["value"] == "C"


async def test_an_error_in_code_stops_the_others() -> None:
    stopped = []

    async def waits(*_: object) -> ModelOutput:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)
        raise AssertionError

    models: list[str | Model] = [
        get_model("mockllm/m", custom_outputs=waits),
        Grader(TypeError("bug")).model,
    ]

    with pytest.raises(TypeError, match="bug"):
        await model_graded_qa(model=models)(answered(), Target("x"))
    assert stopped == [True]
