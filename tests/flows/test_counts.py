"""How many samples were scored, and what became of the others: in logs and what people see."""

from __future__ import annotations

import asyncio
import math
from io import StringIO
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from click.testing import CliRunner
from rich.console import Console

from flows._artifacts import metrics_table, summary_markdown
from flows._click_options import eval_options
from flows._table import print_table
from flows.eval import eval_async
from scorers import Score, Scorer, Target, accuracy, scorer, stderr
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Epochs, Task
from tasks_lib._errors import LimitExceededError, PrerequisiteError
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import (
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalScore,
    EvalSpec,
    ModelOutput,
    Sample,
)

needs_prefect = pytest.mark.usefixtures("prefect_harness")
KINDS = ["right", "wrong", "broken", "limited", "unjudged", "skipped"]


@solver
def ends_as_told() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("m", state.input_text)
        if state.input_text == "broken":
            raise ValueError("broken")
        if state.input_text == "limited":
            raise LimitExceededError("token", value=12, limit=10)
        return state

    return solve


@scorer(metrics=[accuracy(), stderr()])
def judges_some() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score | None:
        kind = state.output.completion
        if kind == "skipped":
            return None
        if kind == "unjudged":
            return Score.unscored(explanation="No verdict.")
        return Score(value="C" if kind == "right" else "I")

    return score


def ends(*kinds: str) -> Task:
    dataset = [Sample(id=number, input=kind) for number, kind in enumerate(kinds, start=1)]
    return Task(dataset=dataset, solver=ends_as_told(), scorer=judges_some(), name="ends")


def counts(log: EvalLog) -> dict[str, int | None]:
    assert log.results is not None
    dumped = log.results.model_dump(exclude={"scores", "metadata"})
    return {name.removesuffix("_samples"): count for name, count in dumped.items()}


@needs_prefect
def test_counts_of_a_log(run: Any) -> None:
    log = run(ends(*KINDS), fail_on_error=False)

    expected = {
        "total": 6,
        "completed": 5,
        "errored": 1,
        "scored": 3,
        "unscored": 2,
        "limited": 1,
        "missing": 0,
    }
    stored = read_eval_log(log.location)
    assert counts(log) == counts(stored) == expected
    assert stored.eval.config.errors_as_incorrect is None
    [score] = stored.results.scores if stored.results else []
    assert (score.scored_samples, score.unscored_samples, score.errors_as_incorrect) == (3, 2, None)
    assert score.metrics["accuracy"] == EvalMetric(name="accuracy", value=1 / 3, samples=3)
    unjudged = next(s for s in stored.samples or [] if s.input == "unjudged")
    assert unjudged.scores is not None
    verdict = unjudged.scores["judges_some"]
    assert isinstance(verdict.value, float) and math.isnan(verdict.value)
    assert verdict.explanation == "No verdict."
    sql = f"SELECT count(score_judges_some), sum(score_judges_some) FROM '{log.location}'"
    assert duckdb.connect().execute(sql).fetchall() == [(3, 1.0)]


@needs_prefect
def test_errors_count_as_incorrect_if_asked(run: Any) -> None:
    log = run(ends(*KINDS), fail_on_error=False, errors_as_incorrect=True)

    assert log.eval.config.errors_as_incorrect is True
    [score] = log.results.scores
    assert (score.scored_samples, score.unscored_samples, score.errors_as_incorrect) == (3, 2, 1)
    assert (score.metrics["accuracy"].value, score.metrics["accuracy"].samples) == (0.25, 4)
    assert counts(log)["scored"] == 3
    broken = next(s for s in log.samples if s.input == "broken")
    assert broken.scores is None


@needs_prefect
def test_when_all_samples_fail(run: Any) -> None:
    log = run(ends("broken", "broken"), fail_on_error=False)

    metric = log.results.scores[0].metrics["accuracy"]
    assert log.status == "success"
    assert math.isnan(metric.value) and metric.samples == 0
    assert (counts(log)["errored"], counts(log)["scored"]) == (2, 0)


@needs_prefect
def test_a_failed_run_has_counts_and_no_metrics(run: Any) -> None:
    log = run(ends("right", "broken", "right", "right"), max_samples=1)

    assert (log.status, log.results.scores) == ("error", [])
    assert counts(log) == {
        "total": 4,
        "completed": 1,
        "errored": 1,
        "scored": 1,
        "unscored": 0,
        "limited": 0,
        "missing": 2,
    }


@needs_prefect
async def test_a_cancelled_run_has_counts_too(log_dir: str) -> None:
    reached = asyncio.Event()

    @solver("hangs_at_two")
    def hangs_at_two() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if state.sample_id == 2:
                reached.set()
                await asyncio.sleep(60)
            state.output = ModelOutput.from_content("m", "right")
            return state

        return solve

    task = ends("right", "right", "right")
    task.solver = hangs_at_two()
    work = asyncio.create_task(
        eval_async(task, "mockllm/model", log_dir=log_dir, display="none", max_samples=1)
    )
    await reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    [info] = list_eval_logs(log_dir)
    log = read_eval_log(info.name)
    assert log.status == "cancelled"
    assert (counts(log)["scored"], counts(log)["missing"]) == (1, 2)


@needs_prefect
def test_more_epochs_than_there_are_is_refused_before_anything_runs(run: Any, log_dir: str) -> None:
    with pytest.raises(PrerequisiteError, match=r"pass_at_3.* 3 epochs"):
        run(ends("right"), epochs=Epochs(2, "pass_at_3"))

    assert not Path(log_dir).exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], {}, id="not asked for"),
        pytest.param(["--errors-as-incorrect"], {"errors_as_incorrect": True}, id="asked for"),
    ],
)
def test_command_line(arguments: list[str], expected: dict[str, object]) -> None:
    given: dict[str, object] = {}

    @click.command()
    @eval_options
    def command(model: str | None, arguments: dict[str, object]) -> None:
        given.update(arguments)

    done = CliRunner().invoke(command, arguments)

    assert (done.exit_code, given) == (0, expected)


def log_of(results: EvalResults) -> EvalLog:
    spec = EvalSpec(created="2026-11-21T00:00:00+00:00", task="sums", model="a/x")
    return EvalLog(status="success", eval=spec, results=results)


SCORED = EvalScore(
    name="match",
    scorer="match",
    metrics={"accuracy": EvalMetric(name="accuracy", value=0.5, samples=4)},
    scored_samples=3,
    unscored_samples=1,
    errors_as_incorrect=1,
)


@pytest.mark.parametrize(
    ("results", "columns", "cells"),
    [
        pytest.param(
            EvalResults(total_samples=5, completed_samples=4, errored_samples=1,
                        unscored_samples=0, limited_samples=0, missing_samples=0),
            "errors", "1", id="nothing rare"),
        pytest.param(
            EvalResults(total_samples=5, completed_samples=3, errored_samples=1,
                        scored_samples=2, unscored_samples=1, limited_samples=3,
                        missing_samples=1),
            "errors unscored limited missing", "1 1 3 1", id="all there is"),
        pytest.param(
            EvalResults(total_samples=5, completed_samples=5, errored_samples=0,
                        scored_samples=0, unscored_samples=5),
            "errors", "0", id="nothing was to be scored"),
        pytest.param(
            EvalResults(total_samples=5, completed_samples=4, errored_samples=1,
                        unscored_samples=1, scores=[SCORED]),
            "errors unscored", "1 (incorrect) 1", id="errors in the metrics"),
        pytest.param(EvalResults(total_samples=5, completed_samples=5), "errors", "–",  # noqa: RUF001
                     id="not counted, as in old logs"),
    ],
)  # fmt: skip
def test_closing_table(results: EvalResults, columns: str, cells: str) -> None:
    console = Console(file=StringIO(), width=200)

    print_table([log_of(results)], console)

    assert isinstance(console.file, StringIO)
    head, _, row = [line for line in console.file.getvalue().splitlines() if line.strip()]
    assert head.split() == ["task", "model", "samples", "score", *columns.split(), "tokens",
                            "seconds", "log"]  # fmt: skip
    assert row.split()[4 : 4 + len(cells.split())] == cells.split()


def test_artifacts_say_which_samples_a_metric_used() -> None:
    log = log_of(
        EvalResults(total_samples=5, completed_samples=4, errored_samples=1,
                    unscored_samples=1, scores=[SCORED])
    )  # fmt: skip
    assert log.results is not None

    [row] = metrics_table(log.results)
    lines = summary_markdown(log.results, log, "x.parquet").splitlines()

    assert row == {
        "scorer": "match",
        "reducer": "",
        "metric": "accuracy",
        "value": 0.5,
        "samples": 4,
        "scored": 3,
        "unscored": 1,
        "errors as incorrect": 1,
    }
    assert lines[5:8] == [
        r"| Samples | 4 of 5 without an error |",
        r"| Errors | 1 \(incorrect\) |",
        r"| Unscored | 1 |",
    ]
