"""Rows and cells of a samples frame, as plain data."""

from __future__ import annotations

from typing import Any

from tasks_lib.analysis import SampleColumn, samples_df


def rows(path: Any, columns: Any = None, **options: Any) -> list[dict[str, Any]]:
    chosen = {} if columns is None else {"columns": columns}
    table = samples_df(path, **chosen, **options, frame="arrow")
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def cells(path: Any, column: SampleColumn, **options: Any) -> list[Any]:
    return [row[column.name] for row in rows(path, [column], **options)]
