"""create_reducers: by name, with arguments, and which names logs give."""

from __future__ import annotations

from typing import Any

import pytest

from scorers import (
    Score,
    ScoreReducer,
    at_least,
    create_reducers,
    max_score,
    mean_score,
    median_score,
    mode_score,
    pass_at,
    score_reducer,
    value_to_float,
)
from tasks_lib._errors import ParameterError, PrerequisiteError, UnknownNameError
from tasks_lib._util._registry import registry_name, registry_params


@score_reducer(name="nth_of_names_test")
def nth(k: int = 1, scale: float = 1.0, unit: str = "") -> ScoreReducer:
    return lambda scores: Score(value=scores[k - 1].as_float() * scale)


@score_reducer(name="top_5")
def top() -> ScoreReducer:
    return lambda scores: scores[0]


@pytest.mark.parametrize(
    ("reducers", "names"),
    [
        pytest.param(None, ["mean"], id="default"),
        pytest.param("mode", ["mode"], id="name"),
        pytest.param(["mean", "max", "median"], ["mean", "max", "median"], id="names"),
        pytest.param(mode_score(), ["mode"], id="reducer"),
        pytest.param(["mean", max_score()], ["mean", "max"], id="both"),
        pytest.param("pass_at_5", ["pass_at_5"], id="name with k"),
        pytest.param(["at_least_2", "at_least_10"], ["at_least_2", "at_least_10"], id="two k"),
        pytest.param(pass_at(3), ["pass_at_3"], id="reducer with k"),
        pytest.param(at_least(k=2, value=0.5), ["at_least_2(value=0.5)"], id="another argument"),
        pytest.param("at_least_2(value=0.5)", ["at_least_2(value=0.5)"], id="by that name"),
        pytest.param("at_least_2( value = 2 )", ["at_least_2(value=2)"], id="spaces"),
        pytest.param([pass_at(2), pass_at(2, 0.5)], ["pass_at_2", "pass_at_2(value=0.5)"],
                     id="two of one k"),
        pytest.param(mean_score(value_to_float("yes")), ["mean"], id="functions are not named"),
        pytest.param("top_5", ["top_5"], id="a name that ends with a number"),
        pytest.param(nth(2, 0.5, "m"), ["nth_of_names_test_2(scale=0.5)"], id="own with arguments"),
        pytest.param("nth_of_names_test(scale=2.5)", ["nth_of_names_test(scale=2.5)"],
                     id="own without k"),
    ],
)  # fmt: skip
def test_names(reducers: Any, names: list[str]) -> None:
    assert [named.name for named in create_reducers(reducers)] == names


@pytest.mark.parametrize(
    ("name", "registered", "params"),
    [
        pytest.param("median", "median", {}, id="plain"),
        pytest.param("pass_at_5", "pass_at", {"k": 5}, id="k"),
        pytest.param("at_least_007", "at_least", {"k": 7}, id="leading zeros"),
        pytest.param("pass_at_2(value=0.5)", "pass_at", {"k": 2, "value": 0.5}, id="value"),
        pytest.param("top_5", "top_5", {}, id="number in a name"),
        pytest.param("nth_of_names_test_3(scale=1e-3)", "nth_of_names_test",
                     {"k": 3, "scale": 1e-3}, id="own"),
    ],
)  # fmt: skip
def test_made_of_a_name(name: str, registered: str, params: dict[str, object]) -> None:
    [named] = create_reducers(name)

    assert registry_name(named.reducer) == registered
    assert registry_params(named.reducer) == params
    # What a log names is the same again.
    assert create_reducers(named.name)[0].name == named.name


def test_by_name_computes() -> None:
    scores = [Score(value=value) for value in (1, 0, 0.5, 0)]
    asked = ["mean", "median", "mode", "max", "at_least_1", "pass_at_2", "pass_at_2(value=0.5)"]

    values = [named.reducer(scores).value for named in create_reducers(asked)]

    assert values == pytest.approx([0.375, 0.25, 0, 1, 1, 0.5, 5 / 6], abs=1e-12)
    assert create_reducers("nth_of_names_test_3(scale=4)")[0].reducer(scores).value == 2.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("meen", r"'meen'\. Did you mean 'mean'", id="nearly"),
        pytest.param("pass_at_x", r"'pass_at_x'\. Did you mean 'pass_at_2'", id="no number"),
        pytest.param("pass_at_-1", r"'pass_at_-1'\. Did you mean 'pass_at_2'", id="negative"),
        pytest.param("pass_at_٣", "No score reducer is named 'pass_at_٣'", id="other digits"),
        pytest.param("mean_5", r"'mean_5'\. Did you mean 'mean'", id="no k"),
        pytest.param("top_5_5", r"'top_5_5'\. Did you mean 'top_5'", id="no second number"),
        pytest.param("at_leest_2", r"'at_leest_2'\. Did you mean 'at_least_2'", id="nearly with k"),
        pytest.param("pass_at_" + "9" * 5000, "No score reducer is named 'pass_at_999", id="huge"),
        pytest.param("", "No score reducer is named ''", id="nothing"),
        pytest.param("(value=1)", r"named '\(value=1\)'", id="only arguments"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        create_reducers(name)


@pytest.mark.parametrize(
    ("reducers", "message"),
    [
        pytest.param([], "expected at least one", id="none"),
        pytest.param([lambda scores: scores[0]], "what a @score_reducer function", id="plain"),
        pytest.param([3], "reducer is 3, expected a name", id="number"),
        pytest.param([mean_score], r"returns, such as mean_score\(\)", id="forgotten brackets"),
        pytest.param("at_least_0", "at_least: k is 0, expected a whole number", id="k of 0"),
        pytest.param("pass_at", "'pass_at', expected a number behind it, as in 'pass_at_2'",
                     id="without its number"),
        pytest.param("pass_at_2(value=half)", "expected numbers in brackets, as in", id="word"),
        pytest.param("pass_at_2(0.5)", "expected numbers in brackets, as in", id="no name"),
        pytest.param("mean(share=0.5)", "mean: argument name is 'share'", id="unknown argument"),
        pytest.param(["mean", "mode", mean_score()], r"\['mean', 'mode', 'mean'\], expected each",
                     id="twice"),
    ],
)  # fmt: skip
def test_unusable(reducers: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        create_reducers(reducers)


@pytest.mark.parametrize(
    ("reducers", "epochs", "message"),
    [
        pytest.param("pass_at_5", 2, "'pass_at_5' needs 5 epochs, and there are only 2: raise "
                     "epochs to 5 or more, or ask for fewer", id="pass_at"),
        pytest.param(["mean", at_least(2)], 1, "'at_least_2' needs 2 epochs, and there is only 1",
                     id="one of several"),
        pytest.param("pass_at_3(value=0.5)", 2, r"'pass_at_3\(value=0.5\)' needs 3", id="options"),
    ],
)  # fmt: skip
def test_more_than_there_are_epochs(reducers: Any, epochs: int, message: str) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        create_reducers(reducers, epochs)


@pytest.mark.parametrize(
    ("reducers", "epochs"),
    [
        pytest.param("pass_at_5", 5, id="just enough"),
        pytest.param("pass_at_5", None, id="epochs not known"),
        pytest.param("nth_of_names_test_3", 1, id="another kind of k"),
        pytest.param(None, 1, id="default"),
    ],
)
def test_enough_epochs(reducers: Any, epochs: int | None) -> None:
    assert len(create_reducers(reducers, epochs)) == 1


def test_own_reducer_by_name() -> None:
    @score_reducer(name="first_of_test")
    def first() -> ScoreReducer:
        return lambda scores: scores[0]

    [named] = create_reducers("first_of_test")
    assert named.name == "first_of_test"
    assert named.reducer([Score(value=3), Score(value=4)]) == Score(value=3)


def test_median_is_known_by_its_name() -> None:
    assert create_reducers(median_score())[0].name == "median"
