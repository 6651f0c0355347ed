"""One log's part of a frame: its cells by level (log, sample, and message or event)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tasks_lib._errors import ParameterError
from tasks_lib.analysis._cells import Cells, Problems, last_of_each
from tasks_lib.analysis._columns import (
    Column,
    ColumnError,
    EvalColumn,
    SampleColumn,
)
from tasks_lib.analysis._eval_columns import EVAL_ID, LOG
from tasks_lib.analysis._sources import LogSource
from tasks_lib.analysis._stored import SampleKey, StoredSamples, Values
from tasks_lib.analysis._stored_columns import columns_to_read, is_stored, stored_values
from tasks_lib.schema import EvalSample


class Detail(NamedTuple):
    """Rows finer than samples."""

    name: str
    """`message` or `event`: first part of the name of their id, and suffix of clashes."""
    items: Callable[[EvalSample], Sequence[Any]]
    """Returns what gets a row."""


class Plan(NamedTuple):
    """The columns of a frame by level."""

    evals: list[EvalColumn]
    samples: list[SampleColumn]
    details: list[Column]
    """Columns of messages or events."""
    detail: Detail | None
    strict: bool

    @property
    def needs_transcripts(self) -> bool:
        """Whether samples must be read whole."""
        return self.detail is not None or any(c.full and not is_stored(c) for c in self.samples)

    @property
    def needs_summaries(self) -> bool:
        """Whether a column has a function of summaries."""
        return any(not c.full and not is_stored(c) for c in self.samples)


class Level(NamedTuple):
    """Cells of one level of one log."""

    cells: dict[str, Values]
    names: dict[str, list[str]]
    """The columns of the frame that each column of the plan made, by its name."""


class DetailRow(NamedTuple):
    """What a message or event belongs to."""

    sample: int
    """Position of its sample among those of the log."""
    order: int
    """Its position in the sample, from 1."""


class LogPart(NamedTuple):
    """What one log brings to a frame."""

    source: LogSource
    evals: Level
    """Of one row."""
    samples: Level
    sample_ids: list[str]
    details: Level | None
    rows: list[DetailRow]
    """One for each row of `details`."""
    errors: list[ColumnError]


def plan_columns(
    function: str,
    columns: Sequence[Column],
    strict: bool,
    allowed: tuple[type[Column], ...],
    detail: Detail | None = None,
) -> Plan:
    """Return columns by level, without those that a later one of the same name replaces.

    Raises:
        ParameterError: A column is of a level that the frame does not have.
    """
    for column in columns:
        if not isinstance(column, allowed):
            names = ", ".join(kind.__name__ for kind in allowed)
            raise ParameterError(function, "columns", column, f"columns of type {names}")
    finest = allowed[-1]
    return Plan(
        _with_log([column for column in columns if isinstance(column, EvalColumn)]),
        last_of_each(column for column in columns if isinstance(column, SampleColumn)),
        last_of_each(column for column in columns if detail and isinstance(column, finest)),
        detail,
        strict,
    )


def _with_log(columns: Sequence[EvalColumn]) -> list[EvalColumn]:
    """Return columns, each name once, with those that say which log it is."""
    chosen: list[EvalColumn] = last_of_each(columns)
    names = {column.name for column in chosen}
    first = [] if EVAL_ID.name in names else [EVAL_ID]
    return [*first, *chosen, *([] if LOG.name in names else [LOG])]


def read_evals(source: LogSource, plan: Plan) -> LogPart:
    """Return the cells of a log as a whole."""
    problems = Problems(plan.strict, lambda: source.header)
    level = _eval_level(source, plan.evals, problems, {})
    return LogPart(source, level, Level({}, {}), [], None, [], problems.errors)


def read_part(source: LogSource, plan: Plan) -> LogPart:
    """Return what a log brings to a frame of samples, messages or events.

    Transcripts are read only if a column needs them, one after the other.
    """
    problems = Problems(plan.strict, lambda: source.header)
    stored = StoredSamples(source.table(columns_to_read(plan.samples)))
    samples = Cells(problems)
    for column in plan.samples:
        if is_stored(column):
            samples.fill(column, stored_values(column, stored))
    if plan.needs_summaries:
        _add_summaries(source, plan, samples, stored)
    details, rows = Cells(problems), list[DetailRow]()
    if plan.needs_transcripts:
        rows = _add_transcripts(source, plan, (samples, details), stored)
    known = {EVAL_ID: stored.eval_ids[0], LOG: source.location} if len(stored) else {}
    return LogPart(
        source,
        _eval_level(source, plan.evals, problems, known),
        Level(samples.take(len(stored)), samples.names),
        stored.ids,
        Level(details.take(len(rows)), details.names) if plan.detail else None,
        rows,
        problems.errors,
    )


def _eval_level(
    source: LogSource,
    columns: Sequence[EvalColumn],
    problems: Problems,
    known: Mapping[EvalColumn, str],
) -> Level:
    cells = Cells(problems)
    for column in columns:
        if known.get(column):  # the header need not be read for it
            cells.set(column, 0, known[column])
        else:
            cells.read(column, 0, source.header)
    return Level(cells.take(1), cells.names)


def _add_summaries(source: LogSource, plan: Plan, samples: Cells, stored: StoredSamples) -> None:
    positions = stored.positions
    columns = [column for column in plan.samples if not column.full and not is_stored(column)]
    for summary in source.summaries():
        row = positions.get(SampleKey.of(summary))
        if row is not None:  # else it was written after the columns were read
            for column in columns:
                samples.read(column, row, summary)


def _add_transcripts(
    source: LogSource, plan: Plan, cells: tuple[Cells, Cells], stored: StoredSamples
) -> list[DetailRow]:
    """Fill the cells, of samples and of their details, that take whole samples."""
    samples, details = cells
    positions = stored.positions
    columns = [column for column in plan.samples if column.full and not is_stored(column)]
    rows: list[DetailRow] = []
    for sample in source.samples():
        row = positions.get(SampleKey.of(sample))
        if row is None:
            continue  # it was written after the columns were read
        for column in columns:
            samples.read(column, row, sample)
        for order, item in enumerate(plan.detail.items(sample) if plan.detail else (), 1):
            for detail_column in plan.details:
                details.read(detail_column, len(rows), item)
            rows.append(DetailRow(row, order))
    return rows
