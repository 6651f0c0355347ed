"""Values of cells: conversion to the type of a column."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from tasks_lib.analysis._columns import CellType, ColumnType

PLAIN_TYPES = frozenset((str, int, float, bool, type(None)))
"""Types of values that are cells as they are when a column has no type."""

_TEMPORAL = (datetime, date, time)
_Scalar = bool | int | float | str | date | time | datetime


def cell_value(value: object, wanted: CellType | None) -> ColumnType:
    """Return `value` as a cell, converted to `wanted` if given.

    Raises:
        ValueError: It cannot be converted, or not without loss.
    """
    if value is None or (wanted is None and type(value) in PLAIN_TYPES):
        return value  # type: ignore[return-value]  # just checked
    if isinstance(value, BaseModel | list | tuple | Mapping):
        if wanted not in (None, str):
            raise _refused(value, wanted)
        return json_text(value)
    if not isinstance(value, _Scalar):
        raise ValueError(
            f"a cell cannot hold {type(value).__name__}: return a number, text, a point in "
            "time, a list or a dict"
        )
    return _plain(value) if wanted is None else _converted(value, wanted)


def json_text(value: object) -> str:
    """Return data as compact JSON; what JSON has no form for becomes text."""
    try:
        return to_json(value, exclude_none=True, inf_nan_mode="constants", fallback=str).decode()
    except (PydanticSerializationError, UnicodeEncodeError):  # lone surrogates
        return json.dumps(value, separators=(",", ":"), default=str)


def moment(text: str) -> datetime:
    """Return the point in time, in UTC, that ISO 8601 text says. Raises ValueError."""
    return _utc(datetime.fromisoformat(text))


def _plain(value: _Scalar) -> ColumnType:
    """Return values of types derived from ours (enumerations, NumPy's) as ours."""
    if isinstance(value, datetime):
        return _utc(value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value.value if hasattr(value, "value") else value)
    return value


def _converted(value: _Scalar, wanted: CellType) -> ColumnType:
    if wanted in _TEMPORAL:
        return _point_in_time(value, wanted)
    if type(value) is wanted:
        return value
    if wanted is str:
        return value.isoformat() if isinstance(value, date | time) else str(value)
    found = value
    if isinstance(value, str):
        value = _from_yaml(value, wanted)
    if type(value) is wanted:
        return value
    if wanted is float and isinstance(value, int):
        return float(value)
    if wanted is int and isinstance(value, bool | float) and math.isfinite(value):
        if value == int(value):
            return int(value)
    elif wanted is bool and value in (0, 1):
        return bool(value)
    raise _refused(found, wanted)


def _from_yaml(text: str, wanted: CellType) -> Any:
    try:
        return wanted(text) if wanted in (int, float) else yaml.safe_load(text)
    except ValueError:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _refused(text, wanted) from error


def _point_in_time(value: _Scalar, wanted: CellType) -> ColumnType:
    if wanted is time and isinstance(value, time):
        return value
    if wanted is date and isinstance(value, date) and not isinstance(value, datetime):
        return value
    at = _as_datetime(value, wanted)
    if wanted is datetime:
        return at
    return at.date() if wanted is date else at.time()


def _as_datetime(value: _Scalar, wanted: CellType) -> datetime:
    if isinstance(value, datetime):
        return _utc(value)
    try:
        if isinstance(value, str) and wanted is time:
            return datetime.combine(date.min, time.fromisoformat(value))
        if isinstance(value, str):
            return moment(value)
    except ValueError:
        value = _seconds(value, wanted)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(value, wanted)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise _refused(value, wanted) from error


def _seconds(text: _Scalar, wanted: CellType) -> float:
    try:
        return float(str(text))
    except ValueError as error:
        raise _refused(text, wanted) from error


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _refused(value: object, wanted: CellType | None) -> ValueError:
    name = wanted.__name__ if wanted else "a cell"
    return ValueError(f"{repr(value)[:200]} cannot be converted to {name}")
