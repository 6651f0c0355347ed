"""choice: the chosen positions against the target's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from scorers import CORRECT, INCORRECT, Score, Target, choice
from tasks_lib._errors import DatasetError, PrerequisiteError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.schema import Choice, SampleLimitEvent
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
        pytest.param(20, [1, 9], ["J", "B"], CORRECT, "B, J", id="order of the target"),
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


async def test_shuffled_choices_are_listed_by_their_original_position(state_with: Make) -> None:
    shuffled = [Choice("three", True, 2), Choice("two", False, 1), Choice("one", True, 0)]
    score = await choice()(state_with("A, C", shuffled), Target("AC"))

    assert score is not None
    assert (score.value, score.answer) == (CORRECT, "A, C")


@pytest.mark.parametrize(
    ("count", "target", "message"),
    [
        pytest.param(4, "E", "'E' is not among the 4 choices, expected A to D", id="beyond"),
        pytest.param(4, ["A", "E"], "'E' is not among the 4 choices, expected A to D", id="second"),
        pytest.param(4, "Paris", "'Paris' is not among the 4 choices, expected A to D", id="text"),
        pytest.param(4, "1", "'1' is not among the 4 choices, expected A to D", id="number"),
        pytest.param(4, "Ä", "'Ä' is not among the 4 choices, expected A to D", id="alphabet"),
        pytest.param(
            40, "A1", "'A1' is not among the 40 choices, expected A to Z or 1 to 14", id="both"
        ),
        pytest.param(
            40, "0", "'0' is not among the 40 choices, expected A to Z or 1 to 14", id="zero"
        ),
        pytest.param(4, "", "the target is empty, it has to name a choice", id="empty"),
        pytest.param(4, [], "the target is empty, it has to name a choice", id="no target"),
    ],
)
async def test_bad_target(
    count: int, target: str | list[str], message: str, state_with: Make
) -> None:
    with pytest.raises(DatasetError) as raised:
        await choice()(state_with("A", _choices(count, [0])), Target(target))

    assert str(raised.value) == f"sample 1: field 'target': {message}"


async def test_an_absurd_number_is_no_choice(state_with: Make) -> None:
    with pytest.raises(DatasetError, match="is not among the 40 choices"):
        await choice()(state_with("A", _choices(40, [0])), Target("9" * 5000))


async def test_no_choices(state_with: Make) -> None:
    with pytest.raises(DatasetError) as raised:
        await choice()(state_with("A"), Target("A"))

    assert str(raised.value) == (
        "sample 1: field 'choices': choice() needs choices, the sample has none; see "
        "multiple_choice"
    )


async def test_nobody_asked_the_model_to_choose(state_with: Make) -> None:
    with pytest.raises(PrerequisiteError, match=r"sample 1 has an output.* multiple_choice\(\)"):
        await choice()(state_with("It is B.", ["one", "two"]), Target("B"))


async def test_no_output_is_incorrect(state_with: Make) -> None:
    score = await choice()(state_with("", ["one", "two"]), Target("B"))

    assert score == Score(value=INCORRECT, answer="", explanation="")


async def test_a_limit_before_the_question_is_incorrect(state_with: Make) -> None:
    with use_sample(SampleContext()) as context:
        context.transcript.record(SampleLimitEvent(type="token", message="too many", limit=1))
        score = await choice()(state_with("Let me see", ["one", "two"]), Target("B"))

    assert score == Score(value=INCORRECT, answer="", explanation="Let me see")


async def test_a_sample_without_a_limit_has_to_be_asked(state_with: Make) -> None:
    with use_sample(SampleContext()) as context, pytest.raises(PrerequisiteError):
        context.transcript.info("something else")
        await choice()(state_with("Let me see", ["one", "two"]), Target("B"))


async def test_marking_what_is_chosen_is_enough(state_with: Make) -> None:
    state = state_with("said so", ["one", "two"])
    state.choices.mark_choice(1, True)

    score = await choice()(state, Target("B"))

    assert score == Score(value=CORRECT, answer="B", explanation="said so")
