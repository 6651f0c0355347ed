"""Published GSM8K targets: our scorers against the rule that came with the data.

The rule of the data set's authors (Cobbe et al. 2021, arXiv:2110.14168,
github.com/openai/grade-school-math): the characters `-0-9.,` after the first `#### ` of a
solution, without commas, are compared as text.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.benchmarks._rows import rows_path
from scorers import CORRECT, Scorer, Target, answer, match, pattern
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]

_EXTRACT = re.compile(r"#### (\-?[0-9\.\,]+)")


def _extract(solution: str) -> str | None:
    found = _EXTRACT.search(solution)
    return found[1].strip().replace(",", "") if found else None


def _is_right(solution: str, published: str) -> bool:
    """Judge as the data set's rule does; `published` is its own solution."""
    return _extract(solution) == _extract(published)


@pytest.fixture(scope="module")
def published() -> list[str]:
    """The published solutions of 100 problems, each of which ends with `#### n`."""
    lines = Path(rows_path("gsm8k")).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["upstream_answer"] for line in lines]


SCORERS = {
    "match": (match(numeric=True), "#### {}"),
    "pattern": (pattern(r"#### (\-?[0-9\.\,]+)"), "#### {}"),
    "answer": (answer("line"), "ANSWER: {}"),
}
"""Scorers with the last line that they read."""


@pytest.mark.parametrize(("scorer", "line"), SCORERS.values(), ids=SCORERS)
async def test_verdicts_are_those_of_the_rule(
    scorer: Scorer, line: str, published: list[str], state_with: Make
) -> None:
    source = random.Random(1)
    numbers = [_extract(solution) or "" for solution in published]
    near = ["{}0", "1{}", "-{}", "{}.5"]
    verdicts, expected = [], []
    for solution, number in zip(published, numbers, strict=True):
        wrong = source.choice([source.choice(near).format(number), source.choice(numbers)])
        said = source.choice([number, wrong])
        steps = solution.rpartition("####")[0]
        verdict = await scorer(state_with(steps + line.format(said)), Target(number))
        assert verdict is not None
        verdicts.append(verdict.value == CORRECT)
        expected.append(_is_right(f"{steps}#### {said}", solution))

    assert verdicts == expected
    assert 20 < sum(expected) < 80  # both verdicts are there


@pytest.mark.parametrize(
    "published_line",
    [
        pytest.param("#### {}", id="as published"),
        pytest.param("It is so.\n#### {}\n", id="blank line at the end"),
    ],
)
@pytest.mark.parametrize(("scorer", "line"), SCORERS.values(), ids=SCORERS)
async def test_every_published_solution_is_right(
    scorer: Scorer, line: str, published_line: str, published: list[str], state_with: Make
) -> None:
    wrong = []
    for solution in published:
        steps, _, number = solution.rpartition("#### ")
        output = steps + published_line.replace("#### {}", line).format(number)
        verdict = await scorer(state_with(output), Target(number))
        if verdict is None or verdict.value != CORRECT:
            wrong.append(output)

    assert wrong == []


@pytest.mark.parametrize(
    ("said", "target", "by_the_rule", "by_match", "by_pattern"),
    [
        pytest.param("#### 18", "18", True, True, True, id="the same"),
        pytest.param("#### 18", "8", False, False, False, id="digits of another number"),
        pytest.param("#### -18", "-18", True, True, True, id="negative"),
        pytest.param("#### 1,234", "1234", True, True, False, id="thousands"),
        pytest.param("#### 18.0", "18", False, True, False, id="decimals that say nothing"),
        pytest.param("#### 18.", "18", False, True, False, id="full stop"),
        pytest.param("#### $18", "18", False, True, False, id="currency"),
        pytest.param("####18", "18", False, True, False, id="no blank"),
        pytest.param("It is 18 dollars.", "18", False, True, False, id="no hashes"),
        pytest.param("#### 7\nNo:\n#### 18", "18", False, True, False, id="corrected"),
        pytest.param("#### 18\nCheck: 3 * 6 = 18", "18", True, True, True, id="a check after it"),
        pytest.param("#### 18\nThat took 2 steps", "18", True, False, True, id="more numbers"),
        pytest.param("#### eighteen", "18", False, False, False, id="in words"),
    ],
)
async def test_where_we_differ_from_the_rule(
    said: str, target: str, by_the_rule: bool, by_match: bool, by_pattern: bool, state_with: Make
) -> None:
    state = state_with(said)
    verdicts = [
        await scorer(state, Target(target))
        for scorer in (match(numeric=True), pattern(r"#### (\-?[0-9\.\,]+)"))
    ]

    assert _is_right(said, f"#### {target}") == by_the_rule
    assert [v and v.value == CORRECT for v in verdicts] == [by_match, by_pattern]
