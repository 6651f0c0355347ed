"""Tables from the parts that logs bring: rows counted once, columns named and in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from tasks_lib.analysis._arrays import joined, missing, picked
from tasks_lib.analysis._cells import Problems
from tasks_lib.analysis._columns import Column
from tasks_lib.analysis._read import Level, LogPart, Plan
from tasks_lib.analysis._stored import Values, digest_id

EVAL_ID = "eval_id"
SAMPLE_ID = "sample_id"
ORDER = "order"
"""Position of a message or event in its sample, from 1."""


class _Rows(NamedTuple):
    """The rows of a frame that come from one log."""

    part: LogPart
    samples: list[int] | None
    """The sample that each row is about; None: they are all the samples, in order."""
    details: list[int] | None
    """The message or event that each row is about; None: all, in order."""
    length: int


def evals_table(parts: Sequence[LogPart], columns: Sequence[Column]) -> pa.Table:
    """Return a row for each log; of several with the same id, the first counts."""
    seen: set[object] = set()
    chosen: list[Level] = []
    for part in parts:
        id = part.evals.cells[EVAL_ID][0]
        if id not in seen:
            seen.add(id)
            chosen.append(part.evals)
    names = _names(columns, chosen)
    ordered = [EVAL_ID, *(name for name in names if name != EVAL_ID)]
    cells = {name: [_cells(level, name, 1) for level in chosen] for name in ordered}
    return _table(cells)


def rows_table(parts: Sequence[LogPart], plan: Plan) -> pa.Table:
    """Return a row for each sample, message or event.

    What is about the log or the sample is repeated. Of samples that are in several logs the
    first counts. A name that columns of several levels have gets the level's suffix.
    """
    rows = _distinct(parts, plan)
    levels: dict[str, dict[str, list[Values]]] = {"eval": {}, "sample": {}}
    for name in _names(plan.evals, [row.part.evals for row in rows]):
        levels["eval"][name] = [_repeated(row.part.evals, name, row.length) for row in rows]
    for name in _names(plan.samples, [row.part.samples for row in rows]):
        levels["sample"][name] = [
            picked(_cells(row.part.samples, name, len(row.part.sample_ids)), row.samples)
            for row in rows
        ]
    cells: dict[str, list[Values]] = {}
    if plan.detail:
        details = {
            name: [
                picked(_cells(_details(row), name, len(row.part.rows)), row.details) for row in rows
            ]
            for name in _names(plan.details, [_details(row) for row in rows])
        }
        levels[plan.detail.name] = details
        id_name = f"{plan.detail.name}_id"
        cells[id_name] = _detail_ids(rows, plan.detail.name, details.pop(id_name, None))
    cells[SAMPLE_ID] = [picked(row.part.sample_ids, row.samples) for row in rows]
    cells[EVAL_ID] = levels["eval"].pop(EVAL_ID)
    cells |= _with_suffixes(levels, [*cells, *([ORDER] if plan.detail else [])])
    if plan.detail:
        cells[ORDER] = [[order for _, order in picked(row.part.rows, row.details)] for row in rows]
    return _table(cells)


def check_paths(parts: Sequence[LogPart], columns: Iterable[Column], strict: bool) -> None:
    """Note columns whose path leads nowhere: no value, and no field that is called so.

    Fields that only some logs have (those of other versions) are no reason.

    Raises:
        ColumnValueError: There is one, if `strict`.
    """
    if not parts:
        return
    problems = Problems(strict, lambda: parts[0].source.header)
    for column in columns:
        unknown = column.path.unknown_in(column.record) if column.path and column.record else None
        if unknown and not any(_has_value(part, column) for part in parts):
            problems.add(column, column.name, ValueError(unknown))
    parts[0].errors.extend(problems.errors)


def _distinct(parts: Sequence[LogPart], plan: Plan) -> list[_Rows]:
    """Return the rows that each log brings, without samples that were there before."""
    seen: set[str] = set()
    rows: list[_Rows] = []
    for part in parts:
        samples = _new(part.sample_ids, seen)
        if plan.detail is None:
            count = len(part.sample_ids) if samples is None else len(samples)
            rows.append(_Rows(part, samples, None, count))
            continue
        kept = set(range(len(part.sample_ids)) if samples is None else samples)
        details = [row for row, (sample, _) in enumerate(part.rows) if sample in kept]
        about = [part.rows[row].sample for row in details]
        rows.append(_Rows(part, about, details, len(details)))
    return rows


def _new(ids: Sequence[str], seen: set[str]) -> list[int] | None:
    """Return the positions of ids that are not in `seen`, and add them; None: of all."""
    if seen.isdisjoint(ids) and len(set(ids)) == len(ids):
        seen.update(ids)
        return None
    new: list[int] = []
    for row, id in enumerate(ids):
        if id not in seen:
            seen.add(id)
            new.append(row)
    return new


def _names(columns: Iterable[Column], levels: Sequence[Level]) -> list[str]:
    """Return the names that columns have in a frame; what a star stands for is sorted."""
    names: dict[str, None] = {}
    for column in columns:
        if "*" in column.name:
            found = {name for level in levels for name in level.names.get(column.name, ())}
            names |= dict.fromkeys(sorted(found))
        else:
            names[column.name] = None
    return list(names)


def _with_suffixes(
    levels: dict[str, dict[str, list[Values]]], fixed: Iterable[str]
) -> dict[str, list[Values]]:
    """Return the columns of all levels under names of their own."""
    times = Counter([*fixed, *(name for cells in levels.values() for name in cells)])
    taken = set(times)
    renamed: dict[str, list[Values]] = {}
    for suffix, cells in levels.items():
        for name, values in cells.items():
            unique = name
            while times[name] > 1 and unique in taken:
                unique = f"{unique}_{suffix}"
            taken.add(unique)
            renamed[unique] = values
    return renamed


def _cells(level: Level, name: str, rows: int) -> Values:
    found = level.cells.get(name)
    return missing(rows) if found is None else found


def _repeated(level: Level, name: str, rows: int) -> Values:
    found = _cells(level, name, 1)
    return [found[0]] * rows if isinstance(found, list) else missing(rows)


def _details(row: _Rows) -> Level:
    return row.part.details or Level({}, {})


def _detail_ids(rows: Sequence[_Rows], kind: str, given: Sequence[Values] | None) -> list[Values]:
    """Return an id for each message or event: the one it has, else a digest of its place."""
    found: list[Values] = []
    for number, row in enumerate(rows):
        own = given[number] if given else None
        ids = own if isinstance(own, list) else [None] * row.length
        places = picked(row.part.rows, row.details)
        found.append(
            [
                id or digest_id(row.part.sample_ids[sample], f"{kind}_{order - 1}")
                for id, (sample, order) in zip(ids, places, strict=True)
            ]
        )
    return found


def _has_value(part: LogPart, column: Column) -> bool:
    for level in (part.evals, part.samples):
        for name in level.names.get(column.name, ()):
            values = level.cells[name]
            if isinstance(values, list):
                if any(value is not None for value in values):
                    return True
            elif values.null_count < len(values):
                return True
    return False


def _table(cells: dict[str, list[Values]]) -> pa.Table:
    return pa.table({name: joined(parts) for name, parts in cells.items()})
