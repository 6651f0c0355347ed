"""What Prefect's UI shows of a finished evaluation: metrics, usage, errors, where the log is."""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from prefect.artifacts import Artifact, MarkdownArtifact, TableArtifact
from prefect.exceptions import PrefectException
from prefect.utilities.urls import url_for

from flows._cost import cost_text, dollars, total_cost
from flows._counts import error_count, rare_counts, status_text
from flows._link import ServerLink, describe
from flows._receipt import receipt_text
from tasks_lib._util._blot import blotted, without_credentials
from tasks_lib.schema import EvalLog, EvalResults, EvalStats

logger = logging.getLogger(__name__)

MAX_ERROR_ROWS = 500
"""Rows of the errors table: the API takes at most 5 MiB in one request."""
MAX_TEXT = 500
"""Characters of an error's message, or of any other text of a table cell."""
TIMEOUT_S = 30.0
"""How long publishing may hold up the end of a run."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
_Row = dict[str, str | int | float | None]
_Table = list[_Row]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A sample that failed."""

    sample_id: str | int
    epoch: int
    error: str
    """The message of the last attempt."""
    retries: int = 0
    """Attempts before the last one."""


async def publish(
    header: EvalLog, errors: Sequence[ErrorRow], link: ServerLink | None = None
) -> None:
    """Publish metrics, usage, errors and a link to the log as artifacts of the running flow.

    The keys are the same for each run of a task on a model, so that Prefect shows a history.
    Values of environment variables that look like keys are blotted out, as are credentials in
    the log's URL. What can't be published is a warning and never an error.

    Args:
        header: The finished log without its samples.
        errors: The samples that failed, `MAX_ERROR_ROWS` of them at most.
        link: The way to the server; by default one of its own.
    """
    results, log_location = header.results or EvalResults(), header.location
    what = f"{header.eval.task} on {header.eval.model}"
    key = artifact_key(header.eval.task, header.eval.model)
    summary = summary_markdown(results, header, log_location)
    artifacts: list[Artifact] = [
        MarkdownArtifact(key=f"{key}-log", description=f"Log of {what}", markdown=summary),
        _table(f"{key}-metrics", f"Metrics of {what}", metrics_table(results)),
    ]
    if header.stats.model_usage:
        usage = usage_table(header.stats)
        artifacts.append(_table(f"{key}-usage", f"Usage of {what}", usage))
    if errors:
        title = _errors_title(what, results.errored_samples or len(errors))
        artifacts.append(_table(f"{key}-errors", title, errors_table(errors)))
    hint = f"The log is at {without_credentials(log_location)}."
    await _publish(artifacts, what, hint, link)


async def publish_errors(
    tasks: str, count: int, failed: Sequence[tuple[EvalLog, ErrorRow]], link: ServerLink
) -> None:
    """Publish the failed samples of several tasks as an artifact of the running flow.

    Args:
        tasks: What the flow runs, for people to read.
        count: How many samples failed.
        failed: These, or the first of them, each with the header of its log. Nothing is
            published if there is none.
        link: The way to the server.
    """
    if not failed:
        return
    rows = [
        {
            "task": _cell(header.eval.task),
            "model": _cell(header.eval.model),
            **_error_cells(row),
            "flow run": url_for("flow-run", header.eval.flow_run_id) or header.eval.flow_run_id,
        }
        for header, row in failed[:MAX_ERROR_ROWS]
    ]
    artifact = _table(f"{artifact_key('set', tasks)}-errors", _errors_title(tasks, count), rows)
    await _publish([artifact], tasks, "The logs have the errors.", link)


async def _publish(
    artifacts: Sequence[Artifact], what: str, hint: str, link: ServerLink | None
) -> None:
    if link is not None and not await link.answers():
        return
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for artifact in artifacts:
                await artifact.acreate(link.client if link is not None else None)
    except (httpx.HTTPError, PrefectException, TimeoutError) as error:
        if link is not None and link.is_gone:  # it has warned
            return
        message = "The artifacts of %s were not published (%s). %s"
        logger.warning(message, what, describe(error), hint)


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
    return [_error_cells(row) for row in errors[:MAX_ERROR_ROWS]]


def summary_markdown(results: EvalResults, header: EvalLog, log_location: str) -> str:
    """Return what the run was, how it ended, and where its log is."""
    spec, stats = header.eval, header.stats
    tokens = sum(usage.total_tokens for usage in stats.model_usage.values())
    rows = [
        ("Status", status_text(header)),
        *([("Incomplete", header.incomplete.message)] if header.incomplete else []),
        ("Samples", f"{results.completed_samples} of {results.total_samples} without an error"),
        *_counts(results),
        *(
            (f"{score.name}: {metric.name}", _number(metric.value))
            for score in results.scores
            for metric in score.metrics.values()
        ),
        ("Tokens", f"{tokens:,}"),
        *_costs(results, stats),
        *([("Work", receipt)] if (receipt := receipt_text(header)) else []),
        ("Started", stats.started_at),
        ("Completed", stats.completed_at),
    ]
    if header.error is not None:
        rows.append(("Error", blotted(header.error.message)))
    lines = [f"# {_markdown(spec.task)} on {_markdown(spec.model)}", "", "| | |", "|---|---|"]
    lines += [f"| {_markdown(name)} | {_markdown(value)} |" for name, value in rows]
    location = without_credentials(log_location)
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


def _error_cells(row: ErrorRow) -> _Row:
    return {
        "sample": _cell(str(row.sample_id)),
        "epoch": row.epoch,
        "error": _cell(blotted(row.error)),
        "retries": row.retries,
    }


def _table(key: str, title: str, rows: _Table) -> TableArtifact:
    return TableArtifact(key=key, description=title, table=cast(list[dict[str, Any]], rows))


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


def _url(location: str) -> str:
    return location if "://" in location else Path(location).absolute().as_uri()
