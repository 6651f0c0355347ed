"""One sample's row in Parquet files, found without reading the others."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks_lib.log._arrow import BASE_SCHEMA, RUN_COLUMNS
from tasks_lib.log._files import Place
from tasks_lib.log._parquet import (
    check_version,
    open_parquet,
    parquet_file,
    read_group,
    reading,
)
from tasks_lib.log._parts import SampleKey

_COPIES = (
    *RUN_COLUMNS,
    "output",
    "answer",
    "stop_reason",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "reasoning_tokens",
    "input_tokens_cache_read",
    "input_tokens_cache_write",
    "error",
    "limit",
    "retries",
    "cost",
)
"""Columns for queries: what they and those of scores say, `row_sample` takes from others."""

ROW_COLUMNS = tuple(name for name in BASE_SCHEMA.names if name not in _COPIES)
"""Columns that make up a sample. Every column costs time to read, so the others stay unread."""

_KEPT_FOOTERS = 4
_FOOTERS: dict[tuple[int, ...], pq.FileMetaData] = {}
"""Footers of local files by what tells files and their versions apart."""
_FOOTERS_LOCK = Lock()

_OTHER_KEYS = ["sample_id_type", "epoch", "attempt"]
"""What tells rows apart that have the same id as text."""


class _Found(NamedTuple):
    attempt: int
    row: dict[str, Any]


def find_sample_row(files: Sequence[Place], key: SampleKey) -> dict[str, Any] | None:
    """Return the row of one sample and epoch, of the last attempt; None if there is none.

    It has the columns that `row_sample` needs.

    Row groups whose statistics exclude the sample stay unread; of the others the key columns
    are read, and of one the rest.
    """
    best: _Found | None = None
    for place in files:
        with _open(place) as file, reading(place):
            found = _find_in_file(file, key, 0 if best is None else best.attempt)
        best = found or best
    return best.row if best else None


@contextmanager
def _open(place: Place) -> Iterator[pq.ParquetFile]:
    """Do what `open_parquet` does; the footers of the last local files are kept parsed.

    Parsing one takes as long as finding a sample, and who reads one sample reads more.
    """
    if not place.is_local:
        with open_parquet(place) as file:
            yield file
        return
    with Path(place.path).open("rb") as source:
        stat = os.fstat(source.fileno())  # of the file that is open, whatever replaces it
        version = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = _FOOTERS.get(version)
        with reading(place):
            file = parquet_file(source, known)
        with file:
            check_version(place, file.metadata.metadata or {})
            with _FOOTERS_LOCK:
                _FOOTERS[version] = file.metadata
                if len(_FOOTERS) > _KEPT_FOOTERS:
                    del _FOOTERS[next(iter(_FOOTERS))]
            yield file


def _find_in_file(file: pq.ParquetFile, key: SampleKey, least: int) -> _Found | None:
    """Return the last row of the highest attempt, if that is at least `least`."""
    best, attempt = None, least
    for group, rows in _rows_with_id(file, key).items():
        keys = file.read_row_group(group, columns=_OTHER_KEYS, use_threads=False)
        for row in rows:
            kind, epoch, number = (keys.column(name)[row].as_py() for name in _OTHER_KEYS)
            if (kind == "int") == key.is_int and epoch == key.epoch and number >= attempt:
                best, attempt = (group, row), number
    if best is None:
        return None
    batch = read_group(file, best[0], ROW_COLUMNS)
    return _Found(attempt, batch.slice(best[1], 1).to_pylist()[0])


def _rows_with_id(file: pq.ParquetFile, key: SampleKey) -> dict[int, list[int]]:
    """Return the rows that have the id as text, by row group, in order."""
    groups = _candidates(file.metadata, key)
    if not groups:
        return {}
    ids = file.read_row_groups(groups, columns=["sample_id"], use_threads=False).column(0)
    found: dict[int, list[int]] = {}
    sizes = (file.metadata.row_group(group).num_rows for group in groups)
    starts = list(accumulate(sizes, initial=0))
    for position in pc.indices_nonzero(pc.equal(ids, key.sample_id)).to_pylist():
        at = bisect_right(starts, position) - 1
        found.setdefault(groups[at], []).append(position - starts[at])
    return found


def _candidates(metadata: pq.FileMetaData, key: SampleKey) -> list[int]:
    """Return the row groups that may have the sample."""
    names = [metadata.schema.column(index).name for index in range(metadata.num_columns)]
    sample_ids, epochs = names.index("sample_id"), names.index("epoch")
    chosen = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if _may_hold(group.column(sample_ids).statistics, key.sample_id) and _may_hold(
            group.column(epochs).statistics, key.epoch
        ):
            chosen.append(number)
    return chosen


def _may_hold(statistics: pq.Statistics | None, value: str | int) -> bool:
    if statistics is None or not statistics.has_min_max:
        return True
    low, high = statistics.min, statistics.max
    return bool(low <= value <= high)
