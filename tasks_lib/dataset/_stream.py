"""Datasets whose samples are read when they are asked for."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Literal, Protocol, overload

from tasks_lib.dataset._dataset import (
    NamedDataset,
    input_length,
    shuffled_choices,
    shuffled_order,
)
from tasks_lib.schema import Sample

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

Ids = Literal["distinct", "none", "unknown"]
"""What is known of the ids of some samples: none is twice there, there are none, nothing."""


class SampleSource(Protocol):
    """Samples by number, from 0; any sequence of samples is one.

    The samples must be the same each time, though not the same objects.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Sample: ...


class StreamedDataset(NamedDataset):
    """A dataset that holds where its samples are, and reads them when they are asked for.

    Order and content are those of a `MemoryDataset` with the same samples and seeds; held in
    memory are 8 bytes per sample at most for the order, and some more for shuffled choices.
    Samples are read anew each time: what is changed in one is not there the next time.
    `MemoryDataset(dataset)` holds them all.
    """

    def __init__(
        self,
        samples: SampleSource,
        name: str | None = None,
        location: str | None = None,
        shuffled: bool = False,
        ids: Ids = "unknown",
    ) -> None:
        """Show `samples`, in their order. `ids` spares `check_ids` reading them all."""
        super().__init__(name, location, shuffled)
        self.ids = ids
        self._samples = samples
        self._numbers: Sequence[int] = range(len(samples))
        self._positions: Sequence[int] | None = None
        """By number: the id of a sample that has none."""
        self._choices: _ChoiceOrders | None = None

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> StreamedDataset: ...

    def __getitem__(self, index: int | slice) -> Sample | StreamedDataset:
        if isinstance(index, slice):
            return self._of(self._numbers[index])
        return self._read(self._numbers[index])

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Sample]:
        return map(self._read, self._numbers)

    def sort(
        self,
        reverse: bool = False,
        key: Callable[[Sample], SupportsRichComparison] = input_length,
    ) -> None:
        """Sort the samples in place; by default the shortest input comes first.

        All keys are in memory meanwhile.
        """
        keys = [key(sample) for sample in self]
        order = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
        self._numbers = array("q", map(self._numbers.__getitem__, order))
        self._shuffled = False

    def filter(
        self, predicate: Callable[[Sample], bool], name: str | None = None
    ) -> StreamedDataset:
        """Return a dataset of the samples for which `predicate` holds now."""
        kept = (number for number in self._numbers if predicate(self._read(number)))
        return self._of(array("q", kept), name)

    def shuffle(self, seed: int | None = None) -> None:
        """Put the samples in random order, in place.

        The same seed (0 is one) gives the same order on every platform; None never does.
        """
        numbers = array("q", self._numbers)
        Random(seed).shuffle(numbers)
        self._numbers = numbers
        self._shuffled = True

    def shuffle_choices(self, seed: int | None = None) -> None:
        """Put the choices of every sample in random order and let its target follow.

        Reads all samples. Those without choices are left alone.

        Raises:
            DatasetError: A sample with choices has a target that doesn't name them by letter.
        """
        random = Random(seed)
        orders = _ChoiceOrders(len(self._samples))
        for position, (number, sample) in enumerate(zip(self._numbers, self, strict=True), 1):
            if sample.choices:
                order = shuffled_order(sample.choices, random)
                shuffled_choices(sample, order, position)  # its errors come now
                before = self._choices and self._choices.find(number)
                orders.put(number, [before[old] for old in order] if before else order)
        self._choices = orders

    def with_positions_as_ids(self) -> StreamedDataset:
        """Return the dataset with its present positions, from 1, for the ids that lack."""
        dataset = self._of(self._numbers)
        if self._numbers == range(len(self._samples)):
            dataset._positions = range(1, len(self) + 1)
        else:
            positions = array("q", bytes(8 * len(self._samples)))
            for position, number in enumerate(self._numbers, start=1):
                positions[number] = position
            dataset._positions = positions
        dataset.ids = "distinct"
        return dataset

    def _read(self, number: int) -> Sample:
        sample = self._samples[number]
        if self._positions is not None and sample.id is None:
            sample = sample.model_copy(update={"id": self._positions[number]})
        order = self._choices and self._choices.find(number)
        return shuffled_choices(sample, order) if order else sample

    def _of(self, numbers: Sequence[int], name: str | None = None) -> StreamedDataset:
        dataset = StreamedDataset(
            self._samples, name or self._name, self._location, self._shuffled, self.ids
        )
        dataset._numbers = numbers
        dataset._positions = self._positions
        dataset._choices = self._choices
        return dataset


class _ChoiceOrders:
    """For each sample, which of its choices comes first, second …; a few bytes per sample."""

    def __init__(self, samples: int) -> None:
        self._starts = array("q", bytes(8 * samples))
        """By number: where the order begins, less 1 is a sample's own; 0: it has none."""
        self._items = array("B", [0])
        """Each order: how many there are, then they."""

    def put(self, number: int, order: Sequence[int]) -> None:
        if len(order) > 255 and self._items.typecode == "B":
            self._items = array("I", self._items)
        self._starts[number] = len(self._items)
        self._items.append(len(order))
        self._items.extend(order)

    def find(self, number: int) -> Sequence[int] | None:
        start = self._starts[number]
        if not start:
            return None
        return self._items[start + 1 : start + 1 + self._items[start]]
