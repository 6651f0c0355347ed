"""Datasets: sequences of samples with a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, overload

from tasks_lib._errors import DatasetError
from tasks_lib.schema import Sample, choice_index, choice_label

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison


def input_length(sample: Sample) -> int:
    """Return the number of characters of a sample's input, over all its messages."""
    if isinstance(sample.input, str):
        return len(sample.input)
    return sum(len(message.text) for message in sample.input)


class Dataset(Sequence[Sample], ABC):
    """A sequence of samples.

    An implementation may read its samples when they are asked for: the engine never needs
    them all at once.
    """

    @property
    @abstractmethod
    def name(self) -> str | None:
        """What the dataset is called."""

    @property
    @abstractmethod
    def location(self) -> str | None:
        """The file or URL that it was read from."""

    @property
    @abstractmethod
    def shuffled(self) -> bool:
        """Whether the samples are in random order."""

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Dataset: ...

    @abstractmethod
    def __getitem__(self, index: int | slice) -> Sample | Dataset: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def sort(
        self,
        reverse: bool = False,
        key: Callable[[Sample], SupportsRichComparison] = input_length,
    ) -> None:
        """Sort the samples in place; by default the shortest input comes first."""

    @abstractmethod
    def filter(self, predicate: Callable[[Sample], bool], name: str | None = None) -> Dataset:
        """Return a dataset of the samples for which `predicate` holds."""

    @abstractmethod
    def shuffle(self, seed: int | None = None) -> None:
        """Put the samples in random order, in place.

        The same seed (0 is one) gives the same order on every platform; None never does.
        """

    @abstractmethod
    def shuffle_choices(self, seed: int | None = None) -> None:
        """Put the choices of every sample in random order and let its target follow.

        Raises:
            DatasetError: A sample with choices has a target that doesn't name them by letter.
        """


class NamedDataset(Dataset):
    """What datasets that know their name and origin have in common."""

    def __init__(self, name: str | None, location: str | None, shuffled: bool) -> None:
        self._name = name
        self._location = location
        self._shuffled = shuffled

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples, name={self._name!r})"

    @property
    def name(self) -> str | None:
        """What the dataset is called."""
        return self._name

    @property
    def location(self) -> str | None:
        """The file or URL that it was read from."""
        return self._location

    @property
    def shuffled(self) -> bool:
        """Whether the samples are in random order."""
        return self._shuffled


class MemoryDataset(NamedDataset):
    """A dataset whose samples are in memory."""

    def __init__(
        self,
        samples: Iterable[Sample],
        name: str | None = None,
        location: str | None = None,
        shuffled: bool = False,
    ) -> None:
        """Hold `samples`, in a list of its own: changing their order changes only that."""
        super().__init__(name, location, shuffled)
        self.samples = list(samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> MemoryDataset: ...

    def __getitem__(self, index: int | slice) -> Sample | MemoryDataset:
        if isinstance(index, slice):
            return self._with(self.samples[index])
        return self.samples[index]

    def __len__(self) -> int:
        return len(self.samples)

    def sort(
        self,
        reverse: bool = False,
        key: Callable[[Sample], SupportsRichComparison] = input_length,
    ) -> None:
        """Sort the samples in place; by default the shortest input comes first."""
        self.samples.sort(reverse=reverse, key=key)
        self._shuffled = False

    def filter(self, predicate: Callable[[Sample], bool], name: str | None = None) -> MemoryDataset:
        """Return a dataset of the samples for which `predicate` holds."""
        return self._with([sample for sample in self.samples if predicate(sample)], name)

    def shuffle(self, seed: int | None = None) -> None:
        """Put the samples in random order, in place.

        The same seed (0 is one) gives the same order on every platform; None never does.
        """
        Random(seed).shuffle(self.samples)
        self._shuffled = True

    def shuffle_choices(self, seed: int | None = None) -> None:
        """Put the choices of every sample in random order and let its target follow.

        The dataset gets changed copies; the sample objects that it was made of stay as they
        are. Samples without choices are left alone.

        Raises:
            DatasetError: A sample with choices has a target that doesn't name them by letter.
        """
        random = Random(seed)
        self.samples = [
            shuffled_choices(sample, shuffled_order(sample.choices, random), position)
            if sample.choices
            else sample
            for position, sample in enumerate(self.samples, start=1)
        ]

    def _with(self, samples: list[Sample], name: str | None = None) -> MemoryDataset:
        return MemoryDataset(samples, name or self._name, self._location, self._shuffled)


def shuffled_order(choices: Sequence[str], random: Random) -> list[int]:
    """Return the positions of `choices` in random order."""
    order = list(range(len(choices)))
    random.shuffle(order)
    return order


def shuffled_choices(sample: Sample, order: Sequence[int], position: int | None = None) -> Sample:
    """Return `sample` with its choices in another order, and the target that follows them.

    Args:
        sample: One with choices.
        order: Their positions, in the order that they shall have.
        position: Where the sample is in its dataset, from 1, for errors.

    Raises:
        DatasetError: The target doesn't name choices by letter.
    """
    choices = sample.choices or []
    moved = {choice_label(old): choice_label(new) for new, old in enumerate(order)}
    try:
        target = (
            _moved(sample.target, moved)
            if isinstance(sample.target, str)
            else [_moved(target, moved) for target in sample.target]
        )
    except ValueError as error:
        name = f"sample {position}" if sample.id is None else f"sample {sample.id!r}"
        raise DatasetError(
            f"{name} has the target {sample.target!r}: {error}. To shuffle choices, targets must "
            f"be letters of the {len(choices)} choices."
        ) from error
    return sample.model_copy(
        update={"choices": [choices[index] for index in order], "target": target}
    )


def _moved(target: str, moved: dict[str, str]) -> str:
    """Rewrite a target, one label ("B") or several letters ("BD"), after a shuffle.

    Raises:
        ValueError: `target` names no choice.
    """
    label = target.strip()
    names = [label] if len(label) < 2 or label in moved else list(label)
    if len(names) > 1 and not label.isupper():
        raise ValueError(f"{target!r} is not a letter")
    renamed = []
    for name in filter(None, names):
        canonical = choice_label(choice_index(name))
        if canonical not in moved:
            raise ValueError(f"there is no choice {name!r}")
        renamed.append(moved[canonical])
    return "".join(sorted(renamed))
