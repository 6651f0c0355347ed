"""Datasets of the Hugging Face hub, and local folders of the same kinds."""

from __future__ import annotations

from collections.abc import Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tasks_lib._errors import MissingPackageError
from tasks_lib.dataset._columnar import plain_value
from tasks_lib.dataset._dataset import Dataset
from tasks_lib.dataset._fields import FieldSpec, sample_reader
from tasks_lib.dataset._hf_load import HubRequest, load_split
from tasks_lib.dataset._lines import Place
from tasks_lib.dataset._reading import Order, Rows, make_dataset
from tasks_lib.dataset._records import Record
from tasks_lib.dataset._source import Source
from tasks_lib.schema import RecordToSample

if TYPE_CHECKING:
    import datasets

_MOST_ROWS = 1000
_MOST_BYTES = 8 * 2**20
"""As much of a table is Python objects at a time while it is checked."""


def hf_dataset(  # noqa: PLR0913 - the documented signature
    path: str,
    split: str,
    name: str | None = None,
    data_dir: str | None = None,
    revision: str | None = None,
    sample_fields: FieldSpec | RecordToSample | None = None,
    auto_id: bool = False,
    shuffle: bool | int = False,
    seed: int | None = None,
    shuffle_choices: bool | int | None = None,
    limit: int | None = None,
    trust: bool = False,
    cached: bool = True,
    **kwargs: Any,
) -> Dataset:
    """Read a dataset of the Hugging Face hub, or a local folder, with the package `datasets`.

    The order is that of `json_dataset`: rows become samples, numbered by `auto_id`; then they
    are shuffled, then cut at `limit`. (The reference cuts rows before they become samples.)
    A function gets the values as they are stored: an image is its bytes, not decoded. With a
    FieldSpec values without a form in JSON become text: dates as in ISO 8601, bytes as Base64.

    Args:
        path: A name on the hub ("openai/gsm8k"); a local folder with data files, or one that
            `save_to_disk` wrote; or a format ("json", "parquet" …) with `data_files`.
        split: Name of one split, also with a range of rows: "test[:100]".
        name: Name of the dataset's configuration.
        data_dir: Folder in the dataset that is read.
        revision: Branch, tag or commit on the hub. A commit never changes what is evaluated.
        sample_fields: Which field is what; or a function that makes of a row a sample, a list
            of them, or an empty list to leave it out.
        auto_id: Number the samples from 1, in the order of the rows; replaces their ids.
        shuffle: Put the samples in random order. An integer is the seed.
        seed: Seed of both shuffles; None: another order each time. 0 is a seed.
        shuffle_choices: Put choices in random order, targets follow. An integer is the seed.
        limit: How many samples to keep, after shuffling; 0 keeps none, None all.
        trust: Taken for the sake of older tasks and without effect: since its version 4
            `datasets` runs no dataset's own code. One that is nothing but code may have its
            rows in the revision "refs/convert/parquet".
        cached: Take what was read from the hub before, without asking whether it has changed.
            With False it is read anew and replaces what was kept. Kept, below EVAL_CACHE_DIR,
            is what has a name with an owner ("openai/gsm8k"), by all arguments that decide
            which rows there are, the revision too. Of local files nothing is kept.
        **kwargs: More arguments of `datasets.load_dataset`, such as `data_files` or `token`.

    Raises:
        DatasetError: It cannot be loaded, or a row is wrong. Names the row, counted from 1.
        MissingFileError: There is no such local folder.
        MissingPackageError: `datasets` is not installed.
        ParameterError: An argument is wrong.
        UnknownNameError: A folder that `save_to_disk` wrote has no such split.
    """
    order = Order("hf_dataset", shuffle, seed, shuffle_choices, limit)
    rows = Rows(sample_fields, auto_id, None)
    if find_spec("datasets") is None:
        raise MissingPackageError("hf_dataset", "datasets", "hf")
    sample_reader(sample_fields)  # complains before anything is loaded
    request = HubRequest(path, split, name, data_dir, revision, kwargs)
    table = load_split(request, cached=cached)
    place = f"{request.location}[{split}]"
    plain = sample_fields is None or isinstance(sample_fields, FieldSpec)
    return make_dataset(_TableRows(table, place, plain=plain), _HubOrigin(request), rows, order)


class _HubOrigin:
    """The hub, or a local folder that has files beside the data."""

    def __init__(self, request: HubRequest) -> None:
        self.location = request.location
        self.stem = request.path if request.folder is None else request.folder.name
        # A source's neighbours are in the folder that its file is in.
        self._folder = None if request.folder is None else Source(str(request.folder / "data"))

    def neighbour(self, path: str) -> str | None:
        """Return `path` in full if it is in the local folder."""
        return None if self._folder is None else self._folder.neighbour(path)


class _TableRows:
    """The rows of a table that `datasets` has mapped into memory.

    With `plain` their values are what JSON has.
    """

    def __init__(self, table: datasets.Dataset, place: str, *, plain: bool) -> None:
        self._plain = plain
        self._table = table.with_format("arrow")
        self._place = place
        self._row_bytes = table.data.nbytes // max(1, len(table.data))
        """On average: what tells a large dataset from a small one."""

    def records(self) -> Generator[tuple[Record, Place]]:
        """Yield all rows, once."""
        number = 0
        rows = max(1, min(_MOST_ROWS, _MOST_BYTES // max(1, self._row_bytes)))
        for batch in self._table.iter(rows):
            for values in batch.to_pylist():
                start = number * self._row_bytes
                number += 1
                yield self._record(values, number), Place(start, self._row_bytes, number, 0)

    def read(self, place: Place) -> Record:
        """Read the row at `place` again."""
        (values,) = self._table[place.line - 1 : place.line].to_pylist()
        return self._record(values, place.line)

    def _record(self, values: dict[str, Any], number: int) -> Record:
        return Record(plain_value(values) if self._plain else values, self._place, number)
