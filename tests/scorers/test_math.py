"""The scorer math: its verdicts, and what it says of those that it cannot give."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers import CORRECT, INCORRECT, Score, Target, math
from tasks_lib._errors import MissingPackageError, ParameterError
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]
C, I = CORRECT, INCORRECT  # noqa: E741 - the values' own names


async def judge(state: TaskState, target: str | list[str], cpu_s: float = 2.0) -> Score:
    score = await math(timeout=cpu_s)(state, Target(target))
    assert score is not None
    return score


@pytest.mark.parametrize(
    ("output", "target", "expected", "answer", "compared"),
    [
        pytest.param("It is 5.", "5", C, "5", "text", id="same text"),
        pytest.param("It is 1,234.50.", "1234.5", C, "1,234.50", "numbers", id="same number"),
        pytest.param("It is 15.", "5", I, "15", "numbers", id="another number"),
        pytest.param(
            r"\boxed{\frac{2}{4}}", "0.5", C, r"\frac{2}{4}", "formulas", id="same formula"
        ),
        pytest.param("The answer is x+1.", "x-1", I, "x+1", "formulas", id="another formula"),
        pytest.param("The answer is x+1.", ["3", "1+x"], C, "x+1", "formulas", id="second target"),
        pytest.param("The answer is 4.", ["3", "2+2"], C, "4", "formulas", id="number, formula"),
        pytest.param(
            "x = 7", r"Thus it is $\boxed{7}$.", C, "x = 7", "formulas", id="box of the target"
        ),
        pytest.param(
            "The answer is Monday.", r"\text{monday}", C, "Monday.", "text", id="same word"
        ),
        pytest.param("The answer is act.", "cat", I, "act.", "text", id="words are no products"),
        pytest.param(r"\boxed{\text{(B)}}", "B", C, r"\text{(B)}", "text", id="letter"),
        pytest.param(r"\boxed{\foo{x}}", "x", I, r"\foo{x}", "text", id="unreadable answer"),
        pytest.param(r"\boxed{x+1}", r"\foo{x", I, "x+1", "text", id="unreadable target"),
        pytest.param(
            r"\boxed{\foo {x}}", r"$\foo{x}$", C, r"\foo {x}", "text", id="unreadable, same"
        ),
    ],
)
async def test_verdict(
    output: str,
    target: str | list[str],
    expected: str,
    answer: str,
    compared: str,
    state_with: Make,
) -> None:
    score = await judge(state_with(output), target)

    assert score == Score(
        value=expected, answer=answer, explanation=output, metadata={"compared": compared}
    )


async def test_an_output_without_an_answer_is_incorrect(state_with: Make) -> None:
    score = await judge(state_with("  "), "5")

    assert score == Score(value=I, explanation="No answer was found in:   ")


@pytest.mark.parametrize("target", ["", " ", [], [""]])
async def test_without_a_target_there_is_no_verdict(
    target: str | list[str], state_with: Make
) -> None:
    score = await judge(state_with("5"), target)

    assert score.is_unscored
    assert score.explanation == "The sample has no target."


async def test_an_answer_has_a_greatest_length(state_with: Make) -> None:
    output = " and ".join(f"${'+1' * 1500}$" for _ in range(2))

    score = await judge(state_with(output), "3000")

    assert score == Score(value=I, explanation="The answer is longer than 4096 characters.")


_SYMBOLS = st.sampled_from(
    [r"\frac", "{", "}", "^", "_", "(", ")", "[", "|", r"\sqrt", "x", "i", "1", "0", ",", "=",
     "<", r"\cup", r"\infty", "!", "%", r"\text{", r"\begin{pmatrix}", "&", r"\\", "/", "-",
     ".", " ", "é", "\0", "\ud800", "½", r"\int", "∞", "'", "$"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.text() | st.lists(_SYMBOLS, max_size=12).map("".join), st.booleans())
async def test_no_text_raises(state_with: Make, text: str, is_target: bool) -> None:
    output, target = ("x+1", text) if is_target else (rf"\boxed{{{text}}}", "x+1")

    score = await judge(state_with(output), target, 0.5)

    assert score.is_unscored or score.text in (C, I)


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_timeout_has_to_be_positive(timeout: float) -> None:
    with pytest.raises(ParameterError, match=r"^math: timeout is .*, expected more than 0 sec"):
        math(timeout=timeout)


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "latex2sympy2_extended", None)

    with pytest.raises(MissingPackageError) as caught:
        math()

    assert str(caught.value) == (
        "The scorer 'math' needs the package 'latex2sympy2-extended': "
        "pip install 'prefect-evals[math]'."
    )
