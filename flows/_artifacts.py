"""What Prefect's UI shows of a finished evaluation: metrics, usage, errors, where the log is."""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.exceptions import PrefectException

from flows._cost import cost_text, dollars, total_cost
from flows._counts import error_count, rare_counts
from tasks_lib.schema import EvalLog, EvalResults, EvalStats

logger = logging.getLogger(__name__)

MAX_ERROR_ROWS = 500
"""Rows of the errors table: the API takes at most 5 MiB in one request."""
MAX_TEXT = 500
"""Characters of an error's message, or of any other text of a table cell."""
TIMEOUT_S = 30.0
"""How long publishing may hold up the end of a run."""

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
_Table = list[dict[str, str | int | float | None]]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A sample that failed."""

    sample_id: str | int
    epoch: int
    error: str
    """The message of the last attempt."""
    retries: int = 0
    """Attempts before the last one."""


async def publish(header: EvalLog, errors: Sequence[ErrorRow]) -> None:
    """Publish metrics, usage, errors and a link to the log as artifacts of the running flow.

    The keys are the same for each run of a task on a model, so that Prefect shows a history.
    Values of environment variables that look like keys are blotted out, as are credentials in
    the log's URL. What can't be published is a warning and never an error.

    Args:
        header: The finished log without its samples.
        errors: The samples that failed, `MAX_ERROR_ROWS` of them at most.
    """
    results, log_location = header.results or EvalResults(), header.location
    what = f"{header.eval.task} on {header.eval.model}"
    key = artifact_key(header.eval.task, header.eval.model)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await acreate_markdown_artifact(
                summary_markdown(results, header, log_location), f"{key}-log", f"Log of {what}"
            )
            await acreate_table_artifact(
                metrics_table(results), f"{key}-metrics", f"Metrics of {what}"
            )
            if header.stats.model_usage:
                await acreate_table_artifact(
                    usage_table(header.stats), f"{key}-usage", f"Usage of {what}"
                )
            if errors:
                await acreate_table_artifact(
                    errors_table(errors),
                    f"{key}-errors",
                    _errors_title(what, results.errored_samples or len(errors)),
                )
    except (httpx.HTTPError, PrefectException, TimeoutError) as error:
        logger.warning(
            "The artifacts of %s were not published (%s: %s). The log is at %s.",
            what,
            type(error).__name__,
            error,
            _without_credentials(log_location),
        )


def artifact_key(task: str, model: str) -> str:
    """Return the start of the keys for a task on a model: a-z, 0-9 and dashes, 80 at most.

    A digest is added when names were cut or have nothing else to show.
    """
    text = f"evals-{task}-{model}"
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(slug) <= 80 and all(re.search(r"[a-z0-9]", name.lower()) for name in (task, model)):
        return slug
    return f"{slug[:71].rstrip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def metrics_table(results: EvalResults) -> _Table:
    """Return one row per scorer and metric; a value of None is NaN.

    `samples` is how many scores, reduced over epochs, the metric was computed from; the other
    counts are of samples per epoch.
    """
    return [
        {
            "scorer": _cell(score.name),
            "reducer": _cell(score.reducer or ""),
            "metric": _cell(metric.name),
            "value": metric.value,
            "samples": metric.samples,
            "scored": score.scored_samples,
            "unscored": score.unscored_samples,
            "errors as incorrect": score.errors_as_incorrect,
        }
        for score in results.scores
        for metric in score.metrics.values()
    ]


def usage_table(stats: EvalStats) -> _Table:
    """Return one row per model: tokens by kind, and the cost in US dollars.

    None is for what is not known.
    """
    return [
        {
            "model": _cell(model),
            "input tokens": usage.input_tokens,
            "output tokens": usage.output_tokens,
            "total tokens": usage.total_tokens,
            "cache read": usage.input_tokens_cache_read,
            "cache write": usage.input_tokens_cache_write,
            "reasoning": usage.reasoning_tokens,
            "cost": usage.total_cost,
        }
        for model, usage in stats.model_usage.items()
    ]


def errors_table(errors: Sequence[ErrorRow]) -> _Table:
    """Return one row per failed sample, the first `MAX_ERROR_ROWS` of them."""
    secrets = _secrets()
    return [
        {
            "sample": _cell(str(row.sample_id)),
            "epoch": row.epoch,
            "error": _cell(_blotted(row.error, secrets)),
            "retries": row.retries,
        }
        for row in errors[:MAX_ERROR_ROWS]
    ]


def summary_markdown(results: EvalResults, header: EvalLog, log_location: str) -> str:
    """Return what the run was, how it ended, and where its log is."""
    spec, stats = header.eval, header.stats
    tokens = sum(usage.total_tokens for usage in stats.model_usage.values())
    rows = [
        ("Status", header.status),
        ("Samples", f"{results.completed_samples} of {results.total_samples} without an error"),
        *_counts(results),
        *(
            (f"{score.name}: {metric.name}", _number(metric.value))
            for score in results.scores
            for metric in score.metrics.values()
        ),
        ("Tokens", f"{tokens:,}"),
        *_costs(results, stats),
        ("Started", stats.started_at),
        ("Completed", stats.completed_at),
    ]
    if header.error is not None:
        rows.append(("Error", _blotted(header.error.message, _secrets())))
    lines = [f"# {_markdown(spec.task)} on {_markdown(spec.model)}", "", "| | |", "|---|---|"]
    lines += [f"| {_markdown(name)} | {_markdown(value)} |" for name, value in rows]
    location = _without_credentials(log_location)
    return "\n".join(
        [*lines, "", f"Log: [{_markdown(location, cut=False)}](<{_url(location)}>)", ""]
    )


def _counts(results: EvalResults) -> list[tuple[str, str]]:
    rows = {name.capitalize(): f"{count:,}" for name, count in rare_counts(results).items()}
    if results.errored_samples:
        rows = {"Errors": error_count(results), **rows}
    return list(rows.items())


def _costs(results: EvalResults, stats: EvalStats) -> list[tuple[str, str]]:
    text = cost_text(stats.model_usage)
    if text is None:
        return []
    cost = total_cost(stats.model_usage.values())
    # What earlier runs did costs nothing here.
    samples = results.completed_samples + (results.errored_samples or 0) - stats.reused_samples
    if cost is None or samples < 1:
        return [("Cost", text)]
    return [("Cost", text), ("Cost per sample", dollars(cost / samples))]


def _errors_title(what: str, count: int) -> str:
    shown = f", the first {MAX_ERROR_ROWS} shown" if count > MAX_ERROR_ROWS else ""
    return f"Errors of {what}: {count} samples{shown}"


def _number(value: float | None) -> str:
    return "NaN" if value is None else f"{value:.6g}"


def _cell(text: str) -> str:
    """Make untrusted text one line of printable characters, and say when it is cut."""
    line = "".join(char if char.isprintable() else " " for char in text)
    if len(line) <= MAX_TEXT:
        return line
    return f"{line[:MAX_TEXT]}… (cut, {len(text):,} characters)"


def _markdown(text: str, *, cut: bool = True) -> str:
    """Escape untrusted text for a markdown table."""
    line = _cell(text) if cut else text
    return _MARKDOWN.sub(r"\\\1", html.escape(line, quote=False))


def _secrets() -> list[str]:
    return [
        value for name, value in os.environ.items() if _SECRET_NAME.search(name) and len(value) >= 8
    ]


def _blotted(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "•••")
    return text


def _without_credentials(location: str) -> str:
    parts = urlsplit(location)
    if "@" not in parts.netloc:
        return location
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _url(location: str) -> str:
    return location if "://" in location else Path(location).absolute().as_uri()
