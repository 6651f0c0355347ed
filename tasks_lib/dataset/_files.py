"""Datasets that are read from files: JSON, JSON lines, CSV, Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks_lib._errors import ParameterError
from tasks_lib.dataset._columnar import read_arrow, read_parquet
from tasks_lib.dataset._dataset import Dataset
from tasks_lib.dataset._fields import FieldSpec
from tasks_lib.dataset._lines import Lines, json_array, json_lines, spooled_values
from tasks_lib.dataset._reading import Order, Rows, make_dataset
from tasks_lib.dataset._records import read_csv
from tasks_lib.dataset._source import Source
from tasks_lib.schema import RecordToSample


def json_dataset(  # noqa: PLR0913 - the documented signature
    json_file: str,
    sample_fields: FieldSpec | RecordToSample | None = None,
    auto_id: bool = False,
    shuffle: bool | int = False,
    seed: int | None = None,
    shuffle_choices: bool | int | None = None,
    limit: int | None = None,
    encoding: str = "utf-8",
    name: str | None = None,
    fs_options: dict[str, Any] | None = None,
    **reader_kwargs: Any,
) -> Dataset:
    """Read a JSON file: an array of objects, or, if it is named .jsonl, an object per line.

    JSON lines are read one by one, and no more than `limit` needs. Compressed files
    (.jsonl.gz …) unpack. Paths in samples that exist beside the file become full paths.

    Every row is checked here. Samples that would take more than about 64 MB (40,000 short
    ones) are not held in memory, but read and made again when they are asked for: changes to
    one are not there the next time, `sample_fields` is called each time and must return the
    same, and the file must stay as it is. A local file of JSON lines is read where it is (in
    UTF-8, ASCII or Latin-1); of any other file the text is in a temporary one (TMPDIR) as
    long as the dataset lives. `MemoryDataset(dataset)` holds all samples.

    Args:
        json_file: Path, or any URL that fsspec knows.
        sample_fields: Which field is what; or a function that makes of a record a sample,
            a list of them, or an empty list to leave it out.
        auto_id: Number the samples from 1, in the order of the file; replaces their ids.
        shuffle: Put the samples in random order. An integer is the seed.
        seed: Seed of both shuffles; None: another order each time. 0 is a seed.
        shuffle_choices: Put choices in random order, targets follow. An integer is the seed.
        limit: How many samples to keep, after shuffling; 0 keeps none, None all.
        encoding: Encoding of the file.
        name: Name of the dataset; by default the file's, without its ending.
        fs_options: Arguments of the file system, for example credentials.
        **reader_kwargs: Arguments of `json.JSONDecoder`.

    Raises:
        DatasetError: The file or a row of it is wrong. Names file, line and field.
        MissingFileError: There is no such file.
        ParameterError: An argument is wrong.
    """
    order = Order("json_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(json_file, fs_options)
    lines = _json(source, encoding, reader_kwargs)
    return make_dataset(lines, source, Rows(sample_fields, auto_id, name), order)


def csv_dataset(  # noqa: PLR0913 - the documented signature
    csv_file: str,
    sample_fields: FieldSpec | RecordToSample | None = None,
    auto_id: bool = False,
    shuffle: bool | int = False,
    seed: int | None = None,
    shuffle_choices: bool | int | None = None,
    limit: int | None = None,
    dialect: str = "unix",
    encoding: str = "utf-8",
    name: str | None = None,
    fs_options: dict[str, Any] | None = None,
    fieldnames: Sequence[str] | None = None,
    delimiter: str | None = None,
) -> Dataset:
    """Read a CSV file, row by row; rows that are entirely blank are skipped.

    All values are text. An empty cell counts as missing where a sample's field may be. For
    what isn't told here see `json_dataset`.

    Args:
        csv_file: Path, or any URL that fsspec knows.
        sample_fields: Which column is what; or a function from a row to samples.
        auto_id: Number the samples from 1, in the order of the file; replaces their ids.
        shuffle: Put the samples in random order. An integer is the seed.
        seed: Seed of both shuffles; None: another order each time. 0 is a seed.
        shuffle_choices: Put choices in random order, targets follow. An integer is the seed.
        limit: How many samples to keep, after shuffling; 0 keeps none, None all.
        dialect: "unix", "excel", "excel-tab", or what `csv.register_dialect` registered.
        encoding: Encoding of the file.
        name: Name of the dataset; by default the file's, without its ending.
        fs_options: Arguments of the file system, for example credentials.
        fieldnames: Names of the columns, for a file whose first row doesn't name them.
        delimiter: What separates columns; by default what the dialect says.

    Raises:
        DatasetError: The file or a row of it is wrong. Names file, line and field.
        MissingFileError: There is no such file.
        ParameterError: An argument is wrong.
    """
    order = Order("csv_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(csv_file, fs_options)
    lines = spooled_values(
        read_csv(source, encoding, dialect, delimiter, fieldnames), source.location
    )
    return make_dataset(lines, source, Rows(sample_fields, auto_id, name), order)


def file_dataset(  # noqa: PLR0913 - the documented signature
    file: str,
    sample_fields: FieldSpec | RecordToSample | None = None,
    auto_id: bool = False,
    shuffle: bool | int = False,
    seed: int | None = None,
    shuffle_choices: bool | int | None = None,
    limit: int | None = None,
    dialect: str = "unix",
    encoding: str = "utf-8",
    name: str | None = None,
    fs_options: dict[str, Any] | None = None,
    fieldnames: Sequence[str] | None = None,
) -> Dataset:
    """Read a JSON, JSON-lines, CSV, Parquet or Arrow file, as its ending says.

    Endings are .json, .jsonl and .csv, also compressed (see `json_dataset`, `csv_dataset`);
    .parquet; and .arrow and .feather, for the file and the stream format of Arrow. Values of
    the last three have types: numbers, lists and objects are what they are in JSON; dates and
    times become ISO 8601 text, decimals the text of their digits, durations seconds, and
    binary values base64 text, as in a data URI. Their errors name the row, counted from 1, in
    place of a line. What isn't told here is told in `json_dataset`.

    Raises:
        ParameterError: The file's ending is another one, or an argument is wrong.
        DatasetError: The file or a row of it is wrong. Names file, line and field.
        MissingFileError: There is no such file.
    """
    order = Order("file_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(file, fs_options)
    lines = lines_of(source, encoding, dialect, fieldnames)
    return make_dataset(lines, source, Rows(sample_fields, auto_id, name), order)


def lines_of(
    source: Source,
    encoding: str = "utf-8",
    dialect: str = "unix",
    fieldnames: Sequence[str] | None = None,
) -> Lines:
    """Return the records of a file whose ending says what it contains.

    Raises:
        ParameterError: The ending is another one.
    """
    location = source.location
    match source.extension:
        case ".json" | ".jsonl":
            return _json(source, encoding, {})
        case ".csv":
            rows = read_csv(source, encoding, dialect, None, fieldnames)
            return spooled_values(rows, location)
        case ".parquet":
            return spooled_values(read_parquet(source), location)
        case ".arrow" | ".feather":
            return spooled_values(read_arrow(source), location)
    expected = "a .json, .jsonl, .csv, .parquet, .arrow or .feather file"
    raise ParameterError("file_dataset", "file", source.location, expected)


def _json(source: Source, encoding: str, reader_kwargs: dict[str, Any]) -> Lines:
    if source.extension == ".jsonl":
        return json_lines(source, encoding, reader_kwargs)
    return json_array(source, encoding, reader_kwargs)
