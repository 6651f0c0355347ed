"""The frame of events."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from tasks_lib.analysis._columns import (
    Column,
    ColumnError,
    EvalColumn,
    EventColumn,
    EventFilter,
    SampleColumn,
)
from tasks_lib.analysis._event_columns import EventInfo
from tasks_lib.analysis._frame import Frame, FrameType
from tasks_lib.analysis._read import Detail, plan_columns
from tasks_lib.analysis._run import Request, rows_frame
from tasks_lib.analysis._sources import FsOptions, Logs
from tasks_lib.schema import EvalSample, Event

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> pd.DataFrame: ...


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> pl.DataFrame: ...


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> pa.Table: ...


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> tuple[pd.DataFrame, list[ColumnError]]: ...


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> tuple[pl.DataFrame, list[ColumnError]]: ...


@overload
def events_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: EventFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> tuple[pa.Table, list[ColumnError]]: ...


def events_df(  # noqa: PLR0913 - the documented signature
    logs: Logs = None,
    columns: Sequence[Column] = EventInfo,
    filter: EventFilter | None = None,
    strict: bool = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: FrameType = "pandas",
    fs_options: FsOptions = None,
) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each event.

    The first columns are `event_id` (the event's own if that column is chosen and it has
    one, else a digest of its place), `sample_id`, `eval_id`, and those about log, sample and
    event; the last is `order`, the position in the sample from 1, without events that
    `filter` took away.

    Args:
        logs: Paths or URLs of logs or of folders of logs, entries of a listing, or logs in
            memory, one or several; None: the logs in the log directory (EVAL_LOG_DIR, else
            `./logs`). Logs that are still being written count.
        columns: The columns, `EventColumn`s, `SampleColumn`s and `EvalColumn`s; of several
            with the same name the last counts.
        filter: Which events get a row; None: all.
        strict: Whether a cell that cannot be made is an error. False: it is missing, and
            the errors are returned with the frame.
        parallel: How many logs are read at a time; True: as many as there are processors,
            at most 8. Other processes do it: functions of columns, and `filter`, must be at the top
            level of a module then, and scripts need `if __name__ == "__main__"`.
        quiet: Whether no progress is shown. It never is where there is no terminal; None:
            nor in notebooks.
        frame: Kind of the frame. Columns have Arrow types in each.
        fs_options: Options of the store, as fsspec takes them.

    Raises:
        ColumnValueError: A cell cannot be made, and `strict` is set.
        ParameterError: An argument has a wrong value; a column is of another kind.
        MissingFileError, FileNotFoundError: There is no log at a path.
        LogFormatError: A file is damaged, or not a log.
        MissingPackageError: The package of the frame is not installed.
    """
    detail = Detail("event", partial(_events_of, filter=filter))
    levels = (EvalColumn, SampleColumn, EventColumn)
    plan = plan_columns("events_df", columns, strict, levels, detail)
    return rows_frame(Request("events_df", logs, quiet, frame, fs_options, parallel), plan)


def _events_of(sample: EvalSample, filter: EventFilter | None) -> list[Event]:
    return [event for event in sample.events if filter is None or filter(event)]
