"""From records that can be read again to a dataset: in memory if it is small, else streamed."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from tasks_lib._errors import ParameterError
from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.dataset._fields import FieldSpec, sample_reader
from tasks_lib.dataset._ids import IdKeys
from tasks_lib.dataset._lines import Lines, Place
from tasks_lib.dataset._paths import Origin, resolve_paths
from tasks_lib.dataset._records import Record
from tasks_lib.dataset._stream import StreamedDataset
from tasks_lib.schema import RecordToSample, Sample

HELD_BYTES = 64 * 2**20
"""A dataset that takes more memory than about this is not held there.

Nearly all published benchmarks take less. Reading a sample again costs little compared to
running it, so there is no need to know how much memory there is.
"""

_SAMPLE_BYTES = 1500
"""What a sample takes beside its text: 1.1 KB if it is input and target, 2 KB as messages."""


@dataclass(frozen=True)
class Rows:
    """How records become samples, and the name of the dataset."""

    sample_fields: FieldSpec | RecordToSample | None
    auto_id: bool
    name: str | None

    def reader(self, source: Origin) -> Callable[[Record], list[Sample]]:
        """Return the function that makes samples of a record, with full paths."""
        convert = sample_reader(self.sample_fields)
        return lambda record: [resolve_paths(sample, source) for sample in convert(record)]


@dataclass(frozen=True)
class Order:
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

    def apply(self, dataset: Dataset) -> Dataset:
        """Shuffle and limit a dataset that has just been read."""
        if self.shuffle is not False:
            dataset.shuffle(self._seed(self.shuffle))
        if self.shuffle_choices is not False and self.shuffle_choices is not None:
            dataset.shuffle_choices(self._seed(self.shuffle_choices))
        return dataset if self.limit is None else dataset[: self.limit]

    def _seed(self, switch: bool | int) -> int | None:
        # 0 == False, but as a seed it is as good as any other.
        return self.seed if isinstance(switch, bool) else switch


def make_dataset(
    lines: Lines, source: Origin, rows: Rows, order: Order, *, held_bytes: int = HELD_BYTES
) -> Dataset:
    """Read all records once, or as many as `order` needs, and check every one.

    The dataset holds its samples if they take no more than about `held_bytes`.

    Raises:
        DatasetError: The file or a row of it is wrong. Names file, line and field.
        MissingFileError: There is no such file.
    """
    read = rows.reader(source)
    streamed = _ReadAgain(lines, read, rows.auto_id)
    keys = IdKeys()
    held: list[Sample] | None = []
    with closing(lines.records()) as records:
        for record, place in records:
            if order.needed is not None and len(streamed) >= order.needed:
                break
            if place.start + place.length + _SAMPLE_BYTES * len(streamed) > held_bytes:
                held = None
            for part, sample in enumerate(read(record)):
                streamed.add(place, part)
                keys.add(len(streamed) if rows.auto_id else sample.id)
                if held is not None:
                    held.append(_numbered(sample, len(streamed)) if rows.auto_id else sample)
    name = rows.name or source.stem
    if held is not None:
        return order.apply(MemoryDataset(held, name, source.location))
    return order.apply(StreamedDataset(streamed, name, source.location, ids=keys.known()))


class _ReadAgain:
    """Samples that are read and made anew each time; 20 bytes in memory for each."""

    def __init__(self, lines: Lines, read: Callable[[Record], list[Sample]], auto_id: bool) -> None:
        self._lines = lines
        self._read = read
        self._auto_id = auto_id
        self._starts = array("q")
        self._lengths = array("I")
        self._numbers = array("I")
        """Lines of the file: 32 bits are enough for any that this index of it fits in memory."""
        self._checks = array("I")
        self._parts: array[int] | None = None
        """Which of its record's samples each is, from 0; None: each is the first."""

    def add(self, place: Place, part: int) -> None:
        self._starts.append(place.start)
        self._lengths.append(place.length)
        self._numbers.append(place.line)
        self._checks.append(place.check)
        if part and self._parts is None:
            self._parts = array("I", bytes(4 * (len(self) - 1)))
        if self._parts is not None:
            self._parts.append(part)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> Sample:
        place = Place(
            self._starts[number], self._lengths[number], self._numbers[number], self._checks[number]
        )
        record = self._lines.read(place)
        samples = self._read(record)
        part = self._parts[number] if self._parts is not None else 0
        if part >= len(samples):
            raise record.error(
                f"made {len(samples)} samples, but more when the dataset was loaded. Large "
                "datasets call sample_fields again whenever a sample is read: it must always "
                "return the same for the same record."
            )
        return _numbered(samples[part], number + 1) if self._auto_id else samples[part]


def _numbered(sample: Sample, number: int) -> Sample:
    return sample.model_copy(update={"id": number})
