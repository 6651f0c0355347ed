"""The closing table of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from flows._cost import dollars, total_cost
from flows._counts import error_count, rare_counts, status_text
from flows._receipt import receipt_text
from tasks_lib._util._harmless import harmless
from tasks_lib.schema import EvalLog, EvalMetric, EvalScore

NO_VALUE = "–"  # noqa: RUF001 - a dash, as tables have it

_COLUMNS: dict[str, JustifyMethod] = {
    "task": "left",
    "model": "left",
    "samples": "right",
    "score": "right",
    "errors": "right",
    "unscored": "right",
    "limited": "right",
    "missing": "right",
    "tokens": "right",
    "cost": "right",
    "seconds": "right",
    "log": "left",
}
"""The columns of the table, with their alignment."""
_OPTIONAL = ("unscored", "limited", "missing", "cost")
"""Those that are left out where no log has anything to say there."""


def print_table(logs: Sequence[EvalLog], console: Console) -> None:
    """Print a row per log: task, model, samples, score, errors, tokens, seconds, log.

    Samples are those that ended without an error, of all. How many were not scored, met a
    limit or are missing is shown if there are any, and what a run cost if that is known. Below
    stand the reasons of those that did not succeed, and what was reused of earlier runs.
    """
    rows = [_cells(log) for log in logs]
    shown = [name for name in _COLUMNS if name not in _OPTIONAL or any(row[name] for row in rows)]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in shown:
        table.add_column(name, justify=_COLUMNS[name])
    for row in rows:
        table.add_row(*(Text(harmless(row[name]) or NO_VALUE) for name in shown))
    # As wide as it needs to be: a terminal that is narrower wraps lines, paths stay whole.
    unlimited = console.options.update(width=10_000)
    width = console.measure(table, options=unlimited).maximum
    wide = Console(file=console.file, width=max(width, console.width))
    wide.print(table)
    for log in logs:
        for remark in _remarks(log):
            text = f"{log.eval.task} on {log.eval.model}: {remark}"
            console.print(Text(harmless(text)), soft_wrap=True)


def _remarks(log: EvalLog) -> Iterator[str]:
    """Yield why a run did not succeed, and what it had of earlier ones."""
    if log.status != "success":
        reason = (
            log.error.message if log.error else log.incomplete.message if log.incomplete else ""
        )
        yield f"{status_text(log)}{': ' if reason else ''}{reason}"
    if (receipt := receipt_text(log)) is not None:
        yield receipt


def headline(log: EvalLog) -> str:
    """Return the first metric of a log with its standard error, `0.425 ± 0.070`."""
    if log.results is None or not log.results.scores:
        return NO_VALUE
    return score_headline(log.results.scores[0])


def score_headline(score: EvalScore) -> str:
    """Return the first metric of a score with its standard error, `0.425 ± 0.070`."""
    metrics = score.metrics
    first = next((metric for name, metric in metrics.items() if name != "stderr"), None)
    if first is None or _is_nan(first):
        return NO_VALUE
    error = metrics.get("stderr")
    margin = f" ± {error.value:.3f}" if error is not None and not _is_nan(error) else ""
    return f"{first.value:.3f}{margin}"


def _cells(log: EvalLog) -> dict[str, str]:
    results = log.results
    usages = log.stats.model_usage.values()
    cost = total_cost(usages)
    rare = rare_counts(results) if results else {}
    return {
        "task": log.eval.task,
        "model": log.eval.model,
        "samples": f"{results.completed_samples}/{results.total_samples}" if results else "",
        "score": headline(log),
        "errors": error_count(results) if results else "",
        "unscored": _count(rare.get("unscored")),
        "limited": _count(rare.get("limited")),
        "missing": _count(rare.get("missing")),
        "tokens": f"{sum(usage.total_tokens for usage in usages):,}",
        "cost": dollars(cost) if cost is not None else "",
        "seconds": _seconds(log),
        "log": _short(log.location),
    }


def _count(count: int | None) -> str:
    return f"{count:,}" if count else ""


def _seconds(log: EvalLog) -> str:
    try:
        began = datetime.fromisoformat(log.stats.started_at)
        ended = datetime.fromisoformat(log.stats.completed_at)
    except ValueError:
        return NO_VALUE
    return f"{(ended - began).total_seconds():.0f}"


def _short(location: str) -> str:
    if not location or "://" in location:
        return location
    relative = os.path.relpath(location)
    return location if relative.startswith("..") else relative


def _is_nan(metric: EvalMetric) -> bool:
    return metric.value is None or math.isnan(metric.value)
