"""grouped: names, order, all three ways to sum up, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import pytest

from scorers import (
    Metric,
    SampleScore,
    Value,
    accuracy,
    ci,
    grouped,
    mean,
    mean_score,
    metric,
    stderr,
)
from tasks_lib._errors import ParameterError
from tasks_lib.task import metric_values
from tests.scorers._metric_scores import scores_of

VALUES = [1, 3, 8, 0]
TOPICS = ["b", "a", "b", "b"]


@metric("spread_of_grouped_test")
def spread() -> Metric:
    def compute(scores: list[SampleScore]) -> dict[str, float]:
        numbers = [item.as_float() for item in scores]
        return {"low": min(numbers), "high": max(numbers)}

    return compute


@metric("ends_of_grouped_test")
def ends() -> Metric:
    def compute(scores: list[SampleScore]) -> list[float]:
        # Only a list can be compared with one.
        assert scores == [*scores]
        return [scores[0].as_float(), scores[-1].as_float()]

    return compute


@metric("slices_of_grouped_test")
def slices() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> float:
        tail = scores[1:]
        return len(tail) * 100 + sum(item.as_float() for item in tail[-1:])

    return compute


@metric("high_of_grouped_test")
def only_high() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> dict[str, float]:
        return {"high": 1.0} if len(scores) > 1 else {"low": 2.0}

    return compute


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        pytest.param(grouped(mean(), "topic"), {"b": 3.0, "a": 3.0, "all": 3.0}, id="samples"),
        pytest.param(grouped(stderr(), "topic", all="groups"),
                     {"b": math.sqrt(19 / 3), "a": 0.0, "all": math.sqrt(19 / 3) / 2},
                     id="mean of groups"),
        pytest.param(grouped(mean(), "topic", all=False), {"b": 3.0, "a": 3.0}, id="no sum"),
        pytest.param(grouped(mean(), "topic", all_label="overall"),
                     {"b": 3.0, "a": 3.0, "overall": 3.0}, id="own label"),
        pytest.param(grouped(mean(), "topic", name_template="mean of {group_name}"),
                     {"mean of b": 3.0, "mean of a": 3.0, "all": 3.0}, id="own names"),
        pytest.param(grouped(spread(), "topic"),
                     {"b_low": 0, "b_high": 8, "a_low": 3, "a_high": 3, "all_low": 0,
                      "all_high": 8},
                     id="metric of several numbers"),
        pytest.param(grouped(spread(), "topic", all="groups"),
                     {"b_low": 0, "b_high": 8, "a_low": 3, "a_high": 3, "all_low": 1.5,
                      "all_high": 5.5}, id="mean of several numbers"),
        pytest.param(grouped(only_high(), "topic", all="groups"),
                     {"b_high": 1.0, "a_low": 2.0, "all_high": math.nan, "all_low": math.nan},
                     id="groups without a number"),
        pytest.param(grouped(ends(), "topic", all=False),
                     {"b_ends_of_grouped_test-1": 1.0, "b_ends_of_grouped_test-2": 0.0,
                      "a_ends_of_grouped_test-1": 3.0, "a_ends_of_grouped_test-2": 3.0},
                     id="metric of a list"),
        pytest.param(grouped(slices(), "topic"), {"b": 200.0, "a": 0.0, "all": 300.0}, id="slices"),
        pytest.param(grouped(grouped(mean(), "topic"), "topic", all=False),
                     {"b_b": 3.0, "b_all": 3.0, "a_a": 3.0, "a_all": 3.0}, id="grouped twice"),
    ],
)  # fmt: skip
def test_value(metric: Metric, expected: dict[str, float]) -> None:
    computed = metric(scores_of(VALUES, TOPICS))

    assert computed == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert list(cast(dict[str, float], computed)) == list(expected)


@pytest.mark.parametrize(
    ("all", "expected"),
    [("samples", {"b": 0.5, "a": 1.0, "all": 0.6}), ("groups", {"b": 0.5, "a": 1.0, "all": 0.75})],
)
def test_large_groups_count_more_or_not(all: Any, expected: dict[str, float]) -> None:
    scores = scores_of(["C", "I", "C", "C", "I"], ["b", "b", "a", "b", "b"])

    assert grouped(accuracy(), "topic", all=all)(scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("topics", "groups"),
    [
        pytest.param([1, "1"], ["1"], id="number and text"),
        pytest.param([None, "a"], ["None", "a"], id="None"),
        pytest.param([True, 1], ["True", "1"], id="bool"),
        pytest.param([["x"], {"y": 1}], ["['x']", "{'y': 1}"], id="list and dict"),
    ],
)
def test_names(topics: list[object], groups: list[str]) -> None:
    computed = grouped(mean(), "topic", all=False)(scores_of([1, 1], topics))

    assert computed == dict.fromkeys(groups, 1.0)


@pytest.mark.parametrize(
    ("all", "expected"),
    [("samples", {"all": math.nan}), ("groups", {"all": math.nan}), (False, {})],
)
def test_nothing(all: Any, expected: dict[str, float]) -> None:
    assert grouped(mean(), "topic", all=all)([]) == pytest.approx(expected, nan_ok=True)


def test_one_group() -> None:
    computed = grouped(stderr(), "topic", all="groups")(scores_of([1, 2, 3, 4], ["a"] * 4))

    assert computed == pytest.approx({"a": math.sqrt(5 / 12), "all": math.sqrt(5 / 12)}, abs=1e-12)


def test_interval_of_each_group() -> None:
    scores = scores_of([1, 2, 3, 4, "C", "I"], ["n"] * 4 + ["w"] * 2)
    parts = {"n": scores[:4], "w": scores[4:]}
    expected = {
        f"{group}_{name}": value
        for group, part in parts.items()
        for name, value in metric_values(ci(), part)
    }

    assert grouped(ci(), "topic", all=False)(scores) == expected


@pytest.mark.parametrize(
    ("values", "topics", "missing"),
    [
        pytest.param([1, 2], None, 0, id="no metadata"),
        pytest.param([], None, None, id="nothing is missing of nothing"),
    ],
)
def test_missing_key(values: list[Value], topics: None, missing: int | None) -> None:
    scores = scores_of(values, topics)
    if missing is None:
        assert grouped(mean(), "topic", all=False)(scores) == {}
        return
    with pytest.raises(ValueError, match=f"sample {missing} has no 'topic' in its metadata"):
        grouped(mean(), "topic")(scores)


def test_key_missing_of_one_sample() -> None:
    scores = scores_of([1, 2], ["a", "b"])
    scores[1].sample_metadata = {"other": 1}

    with pytest.raises(ValueError, match=r"group_key='topic'\): sample 1 has no 'topic'"):
        grouped(mean(), "topic")(scores)


@pytest.mark.parametrize(
    ("metric", "topics", "name"),
    [
        pytest.param(grouped(mean(), "topic"), ["all", "b"], "all", id="group and sum"),
        pytest.param(grouped(mean(), "topic", all="groups", all_label="b"), ["a", "b"], "b",
                     id="own label"),
        pytest.param(grouped(spread(), "topic"), ["all", "b"], "all_low", id="several numbers"),
    ],
)  # fmt: skip
def test_two_of_one_name(metric: Metric, topics: list[object], name: str) -> None:
    with pytest.raises(ValueError, match=f"two numbers would be called '{name}'"):
        metric(scores_of([1, 2], topics))


def test_group_may_be_called_all() -> None:
    metric = grouped(mean(), "topic", all=False)

    assert metric(scores_of([1, 2], ["all", "b"])) == {"all": 1.0, "b": 2.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"metric": "accuracy"}, "metric is 'accuracy', expected what a @metric",
                     id="name of a metric"),
        pytest.param({"metric": mean_score()}, "expected what a @metric", id="reducer"),
        pytest.param({"metric": lambda scores: 1.0}, "expected what a @metric", id="unregistered"),
        pytest.param({"metric": accuracy}, r"a @metric function returns, such as accuracy\(\)",
                     id="forgotten brackets"),
        pytest.param({"all": True}, "all is True, expected 'samples', 'groups' or False", id="all"),
        pytest.param({"name_template": "group"}, "name_template is 'group', expected text with",
                     id="template without the group"),
        pytest.param({"name_template": "{group_name} {x}"}, "and no other field", id="two fields"),
        pytest.param({"name_template": "{group_name"}, "name_template is", id="half a brace"),
        pytest.param({"name_template": "{}{group_name}"}, "name_template is", id="unnamed field"),
    ],
)  # fmt: skip
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        grouped(**{"metric": mean(), "group_key": "topic", **arguments})
