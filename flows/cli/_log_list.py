"""`evals log list`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, get_args

import click
from pydantic_core import to_json
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from flows._table import NO_VALUE, headline
from flows.cli._log_text import (
    json_output,
    log_errors,
    moment,
    open_console,
    print_whole,
    shown_location,
)
from tasks_lib._errors import LogError
from tasks_lib._util._harmless import harmless_json, one_line
from tasks_lib.log import (
    EvalLog,
    EvalLogInfo,
    EvalResults,
    EvalStatus,
    list_eval_logs,
    read_eval_log,
    resolve_log_dir,
)

_READERS = 8
"""Headers that are read at once; on remote stores each takes a few round trips."""
_STATUSES = get_args(EvalStatus)


class Entry(NamedTuple):
    """A log in a listing."""

    info: EvalLogInfo
    header: EvalLog | None
    problem: str | None
    """Why there is no header."""

    @property
    def status(self) -> str:
        """The log's status, `unreadable` without a header."""
        return self.header.status if self.header else "unreadable"


@click.command("list")
@click.option("--log-dir", help="Folder or URL of the logs; default: EVAL_LOG_DIR, else ./logs.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only logs with this status.")
@click.option("--absolute", is_flag=True, help="Whole paths instead of relative ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--no-recursive", is_flag=True, help="Leave out folders below.")
def list_command(
    log_dir: str | None, status: str | None, absolute: bool, as_json: bool, no_recursive: bool
) -> None:
    """List logs, newest first, those that are being written included."""
    with log_errors():
        infos = list_eval_logs(log_dir, recursive=not no_recursive)
        entries = [entry for entry in _entries(infos) if status in (None, entry.status)]
        if as_json:
            output = json_output()
            for entry in entries:
                line = to_json(_record(entry, absolute), inf_nan_mode="null").decode()
                click.echo(harmless_json(line), output)
            return
        if not entries:
            which = f"{status} logs" if status else "logs"
            click.echo(f"No {which} in {one_line(resolve_log_dir(log_dir))}.", err=True)
            return
        print_whole(_table(entries, absolute), open_console())
        for entry in entries:
            if entry.problem:
                click.echo(one_line(entry.problem, 1000), err=True)


def _entries(infos: Sequence[EvalLogInfo]) -> Iterable[Entry]:
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(_entry, infos)


def _entry(info: EvalLogInfo) -> Entry:
    try:
        return Entry(info, read_eval_log(info, header_only=True), None)
    except (LogError, OSError) as error:  # a stranger among the logs, or one that has gone
        return Entry(info, None, str(error))


def _table(entries: Iterable[Entry], absolute: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("changed", "status"):
        table.add_column(name)
    for name in ("samples", "score"):
        table.add_column(name, justify="right")
    for name in ("task", "model", "log"):
        table.add_column(name)
    for entry in entries:
        table.add_row(*(Text(cell) for cell in _cells(entry, absolute)))
    return table


def _cells(entry: Entry, absolute: bool) -> list[str]:
    info, header = entry.info, entry.header
    results = header.results if header else None
    return [
        moment(info.mtime),
        entry.status,
        f"{results.completed_samples}/{results.total_samples}" if results else NO_VALUE,
        headline(header) if header else NO_VALUE,
        one_line(header.eval.task if header else info.task),
        one_line(header.eval.model) if header else NO_VALUE,
        one_line(shown_location(info.name, absolute), 1000),
    ]


def _record(entry: Entry, absolute: bool) -> dict[str, object]:
    info, header = entry.info, entry.header
    record: dict[str, object] = {
        **info.model_dump(),
        "name": shown_location(info.name, absolute),
        "status": entry.status,
    }
    if header is None:
        return {**record, "problem": entry.problem}
    spec, results = header.eval, header.results
    record |= {
        "task": spec.task,
        "task_id": spec.task_id,
        "eval_id": spec.eval_id,
        "run_id": spec.run_id,
        "created": spec.created,
        "model": spec.model,
        "tags": spec.tags,
        "error": header.error.message if header.error else None,
    }
    if results is not None:
        record |= results.model_dump(include=_COUNTS)
        record["metrics"] = [
            {"score": score.name, "reducer": score.reducer, "metric": name, "value": metric.value}
            for score in results.scores
            for name, metric in score.metrics.items()
        ]
    return record


_COUNTS = {name for name in EvalResults.model_fields if name.endswith("_samples")}
