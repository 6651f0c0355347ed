"""Scorers and metrics of a log, made anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from scorers import Metric, SampleScore, Scorer, accuracy, match, mean, metric, scorer, std, stderr
from tasks_lib._errors import ParameterError, UnknownNameError
from tasks_lib._util._registry import registry_name, registry_params
from tasks_lib.schema import (
    EvalLog,
    EvalMetricDefinition,
    EvalScorer,
    EvalSpec,
    Score,
    Target,
    value_to_float,
)
from tasks_lib.task import (
    MetricsSpec,
    ScorerPlan,
    TaskState,
    eval_scorer,
    logged_scorer,
    metric_definitions,
    plan_of_scorer,
    scorer_plans,
)


@metric
def logged_share(least: float = 1.0, of: Metric | None = None) -> Metric:
    def compute(scores: list[SampleScore]) -> float:
        return least

    return compute


@scorer(metrics=[accuracy(), {"*": [mean(), logged_share(0.5, of=std())]}], area="sums")
def logged_judge(inner: Scorer | None = None, words: tuple[str, ...] = ()) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=1)

    return score


def log_of(*scorers: Scorer, metrics: MetricsSpec | None = None) -> EvalLog:
    spec = EvalSpec(
        created="2026-11-21T12:00:00+00:00",
        task="sums",
        model="mockllm/model",
        scorers=[eval_scorer(plan) for plan in scorer_plans(scorers)],
        metrics=metric_definitions(metrics) if metrics is not None else None,
    )
    return EvalLog.model_validate_json(EvalLog(eval=spec).model_dump_json())


def plans_of(log: EvalLog) -> list[ScorerPlan]:
    return [plan_of_scorer(scorer, log) for scorer in log.eval.scorers or ()]


def describe(log: EvalLog) -> list[tuple[Any, ...]]:
    return [
        (plan.name, metric_definitions(plan.metrics), dict(plan.params), dict(plan.metadata))
        for plan in plans_of(log)
    ]


def test_plans_are_those_of_the_evaluation() -> None:
    log = log_of(match(numeric=True), logged_judge(words=("a",)), match())

    assert describe(log) == [
        (s.name, s.metrics, s.options or {}, s.metadata or {}) for s in log.eval.scorers or ()
    ]
    assert [plan.name for plan in plans_of(log)] == ["match", "logged_judge", "match1"]


def test_metrics_of_the_task_replace_those_of_the_scorers() -> None:
    log = log_of(match(), logged_judge(), metrics=[stderr(cluster="topic")])

    assert [definitions for _, definitions, _, _ in describe(log)] == [
        [EvalMetricDefinition(name="stderr", options={"cluster": "topic"})]
    ] * 2


def test_metric_that_a_metric_takes_is_made() -> None:
    [plan] = plans_of(log_of(logged_judge()))
    by_key = cast(Any, plan.metrics)[1]
    made = registry_params(by_key["*"][1])

    assert (made["least"], registry_name(made["of"])) == (0.5, "std")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("match", "match", id="as it is registered"),
        pytest.param("match1", "match", id="the second of a task"),
        pytest.param("match-12", "match", id="one that was appended"),
        pytest.param("inspect_ai/match", "match", id="of the reference"),
        pytest.param("f1", "f1", id="a name that ends with a number"),
        pytest.param("f11", "f1", id="the second of these"),
    ],
)
def test_scorer_is_found(name: str, found: str) -> None:
    assert registry_name(logged_scorer(EvalScorer(name=name))) == found


def test_scorer_has_its_arguments() -> None:
    log = log_of(logged_judge(match(numeric=True), words=("a", "b")))
    described = (log.eval.scorers or [])[0]
    made = registry_params(logged_scorer(described))

    assert made["words"] == ["a", "b"]
    assert registry_params(made["inner"]) == {"numeric": True}


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        pytest.param(
            lambda: logged_scorer(EvalScorer(name="logged_jugde")),
            UnknownNameError,
            "No scorer is named 'logged_jugde'. Did you mean 'logged_judge'?",
            id="unknown scorer",
        ),
        pytest.param(
            lambda: logged_scorer(EvalScorer(name="match", options={"numerical": True})),
            ParameterError,
            "match: argument name is 'numerical', expected one that it has. "
            "Did you mean 'numeric'.",
            id="argument that it has no longer",
        ),
        pytest.param(
            lambda: plans_of(
                log_of(match(), metrics=[accuracy(to_float=value_to_float(correct="yes"))])
            ),
            ParameterError,
            "accuracy: to_float is 'value_to_float.<locals>.to_float', expected something that "
            "can be made from a log; pass it anew.",
            id="function",
        ),
        pytest.param(
            lambda: logged_scorer(
                EvalScorer(name="logged_judge", options={"inner": {"name": "gone", "params": {}}})
            ),
            ParameterError,
            "logged_judge: inner is 'gone', expected something that can be made from a log; pass "
            "it anew.",
            id="scorer that a scorer takes",
        ),
    ],
)
def test_errors(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        make()

    assert str(raised.value) == text
