"""The Parquet files that make up one log: the finished file, or its parts so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import pyarrow as pa

from tasks_lib.log._files import Place, open_place, store_errors
from tasks_lib.log._parquet import open_parquet, read_group, reading
from tasks_lib.log._paths import live_folder, log_of_live_folder, part_name
from tasks_lib.log._rows import row_sample
from tasks_lib.schema import EvalSample

KEY_COLUMNS = ("sample_id", "sample_id_type", "epoch", "attempt")
"""What tells rows apart, and of several rows of a sample and epoch the last attempt's."""


class LogFiles(NamedTuple):
    """A log's files."""

    log: Place
    """Where the finished log is or will be."""
    files: list[Place]
    """The finished log, or the parts in the order in which they were written."""
    live: bool
    """Whether these are parts."""


class RowPlace(NamedTuple):
    """Where a sample's row is."""

    file: int
    """Position in `LogFiles.files`."""
    group: int
    row: int
    """Position in the row group."""


class SampleKey(NamedTuple):
    """What a row is found by; 1 and "1" are different."""

    sample_id: str
    is_int: bool
    epoch: int

    @property
    def id(self) -> int | str:
        """The sample's id."""
        return int(self.sample_id) if self.is_int else self.sample_id

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """Sorts by epoch, then by id: numbers by value, before text."""
        number = int(self.sample_id) if self.is_int else 0
        return self.epoch, not self.is_int, number, self.sample_id


def find_log(location: str | PurePath, fs_options: Mapping[str, Any] | None = None) -> LogFiles:
    """Return the files of the log at `location`: its (future) path, or its folder of parts.

    Raises:
        FileNotFoundError: There is neither a log nor a part of one.
    """
    place = open_place(location, fs_options)
    log = log_of_live_folder(place)
    if log is None:
        if place.is_file():
            return LogFiles(place, [place], live=False)
        log, folder = place, live_folder(place)
    else:
        folder = place
    parts = list_parts(folder)
    if not parts:
        raise FileNotFoundError(f"There is no log at {place.url!r}.")
    return LogFiles(log, parts, live=True)


def list_parts(folder: Place) -> list[Place]:
    """Return the parts in a live folder, in the order in which they were written.

    Raises:
        OSError: The store does not answer.
    """
    folder.fs.invalidate_cache(folder.path)
    try:
        with store_errors():
            paths = folder.fs.ls(folder.path, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return []
    parts = [Place(folder.fs, path) for path in paths]
    named = [(name, part) for part in parts if (name := part_name(part.name))]
    return [part for _, part in sorted(named, key=lambda item: item[0])]


def header_metadata_of(log: LogFiles) -> dict[bytes, bytes]:
    """Return the metadata of a log. Reads one footer: that of the first part is complete."""
    with open_parquet(log.files[0]) as file:
        metadata: dict[bytes, bytes] = file.metadata.metadata
        return metadata


def index_rows(files: Iterable[Place]) -> dict[SampleKey, RowPlace]:
    """Return where the row of each sample and epoch is; of several rows, the last attempt's.

    Reads nothing but the key columns.
    """
    index: dict[SampleKey, RowPlace] = {}
    attempts: dict[SampleKey, int] = {}
    for number, place in enumerate(files):
        keys, sizes = _keys(place)
        columns = (keys.column(name).to_pylist() for name in KEY_COLUMNS)
        places = (
            RowPlace(number, group, row) for group, size in enumerate(sizes) for row in range(size)
        )
        for row_place, (sample_id, kind, epoch, attempt) in zip(
            places, zip(*columns, strict=True), strict=True
        ):
            key = SampleKey(sample_id, kind == "int", epoch)
            if attempt >= attempts.get(key, attempt):
                attempts[key] = attempt
                index[key] = row_place
    return index


def last_attempts(
    files: list[Place], columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files, one row group at a time, without superseded rows.

    Of the rows only the named columns are read, if any are named.
    """
    superseded = _superseded(files)
    for number, place in enumerate(files):
        with open_parquet(place) as file, reading(place):
            for group in range(file.num_row_groups):
                batch = read_group(file, group, columns)
                dropped = superseded.get((number, group))
                if dropped:
                    kept = [row for row in range(batch.num_rows) if row not in dropped]
                    batch = batch.take(pa.array(kept, pa.int64()))
                yield batch


def all_rows(files: Iterable[Place]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files, one row group at a time, in the order of writing."""
    for place in files:
        with open_parquet(place) as file, reading(place):
            for group in range(file.num_row_groups):
                yield read_group(file, group)


def part_samples(files: list[Place]) -> Iterator[EvalSample]:
    """Yield the samples of all files in the order of writing, of each its last attempt."""
    for batch in last_attempts(files):
        for row in batch.to_pylist():
            yield row_sample(row)


def _superseded(files: list[Place]) -> dict[tuple[int, int], set[int]]:
    """Return the rows, by file and row group, that a later attempt replaced."""
    if not _files_repeat_keys(files):
        return {}
    kept = set(index_rows(files).values())
    dropped: dict[tuple[int, int], set[int]] = {}
    for number, place in enumerate(files):
        with open_parquet(place) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                gone = {row for row in range(rows) if RowPlace(number, group, row) not in kept}
                if gone:
                    dropped[number, group] = gone
    return dropped


def _files_repeat_keys(files: list[Place]) -> bool:
    """Whether a sample and epoch has several rows; keeps nothing but keys, in Arrow."""
    if not files:
        return False
    return has_repeated_keys(pa.concat_tables([_keys(place)[0] for place in files]))


def has_repeated_keys(keys: pa.Table) -> bool:
    """Whether a sample and epoch has several rows in a table that has `KEY_COLUMNS`."""
    names = list(KEY_COLUMNS[:3])
    distinct: int = keys.select(names).group_by(names, use_threads=False).aggregate([]).num_rows
    return distinct < int(keys.num_rows)


def _keys(place: Place) -> tuple[pa.Table, list[int]]:
    """Return the key columns of a file, and how many rows each row group has."""
    with open_parquet(place) as file, reading(place):
        keys = file.read(list(KEY_COLUMNS), use_threads=False)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    return keys, sizes
