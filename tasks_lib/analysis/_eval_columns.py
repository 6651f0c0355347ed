"""Columns about a log as a whole."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from tasks_lib.analysis._columns import Column, EvalColumn
from tasks_lib.schema import EvalLog, EvalScore


def listed(value: object) -> object:
    """Return the items of a list joined by commas; anything else as it is."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _without_package(name: str) -> str:
    return name.partition("/")[2] or name


def _location(log: EvalLog) -> str:
    return log.location


def _sandbox_type(log: EvalLog) -> object:
    sandbox = log.eval.sandbox
    if isinstance(sandbox, dict):
        return sandbox.get("type")
    return sandbox[0] if isinstance(sandbox, list) and sandbox else sandbox or None


def _sandbox_config(log: EvalLog) -> object:
    sandbox = log.eval.sandbox
    if isinstance(sandbox, dict):
        return sandbox.get("config")
    return sandbox[1] if isinstance(sandbox, list) and len(sandbox) > 1 else None


class _Headline(NamedTuple):
    score: EvalScore
    metric: str


def _headline(log: EvalLog) -> _Headline | None:
    """Return the first metric of the first score, the one that summaries show."""
    score = log.results.scores[0] if log.results and log.results.scores else None
    metric = next(iter(score.metrics), None) if score else None
    return _Headline(score, metric) if score and metric is not None else None


def _headline_name(log: EvalLog) -> str | None:
    headline = _headline(log)
    return headline.score.scorer if headline else None


def _headline_metric(log: EvalLog) -> str | None:
    headline = _headline(log)
    return headline.metric if headline else None


def _headline_value(log: EvalLog) -> float | None:
    headline = _headline(log)
    return headline.score.metrics[headline.metric].value if headline else None


def _headline_stderr(log: EvalLog) -> float | None:
    headline = _headline(log)
    stderr = headline.score.metrics.get("stderr") if headline else None
    return stderr.value if stderr else None


def _metrics(log: EvalLog) -> dict[str, dict[str, float | None]] | None:
    """Return each score's metrics; the reducer is in a name that would be there twice."""
    if log.results is None:
        return None
    scores = log.results.scores
    times = Counter((score.name, metric) for score in scores for metric in score.metrics)
    found: dict[str, dict[str, float | None]] = {}
    for score in scores:
        for name, metric in score.metrics.items():
            again = times[score.name, name] > 1 and score.reducer
            key = f"{score.name}_{score.reducer}" if again else score.name
            found.setdefault(key, {})[name] = metric.value
    return found


EvalInfo: list[Column] = [
    EvalColumn("run_id", path="eval.run_id", required=True),
    EvalColumn("task_id", path="eval.task_id", required=True),
    EvalColumn("log", path=_location, required=True),
    EvalColumn("created", path="eval.created", type=datetime, required=True),
    EvalColumn("tags", path="eval.tags", default="", value=listed),
    EvalColumn("git_origin", path="eval.revision.origin"),
    EvalColumn("git_commit", path="eval.revision.commit"),
    EvalColumn("packages", path="eval.packages"),
    EvalColumn("metadata", path="eval.metadata"),
]
"""Which run, when, and of what code."""

EvalTask: list[Column] = [
    EvalColumn("task_name", path="eval.task", required=True, value=_without_package),
    EvalColumn("task_version", path="eval.task_version", required=True),
    EvalColumn("task_file", path="eval.task_file"),
    EvalColumn("task_attribs", path="eval.task_attribs"),
    EvalColumn("task_arg_*", path="eval.task_args"),
    EvalColumn("solver", path="eval.solver"),
    EvalColumn("solver_args", path="eval.solver_args"),
    EvalColumn("sandbox_type", path=_sandbox_type),
    EvalColumn("sandbox_config", path=_sandbox_config),
]
"""The task, its arguments, solver and sandbox."""

EvalModel: list[Column] = [
    EvalColumn("model", path="eval.model", required=True),
    EvalColumn("model_base_url", path="eval.model_base_url"),
    EvalColumn("model_args", path="eval.model_args"),
    EvalColumn("model_generate_config", path="eval.model_generate_config"),
    EvalColumn("model_roles", path="eval.model_roles"),
]
"""The model and how it was called."""

EvalDataset: list[Column] = [
    EvalColumn("dataset_name", path="eval.dataset.name"),
    EvalColumn("dataset_location", path="eval.dataset.location"),
    EvalColumn("dataset_samples", path="eval.dataset.samples"),
    EvalColumn("dataset_sample_ids", path="eval.dataset.sample_ids"),
    EvalColumn("dataset_shuffled", path="eval.dataset.shuffled"),
]
"""The dataset."""

EvalConfiguration: list[Column] = [
    EvalColumn("epochs", path="eval.config.epochs"),
    EvalColumn("epochs_reducer", path="eval.config.epochs_reducer"),
    EvalColumn("approval", path="eval.config.approval"),
    EvalColumn("message_limit", path="eval.config.message_limit"),
    EvalColumn("token_limit", path="eval.config.token_limit"),
    EvalColumn("time_limit", path="eval.config.time_limit"),
    EvalColumn("working_limit", path="eval.config.working_limit"),
]
"""Epochs, approval and limits."""

EvalConfig = EvalConfiguration
"""Another documented name of `EvalConfiguration`."""

EvalResults: list[Column] = [
    EvalColumn("status", path="status", required=True),
    EvalColumn("error_message", path="error.message"),
    EvalColumn("error_traceback", path="error.traceback"),
    EvalColumn("total_samples", path="results.total_samples"),
    EvalColumn("completed_samples", path="results.completed_samples"),
    EvalColumn("errored_samples", path="results.errored_samples"),
    EvalColumn("scored_samples", path="results.scored_samples"),
    EvalColumn("unscored_samples", path="results.unscored_samples"),
    EvalColumn("limited_samples", path="results.limited_samples"),
    EvalColumn("missing_samples", path="results.missing_samples"),
    EvalColumn("score_headline_name", path=_headline_name),
    EvalColumn("score_headline_metric", path=_headline_metric),
    EvalColumn("score_headline_value", path=_headline_value),
    EvalColumn("score_headline_stderr", path=_headline_stderr),
]
"""How it ended. The headline is the first metric of the first score."""

EvalScores: list[Column] = [EvalColumn("score_*_*", path=_metrics)]
"""Every metric, as `score_<scorer>_<metric>`."""

EvalColumns: list[Column] = [
    *EvalInfo,
    *EvalTask,
    *EvalModel,
    *EvalDataset,
    *EvalConfiguration,
    *EvalResults,
    *EvalScores,
]
"""The columns of `evals_df` unless others are chosen."""

EVAL_ID = EvalColumn("eval_id", path="eval.eval_id", required=True)
"""The id of a log, which every frame has."""
LOG = EvalColumn("log", path=_location, required=True)
"""Where a log is, which every frame has."""
