"""Writing a whole log at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import pyarrow as pa

from tasks_lib._errors import LogError
from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._documents import DocumentFormat, ReadFormat, document_format
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._final import write_log_file
from tasks_lib.log._header import header_metadata, read_score_columns, score_names
from tasks_lib.log._log_file import Document, FsOptions, LogFile, find_any, location_of
from tasks_lib.log._parquet import GROUP_BYTES, GROUP_ROWS
from tasks_lib.log._parts import LogFiles, header_metadata_of, last_attempts
from tasks_lib.log._reader import samples_of
from tasks_lib.log._rows import Row, sample_row
from tasks_lib.schema import EvalLog, EvalSample, EvalSpec


def write_eval_log(
    log: EvalLog,
    location: LogFile | None = None,
    format: ReadFormat = "auto",
    fs_options: FsOptions = None,
) -> None:
    """Write a log, which appears whole and replaces what was there.

    A log whose samples were not read (`samples` is None) keeps the samples that the file at
    `location` has, so a header can be edited without reading the log.

    Args:
        log: What to write.
        location: Path or URL; None: `log.location`.
        format: Format of the file; `auto` goes by the extension.
        fs_options: Options of the store, as fsspec takes them.

    Raises:
        ValueError: Neither `location` nor `log.location` is set.
        LogError: It could not be written. What was there stays.
    """
    target = location_of(location) if location is not None else log.location
    if not target:
        raise ValueError("write_eval_log: the log has no location of its own, so pass one.")
    place = open_place(target, fs_options)
    document = document_format(place.name, format)
    old = None
    if log.samples is None:
        with suppress(FileNotFoundError):
            old = find_any(target, format, fs_options)
    if isinstance(old, LogFiles) and document is None:
        _write_rows(place, log, old)
    elif old is not None:
        write_log(place, document, log, samples_of(old), scorers_of(old))
    else:
        write_log(place, document, log, log.samples or ())


def write_log(
    place: Place,
    document: DocumentFormat | None,
    header: EvalLog,
    samples: Iterable[EvalSample],
    scorers: Sequence[str] = (),
) -> None:
    """Write a log, which appears whole, with few samples in memory at a time.

    Args:
        place: Where to.
        document: Format of the file; None: Parquet.
        header: All but the samples.
        samples: Taken one at a time.
        scorers: Names that have scores in the samples, besides those that the header tells.

    Raises:
        LogError: It could not be written. What was there stays.
    """
    if document is None:
        columns = columns_of_scorers([*scorers, *score_names(header)])
        schema = sample_schema(columns)
        batches = _batches(samples, list(columns), header.eval, schema)
        _write_parquet(place, header, columns, batches)
        return
    with _writing(place):
        document.write(place, header, samples)


def scorers_of(found: Document | LogFiles) -> list[str]:
    """Return the names that have scores in a log's samples."""
    if isinstance(found, LogFiles):
        return list(read_score_columns(header_metadata_of(found)))
    summaries = found.format.read_summaries(found.place)
    names = (name for summary in summaries for name in summary.scores or ())
    return list(dict.fromkeys(names))


def _write_rows(place: Place, header: EvalLog, old: LogFiles) -> None:
    """Write a log with the rows that there are."""
    columns = columns_of_scorers([*scorers_of(old), *score_names(header)])
    _write_parquet(place, header, columns, last_attempts(old.files))


def _write_parquet(
    place: Place,
    header: EvalLog,
    columns: Mapping[str, str],
    batches: Iterator[pa.RecordBatch],
) -> None:
    with _writing(place):
        place.fs.makedirs(place.parent.path, exist_ok=True)
        write_log_file(
            place,
            sample_schema(columns),
            batches,
            lambda: header_metadata(header, columns),
            beside=place.parent,
        )


@contextmanager
def _writing(place: Place) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise LogError(f"The log {place.url!r} could not be written ({error}).") from error


def _batches(
    samples: Iterable[EvalSample], scorers: Sequence[str], spec: EvalSpec, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the samples, some at a time: fewer when they are big."""
    rows: list[Row] = []
    size = 0
    for sample in samples:
        row = sample_row(sample, scorers)
        rows.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(rows) == GROUP_ROWS or size >= GROUP_BYTES:
            yield sample_batch(rows, spec, schema)
            rows, size = [], 0
    if rows:
        yield sample_batch(rows, spec, schema)
