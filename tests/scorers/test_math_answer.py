"""Where in an output the scorer math finds the answer."""

from __future__ import annotations

import time

import pytest

from scorers._math._answer import find_answer, find_target


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(r"So \boxed{5}.", "5", id="box"),
        pytest.param(r"\boxed{1} is wrong, \boxed{2} right", "2", id="last box"),
        pytest.param(
            r"\boxed{\frac{1}{\sqrt{2}}} it is", r"\frac{1}{\sqrt{2}}", id="nested braces"
        ),
        pytest.param(r"\boxed{\{1, 2\}}", r"\{1, 2\}", id="escaped braces"),
        pytest.param(r"\boxed{\{1, 2)}", r"\{1, 2)", id="escaped brace that stays open"),
        pytest.param(r"\boxed{1}," + 30 * " " + r"\boxed{2}", "2", id="boxes far apart"),
        pytest.param(r"\fbox{7} cm", "7", id="fbox"),
        pytest.param(r"$x=\boxed{1}$ or $x=\boxed{2}$", "1, 2", id="boxes joined by or"),
        pytest.param(r"\boxed{1}, \boxed{2}", "1, 2", id="boxes joined by a comma"),
        pytest.param(r"\boxed{1} \boxed{2}", "2", id="boxes that nothing joins"),
        pytest.param(r"\boxed{\boxed{3}}", "{3}", id="box in a box"),
        pytest.param(r"\boxed{4}. The answer is 5.", "4", id="box before marker"),
        pytest.param(r"The answer is 5, \boxed{6", "5", id="box that is cut off"),
        pytest.param("The answer is 5 because 3+2=5.", "5", id="marker, reason after it"),
        pytest.param("The answer is $x=5$, as $y=2$.", "x=5", id="marker, formula"),
        pytest.param("The answer is 1/2, since $x>0$.", "1/2", id="marker, number before formula"),
        pytest.param("The answer is $1$, $2$, and $3$.", "1, 2, 3", id="marker, formulas joined"),
        pytest.param("The answer is\n$$\n\\frac12\n$$", r"\frac12", id="marker, displayed"),
        pytest.param("The final answer is\n\n5", "5", id="marker, next line"),
        pytest.param("The answer is 3. No, the answer is 4.", "4", id="last marker"),
        pytest.param("Final Answer: 12 apples", "12", id="marker, unit in words"),
        pytest.param("The answer is 5 cm", "5 cm", id="marker, known unit"),
        pytest.param("The answer is a total of 5 eggs", "5", id="marker, words before it"),
        pytest.param("**Answer:** 7", "7", id="marker in bold"),
        pytest.param("ANSWER: x^2 + 1", "x^2 + 1", id="marker, plain notation"),
        pytest.param("the answer is -3x+2 for all x", "-3x+2", id="marker, words after it"),
        pytest.param("6 * 12 = 72\n#### 72", "72", id="marker of GSM8K"),
        pytest.param("The answer is Monday.", "Monday.", id="marker, words only"),
        pytest.param("We get \\[ x = 3 \\] as wanted", "x = 3", id="displayed formula"),
        pytest.param(r"First $a$, then \(b+1\) follows", "b+1", id="last formula"),
        pytest.param("Thus $1$ or $2$.", "1, 2", id="formulas joined"),
        pytest.param("It costs $5 and then $6 more", "$6", id="dollars are no formula"),
        pytest.param("Given 1.\nSo we get 3x + 2.", "3x + 2", id="end of the last line"),
        pytest.param("Hence 2 + 3 = 5", "2 + 3 = 5", id="equation at the end"),
        pytest.param("= 12", "12", id="rest of an equation"),
        pytest.param("It is 42.\nI am sure", "42", id="last number"),
        pytest.param("no idea", "no idea", id="short text"),
        pytest.param("", None, id="empty"),
        pytest.param(" \n\t", None, id="blank"),
        pytest.param("word " * 2000, None, id="long text without an answer"),
    ],
)
def test_find_answer(output: str, expected: str | None) -> None:
    assert find_answer(output) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(r" \frac12 ", r"\frac12", id="bare"),
        pytest.param(r"We see that it is \boxed{7}.", "7", id="solution with a box"),
        pytest.param("The answer is 7", "The answer is 7", id="words stay"),
    ],
)
def test_find_target(target: str, expected: str) -> None:
    assert find_target(target) == expected


@pytest.mark.parametrize(
    "unit",
    [
        r"\boxed{",
        r"\[",
        "$",
        "$$",
        "answer is ",
        r"\(",
        "(",
        "x ",
        "1",
        "{",
        "####\n",
        r"\text{",
        " ",
    ],
)
def test_time_grows_with_length_only(unit: str) -> None:
    def cost(characters: int) -> float:
        text = (unit * characters)[:characters]
        start = time.process_time()
        find_answer(text)
        return time.process_time() - start

    # Quadratic would be a hundredfold.
    assert cost(300_000) < 30 * max(cost(30_000), 0.002)
