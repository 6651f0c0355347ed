"""Datasets that are read from files: JSON, JSON lines and CSV."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tasks_lib._errors import ParameterError
from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.dataset._fields import FieldSpec, sample_reader
from tasks_lib.dataset._paths import resolve_paths
from tasks_lib.dataset._records import Record, read_csv, read_json_array, read_json_lines
from tasks_lib.dataset._source import Source
from tasks_lib.schema import RecordToSample, Sample


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
    order = _Order("json_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(json_file, fs_options)
    read = read_json_lines if source.extension == ".jsonl" else read_json_array
    records = read(source, encoding, reader_kwargs)
    return _dataset(records, source, _Rows(sample_fields, auto_id, name), order)


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
    order = _Order("csv_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(csv_file, fs_options)
    records = read_csv(source, encoding, dialect, delimiter, fieldnames)
    return _dataset(records, source, _Rows(sample_fields, auto_id, name), order)


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
    """Read a .json, .jsonl or .csv file, also compressed; see `json_dataset`, `csv_dataset`.

    Raises:
        ParameterError: The file's ending is another one, or an argument is wrong.
        DatasetError: The file or a row of it is wrong. Names file, line and field.
        MissingFileError: There is no such file.
    """
    order = _Order("file_dataset", shuffle, seed, shuffle_choices, limit)
    source = Source(file, fs_options)
    if source.extension == ".csv":
        records = read_csv(source, encoding, dialect, None, fieldnames)
    elif source.extension == ".jsonl":
        records = read_json_lines(source, encoding, {})
    elif source.extension == ".json":
        records = read_json_array(source, encoding, {})
    else:
        raise ParameterError("file_dataset", "file", file, "a .json, .jsonl or .csv file")
    return _dataset(records, source, _Rows(sample_fields, auto_id, name), order)


@dataclass(frozen=True)
class _Rows:
    """How records become samples."""

    sample_fields: FieldSpec | RecordToSample | None
    auto_id: bool
    name: str | None


@dataclass(frozen=True)
class _Order:
    """In which order samples come, and how many."""

    function: str
    shuffle: bool | int
    seed: int | None
    shuffle_choices: bool | int | None
    limit: int | None

    def __post_init__(self) -> None:
        if self.limit is not None and (type(self.limit) is not int or self.limit < 0):
            expected = "a number of samples (0 or more), or None"
            raise ParameterError(self.function, "limit", self.limit, expected)

    @property
    def needed(self) -> int | None:
        """How many samples must be read; None: all."""
        return self.limit if self.shuffle is False else None

    def apply(self, dataset: MemoryDataset) -> MemoryDataset:
        if self.shuffle is not False:
            dataset.shuffle(self._seed(self.shuffle))
        if self.shuffle_choices is not False and self.shuffle_choices is not None:
            dataset.shuffle_choices(self._seed(self.shuffle_choices))
        return dataset if self.limit is None else dataset[: self.limit]

    def _seed(self, switch: bool | int) -> int | None:
        # 0 == False, but as a seed it is as good as any other.
        return self.seed if isinstance(switch, bool) else switch


def _dataset(records: Generator[Record], source: Source, rows: _Rows, order: _Order) -> Dataset:
    convert = sample_reader(rows.sample_fields)
    samples: list[Sample] = []
    with closing(records):
        for record in records:
            if order.needed is not None and len(samples) >= order.needed:
                break
            for sample in convert(record):
                number = len(samples) + 1
                resolved = resolve_paths(sample, source)
                samples.append(
                    resolved.model_copy(update={"id": number}) if rows.auto_id else resolved
                )
    return order.apply(MemoryDataset(samples, rows.name or source.stem, source.location))
