"""Parquet files of samples: how they are written, and how they are read.

Row groups are small (by rows and by bytes), so that one sample is read without the rest and
neither writing nor copying holds more than one group in memory.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks_lib._errors import LogFormatError
from tasks_lib.log._arrow import (
    DICTIONARY_COLUMNS,
    HEADER_KEY,
    SCHEMA_VERSION,
    STATISTICS_COLUMNS,
    VERSION_KEY,
)
from tasks_lib.log._files import Place

GROUP_ROWS = 256
"""Most rows in a row group. Each group costs 4 KB of its own; at 256 rows 16 bytes a row."""
GROUP_BYTES = 4_000_000
"""Most bytes (before compression) in a row group, unless a single row has more."""

_PART_CODEC = {"compression": "lz4"}
"""Parts live shortly: LZ4 takes half the time of zstd's level 1, for half as many bytes more."""
_FINAL_CODEC = {"compression": "zstd", "compression_level": 5}
"""Level 5 takes 20 µs more of a short sample than level 3 and saves 8 %, level 9 70 µs and 10 %."""

Metadata = Mapping[bytes, bytes]
"""Key-value metadata of a file."""


def parquet_bytes(batch: pa.RecordBatch, metadata: Metadata) -> bytes:
    """Return a whole Parquet file with one row group."""
    sink = io.BytesIO()
    with _open_writer(sink, batch.schema, _PART_CODEC) as writer:
        if batch.num_rows:
            writer.write_batch(batch)
        writer.add_key_value_metadata(dict(metadata))
    return sink.getvalue()


def write_groups(
    sink: IO[bytes],
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    metadata: Callable[[], Metadata],
) -> int:
    """Write batches as one Parquet file, regrouped, and return the number of rows.

    Args:
        sink: Where to.
        schema: Columns; one that a batch lacks is null there.
        batches: Taken one at a time.
        metadata: Called when all rows are written.
    """
    rows = 0
    with _open_writer(sink, schema, _FINAL_CODEC) as writer:
        for group in _groups(batches):
            aligned = [_aligned(batch, schema) for batch in group]
            writer.write_table(pa.Table.from_batches(aligned, schema))
            rows += sum(batch.num_rows for batch in group)
        writer.add_key_value_metadata(dict(metadata()))
    return rows


@contextmanager
def open_parquet(place: Place) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file of ours; only its footer is read.

    Raises:
        FileNotFoundError: There is none.
        LogFormatError: It is damaged, was not written by us or by a newer version.
    """
    with place.fs.open(place.path, "rb") as source:
        with reading(place):
            file = parquet_file(source)
        with file:
            check_version(place, file.metadata.metadata or {})
            yield file


def parquet_file(source: IO[bytes], metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """Return a Parquet file that only the calling thread reads; its footer unless it is given.

    Reading ahead (`pre_buffer`) reads `source` in threads of pyarrow. One that still lets go of
    `source` when the interpreter ends aborts the process.
    """
    return pq.ParquetFile(
        source, metadata=metadata, pre_buffer=False, page_checksum_verification=True
    )


@contextmanager
def reading(place: Place) -> Iterator[None]:
    """Turn what pyarrow and our decoding say of a damaged file into a `LogFormatError`."""
    try:
        yield
    except (FileNotFoundError, LogFormatError):
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise LogFormatError(
            f"{place.url!r} cannot be read as a log of ours: {_first_line(error)}"
        ) from error


def check_version(place: Place, metadata: Metadata) -> None:
    """Raise LogFormatError unless this version of ours reads files with this metadata."""
    version = metadata.get(VERSION_KEY, b"")
    if HEADER_KEY not in metadata or not version.isdigit():
        raise LogFormatError(f"{place.url!r} is a Parquet file but not a log of ours.")
    if int(version) > SCHEMA_VERSION:
        raise LogFormatError(
            f"{place.url!r} has schema version {int(version)}, this package reads up to "
            f"{SCHEMA_VERSION}: upgrade it."
        )


def read_group(
    file: pq.ParquetFile, group: int, columns: Sequence[str] | None = None
) -> pa.RecordBatch:
    """Return a row group, or the named columns of it that the file has, as one batch."""
    if columns is not None:
        known = set(file.schema_arrow.names)
        columns = [name for name in columns if name in known]
    table = file.read_row_group(group, columns=columns, use_threads=False)
    batches: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _open_writer(sink: IO[bytes], schema: pa.Schema, codec: Mapping[str, Any]) -> pq.ParquetWriter:
    """Return a Parquet writer with the settings of our logs."""
    return pq.ParquetWriter(
        sink,
        schema,
        **codec,
        use_dictionary=[*DICTIONARY_COLUMNS],
        write_statistics=[*STATISTICS_COLUMNS],
        write_page_checksum=True,
        store_schema=False,  # the Parquet types say it all, and it costs 3 KB a file
    )


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for whole in batches:
        for batch in _slices(whole):
            if group and (rows + batch.num_rows > GROUP_ROWS or size + batch.nbytes > GROUP_BYTES):
                filling = batch.slice(0, GROUP_ROWS - rows)
                if size + filling.nbytes <= GROUP_BYTES:
                    group.append(filling)
                    batch = batch.slice(filling.num_rows)
                yield group
                group, rows, size = [], 0, 0
            group.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
    if group:
        yield group


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in pieces that fit into a row group; a row that does not fit, alone."""
    rows = batch.num_rows
    if rows > 1 and (rows > GROUP_ROWS or batch.nbytes > GROUP_BYTES):
        yield from _slices(batch.slice(0, rows // 2))
        yield from _slices(batch.slice(rows // 2))
    elif rows:
        yield batch


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.equals(schema):
        return batch
    known = set(batch.schema.names)
    arrays = [
        batch.column(field.name).cast(field.type)
        if field.name in known
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
