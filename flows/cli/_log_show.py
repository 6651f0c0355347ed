"""`evals log show`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows._cost import cost_text
from flows._counts import rare_counts
from flows._table import NO_VALUE
from flows.cli._log_sample import print_samples
from flows.cli._log_text import log_errors, open_console, print_facts, print_whole, shown_location
from tasks_lib._errors import ParameterError
from tasks_lib._util._harmless import one_line
from tasks_lib.log import EvalLog, EvalMetric, read_eval_log, read_eval_log_table

_COLUMNS = (
    *("sample_id", "epoch", "error", "limit", "retries"),
    *("total_time", "working_time", "total_tokens"),
)
_MOST_ERRORS = 10
_SLOWEST = 5


@click.command("show")
@click.argument("file")
@click.option("--sample", "sample_id", metavar="ID", help="Show this sample instead.")
@click.option("--epoch", type=click.IntRange(min=1), help="Of --sample; default: the first.")
def show_command(file: str, sample_id: str | None, epoch: int | None) -> None:
    """Show the log FILE: what ran, its results, its errors and its slowest samples.

    With --sample, one sample's conversation, scores and events. FILE is a path or URL of any
    format; one that is being written shows what is there.
    """
    with log_errors():
        if sample_id is not None:
            print_samples(file, sample_id, epoch or 1, open_console())
            return
        if epoch is not None:
            raise ParameterError("evals log show", "--epoch", epoch, "--sample beside it")
        log = read_eval_log(file, header_only=True)
        rows = read_eval_log_table(file, _COLUMNS)
        _print_log(log, rows, open_console())


def _print_log(log: EvalLog, rows: pa.Table, console: Console) -> None:
    title = f"{log.eval.task} on {log.eval.model}: {log.status}"
    console.print(Text(one_line(title), style="bold"))
    if log.error is not None:
        console.print(Text(one_line(log.error.message, 1000), style="red"))
    print_facts(_facts(log, rows), console)
    if log.results is not None and log.results.scores:
        print_whole(_results(log), console)
    _print_errors(rows, console)
    _print_slowest(rows, console)


def _facts(log: EvalLog, rows: pa.Table) -> Iterator[tuple[str, str]]:
    spec = log.eval
    yield "log", one_line(shown_location(log.location), 1000)
    yield "created", one_line(f"{spec.created}{_duration(log)}")
    yield "eval", one_line(f"{spec.eval_id}, run {spec.run_id}, task id {spec.task_id}")
    yield "task file", one_line(spec.task_file or "")
    yield "arguments", _pairs(spec.task_args)
    yield "dataset", one_line(spec.dataset.name or spec.dataset.location or "")
    yield "solver", one_line(" → ".join(step.solver for step in log.plan.steps))
    yield "generation", _pairs(log.plan.config.model_dump())
    yield "options", _pairs(spec.config.model_dump())
    yield "tags", one_line(", ".join(spec.tags or ()))
    yield "metadata", _pairs(spec.metadata or {})
    yield "samples", _counts(log, rows)
    for model, usage in log.stats.model_usage.items():
        tokens = f"{usage.input_tokens:,} in, {usage.output_tokens:,} out"
        yield "tokens", one_line(f"{usage.total_tokens:,} of {model} ({tokens})")
    yield "cost", one_line(cost_text(log.stats.model_usage) or "")


def _counts(log: EvalLog, rows: pa.Table) -> str:
    failed = rows.num_rows - rows.column("error").null_count
    parts = [f"{rows.num_rows:,} in the log", f"{failed:,} with errors" if failed else ""]
    if log.results is not None:
        parts.insert(0, f"{log.results.total_samples:,} to evaluate")
    limits = pc.value_counts(rows.column("limit").drop_null()).to_pylist()
    parts += [f"{count['counts']:,} at the {one_line(count['values'])} limit" for count in limits]
    retried = pc.sum(pc.greater(rows.column("retries").fill_null(0), 0)).as_py() or 0
    rare = rare_counts(log.results) if log.results else {}
    parts += [f"{rare[name]:,} {name}" for name in ("unscored", "missing") if name in rare]
    parts += [f"{retried:,} retried" if retried else ""]
    parts += [f"{log.stats.reused_samples:,} reused" if log.stats.reused_samples else ""]
    return ", ".join(filter(None, parts))


def _results(log: EvalLog) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("score", "reducer", "metric"):
        table.add_column(name)
    for name in ("value", "scored", "unscored"):
        table.add_column(name, justify="right")
    for score in log.results.scores if log.results else ():
        first = [one_line(score.name), one_line(score.reducer or "")]
        last = [_count(score.scored_samples), _count(score.unscored_samples)]
        for name, metric in score.metrics.items():
            cells = [*first, one_line(name), _value(metric), *last]
            table.add_row(*(Text(cell) for cell in cells))
            first, last = ["", ""], ["", ""]
    return table


def _print_errors(rows: pa.Table, console: Console) -> None:
    failed = rows.filter(pc.is_valid(rows.column("error")))
    if not failed.num_rows:
        return
    console.print(Text(f"\nErrors ({failed.num_rows:,})", style="bold"))
    for row in failed.slice(0, _MOST_ERRORS).to_pylist():
        console.print(Text(f"  {_label(row)}: {one_line(row['error'])}"))
    more = failed.num_rows - _MOST_ERRORS
    if more > 0:
        console.print(Text(f"  … and {more:,} more", style="dim"))


def _print_slowest(rows: pa.Table, console: Console) -> None:
    timed = rows.filter(pc.is_valid(rows.column("total_time")))
    order = pc.sort_indices(timed, [("total_time", "descending")])[:_SLOWEST]
    if not len(order):
        return
    console.print(Text("\nSlowest samples", style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("sample")
    for name in ("seconds", "working", "tokens", "retries"):
        table.add_column(name, justify="right")
    for row in timed.take(order).to_pylist():
        cells = [_label(row), _seconds(row["total_time"]), _seconds(row["working_time"])]
        cells += [_count(row["total_tokens"]), _count(row["retries"])]
        table.add_row(*(Text(cell) for cell in cells))
    print_whole(table, console)


def _label(row: Mapping[str, Any]) -> str:
    return f"{one_line(row['sample_id'], 80)} (epoch {row['epoch']})"


def _pairs(values: Mapping[str, object]) -> str:
    parts = (f"{name}={value!r}" for name, value in values.items() if value not in (None, [], {}))
    return one_line(", ".join(parts), 1000)


def _duration(log: EvalLog) -> str:
    try:
        began = datetime.fromisoformat(log.stats.started_at)
        seconds = (datetime.fromisoformat(log.stats.completed_at) - began).total_seconds()
    except (ValueError, TypeError):  # one is missing, or only one has an offset
        return ""
    return f", took {seconds:,.0f} s"


def _value(metric: EvalMetric) -> str:
    if metric.value is None or math.isnan(metric.value):
        return NO_VALUE
    return f"{metric.value:.4g}" if isinstance(metric.value, float) else f"{metric.value:,}"


def _count(value: int | None) -> str:
    return NO_VALUE if value is None else f"{value:,}"


def _seconds(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:,.2f}"
