"""Which grade a grader's reply gives."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers._grades import grade_after_label, grade_by_pattern

ALL = ("C", "P", "I")


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        pytest.param("GRADE: C", "C", id="as asked for"),
        pytest.param("It has both facts.\n\nGRADE: I", "I", id="after reasoning"),
        pytest.param("GRADE: C\n\nThe dates agree.", "C", id="before reasoning"),
        pytest.param("grade: c", "C", id="lower case"),
        pytest.param("Final Grade: i", "I", id="a word before it"),
        pytest.param("final_grade = p", "P", id="an assignment"),
        pytest.param("The grade is: C", "C", id="is"),
        pytest.param("GRADE : C", "C", id="blank before the colon"),
        pytest.param("GRADE:C", "C", id="no blank"),
        pytest.param("GRADE:\n\nC", "C", id="on the next line"),
        pytest.param("GRADE\uff1aC", "C", id="wide colon"),
        pytest.param("GRADE: \u200bC\u200b", "C", id="invisible characters"),
        pytest.param("**GRADE: C**", "C", id="bold"),
        pytest.param("**Grade:** C", "C", id="bold label"),
        pytest.param("**Grade**: *C*", "C", id="bold label, italic letter"),
        pytest.param("GRADE: $C", "C", id="a dollar"),
        pytest.param("GRADE: $C$", "C", id="formula"),
        pytest.param(r"GRADE: $\boxed{C}$", "C", id="boxed"),
        pytest.param("GRADE: [C]", "C", id="square brackets"),
        pytest.param("'GRADE: C'", "C", id="quotes"),
        pytest.param('{"reason": "x", "grade": "I"}', "I", id="JSON"),
        pytest.param("<b>GRADE: C</b>", "C", id="HTML"),
        pytest.param("| GRADE: C |", "C", id="table"),
        pytest.param("GRADE: C.", "C", id="full stop"),
        pytest.param("GRADE: C\r\nDone", "C", id="Windows lines"),
        pytest.param("GRADE: Correct", "C", id="word correct"),
        pytest.param("GRADE: INCORRECT!", "I", id="word incorrect"),
        pytest.param("GRADE: partially correct", "P", id="two words"),
        pytest.param("GRADE: Partial", "P", id="word partial"),
        pytest.param("GRADE: C (correct)", "C", id="brackets after it"),
        pytest.param("GRADE: I - the year is wrong", "I", id="dash after it"),
        pytest.param("GRADE: C\u2014both agree", "C", id="long dash after it"),
        pytest.param("GRADE: I\nthe year is wrong", "I", id="another line after it"),
        pytest.param("GRADE: I because the year is wrong", "I", id="reason after it"),
        pytest.param("GRADE: C The years agree", "C", id="sentence after it"),
        pytest.param("GRADE: C, I am sure", "C", id="pronoun after a comma"),
        pytest.param("GRADE: P. I think that is fair.", "P", id="pronoun after a full stop"),
        pytest.param("At first GRADE: C, but no: GRADE: I", "I", id="the last counts"),
        pytest.param("GRADE: C\nA note on grade: it was close", "C", id="prose after it"),
        pytest.param("GRADE: C\nAs asked, in the form 'GRADE: $LETTER'.", "C", id="form after it"),
        pytest.param("GRADE: P\n(out of GRADE: C/P/I)", "P", id="choices after it"),
        pytest.param("", None, id="empty"),
        pytest.param("The answer is correct.", None, id="no label"),
        pytest.param("C", None, id="only a letter"),
        pytest.param("GRADE:", None, id="nothing after it"),
        pytest.param("GRADE: C\nGRADE:", None, id="nothing after the last"),
        pytest.param("Grade: I think it is fine", None, id="pronoun"),
        pytest.param("Grade: I'd say it is fine", None, id="pronoun, contracted"),
        pytest.param("Grade: I\u2019m not sure", None, id="pronoun, typographic"),
        pytest.param("GRADE: I THINK IT IS FINE", None, id="pronoun, capitals"),
        pytest.param("My grade: a C student would know", None, id="prose"),
        pytest.param("GRADE: C would be too kind", None, id="not meant"),
        pytest.param("GRADE: not correct", None, id="negated"),
        pytest.param("I would downgrade: C", None, id="part of a word"),
        pytest.param("GRADE: C/I", None, id="slash"),
        pytest.param("GRADE: C|P|I", None, id="bars"),
        pytest.param("GRADE: C or I", None, id="or"),
        pytest.param("GRADE: C, P or I", None, id="comma and or"),
        pytest.param("GRADE: 'C', 'P', or 'I'", None, id="quoted choices"),
        pytest.param("GRADE: $LETTER", None, id="the form itself"),
        pytest.param("GRADE: B", None, id="no such grade"),
        pytest.param("GRADE: C\nGRADE: B", None, id="no such grade at last"),
        pytest.param("GRADE: C\nGRADE: undecided.", None, id="no grade at last"),
        pytest.param("GRADE: C+", None, id="plus"),
        pytest.param("GRADE: C\nGRADE: C+", None, id="plus at last"),
        pytest.param("GRADE: C- at best", None, id="minus"),
        pytest.param("GRADE: C\nGRADE: 7/10", None, id="marks out of ten"),
        pytest.param("GRADE: C\nGRADE: 7 of 10", None, id="a number"),
        pytest.param("GRADE: \u0421", None, id="Cyrillic letter"),
    ],
)
def test_label(reply: str, grade: str | None) -> None:
    assert grade_after_label(ALL)(reply) == grade


def test_a_grade_that_was_not_offered_is_none() -> None:
    find = grade_after_label(("C", "I"))

    replies = ("GRADE: P", "GRADE: C, no: GRADE: P", "GRADE: P, no: GRADE: C")
    assert [find(reply) for reply in replies] == [None, None, "C"]


@pytest.mark.parametrize(
    ("pattern", "reply", "grade"),
    [
        pytest.param(r"verdict (\w+)", "verdict c", "C", id="letter"),
        pytest.param(r"verdict (\w+)", "verdict CORRECT", "C", id="word"),
        pytest.param(r"verdict (\w+)", "verdict C, verdict i", "I", id="the last counts"),
        pytest.param(r"score (\d+)", "score 7", "7", id="number"),
        pytest.param(r"verdict(.*)", "verdict  B ", "B", id="other text"),
        pytest.param(r"a|verdict (\w)", "verdict C a", None, id="group took no part"),
        pytest.param(r"verdict(\s*)", "verdict  ", None, id="blank"),
        pytest.param(r"verdict (\w)", "Verdict C", None, id="case as in the pattern"),
    ],
)
def test_pattern(pattern: str, reply: str, grade: str | None) -> None:
    assert grade_by_pattern(re.compile(pattern))(reply) == grade


@given(
    st.text(st.sampled_from("GRADEgrade:= \n*$[]{}'\"CPIBi,./|-+or\\\u200b\ud800é"), max_size=40)
)
def test_any_text_has_a_legal_grade_or_none(reply: str) -> None:
    assert grade_after_label(("C", "I"))(reply) in ("C", "I", None)


@pytest.mark.parametrize("part", ["GRADE: ", "GRADE", "*", " ", "GRADE:C/", "GRADE: C, ", "\\a{"])
def test_time_grows_with_the_length(part: str) -> None:
    find = grade_after_label(ALL)

    def seconds(count: int) -> float:
        text = "GRADE:" + part * count + "\nx"
        started = perf_counter()
        find(text)
        return perf_counter() - started

    few = min(seconds(1000) for _ in range(3))
    assert min(seconds(10_000) for _ in range(3)) < 40 * few + 0.01
