"""exact and f1: which words two texts share, however they are written."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers import CORRECT, INCORRECT, Score, Target, exact, f1
from tasks_lib._errors import ParameterError
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]
C, I = CORRECT, INCORRECT  # noqa: E741 - the values' own names


@pytest.mark.parametrize(
    ("output", "target", "expected"),
    [
        pytest.param("Paris", "Paris", C, id="same"),
        pytest.param(" paris.\n", "Paris", C, id="case, punctuation, blanks"),
        pytest.param("The Eiffel Tower", "Eiffel tower", C, id="article"),
        pytest.param("“Paris”…", "Paris", C, id="punctuation beyond ASCII"),
        pytest.param("STRASSE", "straße", C, id="casefold"),
        pytest.param("yes no", "no yes", I, id="order counts"),
        pytest.param("no no yes", "no yes", I, id="repetition counts"),
        pytest.param("Paris, France", "Paris", I, id="more words"),
        pytest.param("well-known", "well known", C, id="hyphen"),
        pytest.param("well\u2011known", "well-known", C, id="another hyphen"),
        pytest.param("don't", "dont", C, id="apostrophe"),
        pytest.param("a.b", "ab", C, id="punctuation within a word"),
        pytest.param("5", "-5", I, id="signs count"),
        pytest.param("It is \u22125", "it is -5", C, id="minus sign"),
        pytest.param("3.0", "3", C, id="decimals"),
        pytest.param("3.0", "30", I, id="the point is no punctuation"),
        pytest.param("$1,000.00 a day", "1000 a day", C, id="currency and thousands"),
        pytest.param("50%", "50", C, id="percent"),
        pytest.param("1e-3", "0.001", C, id="scientific"),
        pytest.param("1/2", "0.5", C, id="fraction"),
        pytest.param("1914-1918", "1914 1918", C, id="span of years"),
        pytest.param("GPT-4", "gpt 4.0", C, id="number in a name"),
        pytest.param("(3.14).", "3.14", C, id="number in brackets"),
        pytest.param("18km", "18 km", I, id="a unit belongs to the word"),
        pytest.param("A", "A", C, id="an article alone is an answer"),
        pytest.param("A.", "(a)", C, id="an article alone, with punctuation"),
        pytest.param("the", "A", I, id="articles alone differ"),
        pytest.param("Paris - France", "Paris France", C, id="punctuation between blanks"),
        pytest.param("", "A", I, id="an article alone is not nothing"),
        pytest.param("B", "A", I, id="another letter"),
        pytest.param("?!", "?!", C, id="punctuation alone"),
        pytest.param("?!", "", I, id="punctuation alone is not nothing"),
        pytest.param("", "", C, id="both empty"),
        pytest.param(" \n", "", C, id="blanks are nothing"),
        pytest.param("Paris", "", I, id="empty target"),
        pytest.param("", "Paris", I, id="empty output"),
        pytest.param("Rome", ["Paris", "rome"], C, id="second target"),
        pytest.param("Rome", [], I, id="no target"),
    ],
)
async def test_exact(output: str, target: str | list[str], expected: str, state_with: Make) -> None:
    score = await exact()(state_with(output), Target(target))

    assert score == Score(value=expected, answer=output, explanation=output)


@pytest.mark.parametrize(
    ("output", "target", "expected", "explanation"),
    [
        # P = 2/3, R = 1: 2 · 2/3 · 1 / (5/3) = 4/5
        pytest.param("Paris in France", "Paris France", 4 / 5, (2, 3, 2), id="one word more"),
        # P = 1, R = 1/2: 2/3
        pytest.param("Paris", "Paris France", 2 / 3, (1, 1, 2), id="one word less"),
        # P = 1/4, R = 1: 2/5
        pytest.param("no no no no", "no", 2 / 5, (1, 4, 1), id="repetition costs precision"),
        # P = 2/3, R = 2/4: 4/7
        pytest.param("no no yes", "no no no maybe", 4 / 7, (2, 3, 4), id="repeated in both"),
        pytest.param("b a c", "c b", 1.0, (2, 2, 2), id="order does not count"),
        pytest.param("Rome", "Paris", 0.0, (0, 1, 1), id="nothing in common"),
        pytest.param("the cost is $3.0", "cost: 3", 4 / 5, (2, 3, 2), id="numbers by value"),
        pytest.param("", "", 1.0, (0, 0, 0), id="both empty"),
        pytest.param("Paris", "", 0.0, (0, 1, 0), id="empty target"),
        pytest.param("", "Paris", 0.0, (0, 0, 1), id="empty output"),
    ],
)
async def test_f1(
    output: str, target: str, expected: float, explanation: tuple[int, int, int], state_with: Make
) -> None:
    score = await f1()(state_with(output), Target(target))

    same, of_answer, of_target = explanation
    said = f"{same} of the {of_answer} words of the answer are among the {of_target} of the target."
    assert score == Score(value=expected, answer=output, explanation=said)


async def test_f1_takes_the_best_target(state_with: Make) -> None:
    score = await f1()(state_with("Paris France"), Target(["Rome", "Paris France", "Paris"]))

    said = "2 of the 2 words of the answer are among the 2 of target 2."
    assert score == Score(value=1.0, answer="Paris France", explanation=said)


async def test_f1_without_a_target(state_with: Make) -> None:
    score = await f1()(state_with("Paris"), Target([]))

    assert score == Score(value=0.0, answer="Paris", explanation="There is no target.")


@pytest.mark.parametrize(
    ("stop_words", "output", "target", "expected"),
    [
        pytest.param(None, "city of Paris", "Paris", 1 / 2, id="none"),
        pytest.param(["of", "city"], "city of Paris", "Paris", 1.0, id="left out"),
        pytest.param(["of", "city"], "Paris", "city of Paris", 1.0, id="left out of the target"),
        pytest.param(["Of", "CITY!"], "city of Paris", "Paris", 1.0, id="normalised, too"),
        pytest.param(["5"], "5.0 apples", "apples", 1.0, id="a number"),
        pytest.param(["yes"], "yes", "yes", 1.0, id="nothing else: kept"),
        pytest.param(["yes"], "yes", "", 0.0, id="nothing else is not nothing"),
        pytest.param(["yes"], "yes Paris", "the", 0.0, id="articles are left out as well"),
    ],
)
async def test_stop_words(
    stop_words: list[str] | None, output: str, target: str, expected: float, state_with: Make
) -> None:
    score = await f1(stop_words=stop_words)(state_with(output), Target(target))

    assert score is not None
    assert score.value == pytest.approx(expected, abs=1e-12)


async def test_answer_fn_takes_the_answer_out(state_with: Make) -> None:
    scorer = f1(lambda output: output.rpartition(":")[2])

    score = await scorer(state_with("I say: Paris"), Target("Paris"))

    said = "1 of the 1 words of the answer are among the 1 of the target."
    assert score == Score(value=1.0, answer=" Paris", explanation=said)


async def test_answer_fn_has_to_return_text(state_with: Make) -> None:
    scorer = f1(lambda output: len(output))  # type: ignore[arg-type,return-value]

    with pytest.raises(TypeError, match="answer_fn returned 5, expected a text"):
        await scorer(state_with("Paris"), Target("Paris"))


def test_stop_words_are_a_list() -> None:
    with pytest.raises(ParameterError, match="stop_words is 'the', expected a list of words"):
        f1(stop_words="the")  # type: ignore[arg-type]


def _squad_words(text: str) -> list[str]:
    """Normalise as SQuAD's evaluation does, in the order that the paper's script has."""
    lowered = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", lowered).split()


def _squad_f1(answer: str, target: str) -> float:
    """Compute the F1 of SQuAD 2.0, step by step."""
    words, wanted = _squad_words(answer), _squad_words(target)
    if not words or not wanted:
        return float(words == wanted)
    same = sum((Counter(words) & Counter(wanted)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(words), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


_WORD = st.sampled_from(
    ["Paris", "paris,", "(Rome)", "rome!", "the", "A", "an", "city's", "city", "of", "7", "YES?"]
)
_TEXT = (
    st.lists(_WORD, max_size=8).map(" ".join).filter(lambda text: _squad_words(text) or not text)
)


@given(output=_TEXT, target=_TEXT)
async def test_squad_agrees_where_there_are_no_hyphens_and_decimals(
    output: str, target: str, state_with: Make
) -> None:
    state = state_with(output)

    shared = await f1()(state, Target(target))
    equal = await exact()(state, Target(target))

    assert shared is not None
    assert equal is not None
    assert shared.value == pytest.approx(_squad_f1(output, target), abs=1e-12)
    assert (equal.value == CORRECT) == (_squad_words(output) == _squad_words(target))
