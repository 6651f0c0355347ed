"""Logs to be scored, made without an evaluation, and scorers for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scorers import Metric, SampleScore, Target, accuracy, match, mean, metric, scorer
from tasks_lib.log import write_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageUser,
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalMetricDefinition,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    ModelOutput,
    ModelUsage,
    Score,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
)
from tasks_lib.task import Scorer, TaskState, eval_scorer, scorer_plans

STEM = "2026-11-21T12-00-00+00-00_sums_id"


@scorer(metrics=[mean()])
def scored_length() -> Scorer:
    """Count the characters of the answer."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=len(state.output.completion))

    return score


@scorer(metrics=[accuracy()])
def scored_breaks(*ids: int, all: bool = False) -> Scorer:
    """Raise for some samples."""

    async def score(state: TaskState, target: Target) -> Score:
        if all or state.sample_id in ids:
            raise ValueError(f"no grade for {state.sample_id}")
        return Score(value="C")

    return score


@scorer(metrics=[accuracy()])
def scored_by(role: str | None = None) -> Scorer:
    """Ask a model, by default the one that stands for the evaluated one."""

    async def score(state: TaskState, target: Target) -> Score:
        output = await get_model(role=role).generate(f"grade {state.output.completion}")
        return Score(value=output.completion)

    return score


@metric
def gone_metric() -> Metric:
    def compute(scores: list[SampleScore]) -> float:
        return 1.0

    return compute


def one_sample(id: int, *, epoch: int = 1, right: bool = True, **fields: Any) -> EvalSample:
    """Return a sample with its answer `a<id>`, judged by `match`."""
    score = Score(value="C" if right else "I", answer=f"a{id}")
    values: dict[str, Any] = {
        "id": id,
        "epoch": epoch,
        "input": f"q{id}",
        "target": f"a{id}" if right else "other",
        "messages": [ChatMessageUser(content=f"q{id}"), ChatMessageAssistant(content=f"a{id}")],
        "output": ModelOutput.from_content("m", f"a{id}"),
        "scores": {"match": score},
        "events": [
            SpanBeginEvent(id="span-1", name="scorers", type="scorers"),
            ScoreEvent(score=score, target="x"),
            SpanEndEvent(id="span-1"),
        ],
        "model_usage": {"openai/m": ModelUsage(input_tokens=1, total_tokens=1)},
    }
    return EvalSample.model_validate(values | fields)


def failed_sample(id: int) -> EvalSample:
    """Return a sample that ended with an error in its solver."""
    return one_sample(id, scores=None, events=[], error=EvalError(message="x", traceback=""))


def log_with(
    samples: list[EvalSample], scorers: list[Scorer] | None = None, **spec: Any
) -> EvalLog:
    """Return the log of a task that `match` has scored, or `scorers`."""
    plans = scorer_plans([match()] if scorers is None else scorers)
    epochs = max((sample.epoch for sample in samples), default=1)
    values: dict[str, Any] = {
        "created": "2026-11-21T12:00:00+00:00",
        "task": "sums",
        "task_id": "id",
        "model": "openai/m",
        "model_base_url": "http://127.0.0.1:9/v1",
        "dataset": EvalDataset(samples=len(samples) // epochs),
        "config": EvalConfig(epochs=epochs, epochs_reducer=["mean"], task_runs="stage"),
        "scorers": [eval_scorer(plan) for plan in plans],
    }
    log = EvalLog(status="success", eval=EvalSpec.model_validate(values | spec), samples=samples)
    log.results = EvalResults(
        total_samples=len(samples),
        completed_samples=sum(sample.error is None for sample in samples),
        scores=[
            EvalScore(
                name=plan.name,
                scorer=plan.name,
                metrics={"accuracy": EvalMetric(name="accuracy", value=0.125)},
            )
            for plan in plans
        ],
    )
    log.stats.model_usage = {"openai/m": ModelUsage(input_tokens=4, total_tokens=4)}
    return log


def log_with_lost_metric() -> EvalLog:
    """Return a log with a metric that nobody knows here, though `gone_metric` is near."""
    log = log_with([one_sample(1)])
    assert log.eval.scorers is not None
    log.eval.scorers[0].metrics = [EvalMetricDefinition(name="gone_metrik")]
    return log


def write(log: EvalLog, folder: Path, name: str = f"{STEM}.parquet") -> str:
    """Write a log and return its path."""
    path = folder / name
    write_eval_log(log, path)
    return str(path)


def metrics(log: EvalLog) -> dict[str, dict[str, Any]]:
    """Return the values of all metrics, by name of the score."""
    assert log.results is not None
    return {
        score.name: {key: metric.value for key, metric in score.metrics.items()}
        for score in log.results.scores
    }


def score_values(log: EvalLog) -> list[dict[str, Any] | None]:
    """Return the values of each sample's scores."""
    return [
        None if s.scores is None else {name: score.value for name, score in s.scores.items()}
        for s in log.samples or ()
    ]
