from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from tasks_lib.schema import (
    CORRECT,
    INCORRECT,
    NOANSWER,
    PARTIAL,
    Choices,
    EvalSample,
    Event,
    InfoEvent,
    Sample,
    Score,
    SpanBeginEvent,
    SpanEndEvent,
    SpanNode,
    Target,
    choice_index,
    choice_label,
    event_sequence,
    event_tree,
    value_to_float,
)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    level: int


class Loose(BaseModel):
    level: int


def test_sample_takes_positional_arguments() -> None:
    assert Sample("q", ["a", "b"], "A").target == "A"


def test_unknown_field_of_a_sample() -> None:
    with pytest.raises(ValidationError, match="targt"):
        Sample(input="q", targt="A")


def test_metadata_as() -> None:
    sample = Sample(input="q", metadata={"level": 3, "other": 1})

    assert sample.metadata_as(Frozen) == Frozen(level=3)
    with pytest.raises(ValueError, match="Loose must be frozen"):
        sample.metadata_as(Loose)


def test_target_is_a_sequence_with_joined_text() -> None:
    target = Target(["A", "C"])

    assert list(target) == ["A", "C"]
    assert target.text == "AC"
    assert Target("B") == Target(["B"])


def test_choices_prompt_and_marks() -> None:
    choices = Choices(["red", "green"])
    choices.mark_choice(1, True)

    assert choices.prompt("Which?", "{question}|{choices}|{letters}") == (
        "Which?|A) red\nB) green|A,B"
    )
    assert [choice.correct for choice in choices] == [None, True]


@pytest.mark.parametrize(
    ("index", "label"), [(0, "A"), (25, "Z"), (26, "1"), (35, "10"), (125, "100")]
)
def test_labels_and_positions_are_inverse(index: int, label: str) -> None:
    assert choice_label(index) == label
    assert choice_index(label) == index


@pytest.mark.parametrize("label", ["", "0", "-1", "AB", "é"])
def test_what_labels_no_choice(label: str) -> None:
    with pytest.raises(ValueError, match="does not name a choice"):
        choice_index(label)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (CORRECT, 1.0),
        ("c", 1.0),
        (INCORRECT, 0.0),
        (PARTIAL, 0.5),
        (NOANSWER, 0.0),
        (True, 1.0),
        (3, 3.0),
        ("yes", 1.0),
        ("False", 0.0),
        ("-1", -1.0),
        ("2.5", 2.5),
    ],
)
def test_value_to_float(value: Any, number: float) -> None:
    assert value_to_float()(value) == number


@pytest.mark.parametrize("value", ["1.2.3", "maybe", [1, 2], {"a": 1}])
def test_values_without_a_number_are_nan_not_zero(value: Any) -> None:
    assert math.isnan(value_to_float()(value))


def test_own_words_for_verdicts() -> None:
    to_float = value_to_float(correct="right", incorrect="wrong")

    assert (to_float("right"), to_float("wrong"), to_float("P")) == (1.0, 0.0, 0.5)


@pytest.mark.parametrize("value", ["C", 1, 1.5, True, [1, "a"], {"a": 1, "b": None}])
def test_scores_keep_their_value_through_json(value: Any) -> None:
    score = Score.model_validate_json(Score(value=value).model_dump_json())

    assert score.value == value
    assert type(score.value) is type(value)


def test_scalar_access_of_compound_scores() -> None:
    with pytest.raises(ValueError, match="not a single value"):
        Score(value=[1]).as_float()
    assert Score(value={"a": 1}).as_dict() == {"a": 1}
    assert Score(value=[1]).as_list() == [1]
    with pytest.raises(ValueError, match="is not a dict"):
        Score(value=1).as_dict()


def test_event_tree_and_back() -> None:
    outer, inner = SpanBeginEvent(id="1", name="o"), SpanBeginEvent(id="2", parent_id="1", name="i")
    info = InfoEvent(data=1, span_id="2")
    ends = SpanEndEvent(id="2"), SpanEndEvent(id="1")
    events: list[Event] = [outer, inner, info, *ends]

    tree = event_tree(events)

    assert tree == [SpanNode(outer, [SpanNode(inner, [info], ends[0])], ends[1])]
    assert list(event_sequence(tree)) == events


def test_summary_of_a_sample_holds_short_scalars_only() -> None:
    sample = EvalSample(
        id=1,
        epoch=1,
        input="q",
        metadata={"s": "x" * 2000, "n": 1, "deep": {"a": 1}},
        scores={"match": Score(value="C", explanation="long")},
    )

    summary = sample.summary()

    assert summary.metadata == {"s": "x" * 1000, "n": 1}
    assert summary.scores == {"match": Score(value="C")}
    assert summary.completed
