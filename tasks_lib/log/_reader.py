"""Reading logs of all formats, finished or not."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence

from tasks_lib.log._arrow import HEAVY_COLUMNS
from tasks_lib.log._condense import resolve_sample_attachments
from tasks_lib.log._documents import ReadFormat
from tasks_lib.log._log_file import (
    ATTEMPTS,
    Document,
    FsOptions,
    LogFile,
    files_changed,
    find_any,
    header_of,
    location_of,
    read_log,
    read_log_header,
)
from tasks_lib.log._parquet import reading
from tasks_lib.log._parts import LogFiles, SampleKey, last_attempts
from tasks_lib.log._row_lookup import ROW_COLUMNS, find_sample_row
from tasks_lib.log._rows import row_sample, sample_id_text
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary

_SUMMARY_COLUMNS = [name for name in ROW_COLUMNS if name not in HEAVY_COLUMNS]


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
        header_only: Whether samples stay unread; `samples` is None then.
        resolve_attachments: Whether references to attachments are replaced by what they
            stand for.
        format: Format of the file; `auto` goes by the extension.
        fs_options: Options of the store, as fsspec takes them.

    Returns:
        The log, its samples sorted by epoch and id. Logs in Parquet have reductions when there
        are several epochs; with one they would repeat the scores.

    Raises:
        FileNotFoundError: There is no such log.
        LogFormatError: It is damaged, not a log, or written by a newer version.
    """
    if header_only:
        return read_log_header(log_file, format, fs_options)
    log = read_log(log_file, format, fs_options, _whole_document, _whole_parquet)
    if resolve_attachments:
        log.samples = [resolve_sample_attachments(sample) for sample in log.samples or ()]
    return log


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

    def of_document(document: Document) -> EvalSample | None:
        return document.format.read_sample(document.place, id, epoch)

    def of_parquet(files: LogFiles) -> EvalSample | None:
        row = find_sample_row(
            files.files, SampleKey(sample_id_text(id), isinstance(id, int), epoch)
        )
        with reading(files.log):
            return None if row is None else row_sample(row)

    sample = read_log(log_file, format, fs_options, of_document, of_parquet)
    if sample is None:
        raise IndexError(f"{location_of(log_file)!r} has no sample {id!r} in epoch {epoch}.")
    return resolve_sample_attachments(sample) if resolve_attachments else sample


def read_eval_log_samples(
    log_file: LogFile,
    all_samples_required: bool = True,
    resolve_attachments: bool = False,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> Generator[EvalSample, None, None]:
    """Yield the samples of a log in the order of its file, with few in memory at a time.

    Args:
        log_file: Which log. Of one that is being written these are the samples so far.
        all_samples_required: Whether a log that did not end with success is an error.
        resolve_attachments: As in `read_eval_log`.
        format: Format of the file.
        fs_options: Options of the store, as fsspec takes them.

    Raises:
        RuntimeError: All samples are required, and the log's status is not `success`.
        FileNotFoundError, LogFormatError: As `read_eval_log`.
    """
    if all_samples_required:
        status = read_log_header(log_file, format, fs_options).status
        if status != "success":
            raise RuntimeError(
                f"{location_of(log_file)!r} has status {status!r}, so samples may be missing. "
                "Pass all_samples_required=False to read those that are there."
            )
    for sample in stream_samples(log_file, format, fs_options):
        yield resolve_sample_attachments(sample) if resolve_attachments else sample


def read_eval_log_sample_summaries(
    log_file: LogFile, format: ReadFormat = "auto", fs_options: FsOptions = None
) -> list[EvalSampleSummary]:
    """Return a summary of each sample, by epoch and id. Transcripts stay unread.

    Raises:
        FileNotFoundError, LogFormatError: As `read_eval_log`.
    """

    def of_document(document: Document) -> list[EvalSampleSummary]:
        return document.format.read_summaries(document.place)

    def of_parquet(files: LogFiles) -> list[EvalSampleSummary]:
        return [sample.summary() for sample in _samples(files, _SUMMARY_COLUMNS)]

    return sorted(read_log(log_file, format, fs_options, of_document, of_parquet), key=_order)


def _whole_document(document: Document) -> EvalLog:
    log = document.format.read_header(document.place)
    log.location = document.place.url
    log.samples = sorted(document.format.read_samples(document.place), key=_order)
    return log


def _whole_parquet(files: LogFiles) -> EvalLog:
    log = header_of(files)
    log.samples = sorted(_samples(files), key=_order)
    return log


def stream_samples(
    log_file: LogFile, format: ReadFormat, fs_options: FsOptions
) -> Iterator[EvalSample]:
    """Yield the samples of a log once each, also when its files change meanwhile."""
    yielded: set[SampleKey] = set()
    in_vain = 0
    while in_vain < ATTEMPTS:
        in_vain += 1
        found = find_any(log_file, format, fs_options)
        try:
            for sample in samples_of(found):
                key = _key(sample)
                if key not in yielded:
                    in_vain = 0
                    yielded.add(key)
                    yield sample
            return
        except FileNotFoundError:  # parts were merged, or the run has ended
            continue
    raise files_changed(log_file)


def samples_of(found: Document | LogFiles) -> Iterator[EvalSample]:
    """Yield the samples of a log in the order of its files, few in memory at a time."""
    if isinstance(found, Document):
        return found.format.read_samples(found.place)
    return _samples(found)


def _samples(files: LogFiles, columns: Sequence[str] = ROW_COLUMNS) -> Iterator[EvalSample]:
    """Yield the samples in Parquet files; a row group is in memory at a time."""
    for batch in last_attempts(files.files, columns):
        for row in batch.to_pylist():
            with reading(files.log):
                sample = row_sample(row)
            yield sample


def _key(sample: EvalSample | EvalSampleSummary) -> SampleKey:
    return SampleKey(sample_id_text(sample.id), isinstance(sample.id, int), sample.epoch)


def _order(sample: EvalSample | EvalSampleSummary) -> tuple[int, bool, int, str]:
    return _key(sample).order
