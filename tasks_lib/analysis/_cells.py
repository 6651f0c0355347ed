"""Columns that are being filled, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks_lib._errors import ColumnValueError
from tasks_lib.analysis._columns import Column, ColumnError
from tasks_lib.analysis._values import PLAIN_TYPES, cell_value
from tasks_lib.schema import EvalLog

if TYPE_CHECKING:
    from tasks_lib.analysis._stored import Values


class Problems:
    """What to do with cells that cannot be made."""

    def __init__(self, strict: bool, log: Callable[[], EvalLog]) -> None:
        """Raise if `strict`, else collect. `log` returns the log that is being read."""
        self._strict = strict
        self._log = log
        self.errors: list[ColumnError] = []

    def add(self, column: Column, name: str, error: Exception) -> None:
        """Note that a cell of `column`, called `name` in the frame, could not be made.

        Raises:
            ColumnValueError: Such cells are not allowed.
        """
        path = column.path.text if column.path else None
        found = ColumnError(name, path=path, error=error, log=self._log())
        if self._strict:
            raise ColumnValueError(str(found)) from error
        self.errors.append(found)


class Cells:
    """Columns of the same length; which there are shows as they are filled."""

    def __init__(self, problems: Problems) -> None:
        """Begin without columns and rows."""
        self.names: dict[str, list[str]] = {}
        """The columns of the frame that each `Column` made, by its name."""
        self._data: dict[str, Values] = {}
        self._problems = problems

    def take(self, rows: int) -> dict[str, Values]:
        """Return the columns, each with this number of rows."""
        for values in self._data.values():
            if isinstance(values, list):
                values.extend([None] * (rows - len(values)))
        return self._data

    def fill(self, column: Column, found: Values) -> None:
        """Fill the cells of `column` from what was found for each row, from the first on."""
        if not isinstance(found, list):
            if self._fill_whole(column, found):
                return
            found = found.to_pylist()
        plain = column.type is None and column.default is None and not column.required
        if plain and column.name.endswith("*") and column.name.count("*") == 1:
            self._fill_entries(column, found)
            return
        for row, item in enumerate(found):
            if item is not None or column.required or column.default is not None:
                self.set(column, row, item)

    def read(self, column: Column, row: int, record: object) -> None:
        """Fill the cells of `column` in one row from a log, sample, message or event."""
        try:
            found = column.find(record)
        except Exception as error:  # functions of users may raise anything
            self._problems.add(column, column.name, error)
            return
        self.set(column, row, found)

    def set(self, column: Column, row: int, found: object) -> None:
        """Fill the cells of `column` in one row from what was found for it."""
        try:
            value = None if found is None else column.value(found)
        except Exception as error:  # functions of users may raise anything
            self._problems.add(column, column.name, error)
            return
        if value is None:
            value = column.default
        if value is None and column.required:
            self._problems.add(column, column.name, ValueError("there is no value"))
        for name, item in _expanded(column.name, value):
            self._set(column, name, row, item)

    def _set(self, column: Column, name: str, row: int, item: object) -> None:
        if column.type is not None or type(item) not in PLAIN_TYPES:
            try:
                item = cell_value(item, column.type)
            except ValueError as error:
                self._problems.add(column, name, error)
                item = None
        cells = self._data.get(name)
        if not isinstance(cells, list):
            cells = self._begin(column, name, cells)
        length = len(cells)
        if row == length:
            cells.append(item)
        elif row < length:
            cells[row] = item
        else:
            cells.extend([None] * (row - length))
            cells.append(item)

    def _begin(self, column: Column, name: str, values: pa.ChunkedArray | None) -> list[Any]:
        """Return the cells of a column that was not filled cell by cell so far."""
        cells: list[Any] = [] if values is None else values.to_pylist()
        self._data[name] = cells
        self._own(column, name)
        return cells

    def _fill_whole(self, column: Column, found: pa.ChunkedArray) -> bool:
        """Fill a column that is as it was found; False: its values must be looked at."""
        fits = column.type is None or column.type is _PYTHON_TYPES.get(found.type)
        if column.convert is not None or "*" in column.name or not fits:
            return False
        if found.null_count:
            if column.required:
                return False
            if column.default is not None:
                found = pc.fill_null(found, pa.scalar(column.default, found.type))
        self._data[column.name] = found
        self._own(column, column.name)
        return True

    def _fill_entries(self, column: Column, found: list[Any]) -> None:
        """Fill a column for each entry of dicts, by columns: a third of the time of rows."""
        values = found
        if column.convert is not None:
            values = [None if item is None else self._value(column, item) for item in found]
        if any(value is not None and type(value) is not dict for value in values):
            for row, value in enumerate(values):
                for name, item in _expanded(column.name, value):
                    self._set(column, name, row, item)
            return
        dicts: list[dict[str, Any]] = [value or {} for value in values]
        for key in sorted(set().union(*dicts)):
            name = f"{column.name[:-1]}{key}"
            cells = [entries.get(key) for entries in dicts]
            if name not in self._data and PLAIN_TYPES.issuperset(map(type, cells)):
                self._data[name] = cells
                self._own(column, name)
                continue
            for row, entries in enumerate(dicts):
                if key in entries:
                    self._set(column, name, row, entries[key])

    def _value(self, column: Column, found: object) -> object:
        """Return what `column` makes of what was found; None if it fails."""
        try:
            return column.value(found)
        except Exception as error:  # functions of users may raise anything
            self._problems.add(column, column.name, error)
            return None

    def _own(self, column: Column, name: str) -> None:
        owned = self.names.setdefault(column.name, [])
        if name not in owned:
            owned.append(name)


_PYTHON_TYPES: dict[pa.DataType, type] = {
    pa.string(): str,
    pa.int64(): int,
    pa.float64(): float,
    pa.bool_(): bool,
}


def last_of_each(columns: Iterable[Column]) -> list[Any]:
    """Return the columns without those that a later one of the same name replaces."""
    columns = list(columns)
    last = {column.name: column for column in columns}
    return [column for column in columns if last[column.name] is column]


def _expanded(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield the columns that `name` stands for, with their values."""
    before, star, after = name.partition("*")
    if not star:
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _expanded_rest(f"{before}{key}", after, item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            if isinstance(item, dict):
                yield from _expanded(name, item)


def _expanded_rest(done: str, rest: str, value: object) -> Iterator[tuple[str, object]]:
    # Keys may hold stars themselves: only what is left of the name is looked at.
    for name, item in _expanded(rest, value):
        yield f"{done}{name}", item
