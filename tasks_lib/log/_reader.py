"""Reading logs, finished or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from os import PathLike, fspath
from typing import Any, Literal, TypeAlias, TypeVar

import pyarrow as pa

from tasks_lib.log._arrow import BASE_SCHEMA, HEAVY_COLUMNS
from tasks_lib.log._header import read_header
from tasks_lib.log._listing import EvalLogInfo
from tasks_lib.log._parquet import open_parquet, read_group, reading
from tasks_lib.log._parts import (
    LogFiles,
    RowPlace,
    SampleKey,
    find_log,
    find_row,
    header_metadata_of,
    index_rows,
)
from tasks_lib.log._rows import row_sample
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary

LogFile: TypeAlias = "str | PathLike[str] | EvalLogInfo"
"""A log: its path or URL (of the file to come, or of the folder of parts, while it is being
written), or an entry of a listing."""

ReadFormat = Literal["parquet", "json", "auto"]
"""Format of a log that is read; `auto` goes by the file's extension."""

FsOptions: TypeAlias = "Mapping[str, Any] | None"
"""Options of the store, as fsspec takes them."""

T = TypeVar("T")

_SUMMARY_COLUMNS = [name for name in BASE_SCHEMA.names if name not in HEAVY_COLUMNS]


def read_eval_log(
    log_file: LogFile,
    header_only: bool = False,
    resolve_attachments: bool = False,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> EvalLog:
    """Return a log.

    Args:
        log_file: Which log. One that is still being written (or whose writer was killed) has
            the status `started` and the samples that were written so far.
        header_only: Whether samples stay unread: only the file's footer is read then, and
            `samples` is None.
        resolve_attachments: Whether references to attachments, in logs that were imported,
            are replaced by what they stand for.
        format: Format of the file.
        fs_options: Options of the store, as fsspec takes them.

    Returns:
        The log, its samples sorted by epoch and id. Reductions are there when the log has
        several epochs; with one they would repeat the scores.

    Raises:
        FileNotFoundError: There is no such log.
        LogFormatError: It is damaged, not a log of ours, or written by a newer version.
    """
    _check_format(log_file, format)
    return _read(
        log_file, fs_options, lambda files: _whole_log(files, header_only, resolve_attachments)
    )


async def read_eval_log_async(
    log_file: LogFile,
    header_only: bool = False,
    resolve_attachments: bool = False,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> EvalLog:
    """Do what `read_eval_log` does, in a thread."""
    return await asyncio.to_thread(
        read_eval_log, log_file, header_only, resolve_attachments, format, fs_options
    )


def read_eval_log_sample(
    log_file: LogFile,
    id: int | str,
    epoch: int = 1,
    resolve_attachments: bool = False,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> EvalSample:
    """Return one sample of a log; the others stay unread. The ids 1 and "1" are different.

    Raises:
        IndexError: The log has no such sample.
        FileNotFoundError, LogFormatError: As `read_eval_log`.
    """
    _check_format(log_file, format)
    key = SampleKey(str(id), isinstance(id, int), epoch)

    def read(files: LogFiles) -> EvalSample:
        place = find_row(files.files, key)
        if place is None:
            raise IndexError(f"{files.log.url!r} has no sample {id!r} in epoch {epoch}.")
        return _resolved(_GroupReader(files).sample(place), resolve_attachments)

    return _read(log_file, fs_options, read)


def read_eval_log_samples(
    log_file: LogFile,
    all_samples_required: bool = True,
    resolve_attachments: bool = False,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> Generator[EvalSample, None, None]:
    """Yield the samples of a log by epoch and id, with few of them in memory at a time.

    Args:
        log_file: Which log.
        all_samples_required: Whether a log that did not end with success is an error.
        resolve_attachments: As in `read_eval_log`.
        format: Format of the file.
        fs_options: Options of the store, as fsspec takes them.

    Raises:
        RuntimeError: All samples are required, and the log's status is not `success`.
        FileNotFoundError, LogFormatError: As `read_eval_log`.
    """
    _check_format(log_file, format)
    files = find_log(_location(log_file), fs_options)
    with reading(files.log):
        status = read_header(header_metadata_of(files)).status
    if all_samples_required and status != "success":
        raise RuntimeError(
            f"{files.log.url!r} has status {status!r}, so samples may be missing. Pass "
            "all_samples_required=False to read those that are there."
        )
    reader = _GroupReader(files)
    index = index_rows(files.files)
    for key in sorted(index, key=lambda key: key.order):
        try:
            sample = reader.sample(index[key])
        except FileNotFoundError:  # the run has ended, the parts are in the final file now
            files = find_log(_location(log_file), fs_options)
            reader, index = _GroupReader(files), index_rows(files.files)
            sample = reader.sample(index[key])
        yield _resolved(sample, resolve_attachments)


def read_eval_log_sample_summaries(
    log_file: LogFile, format: ReadFormat = "auto", fs_options: FsOptions = None
) -> list[EvalSampleSummary]:
    """Return a summary of each sample, by epoch and id. Transcripts stay unread.

    Raises:
        FileNotFoundError, LogFormatError: As `read_eval_log`.
    """
    _check_format(log_file, format)
    return _read(log_file, fs_options, _summaries)


def _whole_log(files: LogFiles, header_only: bool, resolve_attachments: bool) -> EvalLog:
    with reading(files.log):
        log = read_header(header_metadata_of(files))
    log.location = files.log.url
    if not header_only:
        samples = _all_samples(files, None)
        log.samples = [_resolved(sample, resolve_attachments) for sample in samples]
    return log


def _summaries(files: LogFiles) -> list[EvalSampleSummary]:
    return [sample.summary() for sample in _all_samples(files, _SUMMARY_COLUMNS)]


def _all_samples(files: LogFiles, columns: list[str] | None) -> list[EvalSample]:
    """Return all samples by epoch and id; each row group is read once."""
    index = index_rows(files.files)
    reader = _GroupReader(files, columns)
    found = {key: reader.sample(place) for key, place in sorted(index.items(), key=lambda i: i[1])}
    return [found[key] for key in sorted(found, key=lambda key: key.order)]


class _GroupReader:
    """Reads samples by their place; keeps the last row groups, as neighbours follow."""

    _KEPT = 4

    def __init__(self, files: LogFiles, columns: list[str] | None = None) -> None:
        self._files = files
        self._columns = columns
        self._groups: dict[tuple[int, int], pa.RecordBatch] = {}

    def sample(self, place: RowPlace) -> EvalSample:
        """Return the sample at `place`."""
        batch = self._group(place.file, place.group)
        with reading(self._files.files[place.file]):
            return row_sample(batch.slice(place.row, 1).to_pylist()[0])

    def _group(self, file: int, group: int) -> pa.RecordBatch:
        known = self._groups.pop((file, group), None)
        if known is None:
            place = self._files.files[file]
            with open_parquet(place) as parquet, reading(place):
                known = read_group(parquet, group, self._columns)
        self._groups[file, group] = known  # the most recent is last
        if len(self._groups) > self._KEPT:
            del self._groups[next(iter(self._groups))]
        return known


def _read(log_file: LogFile, fs_options: FsOptions, read: Callable[[LogFiles], T]) -> T:
    location = _location(log_file)
    try:
        return read(find_log(location, fs_options))
    except FileNotFoundError:  # parts vanish when a run ends; there is a final file then
        return read(find_log(location, fs_options))


def _location(log_file: LogFile) -> str:
    return log_file.name if isinstance(log_file, EvalLogInfo) else fspath(log_file)


def _check_format(log_file: LogFile, format: ReadFormat) -> None:
    json_file = format == "auto" and _location(log_file).endswith(".json")
    if format == "json" or json_file:
        raise NotImplementedError(f"read_eval_log: format='json' ({_location(log_file)!r}).")


def _resolved(sample: EvalSample, resolve_attachments: bool) -> EvalSample:
    if not resolve_attachments or not sample.attachments:
        return sample
    raise NotImplementedError("read_eval_log: resolve_attachments for a log with attachments.")
