"""Which columns of samples can be made from columns of the log, and how."""

from __future__ import annotations

from collections.abc import Iterable

from tasks_lib.analysis._columns import SampleColumn
from tasks_lib.analysis._sample_columns import StoredColumn
from tasks_lib.analysis._stored import KEY_COLUMNS, StoredSamples, Values, parsed
from tasks_lib.analysis._stored_fields import (
    SAMPLE_FIELDS,
    STORED_PATHS,
    SUMMARY_FIELDS,
    Field,
)


def is_stored(column: SampleColumn) -> bool:
    """Whether `column` can be made from columns of the log."""
    return _field_of(column) is not None


def columns_to_read(columns: Iterable[SampleColumn]) -> list[str]:
    """Return the columns of the log that make these columns of a frame, and the keys."""
    fields = [field for column in columns if (field := _field_of(column))]
    names = [name for field in fields for name in field.columns]
    return list(dict.fromkeys([*KEY_COLUMNS, *names]))


def stored_values(column: SampleColumn, samples: StoredSamples) -> Values:
    """Return what a column is made of, for each sample.

    JSON that would become text again stays text.
    """
    field, path = _field_of(column), column.path
    if field is None:
        raise ValueError(f"{column!r} is not made from columns of the log")
    found = field.read(samples)
    if path is None or path.text in STORED_PATHS:
        return found
    is_whole = path.keys is not None and len(path.keys) == 1
    if field.is_json and not isinstance(found, list):
        stays = column.convert is None and "*" not in column.name and column.type in (None, str)
        if is_whole and stays:
            return found
        found = parsed(found)
    if is_whole:
        return found
    values = found if isinstance(found, list) else found.to_pylist()
    return [None if value is None else path.find({path.field: value}) for value in values]


def _field_of(column: SampleColumn) -> Field | None:
    if isinstance(column, StoredColumn):
        return column.field
    path = column.path
    if path is None or path.field is None:
        return None
    if column.full:
        return STORED_PATHS.get(path.text) or SAMPLE_FIELDS.get(path.field)
    if path.field == "metadata" and path.keys != ("metadata",):
        return SAMPLE_FIELDS["metadata"]  # who names an entry gets it, however long
    return SUMMARY_FIELDS.get(path.field)
