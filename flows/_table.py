"""The closing table of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks_lib.schema import EvalLog, EvalMetric

NO_VALUE = "–"  # noqa: RUF001 - a dash, as tables have it


def print_table(logs: Sequence[EvalLog], console: Console) -> None:
    """Print a row per log: task, model, samples, score, errors, tokens, seconds, log."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("task", "model"):
        table.add_column(name)
    for name in ("samples", "score", "errors", "tokens", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("log")
    for log in logs:
        table.add_row(*(Text(cell) for cell in _cells(log)))
    # As wide as it needs to be: a terminal that is narrower wraps lines, paths stay whole.
    unlimited = console.options.update(width=10_000)
    width = console.measure(table, options=unlimited).maximum
    wide = Console(file=console.file, width=max(width, console.width))
    wide.print(table)
    for log in logs:
        if log.status != "success":
            reason = f": {log.error.message}" if log.error else ""
            console.print(Text(f"{log.eval.task} on {log.eval.model}: {log.status}{reason}"))


def headline(log: EvalLog) -> str:
    """Return the first metric of a log with its standard error, `0.425 ± 0.070`."""
    if log.results is None or not log.results.scores:
        return NO_VALUE
    metrics = log.results.scores[0].metrics
    first = next((metric for name, metric in metrics.items() if name != "stderr"), None)
    if first is None or _is_nan(first):
        return NO_VALUE
    error = metrics.get("stderr")
    margin = f" ± {error.value:.3f}" if error is not None and not _is_nan(error) else ""
    return f"{first.value:.3f}{margin}"


def _cells(log: EvalLog) -> list[str]:
    results = log.results
    tokens = sum(usage.total_tokens for usage in log.stats.model_usage.values())
    return [
        log.eval.task,
        log.eval.model,
        f"{results.completed_samples}/{results.total_samples}" if results else NO_VALUE,
        headline(log),
        str(results.errored_samples) if results else NO_VALUE,
        f"{tokens:,}",
        _seconds(log),
        _short(log.location),
    ]


def _seconds(log: EvalLog) -> str:
    try:
        began = datetime.fromisoformat(log.stats.started_at)
        ended = datetime.fromisoformat(log.stats.completed_at)
    except ValueError:
        return NO_VALUE
    return f"{(ended - began).total_seconds():.0f}"


def _short(location: str) -> str:
    relative = os.path.relpath(location) if "://" not in location else location
    return location if relative.startswith("..") else relative


def _is_nan(metric: EvalMetric) -> bool:
    return metric.value is None or math.isnan(metric.value)
