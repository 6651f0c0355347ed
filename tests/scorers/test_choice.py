"""choice: the chosen positions against the target's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from scorers import CORRECT, INCORRECT, Score, Target, choice
from tasks_lib._errors import DatasetError
from tasks_lib.schema import Choice
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]


def _choices(count: int, chosen: Iterable[int]) -> list[Choice]:
    return [Choice(f"text {i}", i in set(chosen), i) for i in range(count)]


@pytest.mark.parametrize(
    ("count", "chosen", "target", "expected", "answer"),
    [
        pytest.param(4, [1], "B", CORRECT, "B", id="right"),
        pytest.param(4, [1], "b", CORRECT, "B", id="lower-case target"),
        pytest.param(4, [0], "B", INCORRECT, "A", id="wrong"),
        pytest.param(4, [], "B", INCORRECT, "", id="none chosen"),
        pytest.param(4, [0, 1], "B", INCORRECT, "A, B", id="one too many"),
        pytest.param(4, [0, 2], ["A", "C"], CORRECT, "A, C", id="target list"),
        pytest.param(4, [0, 2], ["C", "A"], CORRECT, "A, C", id="order does not matter"),
        pytest.param(4, [0, 2], "AC", CORRECT, "A, C", id="run of letters"),
        pytest.param(4, [0, 2], "A, C", CORRECT, "A, C", id="letters with commas"),
        pytest.param(20, [0, 2], "A and C", CORRECT, "A, C", id="letters with and"),
        pytest.param(4, [0], ["A", "C"], INCORRECT, "A", id="one too few"),
        pytest.param(30, [26], "1", CORRECT, "1", id="the 27th is called 1"),
        pytest.param(40, [35], "10", CORRECT, "10", id="two digits"),
        pytest.param(40, [25, 26, 35], ["Z", "1, 10"], CORRECT, "Z, 1, 10", id="both kinds"),
    ],
)
async def test_verdict(
    count: int,
    chosen: list[int],
    target: str | list[str],
    expected: str,
    answer: str,
    state_with: Make,
) -> None:
    state = state_with("said so", _choices(count, chosen))
    score = await choice()(state, Target(target))

    assert score == Score(value=expected, answer=answer, explanation="said so")


async def test_shuffled_choices_count_by_their_original_position(state_with: Make) -> None:
    shuffled = [Choice("two", True, 1), Choice("one", False, 0)]
    score = await choice()(state_with("ANSWER: A", shuffled), Target("B"))

    explanation = "The model saw the choices in this order:\nA) two\nB) one\n\nANSWER: A"
    assert score == Score(value=CORRECT, answer="B", explanation=explanation)


@pytest.mark.parametrize(
    ("count", "target", "message"),
    [
        pytest.param(4, "E", "field 'target': 'E' is not among the 4 choices", id="beyond"),
        pytest.param(4, "Paris", "field 'target': 'Paris' is not among", id="text"),
        pytest.param(4, "1", "field 'target': '1' is not among", id="number"),
        pytest.param(4, "Ä", "field 'target': 'Ä' is not among", id="another alphabet"),
        pytest.param(40, "A1", "field 'target': 'A1' is not among the 40", id="letter and digit"),
        pytest.param(40, "0", "expected A to Z or 1 to 14", id="zero"),
        pytest.param(40, "9" * 5000, "is not among the 40 choices", id="absurd number"),
        pytest.param(4, "", "field 'target': the target is empty", id="empty"),
        pytest.param(4, [], "field 'target': the target is empty", id="no target"),
        pytest.param(0, "A", "field 'choices': .*needs choices and the solver", id="no choices"),
    ],
)
async def test_bad_sample(
    count: int, target: str | list[str], message: str, state_with: Make
) -> None:
    with pytest.raises(DatasetError, match=message):
        await choice()(state_with("A", _choices(count, [0])), Target(target))
