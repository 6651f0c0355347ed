"""Writing a whole log at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import pyarrow as pa

from tasks_lib._errors import LogError
from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._files import open_place
from tasks_lib.log._header import header_metadata, read_score_columns, score_names
from tasks_lib.log._listing import EvalLogInfo
from tasks_lib.log._live import sample_batch, write_log_file
from tasks_lib.log._parquet import GROUP_ROWS
from tasks_lib.log._parts import LogFiles, find_log, header_metadata_of, last_attempts
from tasks_lib.log._reader import ReadFormat
from tasks_lib.log._rows import sample_row
from tasks_lib.schema import EvalLog


def write_eval_log(
    log: EvalLog,
    location: str | PathLike[str] | EvalLogInfo | None = None,
    format: ReadFormat = "auto",
    fs_options: Mapping[str, Any] | None = None,
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
    target = location.name if isinstance(location, EvalLogInfo) else fspath(location or "")
    target = target or log.location
    if not target:
        raise ValueError("write_eval_log: the log has no location of its own, so pass one.")
    if format == "json" or (format == "auto" and target.endswith(".json")):
        raise NotImplementedError(f"write_eval_log: format='json' ({target!r}).")
    place = open_place(target, fs_options)
    known: dict[str, str] = {}
    old = _existing(target, fs_options) if log.samples is None else None
    if old is not None:
        known = read_score_columns(header_metadata_of(old))
    columns = columns_of_scorers([*known, *score_names(log)])
    schema = sample_schema(columns)
    batches = last_attempts(old.files) if old else _batches(log, list(columns), schema)
    try:
        place.fs.makedirs(place.parent.path, exist_ok=True)
        write_log_file(
            place, schema, batches, lambda: header_metadata(log, columns), beside=place.parent
        )
    except (OSError, pa.ArrowException) as error:
        raise LogError(f"The log {place.url!r} could not be written ({error}).") from error


def _existing(location: str, fs_options: Mapping[str, Any] | None) -> LogFiles | None:
    try:
        return find_log(location, fs_options)
    except FileNotFoundError:
        return None


def _batches(log: EvalLog, scorers: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    samples = log.samples or []
    for start in range(0, len(samples), GROUP_ROWS):
        rows = [sample_row(sample, scorers) for sample in samples[start : start + GROUP_ROWS]]
        yield sample_batch(rows, log.eval, schema)
