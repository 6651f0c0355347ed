"""compute_results: what is counted, and what metrics are computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import pytest

from scorers import Metric, SampleScore, Score, Value, accuracy, create_reducers, mean, metric, std
from tasks_lib.schema import EvalResults, EvalSample, EvalScore
from tasks_lib.task import (
    MetricsSpec,
    ScorerPlan,
    ScoreTable,
    compute_results,
    count_results,
)
from tests.task._tables import ERROR, LIMIT, Row, sample, table_of

NAN = math.nan


@metric
def values_seen() -> Metric:
    """Return the raw values by id, as far as they can be told as numbers."""

    def compute(scores: Sequence[SampleScore]) -> Value:
        return {str(item.sample_id): item.score.as_float() for item in scores}

    return compute


@metric
def kind_of_scores_lazy() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> Value:
        return float(isinstance(scores, list))

    return compute


@metric
def kind_of_scores_listed() -> Metric:
    def compute(scores: list[SampleScore]) -> Value:
        return float(isinstance(scores, list))

    return compute


@metric
def ways_to_read() -> Metric:
    """Look at the scores in every way in which a sequence can be looked at."""

    def compute(scores: Sequence[SampleScore]) -> Value:
        once = [item.score.value for item in scores]
        assert once == [item.score.value for item in scores]
        assert once == [scores[position].score.value for position in range(len(scores))]
        assert once[::-1] == [item.score.value for item in reversed(scores)]
        assert scores[-1].score.value == once[-1]
        part = scores[1:]
        assert [item.score.value for item in part] == once[1:]
        assert [item.score.value for item in part[::-1]] == once[:0:-1]
        assert scores[0] in scores
        with pytest.raises(IndexError):
            scores[len(once)]
        return len(once)

    return compute


def compute(
    table: ScoreTable,
    metrics: MetricsSpec,
    reducers: str | list[str] | None = None,
    **options: Any,
) -> EvalResults:
    with table:
        results, _ = compute_results(
            table,
            scorers=[ScorerPlan("s", metrics)],
            reducers=create_reducers(cast(Any, reducers)),
            total_samples=table.completed + table.errored,
            log_reducer_names=False,
            **options,
        )
    return results


def metrics_of(score: EvalScore) -> dict[str, object]:
    return {name: (entry.value, entry.samples) for name, entry in score.metrics.items()}


def test_every_sample_is_counted_in_one_place() -> None:
    table = ScoreTable(["s"])
    for item in (
        sample(1, {"s": "C"}),
        sample(2, {"s": "I"}, limit=LIMIT),
        sample(3, {"s": NAN}),
        sample(4, {"other": 1}),
        sample(5, {}),
        EvalSample(id=6, epoch=1, input="?", error=ERROR),
    ):
        table.add(item)

    results, reductions = compute_results(
        table,
        scorers=[ScorerPlan("s", [accuracy()])],
        reducers=create_reducers(None),
        total_samples=10,
        log_reducer_names=False,
    )

    counts = results.model_dump(exclude={"scores", "metadata"})
    assert counts == {
        "total_samples": 10,
        "completed_samples": 5,
        "errored_samples": 1,
        "scored_samples": 3,
        "unscored_samples": 2,
        "limited_samples": 1,
        "missing_samples": 4,
    }
    assert [
        (score.name, score.scored_samples, score.unscored_samples, score.errors_as_incorrect)
        for score in results.scores
    ] == [("s", 2, 3, None), ("other", 1, 4, None)]
    assert metrics_of(results.scores[0]) == {"accuracy": (0.5, 2)}
    assert reductions == []  # with one epoch they would be the scores over again


def test_counts_alone() -> None:
    with table_of([(1, {"s": "C"}), (2, {})], errors=[3]) as table:
        results = count_results(table, total_samples=2)

    assert results == EvalResults(
        total_samples=2,
        completed_samples=2,
        errored_samples=1,
        scored_samples=1,
        unscored_samples=1,
        limited_samples=0,
        missing_samples=0,
    )


def test_keys_are_counted_apart() -> None:
    rows: list[Row] = [
        (1, {"s": {"a": 1, "b": 1}}),
        (2, {"s": {"a": NAN, "b": 0}}),
        (3, {"s": {"a": None, "b": NAN}}),
        (4, {"s": NAN}),
        (5, {"s": {"a": 0, "b": 1}}),
    ]

    results = compute(table_of(rows), [{"*": [mean()]}])

    assert [
        (score.name, metrics_of(score), score.scored_samples, score.unscored_samples)
        for score in results.scores
    ] == [("a", {"mean": (0.5, 2)}, 2, 3), ("b", {"mean": (2 / 3, 3)}, 3, 2)]
    assert (results.scored_samples, results.unscored_samples) == (3, 2)


def test_epochs_are_counted_and_metrics_say_how_many_samples() -> None:
    rows: list[Row] = [(1, {"s": 1}), (1, {"s": NAN}), (2, {"s": 0}), (2, {"s": 1}), (3, {})]

    [score] = compute(table_of(rows), [mean()]).scores

    assert metrics_of(score) == {"mean": (0.75, 2)}
    assert (score.scored_samples, score.unscored_samples) == (3, 2)


def test_a_sample_with_too_few_scored_epochs_for_a_reducer_is_left_out() -> None:
    rows: list[Row] = [(1, {"s": 1}), (1, {"s": NAN}), (2, {"s": 0}), (2, {"s": 1})]

    [both, mean_of_all] = compute(table_of(rows), [mean()], ["pass_at_2", "mean"]).scores

    assert metrics_of(both) == {"mean": (1.0, 1)}
    assert metrics_of(mean_of_all) == {"mean": (0.75, 2)}


class Case(NamedTuple):
    rows: list[Row]
    errors: list[str | int]
    metrics: MetricsSpec
    expected: list[tuple[str, dict[str, tuple[float, int]]]]
    reducer: str = "mode"
    """Mode keeps values as they are, so metrics show what errors were made of."""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            Case([(1, {"s": "C"}), (2, {"s": "P"})], [3, 4], [accuracy()],
                 [("s", {"accuracy": (0.375, 4)})], "mean"), id="letters"),
        pytest.param(
            Case([(1, {"s": 4.0})], [2], [values_seen(), std()],
                 [("s", {"1": (4.0, 2), "2": (0.0, 2), "std": (math.sqrt(8), 2)})]), id="numbers"),
        pytest.param(
            Case([(1, {"s": True})], [2], [values_seen()],
                 [("s", {"1": (1.0, 2), "2": (0.0, 2)})]), id="bools"),
        pytest.param(
            Case([(1, {"s": {"a": 1, "b": "C", "c": None}})], [2], {"*": [mean()]},
                 [("a", {"mean": (0.5, 2)}), ("b", {"mean": (0.5, 2)}),
                  ("c", {"mean": (0.0, 1)})]), id="every key"),
        pytest.param(
            Case([("z", {"s": {"a": 1}})], ["b"], {"*": [mean()]},
                 [("a", {"mean": (0.5, 2)})]), id="keys although the error comes first"),
        pytest.param(
            Case([(1, {"s": "C"}), (2, {"s": "C"})], [1], [accuracy()],
                 [("s", {"accuracy": (0.75, 2)})], "mean"), id="one epoch of two"),
        pytest.param(
            Case([(1, {"s": {"a": 1}}), (2, {"s": {"a": 1}})], [1, 1], [{"a": [mean()]}],
                 [("a", {"mean": ((1 / 3 + 1) / 2, 2)})], "mean"), id="epochs of dicts"),
        pytest.param(
            Case([(1, {"s": {"a": 1}}), (2, {"s": {"b": 1}})], [2], [accuracy()],
                 [("s", {"accuracy": (NAN, 2)})], "mean"), id="an epoch has its sample's keys"),
        pytest.param(
            Case([(1, {"s": NAN})], [2], [accuracy()],
                 [("s", {"accuracy": (0.0, 1)})]), id="unscored stays unscored"),
        pytest.param(
            Case([], [1, 2], [accuracy(), {"a": [mean()], "b": [mean()]}],
                 [("s", {"accuracy": (NAN, 2)}), ("a", {"mean": (0.0, 2)}),
                  ("b", {"mean": (0.0, 2)})]), id="errors only, by key"),
        pytest.param(
            Case([], [1, 2], [accuracy()], [("s", {"accuracy": (0.0, 2)})]), id="errors only"),
        pytest.param(
            Case([(1, {"extra": 1})], [2], [accuracy()],
                 [("s", {"accuracy": (0.0, 1)}),
                  ("extra", {"accuracy": (0.5, 2), "stderr": (0.5, 2)})]), id="of a solver"),
    ],
)  # fmt: skip
def test_errors_as_incorrect(case: Case) -> None:
    table = table_of(case.rows, case.errors)

    results = compute(table, case.metrics, case.reducer, errors_as_incorrect=True)

    assert [(score.name, metrics_of(score)) for score in results.scores] == [
        (name, {key: pytest.approx(value, nan_ok=True) for key, value in metrics.items()})
        for name, metrics in case.expected
    ]
    assert {score.errors_as_incorrect for score in results.scores} == {len(case.errors)}
    assert results.errored_samples == len(case.errors)


def test_errors_count_in_lists_element_by_element() -> None:
    table = table_of([(1, {"s": [1, "C", True]})], errors=[2])

    with table:
        _, [reduction] = compute_results(
            _with_second_epoch(table),
            scorers=[ScorerPlan("s", [])],
            reducers=create_reducers("mode"),
            total_samples=3,
            log_reducer_names=True,
            errors_as_incorrect=True,
        )

    assert [item.value for item in reduction.samples] == [[1, "C", True], [0, "I", False]]


def _with_second_epoch(table: ScoreTable) -> ScoreTable:
    table.add(EvalSample(id=2, epoch=2, input="?", error=ERROR))
    return table


def test_by_default_errors_are_in_no_metric() -> None:
    [score] = compute(table_of([(1, {"s": "C"})], errors=[1, 2]), [accuracy()]).scores

    assert metrics_of(score) == {"accuracy": (1.0, 1)}
    assert (score.scored_samples, score.unscored_samples) == (1, 0)


def test_a_metric_gets_what_it_asks_for() -> None:
    rows: list[Row] = [(id, {"s": id}) for id in (3, 1, 2)]

    [score] = compute(
        table_of(rows), [kind_of_scores_lazy(), kind_of_scores_listed(), ways_to_read()]
    ).scores

    assert metrics_of(score) == {
        "kind_of_scores_lazy": (0.0, 3),
        "kind_of_scores_listed": (1.0, 3),
        "ways_to_read": (3, 3),
    }


def test_scores_of_a_key_are_a_sequence_too() -> None:
    rows: list[Row] = [(id, {"s": {"a": id, "b": None}}) for id in (3, 1, 2)]

    [score] = compute(table_of(rows), {"a": [ways_to_read()]}).scores

    assert metrics_of(score) == {"ways_to_read": (3, 3)}


@metric
def told_of_samples() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> Value:
        [first, second] = scores
        assert first == SampleScore(
            score=Score(value=1.0, answer="a", metadata={"by": "me"}),
            sample_id=1,
            sample_metadata={"topic": "x"},
            scorer="s",
        )
        assert (second.sample_id, second.sample_metadata) == ("2", {})
        return 7

    return compute


def test_what_metrics_are_told_of_a_sample() -> None:
    table = ScoreTable(["s"])
    score = Score(value=1, answer="a", explanation="long", metadata={"by": "me"})
    table.add(sample("2", {"s": 0}))
    table.add(EvalSample(id=1, epoch=1, input="?", scores={"s": score}, metadata={"topic": "x"}))

    [scored] = compute(table, [told_of_samples()]).scores

    assert metrics_of(scored) == {"told_of_samples": (7, 2)}
