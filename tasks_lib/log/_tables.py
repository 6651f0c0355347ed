"""The rows of a log as an Arrow table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from tasks_lib.log._arrow import SCORES_KEY, columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._header import read_score_columns, score_names
from tasks_lib.log._log_file import Document, FsOptions, LogFile, read_log
from tasks_lib.log._parquet import GROUP_ROWS, open_parquet, reading
from tasks_lib.log._parts import KEY_COLUMNS, LogFiles, has_repeated_keys
from tasks_lib.log._rows import sample_row


def read_eval_log_table(
    log_file: LogFile, columns: Sequence[str] | None = None, fs_options: FsOptions = None
) -> pa.Table:
    """Return the rows of a log, one per sample and epoch, in the order of its files.

    Of Parquet logs nothing but the chosen columns is read. Logs of JSON documents have the
    same rows; they are read whole.

    Args:
        log_file: Which log, in any format, finished or not.
        columns: Names of columns, in the order wanted; None: all. Those that no log of this
            version has are left out; those that this log was written without are null.
        fs_options: Options of the store, as fsspec takes them.

    Returns:
        Rows of the last attempts. The schema's metadata has the column of each scorer, as a
        JSON object under `SCORES_KEY`.

    Raises:
        FileNotFoundError: There is no such log.
        LogFormatError: It is damaged, not a log, or written by a newer version.
    """
    return read_log(
        log_file,
        "auto",
        fs_options,
        lambda document: _document_table(document, columns),
        lambda files: _parquet_table(files, columns),
    )


def _parquet_table(files: LogFiles, columns: Sequence[str] | None) -> pa.Table:
    wanted = None if columns is None else {*columns, *KEY_COLUMNS}
    tables: list[pa.Table] = []
    scores: dict[str, str] = {}
    for place in files.files:
        with open_parquet(place) as file, reading(place):
            names = [name for name in file.schema_arrow.names if wanted is None or name in wanted]
            tables.append(file.read(names, use_threads=False).replace_schema_metadata(None))
            scores |= read_score_columns(file.metadata.metadata)
    table = pa.concat_tables(tables, promote_options="default")
    return _selected(_last_attempts(table), scores, columns)


def _document_table(document: Document, columns: Sequence[str] | None) -> pa.Table:
    header = document.format.read_header(document.place)
    scorers = score_names(header)
    samples = document.format.read_samples(document.place)
    tables = [sample_schema({}).empty_table()]
    while group := list(islice(samples, GROUP_ROWS)):
        found = [name for sample in group for name in sample.scores or ()]
        scorers = list(dict.fromkeys([*scorers, *found]))
        schema = sample_schema(columns_of_scorers(scorers))
        batch = sample_batch([sample_row(sample, scorers) for sample in group], header.eval, schema)
        tables.append(pa.Table.from_batches([batch]))
    table = pa.concat_tables(tables, promote_options="default")
    return _selected(_last_attempts(table), columns_of_scorers(scorers), columns)


def _selected(
    table: pa.Table, scores: Mapping[str, str], columns: Sequence[str] | None
) -> pa.Table:
    """Return the columns that were asked for, null where the table lacks them."""
    schema = sample_schema(scores)
    if columns is not None:
        known = set(schema.names)
        schema = pa.schema([schema.field(n) for n in dict.fromkeys(columns) if n in known])
    present = set(table.schema.names)
    arrays = [
        table.column(field.name).cast(field.type)
        if field.name in present
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        for field in schema
    ]
    metadata = {SCORES_KEY: json.dumps(dict(scores))}
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata(metadata))


def _last_attempts(table: pa.Table) -> pa.Table:
    """Return the table with one row per sample and epoch: the last of its last attempt."""
    names = list(KEY_COLUMNS[:3])
    keys = table.select(KEY_COLUMNS)
    if not has_repeated_keys(keys):
        return table
    rows = pa.array(range(table.num_rows), pa.int64())
    ordered = keys.append_column("row", rows).sort_by(
        [("attempt", "ascending"), ("row", "ascending")]
    )
    kept = ordered.group_by(names, use_threads=False).aggregate([("row", "last")])
    return table.filter(pc.is_in(rows, kept.column("row_last").combine_chunks()))
