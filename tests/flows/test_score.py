"""`score`: what becomes of a log's scores, results and file."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import ANY

import pytest

from flows.score import ScoringError, score
from scorers import accuracy, includes, match
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import (
    EvalError,
    EvalLog,
    EvalMetricDefinition,
    EvalResults,
    Score,
    ScoreEvent,
)
from tests.flows._scored import (
    STEM,
    failed_sample,
    log_with,
    log_with_lost_metric,
    metrics,
    one_sample,
    score_values,
    scored_breaks,
    scored_length,
    write,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")


def scored(log: Any, scorers: Any = None, **options: Any) -> EvalLog:
    found = score(log, scorers, display="none", **options)
    assert isinstance(found, EvalLog)
    return found


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def appended(prefect_harness: Path) -> Appended:
    """Score different logs in memory with the same scorers, in one call."""
    plain = log_with([one_sample(2), one_sample(1, right=False), failed_sample(3)])
    plain.location = f"nowhere/{STEM}.parquet"
    given = {"match": Score(value="C"), "judged": Score(value=0.25)}
    epochs = [one_sample(i, epoch=e, right=i < e) for e in (1, 2) for i in (0, 1, 2)]
    logs = {
        "plain": plain,
        "epochs": log_with(epochs),
        "solvers": log_with([one_sample(1, scores=given)]),
        "lost": log_with_lost_metric(),
        "metrics": log_with([one_sample(1)], metrics=[EvalMetricDefinition(name="accuracy")]),
    }
    before = deepcopy(plain)
    found = score([*logs.values()], [match(location="exact"), scored_length()], display="none")
    assert isinstance(found, list)
    return Appended(dict(zip(logs, found, strict=True)), before, plain)


class Appended(NamedTuple):
    """Scored logs by name, and one of the originals before and after."""

    logs: dict[str, EvalLog]
    before: EvalLog
    after: EvalLog


def test_log_in_memory_is_scored_as_a_copy(appended: Appended) -> None:
    new = appended.logs["plain"]

    assert appended.after == appended.before
    assert (new.location, new.status) == ("", "success")
    assert [sample.id for sample in new.samples or ()] == [2, 1, 3]
    assert score_values(new) == [
        {"match": "C", "match-1": "C", "scored_length": 2},
        {"match": "I", "match-1": "I", "scored_length": 2},
        None,
    ]
    assert {name: list(values) for name, values in metrics(new).items()} == {
        "match": ["accuracy", "stderr"],
        "match-1": ["accuracy", "stderr"],
        "scored_length": ["mean"],
    }
    assert [metrics(new)[name]["accuracy"] for name in ("match", "match-1")] == [0.5, 0.5]
    assert metrics(new)["scored_length"] == {"mean": 2.0}
    assert new.results is not None
    assert new.results.model_dump(exclude={"scores", "metadata"}) == {
        "total_samples": 3,
        "completed_samples": 2,
        "errored_samples": 1,
        "scored_samples": 2,
        "unscored_samples": 0,
        "limited_samples": 0,
        "missing_samples": 0,
    }
    assert [(s.name, s.options) for s in new.eval.scorers or ()] == [
        ("match", None),
        ("match-1", {"location": "exact"}),
        ("scored_length", None),
    ]


def test_file_is_scored_beside_itself(tmp_path: Path) -> None:
    path = write(log_with([one_sample(1), one_sample(2, right=False)]), tmp_path)
    content = Path(path).read_bytes()
    first = scored(path, includes())
    second = scored(first.location, {"name": "match", "location": "exact"}, action="overwrite")

    assert Path(path).read_bytes() == content
    assert files(tmp_path) == [
        f"{STEM}-scored-2.parquet", f"{STEM}-scored.parquet", f"{STEM}.parquet",
    ]  # fmt: skip
    assert (first.samples, Path(first.location).name) == (None, f"{STEM}-scored.parquet")
    assert score_values(read_eval_log(first.location)) == [
        {"match": "C", "includes": "C"},
        {"match": "I", "includes": "I"},
    ]
    whole = read_eval_log(second.location)
    assert score_values(whole) == [{"match": "C"}, {"match": "I"}]
    assert (list(metrics(second)), [s.options for s in second.eval.scorers or ()]) == (
        ["match"],
        [{"location": "exact"}],
    )
    # What was said before is still told, though the score of that name is another one.
    told = [
        event.score.metadata or event.score.answer
        for event in (whole.samples or [])[1].events
        if isinstance(event, ScoreEvent)
    ]
    assert told == ["a2", "a2", "a2"]
    assert whole.eval.eval_id == read_eval_log(path, header_only=True).eval.eval_id


def test_log_of_another_format_stays_one(tmp_path: Path) -> None:
    paths = [write(log_with([one_sample(1)]), tmp_path, f"{STEM}.{x}") for x in ("eval", "json")]
    new = score(paths, scored_length(), output=str(tmp_path / "new"), display="none")

    assert isinstance(new, list)
    assert files(tmp_path / "new") == [f"{STEM}-scored.eval", f"{STEM}-scored.json"]
    for log in new:
        assert score_values(read_eval_log(log.location)) == [{"match": "C", "scored_length": 2}]


def test_original_is_replaced_if_asked(tmp_path: Path) -> None:
    paths = [write(log_with([one_sample(1)]), tmp_path, f"{STEM}{i}.parquet") for i in (1, 2)]
    new = score(
        [read_eval_log(paths[0]), paths[1]], "scored_length", overwrite=True, display="none"
    )

    assert isinstance(new, list)
    assert [log.location for log in new] == paths
    assert [log.samples is None for log in new] == [False, True]
    assert files(tmp_path) == [Path(path).name for path in paths]
    for path in paths:
        assert score_values(read_eval_log(path)) == [{"match": "C", "scored_length": 2}]


def test_scorers_of_the_log_judge_again() -> None:
    # The answers are other ones than those that were judged.
    samples = [one_sample(1, target="other"), one_sample(2, right=False, target="a2")]
    log = log_with(samples, [match(location="exact")])
    logs = score([log, with_failed_scorer()], None, action="overwrite", display="none")
    assert isinstance(logs, list)
    again, whole = logs

    assert score_values(again) == [{"match": "I"}, {"match": "C"}]
    assert [(s.name, s.options) for s in again.eval.scorers or ()] == [
        ("match", {"location": "exact"})
    ]
    # A sample whose scorer had failed is scored now, so nothing is missing any more.
    assert (whole.status, whole.error, metrics(whole)["match"]["accuracy"]) == (
        "success",
        None,
        1.0,
    )


def with_failed_scorer() -> EvalLog:
    log = log_with([one_sample(1), one_sample(2, scores=None)])
    assert log.samples is not None
    log.samples[1].error = log.error = EvalError(message="no grade", traceback="")
    log.status, log.results = "error", None
    return log


def test_epochs_and_reducers(appended: Appended) -> None:
    samples = [one_sample(i, epoch=e, right=i < e) for e in (1, 2) for i in (0, 1, 2)]
    other = scored(log_with(samples), scored_length(), epochs_reducer=["max", "mean"])

    assert metrics(appended.logs["epochs"])["match"]["accuracy"] == 0.5
    assert other.results is not None
    assert [(s.name, s.reducer, s.metrics[m].value) for s in other.results.scores
            for m in ("accuracy", "mean") if m in s.metrics] == [
        ("match", "max", pytest.approx(2 / 3)),
        ("match", "mean", 0.5),
        ("scored_length", "max", 2.0),
        ("scored_length", "mean", 2.0),
    ]  # fmt: skip
    assert other.eval.config.epochs_reducer == ["max", "mean"]
    assert [(r.scorer, r.reducer, len(r.samples)) for r in other.reductions or ()] == [
        ("match", "max", 3),
        ("match", "mean", 3),
        ("scored_length", "max", 3),
        ("scored_length", "mean", 3),
    ]


def test_metrics_replace_those_of_all_scorers(appended: Appended) -> None:
    log = log_with([one_sample(1), one_sample(2, right=False)])
    new = scored(log, includes(), metrics=[accuracy()])

    assert metrics(new) == {"match": {"accuracy": 0.5}, "includes": {"accuracy": 0.5}}
    assert new.eval.metrics == [EvalMetricDefinition(name="accuracy")]
    assert metrics(appended.logs["metrics"]) == {
        "match": {"accuracy": 1.0},
        "match-1": {"accuracy": 1.0},
        "scored_length": {"accuracy": 2.0},
    }


def test_scores_of_solvers_stay_in_the_results(appended: Appended) -> None:
    found = metrics(appended.logs["solvers"])

    assert {name: values.get("accuracy") for name, values in found.items()} == {
        "match": 1.0,
        "match-1": 1.0,
        "scored_length": None,
        "judged": 0.25,
    }


def test_metric_that_is_not_known_keeps_its_value(appended: Appended) -> None:
    assert metrics(appended.logs["lost"]) == {
        "match": {"accuracy": 0.125},
        "match-1": {"accuracy": 1.0, "stderr": ANY},
        "scored_length": {"mean": 2.0},
    }


def test_sample_whose_scorer_raises_is_unscored() -> None:
    log = log_with([one_sample(1), one_sample(2), one_sample(3)])
    new = scored(log, [scored_breaks(2), scored_length()], fail_on_error=0.5)
    failed = (new.samples or [])[1]

    assert [list(sample.scores or ()) for sample in new.samples or ()] == [
        ["match", "scored_breaks", "scored_length"]
    ] * 3
    assert failed.scores is not None and failed.error is None
    assert [failed.scores[name].is_unscored for name in failed.scores] == [False, True, True]
    assert new.results is not None
    assert [(s.name, s.scored_samples, s.unscored_samples) for s in new.results.scores] == [
        ("match", 3, 0),
        ("scored_breaks", 2, 1),
        ("scored_length", 2, 1),
    ]
    assert metrics(new)["scored_breaks"] == {"accuracy": 1.0}


@pytest.mark.parametrize("task_runs", ["stage", "shard"])
def test_only_failures_leave_nothing(tmp_path: Path, task_runs: Any) -> None:
    good = write(log_with([one_sample(1)], task="good"), tmp_path, f"{STEM}1.parquet")
    bad = write(log_with([one_sample(2), one_sample(3)]), tmp_path)
    before = files(tmp_path)
    with pytest.raises(ScoringError) as raised:
        score([good, bad], scored_breaks(2, 3), max_samples=1, display="none", task_runs=task_runs)

    assert str(raised.value) == (
        f"{bad!r} was not scored: the scorers of 1 samples failed, the last one (2) with "
        "ValueError: no grade for 2"
    )
    assert [log.eval.task for log in raised.value.logs] == ["good"]
    assert files(tmp_path) == sorted([*before, f"{STEM}1-scored.parquet"])


def test_unfinished_evaluation_stays_one() -> None:
    log = log_with([one_sample(1), failed_sample(2)])
    log.status, log.results = "cancelled", EvalResults(total_samples=5, completed_samples=1)
    new = scored(log, scored_length(), errors_as_incorrect=True)

    assert new.results is not None
    assert (new.status, new.results.missing_samples, new.results.errored_samples) == (
        "cancelled",
        3,
        1,
    )
    assert metrics(new) == {
        "match": {"accuracy": 0.5, "stderr": 0.5},
        "scored_length": {"mean": 1.0},
    }


def test_folder(tmp_path: Path) -> None:
    for number in (1, 2):
        write(
            log_with([one_sample(number)], task=f"t{number}"), tmp_path, f"{STEM}{number}.parquet"
        )
    entries = sorted(list_eval_logs(tmp_path), key=lambda info: info.name)
    first = score(entries, "scored_length", display="none")
    second = score(str(tmp_path), "scored_length", display="none", output=str(tmp_path / "new"))

    assert isinstance(first, list) and isinstance(second, list)
    assert [log.eval.task for log in first] == ["t1", "t2"]
    assert [Path(log.location).name for log in second] == [
        f"{STEM}1-scored.parquet",
        f"{STEM}2-scored.parquet",
    ]
