"""pattern and answer: what the expression finds, and what follows `ANSWER:`."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers import CORRECT, INCORRECT, AnswerPattern, Score, Target, answer, pattern
from tasks_lib._errors import ParameterError
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]
C, I = CORRECT, INCORRECT  # noqa: E741 - the values' own names


@pytest.mark.parametrize(
    ("regex", "options", "output", "target", "expected", "read"),
    [
        pytest.param(r"is (\w+)", {}, "It is Paris.", "Paris", C, "Paris", id="group"),
        pytest.param(r"IS (\w+)", {}, "It is PARIS.", "Paris", C, "PARIS", id="any case"),
        pytest.param(
            r"is (\w+)",
            {"ignore_case": False},
            "It is PARIS",
            "Paris",
            I,
            "PARIS",
            id="case counts",
        ),
        pytest.param(r"is (\w+)", {}, "It is Rome.", "Paris", I, "Rome", id="another answer"),
        pytest.param(r"is (\w+)", {}, "is Rome, is Paris", "Paris", I, "Rome", id="first match"),
        pytest.param(r"(\w+) (\w+)", {}, "Foo bar", "bar", C, "bar", id="any group"),
        pytest.param(r"(\w+) (\w+)", {}, "Foo bar", "baz", I, None, id="no group of several"),
        pytest.param(
            r"(\w+) (\w+)", {"match_all": True}, "a b", ["b", "a"], C, "a, b", id="all groups"
        ),
        pytest.param(
            r"(\w+) (\w+)", {"match_all": True}, "a b", ["a"], I, None, id="one of all groups"
        ),
        pytest.param(r"(a)|(b)", {"match_all": True}, "b", "b", C, "b", id="groups that took part"),
        pytest.param(r"\d+", {}, "It is 42.", "42", C, "42", id="no group: the whole match"),
        pytest.param(r"\d+", {}, "It is 42.", "4", I, "42", id="no group, another answer"),
        pytest.param(
            r"\d+", {"match_all": True}, "It is 42.", "4", I, "42", id="no group, match_all"
        ),
        pytest.param(r"(a)?b", {}, "b", "", I, None, id="a group that took no part"),
        pytest.param(r"(a)?b", {"match_all": True}, "b", "", I, None, id="no group took part"),
        pytest.param(r"(.*)", {}, "", "", C, "", id="nothing is the target"),
        pytest.param(r"(.+)", {}, "STRASSE", "straße", C, "STRASSE", id="casefold"),
        pytest.param(r"(\d+)", {}, "7", ["6", "7"], C, "7", id="second target"),
        pytest.param(r"(\d+)", {}, "7", [], I, "7", id="no target"),
    ],
)
async def test_pattern(
    regex: str,
    options: dict[str, bool],
    output: str,
    target: str | list[str],
    expected: str,
    read: str | None,
    state_with: Make,
) -> None:
    score = await pattern(regex, **options)(state_with(output), Target(target))

    assert score == Score(value=expected, answer=read, explanation=output)


async def test_pattern_not_found(state_with: Make) -> None:
    score = await pattern(r"\d+")(state_with("none"), Target("1"))

    explanation = "The pattern was not found in the output: none"
    assert score == Score(value=INCORRECT, explanation=explanation)


@pytest.mark.parametrize("regex", ["(", "a**", "a{99999999999999}"])
def test_invalid_pattern(regex: str) -> None:
    problem = f"pattern is {regex!r}, expected a regular expression"
    with pytest.raises(ParameterError, match=re.escape(problem)):
        pattern(regex)


@pytest.mark.parametrize(
    ("kind", "output", "target", "expected", "read"),
    [
        pytest.param("letter", "So:\nANSWER: B", "B", C, "B", id="letter"),
        pytest.param("letter", "answer : b", "B", C, "b", id="letter, any case"),
        pytest.param("letter", "ANSWER: (B)", "B", C, "B", id="letter in brackets"),
        pytest.param("letter", "**ANSWER: B**", "B", C, "B", id="letter, bold line"),
        pytest.param("letter", "**ANSWER:** _B_", "B", C, "B", id="letter, bold word"),
        pytest.param("letter", "ANSWER: B) Paris", "B", C, "B", id="letter and text"),
        pytest.param("letter", "ANSWER: A\nANSWER: B", "B", C, "B", id="the last answer counts"),
        pytest.param("letter", "ANSWER: A\nANSWER: B", "A", I, "B", id="not the first"),
        pytest.param("letter", "ANSWER: A, ANSWER: B", "B", C, "B", id="two on a line"),
        pytest.param("letter", "ANSWER: B\nANSWER: none", "B", C, "B", id="the last letter counts"),
        pytest.param("letter", "ANSWER: C", "B", I, "C", id="another letter"),
        pytest.param("word", "ANSWER: Paris.", "paris", C, "Paris", id="word, full stop"),
        pytest.param("word", "ANSWER: **Paris**\nBye", "Paris", C, "Paris", id="word, bold"),
        pytest.param("word", "ANSWER: -18.5", "-18.5", C, "-18.5", id="number"),
        pytest.param("word", "ANSWER: 50%", "50%", C, "50%", id="percent"),
        pytest.param("word", "ANSWER:\nyes", "yes", C, "yes", id="word on the next line"),
        pytest.param("word", "ANSWER: 1\nANSWER: 2 or 3", "1", C, "1", id="the last word counts"),
        pytest.param("word", "ANSWER: 1 ANSWER: 2", "2", C, "2", id="two words on a line"),
        pytest.param("word", "ANSWER:ANSWER: 2", "2", C, "2", id="announced twice"),
        pytest.param("word", "ANSWER: 'ANSWER'", "answer", C, "ANSWER", id="the word answer"),
        pytest.param("word", "ANSWER: 10:30", "10:30", C, "10:30", id="time"),
        pytest.param("word", "ANSWER: http://a.b/c", "http://a.b/c", C, "http://a.b/c", id="URL"),
        pytest.param(
            "line", "I end with 'ANSWER: $ANSWER'.\nANSWER: 5", "5", C, "5", id="instruction first"
        ),
        pytest.param("line", "ANSWER: Rome\nNo.\nANSWER: Bonn", "Bonn", C, "Bonn", id="corrected"),
        pytest.param("line", "ANSWER: Rome ANSWER: **", "Rome", C, "Rome", id="none after it"),
        pytest.param("line", "ANSWER: Rome\nANSWER: **", "Rome", C, "Rome", id="the last line"),
        pytest.param("line", "ANSWER: New York ", "new york", C, "New York", id="line"),
        pytest.param("line", "ANSWER: New York\nBye", "New York", C, "New York", id="one line"),
        pytest.param("line", "**ANSWER: 5**", "5", C, "5", id="line, bold"),
    ],
)
async def test_answer(
    kind: str, output: str, target: str, expected: str, read: str, state_with: Make
) -> None:
    score = await answer(kind)(state_with(output), Target(target))  # type: ignore[arg-type]

    assert score == Score(value=expected, answer=read, explanation=output)


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        pytest.param("letter", "ANSWER: AB", id="two letters"),
        pytest.param("letter", "The answer is A", id="no colon"),
        pytest.param("word", "ANSWER: New York", id="two words"),
        pytest.param("word", "ANSWER:", id="no word"),
        pytest.param("line", "ANSWER: **", id="no line"),
        pytest.param("line", "", id="empty"),
    ],
)
async def test_no_answer(kind: str, output: str, state_with: Make) -> None:
    score = await answer(kind)(state_with(output), Target("A"))  # type: ignore[arg-type]

    explanation = f"The pattern was not found in the output: {output}"
    assert score == Score(value=INCORRECT, explanation=explanation)


@pytest.mark.parametrize(
    ("regex", "read"),
    [
        pytest.param(AnswerPattern.LETTER, "A", id="letter"),
        pytest.param(AnswerPattern.WORD, "A", id="word"),
        pytest.param(AnswerPattern.LINE, "A", id="line"),
    ],
)
async def test_a_pattern_reads_the_first_answer(
    regex: AnswerPattern, read: str, state_with: Make
) -> None:
    output = "ANSWER: A\nANSWER: B"

    score = await pattern(regex)(state_with(output), Target("A"))

    assert score == Score(value=C, answer=read, explanation=output)


def test_unknown_kind() -> None:
    with pytest.raises(ParameterError, match="answer: pattern is 'number', expected"):
        answer("number")  # type: ignore[arg-type]


@given(text=st.text(), kind=st.sampled_from(["letter", "word", "line"]))
async def test_never_raises(text: str, kind: str, state_with: Make) -> None:
    scorer = answer(kind)  # type: ignore[arg-type]
    for output in (text, f"ANSWER: {text}"):
        score = await scorer(state_with(output), Target("A"))
        assert score is not None
        assert score.value in (CORRECT, INCORRECT)
