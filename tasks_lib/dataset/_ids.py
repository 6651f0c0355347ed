"""The ids of a dataset's samples: present, and different from each other."""

from __future__ import annotations

from collections.abc import Sequence

from tasks_lib._errors import DatasetError
from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.schema import Sample


def check_ids(dataset: Sequence[Sample]) -> Dataset:
    """Return `dataset` with an id on every sample.

    A sample without an id gets its position, counted from 1. The samples given are not
    changed: those that lacked an id are replaced by shallow copies in a new dataset. When
    none did, a `Dataset` is returned as it is.

    Raises:
        DatasetError: Two samples have the same id. 1 and "1" are the same: logs and the
            reduction of epochs know ids by their text.
    """
    location = dataset.location if isinstance(dataset, Dataset) else None
    seen: dict[str, int] = {}
    numbered: dict[int, Sample] = {}
    first: dict[str, object] = {}
    for position, sample in enumerate(dataset, start=1):
        key = str(position if sample.id is None else sample.id)
        if key in seen:
            raise DatasetError(
                _duplicate(key, (seen[key], position), (first[key], sample.id)), location=location
            )
        seen[key] = position
        first[key] = sample.id
        if sample.id is None:
            numbered[position] = sample.model_copy(update={"id": position})
    if isinstance(dataset, Dataset) and not numbered:
        return dataset
    samples = [numbered.get(position, s) for position, s in enumerate(dataset, start=1)]
    if isinstance(dataset, Dataset):
        return MemoryDataset(samples, dataset.name, dataset.location, dataset.shuffled)
    return MemoryDataset(samples)


def _duplicate(key: str, positions: tuple[int, int], ids: tuple[object, object]) -> str:
    """Say which samples share the id `key`, and why when it is not obvious."""
    text = f"samples {positions[0]} and {positions[1]} have the same id {ids[1] or ids[0] or key!r}"
    if None in ids:
        numbered = positions[ids.index(None)]
        text += f" (sample {numbered} has none and was given its position)"
    elif ids[0] != ids[1]:
        text += f" ({ids[0]!r} and {ids[1]!r} count as equal: ids are compared as text)"
    return f"{text}. Ids must be unique; auto_id=True numbers the samples instead."
