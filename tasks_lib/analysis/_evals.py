"""The frame of logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from tasks_lib.analysis._columns import Column, ColumnError, EvalColumn
from tasks_lib.analysis._eval_columns import EvalColumns
from tasks_lib.analysis._frame import Frame, FrameType
from tasks_lib.analysis._read import plan_columns
from tasks_lib.analysis._run import Request, evals_frame
from tasks_lib.analysis._sources import FsOptions, Logs

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    strict: Literal[True] = True,
    quiet: bool | None = None,
    *,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> pd.DataFrame: ...


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    strict: Literal[True] = True,
    quiet: bool | None = None,
    *,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> pl.DataFrame: ...


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    strict: Literal[True] = True,
    quiet: bool | None = None,
    *,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> pa.Table: ...


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    *,
    strict: Literal[False],
    quiet: bool | None = None,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> tuple[pd.DataFrame, list[ColumnError]]: ...


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    *,
    strict: Literal[False],
    quiet: bool | None = None,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> tuple[pl.DataFrame, list[ColumnError]]: ...


@overload
def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    *,
    strict: Literal[False],
    quiet: bool | None = None,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> tuple[pa.Table, list[ColumnError]]: ...


def evals_df(
    logs: Logs = None,
    columns: Sequence[Column] = EvalColumns,
    strict: bool = True,
    quiet: bool | None = None,
    *,
    frame: FrameType = "pandas",
    fs_options: FsOptions = None,
) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each log; only headers are read.

    The first columns are `eval_id` and those chosen, `log` (where it is) among them. A log
    that is there twice has one row.

    Args:
        logs: Paths or URLs of logs or of folders of logs, entries of a listing, or logs in
            memory, one or several; None: the logs in the log directory (EVAL_LOG_DIR, else
            `./logs`). Logs that are still being written count.
        columns: The columns, `EvalColumn`s; of several with the same name the last counts.
        strict: Whether a cell that cannot be made is an error. False: it is missing, and
            the errors are returned with the frame.
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
    plan = plan_columns("evals_df", columns, strict, (EvalColumn,))
    return evals_frame(Request("evals_df", logs, quiet, frame, fs_options), plan)
