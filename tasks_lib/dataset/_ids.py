"""The ids of a dataset's samples: present, and different from each other."""

from __future__ import annotations

from array import array
from collections.abc import Container, Sequence

from tasks_lib._errors import DatasetError
from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.dataset._stream import Ids, StreamedDataset
from tasks_lib.schema import Sample


def check_ids(dataset: Sequence[Sample]) -> Dataset:
    """Return `dataset` with an id on every sample.

    A sample without an id gets its position, counted from 1. The samples given are not
    changed: those that lacked an id are replaced by shallow copies in a new dataset, which
    shows the samples of the old one if that doesn't hold its samples in memory. When none
    did, a `Dataset` is returned as it is. Held in memory are 8 bytes per sample.

    Raises:
        DatasetError: Two samples have the same id. 1 and "1" are the same: logs and the
            reduction of epochs know ids by their text.
    """
    if isinstance(dataset, StreamedDataset) and dataset.ids != "unknown":
        complete = dataset.ids == "distinct"
    else:
        complete = _checked(dataset)
    if isinstance(dataset, Dataset):
        if complete:
            return dataset
        if not isinstance(dataset, MemoryDataset):
            return _with_positions(dataset)
    samples = [
        sample.model_copy(update={"id": position}) if sample.id is None else sample
        for position, sample in enumerate(dataset, start=1)
    ]
    if isinstance(dataset, Dataset):
        return MemoryDataset(samples, dataset.name, dataset.location, dataset.shuffled)
    return MemoryDataset(samples)


class IdKeys:
    """Ids as 64-bit hashes of their text, to find the few that may be twice there."""

    def __init__(self) -> None:
        self.missing = 0
        """How many samples had no id."""
        self._keys = array("q")

    def add(self, sample_id: int | str | None) -> None:
        """Note an id, None for a sample that has none: its position stands for it."""
        self._keys.append(hash(_text(len(self._keys) + 1, sample_id)))
        self.missing += sample_id is None

    def known(self) -> Ids:
        """Say what the ids are, as far as that can be said of any part of the samples."""
        if self.missing:
            return "none" if self.missing == len(self._keys) else "unknown"
        return "unknown" if self.repeated() else "distinct"

    def repeated(self) -> set[int]:
        """Return the hashes that are there more than once."""
        # Loaded with pyarrow anyway: here, so that a task file doesn't wait for it.
        import numpy

        keys = numpy.sort(numpy.frombuffer(self._keys, dtype=numpy.int64))
        return set(keys[1:][keys[1:] == keys[:-1]].tolist())


def _with_positions(dataset: Dataset) -> StreamedDataset:
    if not isinstance(dataset, StreamedDataset):
        dataset = StreamedDataset(dataset, dataset.name, dataset.location, dataset.shuffled)
    return dataset.with_positions_as_ids()


def _checked(dataset: Sequence[Sample]) -> bool:
    """Tell whether all samples have ids; reads the dataset twice if two may be equal."""
    keys = IdKeys()
    for sample in dataset:
        keys.add(sample.id)
    if repeated := keys.repeated():
        _check_these(dataset, repeated)
    return not keys.missing


def _check_these(dataset: Sequence[Sample], keys: Container[int]) -> None:
    """Compare the ids that have one of `keys` as they are: hashes may collide."""
    location = dataset.location if isinstance(dataset, Dataset) else None
    first: dict[str, tuple[int, int | str | None]] = {}
    for position, sample in enumerate(dataset, start=1):
        text = _text(position, sample.id)
        if hash(text) not in keys:
            continue
        if text in first:
            before, its_id = first[text]
            message = _duplicate(text, (before, position), (its_id, sample.id))
            raise DatasetError(message, location=location)
        first[text] = (position, sample.id)


def _text(position: int, sample_id: int | str | None) -> str:
    return str(position if sample_id is None else sample_id)


def _duplicate(key: str, positions: tuple[int, int], ids: tuple[object, object]) -> str:
    """Say which samples share the id `key`, and why when it is not obvious."""
    text = f"samples {positions[0]} and {positions[1]} have the same id {ids[1] or ids[0] or key!r}"
    if None in ids:
        numbered = positions[ids.index(None)]
        text += f" (sample {numbered} has none and was given its position)"
    elif ids[0] != ids[1]:
        text += f" ({ids[0]!r} and {ids[1]!r} count as equal: ids are compared as text)"
    return f"{text}. Ids must be unique; auto_id=True numbers the samples instead."
