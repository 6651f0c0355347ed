"""Which logs to read, and how: files in any format and on any store, or logs in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from typing import Any, TypeAlias

import pyarrow as pa

from tasks_lib._errors import MissingFileError
from tasks_lib.log import (
    BASE_SCHEMA,
    EvalLogInfo,
    list_eval_logs,
    open_place,
    read_eval_log,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
    read_eval_log_table,
    resolve_sample_attachments,
    sample_batch,
    sample_row,
)
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary

FsOptions: TypeAlias = "Mapping[str, Any] | None"
"""Options of the store, as fsspec takes them."""

LogPath: TypeAlias = "str | PathLike[str] | EvalLogInfo"
"""Path or URL of a log or of a folder of logs, or an entry of a listing."""

Logs: TypeAlias = "LogPath | EvalLog | Sequence[LogPath | EvalLog] | None"
"""Logs of which a frame is made; None: those in the log directory at the time of the call."""

_LOG_SUFFIXES = (".parquet", ".json", ".eval")


class LogSource:
    """A log, in a file or in memory."""

    def __init__(self, log: str | EvalLog, fs_options: FsOptions = None) -> None:
        """Describe where a log is; nothing is read."""
        in_memory = isinstance(log, EvalLog) and log.samples is not None
        self.location = log.location if isinstance(log, EvalLog) else log
        """Path or URL; empty for a log that is in no file."""
        self._known = log if isinstance(log, EvalLog) else None
        self._samples = self._known.samples if self._known and in_memory else None
        self._fs_options = fs_options

    @cached_property
    def header(self) -> EvalLog:
        """The log without its samples."""
        if self._known is None:
            return read_eval_log(self.location, header_only=True, fs_options=self._fs_options)
        return self._known.model_copy(update={"samples": None})

    def table(self, columns: Sequence[str]) -> pa.Table:
        """Return these columns of the log, a row for each sample and epoch."""
        if self._samples is not None:
            return _table_of(self.header, self._samples).select(columns)
        return read_eval_log_table(self.location, columns, self._fs_options)

    def summaries(self) -> Sequence[EvalSampleSummary]:
        """Return a summary of each sample."""
        if self._samples is not None:
            return [sample.summary() for sample in self._samples]
        return read_eval_log_sample_summaries(self.location, fs_options=self._fs_options)

    def samples(self) -> Iterator[EvalSample]:
        """Yield each sample with its attachments resolved."""
        if self._samples is not None:
            return map(resolve_sample_attachments, self._samples)
        return read_eval_log_samples(
            self.location,
            all_samples_required=False,
            resolve_attachments=True,
            fs_options=self._fs_options,
        )


def find_sources(logs: Logs, fs_options: FsOptions = None) -> list[LogSource]:
    """Return the logs that were asked for, each once.

    Those of a folder come newest first; else the order stays.

    Raises:
        MissingFileError: There is nothing at a path.
    """
    if logs is None:
        logs = list_eval_logs(fs_options=fs_options)
    if isinstance(logs, str | PathLike | EvalLogInfo | EvalLog):
        logs = [logs]
    found: dict[str | int, LogSource] = {}
    for entry in logs:
        if isinstance(entry, EvalLog):
            found.setdefault(id(entry), LogSource(entry, fs_options))
            continue
        for location in _locations(entry, fs_options):
            found.setdefault(location, LogSource(location, fs_options))
    return list(found.values())


def _locations(entry: LogPath, fs_options: FsOptions) -> list[str]:
    """Return the logs at a path as listings name them: absolute."""
    if isinstance(entry, EvalLogInfo):
        return [entry.name]
    path = fspath(entry)
    place = open_place(path, fs_options)
    if path.endswith(_LOG_SUFFIXES):
        return [place.url]  # perhaps it is still being written, so that there is no such file
    infos = list_eval_logs(path, fs_options=fs_options)
    if not infos and not place.exists():
        raise MissingFileError("log or folder of logs", path)
    return [place.url] if place.is_file() else [info.name for info in infos]


def _table_of(header: EvalLog, samples: Sequence[EvalSample]) -> pa.Table:
    """Return the columns of samples in memory, without the transcripts."""
    rows = [sample_row(sample.model_copy(update={"events": []})) for sample in samples]
    return pa.Table.from_batches([sample_batch(rows, header.eval, BASE_SCHEMA)])
