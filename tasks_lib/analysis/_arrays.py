"""Arrow arrays of values whose types show as they come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks_lib.analysis._stored import Values

_ARROW_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    date: pa.date32(),
    time: pa.time64("us"),
}
_PYTHON_TYPES = {arrow: python for python, arrow in _ARROW_TYPES.items()}
_SURROGATE = re.compile("[\ud800-\udfff]")


def missing(rows: int) -> pa.ChunkedArray:
    """Return cells of which nothing is known."""
    return pa.chunked_array([pa.nulls(rows)])


def picked(values: Values, rows: Sequence[int] | None) -> Values:
    """Return the values of these rows, in this order; None: all."""
    if rows is None:
        return values
    if isinstance(values, list):
        return [values[row] for row in rows]
    return values.take(pa.array(rows, pa.int64()))


def joined(parts: Sequence[Values]) -> pa.ChunkedArray:
    """Return the values of all parts as one column of the type that fits them.

    Whole numbers among others become floats. Values of other mixed types become text, as
    do whole numbers of more than 64 bits. NaN becomes missing, and lone surrogates, which
    Arrow cannot hold, become U+FFFD. Without any value it is a column of text.
    """
    kinds: set[type] = set().union(*map(_kinds, parts))
    if kinds == {int, float}:
        kinds = {float}
    target = _ARROW_TYPES[kinds.pop()] if len(kinds) == 1 else pa.string()
    if not kinds:
        try:
            return _chunked(parts, target)
        except (pa.ArrowInvalid, OverflowError):  # a number that 64 bits cannot hold
            pass
    return _chunked([_texts(part) for part in parts], pa.string())


def _chunked(parts: Sequence[Values], target: pa.DataType) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    for part in parts:
        if isinstance(part, list):
            array = _array(part, target)
            chunks.extend(array.chunks if isinstance(array, pa.ChunkedArray) else [array])
        else:
            chunks.extend(_without_nan(part.cast(target)).chunks)
    return pa.chunked_array(chunks, target)


def _array(values: list[Any], target: pa.DataType) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, target, from_pandas=True)
    except UnicodeEncodeError:
        clean = [None if v is None else _SURROGATE.sub("\ufffd", v) for v in values]
        return pa.array(clean, target)


def _without_nan(array: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _kinds(values: Values) -> set[type]:
    if isinstance(values, list):
        return set(map(type, values)) - {type(None)}
    return set() if pa.types.is_null(values.type) else {_PYTHON_TYPES[values.type]}


def _texts(values: Values) -> list[str | None]:
    items = values if isinstance(values, list) else values.to_pylist()
    # A NaN is missing, whatever the others are.
    return [None if item is None or item != item else str(item) for item in items]
