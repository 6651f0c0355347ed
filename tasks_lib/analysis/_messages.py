"""The frame of messages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from tasks_lib.analysis._columns import (
    Column,
    ColumnError,
    EvalColumn,
    MessageColumn,
    MessageFilter,
    SampleColumn,
)
from tasks_lib.analysis._frame import Frame, FrameType
from tasks_lib.analysis._message_columns import MessageColumns
from tasks_lib.analysis._read import Detail, plan_columns
from tasks_lib.analysis._run import Request, rows_frame
from tasks_lib.analysis._sources import FsOptions, Logs
from tasks_lib.analysis._text import message_as_text
from tasks_lib.schema import ChatMessage, EvalSample, ModelEvent

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> pd.DataFrame: ...


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> pl.DataFrame: ...


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    strict: Literal[True] = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> pa.Table: ...


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["pandas"] = "pandas",
    fs_options: FsOptions = None,
) -> tuple[pd.DataFrame, list[ColumnError]]: ...


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["polars"],
    fs_options: FsOptions = None,
) -> tuple[pl.DataFrame, list[ColumnError]]: ...


@overload
def messages_df(
    logs: Logs = None,
    columns: Sequence[Column] = ...,
    filter: MessageFilter | None = None,
    *,
    strict: Literal[False],
    parallel: bool | int = False,
    quiet: bool | None = None,
    frame: Literal["arrow"],
    fs_options: FsOptions = None,
) -> tuple[pa.Table, list[ColumnError]]: ...


def messages_df(  # noqa: PLR0913 - the documented signature
    logs: Logs = None,
    columns: Sequence[Column] = MessageColumns,
    filter: MessageFilter | None = None,
    strict: bool = True,
    parallel: bool | int = False,
    quiet: bool | None = None,
    *,
    frame: FrameType = "pandas",
    fs_options: FsOptions = None,
) -> Frame | tuple[Frame, list[ColumnError]]:
    """Return a frame with a row for each message that a model was sent or answered with.

    These are the distinct messages of the model events of each sample, in their order. The
    first columns are `message_id` (the message's own if that column is chosen and it has
    one, else a digest), `sample_id`, `eval_id`, and those about log, sample and message; the
    last is `order`, the position in the sample from 1.

    Args:
        logs: Paths or URLs of logs or of folders of logs, entries of a listing, or logs in
            memory, one or several; None: the logs in the log directory (EVAL_LOG_DIR, else
            `./logs`). Logs that are still being written count.
        columns: The columns, `MessageColumn`s, `SampleColumn`s and `EvalColumn`s; of
            several with the same name the last counts.
        filter: Which messages get a row; None: all.
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
    detail = Detail("message", partial(_messages_of, filter=filter))
    levels = (EvalColumn, SampleColumn, MessageColumn)
    plan = plan_columns("messages_df", columns, strict, levels, detail)
    return rows_frame(Request("messages_df", logs, quiet, frame, fs_options, parallel), plan)


def _messages_of(sample: EvalSample, filter: MessageFilter | None) -> list[ChatMessage]:
    """Return the messages of model calls, each once, by id or else by what they say."""
    found: dict[str, ChatMessage] = {}
    for event in sample.events:
        if isinstance(event, ModelEvent):
            answer = [event.output.message] if event.output.choices else []
            for message in [*event.input, *answer]:
                found.setdefault(message.id or message_as_text(message), message)
    return [message for message in found.values() if filter is None or filter(message)]
