"""Records of Parquet and Arrow files, row by row. The only module here that needs pyarrow.

It is loaded when such a file is read: task files that read none don't wait for it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks_lib._errors import DatasetError
from tasks_lib.dataset._records import Record
from tasks_lib.dataset._source import Source

if TYPE_CHECKING:
    import pyarrow

_CHUNK_BYTES = 8 * 2**20
"""As much of a file is rows at a time: a group of rows may be the whole file."""
_CHUNK_ROWS = 1000


def read_parquet(source: Source) -> Generator[Record]:
    """Yield the rows of a Parquet file, each with its number from 1.

    Raises:
        DatasetError: It isn't one, or a column has a type without a form in JSON.
    """
    from pyarrow import parquet

    with source.open_bytes() as file:
        # Without buffer_size each group of rows is read whole before its first row.
        table = parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**20)
        groups = [table.metadata.row_group(index) for index in range(table.num_row_groups)]
        rows = min((_rows(group.total_byte_size, group.num_rows) for group in groups), default=1)
        yield from _records(table.schema_arrow, table.iter_batches(rows), source.location)


def read_arrow(source: Source) -> Generator[Record]:
    """Yield the rows of an Arrow file, file or stream format, each with its number from 1.

    Raises:
        DatasetError: It isn't one, or a column has a type without a form in JSON.
    """
    import pyarrow

    with source.open_bytes() as file:
        is_file = file.read(6) == b"ARROW1"
        file.seek(0)
        if is_file:
            reader = pyarrow.ipc.open_file(file)
            batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            batches = reader = pyarrow.ipc.open_stream(file)
        yield from _records(reader.schema, _slices(batches), source.location)


def _slices(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    for batch in batches:
        rows = _rows(batch.nbytes, batch.num_rows)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _rows(size: int, count: int) -> int:
    """Return how many of `count` rows, together `size` bytes, to make objects of at once."""
    return max(1, min(_CHUNK_ROWS, _CHUNK_BYTES * count // max(size, 1)))


def _records(
    schema: pyarrow.Schema, batches: Iterator[pyarrow.RecordBatch], location: str
) -> Iterator[Record]:
    _check_names(schema.names, location)
    targets = [_target_type(field, location) for field in schema]
    row = 0
    for batch in batches:
        columns = [
            _values(column, target, name, location)
            for column, target, name in zip(batch.columns, targets, schema.names, strict=True)
        ]
        for values in zip(*columns, strict=True):
            row += 1
            yield Record(dict(zip(schema.names, values, strict=True)), location, row)


def _check_names(names: Sequence[str], location: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"several columns have the same name: {twice}", location=location)


def _target_type(field: pyarrow.Field, location: str) -> pyarrow.DataType:
    try:
        return _readable(field.type)
    except TypeError as error:
        raise DatasetError(
            f"the column has the type {field.type}: {error}. Write it with another type, such as "
            "text.",
            location=location,
            field=field.name,
        ) from error


def _readable(kind: pyarrow.DataType) -> pyarrow.DataType:
    """Return the type, nearest to `kind`, whose values Python has as they are.

    Nanoseconds become microseconds: Python has none.

    Raises:
        TypeError: There is none.
    """
    import pyarrow
    from pyarrow import types

    if isinstance(kind, pyarrow.BaseExtensionType):
        return _readable(kind.storage_type)
    if types.is_dictionary(kind):
        return _readable(kind.value_type)
    if types.is_struct(kind):
        return pyarrow.struct([inner.with_type(_readable(inner.type)) for inner in kind.fields])
    if types.is_map(kind):
        return pyarrow.map_(_readable(kind.key_type), _readable(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pyarrow.large_list(_readable(kind.value_type))
    if types.is_nested(kind) or types.is_run_end_encoded(kind) or types.is_interval(kind):
        raise TypeError("its values cannot be read one by one")
    return _readable_scalar(kind)


def _readable_scalar(kind: pyarrow.DataType) -> pyarrow.DataType:
    import pyarrow
    from pyarrow import types

    if types.is_timestamp(kind):
        return pyarrow.timestamp("us", kind.tz)
    if types.is_time(kind):
        return pyarrow.time64("us")
    if types.is_duration(kind):
        return pyarrow.duration("us")
    if types.is_float16(kind):
        return pyarrow.float32()
    return kind


def _values(column: pyarrow.Array, target: pyarrow.DataType, name: str, location: str) -> list[Any]:
    """Return the values of a column as what JSON has."""
    try:
        readable = column if column.type == target else column.cast(target, safe=False)
        values = readable.to_pylist(maps_as_pydicts="strict")
    except (ValueError, KeyError, OverflowError, NotImplementedError) as error:
        raise DatasetError(
            f"the column cannot be read as {target}: {error}", location=location, field=name
        ) from error
    return values if _is_plain(target) else [plain_value(value) for value in values]


def _is_plain(kind: pyarrow.DataType) -> bool:
    """Tell whether JSON has all values of a readable type, at any depth."""
    from pyarrow import types

    if types.is_struct(kind):
        return all(_is_plain(inner.type) for inner in kind.fields)
    if types.is_large_list(kind):
        return _is_plain(kind.value_type)
    return bool(
        types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
    )


def plain_value(value: Any) -> Any:
    """Return a value of a column as what JSON has, at any depth."""
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    return value
