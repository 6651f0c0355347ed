"""@scorer, @metric, @score_reducer: names, metadata, and what they refuse."""

from __future__ import annotations

from typing import Any, cast

import pytest

from scorers import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    ScoreReducer,
    Target,
    accuracy,
    match,
    mean_score,
    metric,
    score_reducer,
    scorer,
    stderr,
)
from tasks_lib._util._registry import registry_create, registry_info, registry_params
from tasks_lib.task import MetricsSpec, TaskState


def test_built_in_names() -> None:
    made = [match("any", numeric=True), accuracy(), mean_score()]

    assert [registry_info(obj).name for obj in made] == ["match", "accuracy", "mean"]
    assert registry_params(made[0]) == {"location": "any", "numeric": True}


def test_created_by_name() -> None:
    made = registry_create("scorer", "match", location="begin")

    assert registry_params(made) == {"location": "begin"}


def test_scorer_metadata() -> None:
    metrics: MetricsSpec = [accuracy(), {"a": [stderr()]}]

    @scorer(metrics=metrics, name="own_name", author="me")
    def own() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=1)

        return score

    info = registry_info(own())
    assert info.name == "own_name"
    assert info.metadata == {"metrics": metrics, "author": "me"}


async def test_class_of_scorers() -> None:
    @scorer(metrics=[accuracy()])
    class Constant:
        def __init__(self, value: int) -> None:
            self.value = value

        async def __call__(self, state: TaskState, target: Target) -> Score:
            return Score(value=self.value)

    made = Constant(3)
    assert registry_params(made) == {"value": 3}
    assert await made(cast(TaskState, None), Target("")) == Score(value=3)


def test_scorer_must_be_async() -> None:
    @scorer(metrics=[accuracy()])
    def blocking() -> Scorer:
        def score(state: TaskState, target: Target) -> Score:
            return Score(value=1)

        return cast(Scorer, score)

    with pytest.raises(TypeError, match=r"@scorer blocking returned .* not an async callable"):
        blocking()


def test_scorer_needs_metrics() -> None:
    with pytest.raises(TypeError, match="@scorer needs metrics"):
        scorer(cast(Any, lambda: None))


def test_metric_names() -> None:
    @metric
    def plain() -> Metric:
        def compute(scores: list[SampleScore]) -> float:
            return len(scores)

        return compute

    @metric("named")
    def other() -> Metric:
        return plain()

    assert registry_info(plain()).name == "plain"
    assert registry_info(other()).name == "named"


@pytest.mark.parametrize("kind", ["metric", "score_reducer"])
def test_must_be_callable(kind: str) -> None:
    def broken() -> Any:
        return 5

    made: Any = metric(broken) if kind == "metric" else score_reducer(name="broken")(broken)
    with pytest.raises(TypeError, match=f"@{kind} returned 5, which cannot be called"):
        made()


def test_reducer_without_brackets() -> None:
    @score_reducer
    def bare() -> ScoreReducer:
        return lambda scores: scores[0]

    assert registry_info(bare()).name == "bare"
