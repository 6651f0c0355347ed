"""The figures of a task that runs: its metrics so far, retried and reused samples, its end."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from io import StringIO

import pytest
from rich.console import Console

from flows._display import Display
from flows._live_metrics import LEAST_SECONDS, LiveMetrics
from flows._table import print_table
from flows._tally import Tally, scores_text
from flows.eval import eval as run_eval
from scorers import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib._errors import ParameterError
from tasks_lib.context import DisplayType
from tasks_lib.schema import (
    EvalError,
    EvalIncomplete,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalRetryError,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    ModelUsage,
    Sample,
    WorkReceipt,
    WorkShare,
)
from tasks_lib.task import ScoreTable

CAPPED = EvalIncomplete(reason="budget", message="9 of 8 tokens\x07")
SPENT = {"a/x": ModelUsage(total_tokens=10)}


def sample(
    id: int = 1, error: EvalError | None = None, retries: Sequence[EvalRetryError] = ()
) -> EvalSample:
    return EvalSample(
        id=id, epoch=1, input="", target="", error=error, error_retries=list(retries),
        model_usage=SPENT, scores={"s": Score(value=1)},
    )  # fmt: skip


def scored(name: str, **metrics: float) -> EvalScore:
    values = {key: EvalMetric(name=key, value=value) for key, value in metrics.items()}
    return EvalScore(name=name, scorer=name, metrics=values)


def log_of(
    status: str = "success", *scores: EvalScore, incomplete: EvalIncomplete | None = None
) -> EvalLog:
    return EvalLog(
        status=status,
        eval=EvalSpec(created="2026-11-21T00:00:00+00:00", task="sums", model="a/x"),
        results=EvalResults(total_samples=4, completed_samples=1, scores=list(scores)),
        incomplete=EvalIncomplete(reason="budget", message="9 of 8 tokens\x07")
        if incomplete
        else None,
    )


def figures(tally: Tally) -> str:
    """Return the figures without the rate, which ends them."""
    return re.sub(r" · [0-9.,]+/s$", "", tally.text)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([], "no score yet", id="none"),
        pytest.param([scored("s", accuracy=float("nan"))], "no score yet", id="nothing scored"),
        pytest.param([scored("s", accuracy=0.5, stderr=0.1)], "score 0.500 ± 0.100", id="one"),
        pytest.param(
            [scored("a\nb", mean=1.0), scored("c", std=2.0), scored("d", mean=float("nan"))],
            "a b 1.000 · c 2.000",
            id="several",
        ),
        pytest.param(
            [scored(name, mean=1.0) for name in "abcde"],
            "a 1.000 · b 1.000 · c 1.000 · 2 more scores",
            id="many",
        ),
    ],
)
def test_scores_in_a_line(scores: list[EvalScore], expected: str) -> None:
    assert scores_text(scores) == expected


def test_samples_that_ran_twice_or_before() -> None:
    tally = Tally("sums", "a/x", 5)
    attempt = EvalRetryError(message="e", traceback="", model_usage=SPENT)
    tally.add(sample(1), reused=True)
    tally.add(sample(2, retries=[attempt, attempt]))
    tally.add(sample(3, error=EvalError(message="e", traceback="")))

    assert (tally.done, tally.total) == (3, 5)
    # Two samples of this run, two attempts before one of them; the reused one was paid before.
    assert figures(tally) == "no score yet · 1 errors · 1 retried · 1 reused · 40 tokens"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(log_of("success", scored("s", mean=0.5)), "score 0.500", id="success"),
        pytest.param(log_of(), "no score yet", id="without scores"),
        pytest.param(log_of("error"), "error · no score yet", id="error"),
        pytest.param(
            log_of("cancelled", incomplete=CAPPED),
            "incomplete (budget) · no score yet",
            id="budget",
        ),
    ],
)
def test_the_end_of_a_task(log: EvalLog, expected: str) -> None:
    tally = Tally("sums", "a/x", 4)
    tally.end(log)

    assert figures(tally) == f"{expected} · 0 errors · 0 tokens"


def test_below_the_closing_table() -> None:
    done, capped = log_of(), log_of("cancelled", incomplete=CAPPED)
    done.stats = EvalStats(work=WorkReceipt(kept=WorkShare(samples=120), new=WorkShare(samples=7)))
    console = Console(file=StringIO(), width=200)

    print_table([done, capped], console)

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[-2:] == [
        "sums on a/x: kept 120 samples; redid 0; 7 new",
        "sums on a/x: incomplete (budget): 9 of 8 tokens\\x07",
    ]


def completed(table: ScoreTable) -> EvalResults:
    """Return the number of completed samples as a metric."""
    return EvalResults(scores=[scored("s", count=float(table.completed))])


async def test_metrics_of_the_samples_so_far() -> None:
    console = Console(file=StringIO(), width=200)
    display = Display("rich", console)
    with ScoreTable() as table, display.show():
        task = display.task("sums", "a/x", 9)
        task.follow(table, completed)
        for id in (1, 2):
            table.add(sample(id))
            task.sample_done(sample(id))
            await asyncio.sleep(LEAST_SECONDS + 0.1)
        await asyncio.sleep(0.1)
        task.close()

    assert "2/9" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "score 2.000 · 0 errors" in console.file.getvalue()  # type: ignore[attr-defined]


async def test_what_takes_long_is_computed_rarely_and_elsewhere() -> None:
    threads: list[threading.Thread] = []
    shown = asyncio.Event()

    def slow(table: ScoreTable) -> EvalResults:
        threads.append(threading.current_thread())
        time.sleep(0.2)
        return completed(table)

    with ScoreTable() as table:
        metrics = LiveMetrics(table, slow)
        assert not metrics.is_due
        await asyncio.sleep(LEAST_SECONDS)
        assert metrics.is_due
        table.add(sample(1))
        metrics.start(shown.set)
        await asyncio.sleep(0.05)
        table.add(sample(2))  # comes too late
        assert not metrics.is_due
        await shown.wait()
        await asyncio.sleep(LEAST_SECONDS + 0.1)
        assert not metrics.is_due  # not before ten times the 0.2 s

    assert [score.metrics["count"].value for score in metrics.scores] == [1.0]
    assert threads != [threading.main_thread()]


async def test_a_metric_that_cannot_be_computed_yet() -> None:
    shown = asyncio.Event()

    def failing(table: ScoreTable) -> EvalResults:
        raise ZeroDivisionError

    with ScoreTable() as table:
        metrics = LiveMetrics(table, failing)
        metrics.start(shown.set)
        await shown.wait()

    assert (metrics.scores, metrics.is_due) == ((), False)


async def test_nothing_is_shown_after_the_end() -> None:
    shown = asyncio.Event()
    with ScoreTable() as table:
        metrics = LiveMetrics(table, completed)
        metrics.start(shown.set)
        metrics.close()
        await asyncio.sleep(0.05)

    assert (shown.is_set(), metrics.is_due) == (False, False)


computed: list[int] = []
"""Of how many samples the metric below was computed."""


@metric
def counts_for_display() -> Metric:
    def compute(scores: Sequence[SampleScore]) -> float:
        computed.append(len(scores))
        return len(scores)

    return compute


@scorer(metrics=[counts_for_display()])
def scores_for_display() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=1)

    return score


@solver
def waits_for_display() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await asyncio.sleep(LEAST_SECONDS / 2)
        return state

    return solve


@pytest.mark.usefixtures("prefect_harness")
@pytest.mark.parametrize(
    ("display", "score_display", "live"),
    [
        pytest.param("rich", None, True, id="live"),
        pytest.param("rich", False, False, id="not asked for"),
        pytest.param("none", None, False, id="nobody looks"),
    ],
)
def test_metrics_are_computed_while_samples_run(
    display: DisplayType, score_display: bool | None, live: bool, log_dir: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    computed.clear()
    task = Task(
        dataset=[Sample(input="x") for _ in range(4)],
        solver=waits_for_display(),
        scorer=scores_for_display(),
        name="watched",
    )

    run_eval(
        task,
        "mockllm/model",
        log_dir=log_dir,
        display=display,
        max_samples=1,
        score_display=score_display,
    )

    assert (computed[-1], computed[:-1] != []) == (4, live)
    assert ("score 4.000" in capsys.readouterr().err) == (display == "rich")


def test_the_kind_of_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVAL_DISPLAY", raising=False)
    monkeypatch.setenv("INSPECT_DISPLAY", "log")
    terminal = Console(file=StringIO(), force_terminal=True)
    elsewhere: list[DisplayType] = []
    kinds: list[DisplayType] = [Display(None).kind, Display("none").kind]
    monkeypatch.setenv("EVAL_DISPLAY", "full")
    kinds.append(Display(None).kind)
    thread = threading.Thread(target=lambda: elsewhere.append(Display(None, terminal).kind))
    thread.start()
    thread.join()
    monkeypatch.setenv("EVAL_DISPLAY", "loud")

    assert (kinds, elsewhere) == (["log", "none", "full"], ["plain"])
    with pytest.raises(ParameterError, match="EVAL_DISPLAY is 'loud', expected one of full, conv"):
        Display(None)
