"""The frame of samples."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from tasks_lib.analysis._columns import Column, ColumnError, EvalColumn, SampleColumn
from tasks_lib.analysis._frame import Frame, FrameType
from tasks_lib.analysis._read import plan_columns
from tasks_lib.analysis._run import Request, rows_frame
from tasks_lib.analysis._sample_columns import SampleSummary
from tasks_lib.analysis._sources import FsOptions, Logs

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> pd.DataFrame: ...


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> pl.DataFrame: ...


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> pa.Table: ...


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> tuple[pd.DataFrame, list[ColumnError]]: ...


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> tuple[pl.DataFrame, list[ColumnError]]: ...


@overload
def samples_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    full: bool = False,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> tuple[pa.Table, list[ColumnError]]: ...


def samples_df(  # noqa: PLR0913 - the documented signature
    logs: Logs = None,
    columns: Sequence[Column] = SampleSummary,
    full: bool = False,
    strict: bool = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: FrameType = "pandas",
    fs_options: FsOptions = None,
) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each sample and epoch.

    The first columns are `sample_id` (the sample's uuid, else a digest), `eval_id`, those
    about the log, `log` among them, and those about the sample. A sample that is in several
    logs has one row. Transcripts are read only for columns that need them.

    Args:
        logs: Paths or URLs of logs or of folders of logs, entries of a listing, or logs in
            memory, one or several; None: the logs in the log directory (EVAL_LOG_DIR, else
            `./logs`). Logs that are still being written count.
        columns: The columns, `SampleColumn`s and `EvalColumn`s; of several with the same
            name the last counts.
        full: Whether `metadata_*` has all metadata as they are. False: only numbers and
            text, of which no more than 1,000 characters.
        strict: Whether a cell that cannot be made is an error. False: it is missing, and
            the errors are returned with the frame.
        parallel: How many logs are read at a time; True: as many as there are processors,
            at most 8. Threads do it, or processes if transcripts are read; then functions
            of columns must be at the top level of a module, and scripts need
            `if __name__ == "__main__"`.
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
    if full:
        columns = [_with_all_metadata(column) for column in columns]
    plan = plan_columns("samples_df", columns, strict, (EvalColumn, SampleColumn))
    return rows_frame(Request("samples_df", logs, quiet, frame, fs_options, parallel), plan)


def _with_all_metadata(column: Column) -> Column:
    if not isinstance(column, SampleColumn) or column.name != "metadata_*":
        return column
    column = copy(column)
    column.full = True
    return column
