"""compute_results: names, order, reducers and values of what the log reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from scorers import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    Value,
    accuracy,
    create_reducers,
    match,
    mean,
    metric,
    scorer,
    std,
    stderr,
    value_to_float,
)
from tasks_lib._errors import PrerequisiteError
from tasks_lib.schema import EvalMetricDefinition, EvalResults, EvalSampleScore, EvalScorer
from tasks_lib.task import (
    MetricsSpec,
    ScorerPlan,
    TaskState,
    compute_results,
    eval_scorer,
    scorer_metrics,
    scorer_plans,
)
from tests.task._tables import Row, table_of


@metric
def by_name() -> Metric:
    def compute(scores: list[SampleScore]) -> Value:
        return {"x": 1.0, "y": len(scores), "z": None}

    return compute


@metric
def by_position() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> Value:
        return [1.0, 2.0]

    return compute


@metric
def as_text() -> Metric:
    def compute(scores: list[SampleScore]) -> Value:
        return "0.25"

    return compute


@metric
def no_number() -> Metric:
    def compute(scores: list[SampleScore]) -> Value:
        return "many"

    return compute


@scorer(metrics=[accuracy()], author="me")
def of_test(option: int = 1) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=option)

    return score


def _compute(
    rows: Sequence[Row], plans: Sequence[ScorerPlan], reducers: list[str] | None = None
) -> EvalResults:
    with table_of(rows) as table:
        results, _ = compute_results(
            table,
            scorers=plans,
            reducers=create_reducers(cast(Any, reducers)),
            total_samples=len(rows),
            log_reducer_names=reducers is not None,
        )
    return results


def _values(results: EvalResults) -> list[tuple[str, str, str | None, Any]]:
    return [
        (
            score.name,
            score.scorer,
            score.reducer,
            {key: entry.value for key, entry in score.metrics.items()},
        )
        for score in results.scores
    ]


DICT_ROWS: list[Row] = [
    (1, {"s": {"b": 1, "a": 2, "ab": 0.5}}),
    (2, {"s": {"b": 3, "a": 2, "ab": 1.5}}),
]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        pytest.param({"a": [mean()]}, [("a", {"mean": 2.0})], id="a key"),
        pytest.param({"*": [mean()]},
                     [("b", {"mean": 2.0}), ("a", {"mean": 2.0}), ("ab", {"mean": 1.0})],
                     id="a glob, in the order of the keys"),
        pytest.param({"a*": [mean(), mean()], "*": [mean(), std()], "ab": [accuracy()]},
                     [("a", {"mean": 2.0, "std": 0.0}),
                      ("ab", {"mean": 1.0, "std": math.sqrt(0.5), "accuracy": 1.0}),
                      ("b", {"mean": 2.0, "std": math.sqrt(2)})],
                     id="globs accumulate, a metric once"),
        pytest.param([{"a": [mean()]}, {"b": [mean()]}],
                     [("a", {"mean": 2.0}), ("b", {"mean": 2.0})], id="list of dicts"),
        pytest.param([by_name(), {"a": [mean()]}],
                     [("s", {"x": 1.0, "y": 2, "z": None}), ("a", {"mean": 2.0})],
                     id="metrics and dicts"),
        pytest.param({"x*": [mean()]}, [], id="a glob that matches nothing"),
    ],
)  # fmt: skip
def test_metrics_by_key(metrics: MetricsSpec, expected: list[tuple[str, dict[str, float]]]) -> None:
    results = _compute(DICT_ROWS, [ScorerPlan("s", metrics)])

    assert [(name, values) for name, _, _, values in _values(results)] == [
        (name, pytest.approx(values)) for name, values in expected
    ]
    assert {score.scorer for score in results.scores} <= {"s"}


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        pytest.param([accuracy(), stderr()], {"accuracy": 0.5, "stderr": 0.5}, id="list"),
        pytest.param([accuracy(), accuracy(), accuracy()],
                     {"accuracy": 0.5, "accuracy2": 0.5, "accuracy3": 0.5}, id="duplicates"),
        pytest.param([by_name()], {"x": 1.0, "y": 2, "z": None}, id="dict value"),
        pytest.param([by_position()], {"by_position-1": 1.0, "by_position-2": 2.0},
                     id="list value"),
        pytest.param([as_text()], {"as_text": 0.25}, id="a number as text"),
        pytest.param([], {}, id="no metrics"),
    ],
)  # fmt: skip
def test_metrics_of_whole_scores(metrics: MetricsSpec, expected: dict[str, float]) -> None:
    results = _compute([(1, {"s": "C"}), (2, {"s": "I"})], [ScorerPlan("s", metrics)])

    assert _values(results) == [("s", "s", None, pytest.approx(expected))]


@pytest.mark.parametrize(
    ("rows", "reducers", "expected"),
    [
        pytest.param([(1, {"s": "C"}), (1, {"s": "I"}), (2, {"s": "I"}), (2, {"s": "I"})],
                     ["mean", "max", "mode"],
                     [("s", "s", "mean", {"mean": 0.25}), ("s", "s", "max", {"mean": 0.5}),
                      ("s", "s", "mode", {"mean": 0.5})],
                     id="several reducers"),
        pytest.param([(1, {"s": 1}), ("1", {"s": 0})], None, [("s", "s", None, {"mean": 0.5})],
                     id="1 and '1' are different samples"),
        pytest.param([(1, {"s": 1}), (1, {"s": 0}), (2, {"s": 0})], None,
                     [("s", "s", None, {"mean": 0.25})], id="the default goes unnamed"),
        pytest.param([(1, {"s": 1}), (2, {})], None, [("s", "s", None, {"mean": 1.0})],
                     id="a sample without a score"),
        pytest.param([(1, {}), (2, {})], None, [("s", "s", None, {"mean": math.nan})],
                     id="no score at all"),
        pytest.param([], None, [("s", "s", None, {"mean": math.nan})], id="no samples"),
        pytest.param([(1, {"s": 1}), (2, {"s": math.nan})], None,
                     [("s", "s", None, {"mean": 1.0})], id="NaN is no score"),
        pytest.param([(1, {"s": 1}), (1, {"s": math.nan}), (2, {"s": 0})], None,
                     [("s", "s", None, {"mean": 0.5})], id="NaN in one epoch"),
        pytest.param([(1, {"s": 1}), (2, {"s": "soso"})], None,
                     [("s", "s", None, {"mean": math.nan})], id="a text that no one understands"),
        pytest.param([(1, {"extra": "C"}), (2, {"s": 1, "extra": "I"})], None,
                     [("s", "s", None, {"mean": 1.0}),
                      ("extra", "extra", None, {"accuracy": 0.5, "stderr": 0.5})],
                     id="scores of a solver"),
    ],
)  # fmt: skip
def test_reducing(rows: list[Row], reducers: list[str] | None, expected: list[Any]) -> None:
    results = _compute(rows, [ScorerPlan("s", [mean()])], reducers)

    assert _values(results) == [
        (*names, pytest.approx(values, nan_ok=True)) for *names, values in expected
    ]


def test_no_scores_per_key() -> None:
    results = _compute([(1, {})], [ScorerPlan("s", [by_name(), {"a": [mean()], "b*": [std()]}])])

    assert _values(results) == [
        ("s", "s", None, {"by_name": pytest.approx(math.nan, nan_ok=True)}),
        ("a", "s", None, {"mean": pytest.approx(math.nan, nan_ok=True)}),
        ("b*", "s", None, {"std": pytest.approx(math.nan, nan_ok=True)}),
    ]


def test_none_is_left_out_of_a_key() -> None:
    rows: list[Row] = [(1, {"s": {"a": 1}}), (2, {"s": {"a": None}}), (3, {"s": {"a": 4}})]

    results = _compute(rows, [ScorerPlan("s", {"a": [mean()]})])

    assert _values(results) == [("a", "s", None, {"mean": 2.5})]


def test_reductions() -> None:
    rows: list[Row] = [("a", {"s": "C"}), ("a", {"s": "I"}), ("b", {"s": "C"})]

    with table_of(rows) as table:
        _, reductions = compute_results(
            table,
            scorers=[ScorerPlan("s", [mean()])],
            reducers=create_reducers(["mean", "mode"]),
            total_samples=3,
            log_reducer_names=True,
        )

    assert [(item.scorer, item.reducer, item.samples) for item in reductions] == [
        ("s", "mean", [EvalSampleScore(sample_id="a", value=0.5),
                       EvalSampleScore(sample_id="b", value=1.0)]),
        ("s", "mode", [EvalSampleScore(sample_id="a", value="C"),
                       EvalSampleScore(sample_id="b", value="C")]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "metrics", "expected"),
    [
        pytest.param({"a": 1}, {"b": [mean()]}, r"key 'b', but the score of sample 1", id="no key"),
        pytest.param(1, {"b": [mean()]}, r"key 'b', but the score of sample 1 is 1", id="no dict"),
        pytest.param(1, [no_number()], "'no_number' returned 'many'", id="not a number"),
    ],
)
def test_type_errors(value: Value, metrics: MetricsSpec, expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        _compute([(1, {"s": value})], [ScorerPlan("s", metrics)])


def _old_untyped() -> Callable[..., float]:
    def compute(scores):  # type: ignore[no-untyped-def]
        return float(sum(score.value for score in scores))

    return compute


def _old_typed() -> Callable[..., float]:
    def compute(scores: list[Score]) -> float:
        return sum(score.as_float() for score in scores)

    return compute


@pytest.mark.parametrize("make", [_old_untyped, _old_typed])
def test_old_metrics_get_plain_scores(make: Callable[[], Callable[..., float]]) -> None:
    old = metric("old")(make)

    with pytest.warns(DeprecationWarning, match="The metric 'old' takes a list of Score"):
        results = _compute([(1, {"s": 1}), (2, {"s": 2})], [ScorerPlan("s", [old()])])

    assert _values(results) == [("s", "s", None, {"old": 3.0})]


def test_plans_of_scorers() -> None:
    plans = scorer_plans([match(), match("any"), of_test(option=3), match()])

    assert [plan.name for plan in plans] == ["match", "match1", "of_test", "match2"]
    assert [dict(plan.params) for plan in plans] == [{}, {"location": "any"}, {"option": 3}, {}]
    assert [dict(plan.metadata) for plan in plans] == [{}, {}, {"author": "me"}, {}]
    assert plans[2].metrics is scorer_metrics(of_test())


def test_metrics_of_the_task_win() -> None:
    metrics = [std()]

    assert [plan.metrics for plan in scorer_plans([match(), of_test()], metrics)] == [metrics] * 2


@pytest.mark.parametrize(
    ("scorers", "metrics", "expected"),
    [
        pytest.param([test_reductions], None, "not a registered scorer: .* @scorer", id="scorer"),
        pytest.param([match()], [test_reductions], "not a registered metric", id="metric"),
        pytest.param([match()], {"a": [test_reductions]}, "not a registered metric", id="of a key"),
    ],
)
def test_not_registered(scorers: Any, metrics: Any, expected: str) -> None:
    with pytest.raises(PrerequisiteError, match=expected):
        scorer_plans(scorers, metrics)


def test_results_hold_params_and_metadata() -> None:
    cluster = stderr(cluster="topic")
    plan = ScorerPlan("s", [cluster], {"option": 3, "fn": test_reductions}, {"author": "me"})

    [score] = _compute([], [plan]).scores

    assert score.params == {"option": 3, "fn": "test_reductions"}
    assert score.metadata == {"author": "me"}
    assert score.metrics["stderr"].params == {"cluster": "topic"}


def test_log_record_of_a_scorer() -> None:
    [plan] = scorer_plans(
        [of_test(option=3)], [accuracy(value_to_float("yes")), {"a": [stderr(cluster="topic")]}]
    )

    assert eval_scorer(plan) == EvalScorer(
        name="of_test",
        options={"option": 3},
        metrics=[
            EvalMetricDefinition(
                name="accuracy", options={"to_float": "value_to_float.<locals>.to_float"}
            ),
            {"a": [EvalMetricDefinition(name="stderr", options={"cluster": "topic"})]},
        ],
        metadata={"author": "me"},
    )


def test_order_of_samples_does_not_change_the_metrics() -> None:
    values = [0.1, 1e16, -1e16, 0.3, 0.7]
    rows: list[Row] = [(i, {"s": value}) for i, value in enumerate(values)]
    plans = [ScorerPlan("s", [mean(), std()])]

    assert _values(_compute(rows, plans)) == _values(_compute(rows[::-1], plans))
