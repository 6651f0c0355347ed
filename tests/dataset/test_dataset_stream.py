from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_lib._errors import DatasetError
from tasks_lib.dataset import Dataset, MemoryDataset, Sample, check_ids, select_samples
from tasks_lib.dataset._ids import IdKeys
from tasks_lib.dataset._stream import Ids, StreamedDataset


class Reads(Sequence[Sample]):
    """Samples that are made anew each time, and how often that was."""

    def __init__(self, samples: list[Sample]) -> None:
        self.reads = 0
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, number: Any) -> Any:
        self.reads += 1
        return self._samples[number].model_copy(deep=True)


def some_samples(count: int = 30) -> list[Sample]:
    """Return samples of several kinds; every third has an id, most have choices."""
    return [
        Sample(
            input="x" * (n * 7 % 11),
            choices=[f"{n}{letter}" for letter in "abcdef"[: n % 6]] or None,
            target="" if n % 6 == 0 else "A" if n % 6 < 3 else "CA" if n % 2 else ["B", "c"],
            id=f"s{n}" if n % 3 == 0 else None,
            metadata={"n": n},
        )
        for n in range(count)
    ]


def both(samples: list[Sample]) -> tuple[Dataset, Dataset]:
    return MemoryDataset(samples, "n", "/d"), StreamedDataset(Reads(samples), "n", "/d")


def shown(dataset: Dataset) -> tuple[object, ...]:
    return list(dataset), dataset.name, dataset.location, dataset.shuffled, len(dataset)


def shuffle(dataset: Dataset, seed: int) -> Dataset:
    dataset.shuffle(seed)
    return dataset


def shuffle_choices(dataset: Dataset, seed: int) -> Dataset:
    dataset.shuffle_choices(seed)
    return dataset


def sort(dataset: Dataset, seed: int) -> Dataset:
    dataset.sort(reverse=bool(seed % 2))
    return dataset


def sort_by_choice(dataset: Dataset, seed: int) -> Dataset:
    dataset.sort(key=lambda sample: str(sample.choices))
    return dataset


def part(dataset: Dataset, seed: int) -> Dataset:
    return dataset[seed % 7 : len(dataset) - seed % 5 : 1 + seed % 2]


def backwards(dataset: Dataset, seed: int) -> Dataset:
    return dataset[::-1]


def some(dataset: Dataset, seed: int) -> Dataset:
    return dataset.filter(lambda sample: (sample.metadata or {})["n"] % 5 != seed % 5, f"f{seed}")


def with_ids(dataset: Dataset, seed: int) -> Dataset:
    return check_ids(dataset)


CHANGES: list[Callable[[Dataset, int], Dataset]] = [
    shuffle,
    shuffle_choices,
    sort,
    sort_by_choice,
    part,
    backwards,
    some,
    with_ids,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_one_change_has_the_outcome_of_a_memory_dataset(
    change: Callable[[Dataset, int], Dataset], seed: int
) -> None:
    held, streamed = both(some_samples())

    changed = change(streamed, seed)

    assert shown(changed) == shown(change(held, seed))
    assert isinstance(changed, StreamedDataset)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 9)), max_size=7))
def test_changes_one_after_another(
    changes: list[tuple[Callable[[Dataset, int], Dataset], int]],
) -> None:
    held, streamed = both(some_samples(12))

    for change, seed in changes:
        held, streamed = change(held, seed), change(streamed, seed)

    assert shown(streamed) == shown(held)


def test_a_part_is_a_dataset_of_its_own() -> None:
    _, streamed = both(some_samples())
    before = shown(streamed)

    shuffle_choices(shuffle(streamed[:10], 1), 2)

    assert shown(streamed) == before


def test_index() -> None:
    held, streamed = both(some_samples(5))

    assert [streamed[n] for n in (0, 4, -1, -5)] == [held[n] for n in (0, 4, -1, -5)]
    with pytest.raises(IndexError):
        streamed[5]


def test_samples_are_read_when_they_are_asked_for() -> None:
    source = Reads(some_samples())
    dataset = shuffle(StreamedDataset(source)[3:25], 4)

    assert source.reads == 0
    assert dataset[7] == dataset[7]
    assert source.reads == 2


def test_repr_reads_nothing() -> None:
    assert repr(StreamedDataset(some_samples(3), "n")) == "StreamedDataset(3 samples, name='n')"


def test_more_than_255_choices() -> None:
    few = Sample(input="few", choices=["a", "b"], target="A")
    many = Sample(input="many", choices=[str(n) for n in range(300)], target="274")
    held, streamed = both([few, many, few])

    assert shown(shuffle_choices(streamed, 5)) == shown(shuffle_choices(held, 5))


def test_a_target_that_is_no_letter() -> None:
    samples = [
        Sample(input="a"),
        Sample(input="b", choices=["x", "y"], target="C"),
    ]
    held, streamed = both(samples)

    with pytest.raises(DatasetError) as expected:
        held.shuffle_choices(0)
    with pytest.raises(DatasetError) as error:
        streamed.shuffle_choices(0)

    assert str(error.value) == str(expected.value)
    assert str(error.value).startswith("sample 2 has the target 'C': there is no choice 'C'.")


class Foreign(Dataset):
    """A dataset of somebody else's, with samples that are read when they are asked for."""

    name = "theirs"
    location = "/theirs"
    shuffled = True

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        return self._samples[index]

    def sort(self, reverse: bool = False, key: Any = None) -> None:
        raise NotImplementedError

    def filter(self, predicate: Any, name: str | None = None) -> Dataset:
        raise NotImplementedError

    def shuffle(self, seed: int | None = None) -> None:
        raise NotImplementedError

    def shuffle_choices(self, seed: int | None = None) -> None:
        raise NotImplementedError


def test_ids_of_a_dataset_of_somebody_else() -> None:
    samples = [Sample(input="a"), Sample(input="b", id="x"), Sample(input="c")]
    complete = Foreign([Sample(input="a", id=1)])

    checked = check_ids(Foreign(samples))

    assert isinstance(checked, StreamedDataset)
    assert [sample.id for sample in checked] == [1, "x", 3]
    assert (checked.name, checked.location, checked.shuffled) == ("theirs", "/theirs", True)
    assert [sample.id for sample in samples] == [None, "x", None]
    assert check_ids(complete) is complete


@pytest.mark.parametrize(
    ("given", "known"),
    [
        pytest.param(["a", "b", 1], "distinct", id="distinct"),
        pytest.param([None, None], "none", id="none"),
        pytest.param([None, "a"], "unknown", id="some"),
        pytest.param(["a", "b", "a"], "unknown", id="one twice"),
        pytest.param([1, "1"], "unknown", id="equal as text"),
        pytest.param([], "distinct", id="no sample"),
    ],
)
def test_what_is_known_of_ids(given: list[int | str | None], known: Ids) -> None:
    keys = IdKeys()
    for sample_id in given:
        keys.add(sample_id)

    assert keys.known() == known


@pytest.mark.parametrize(
    ("known", "reads"),
    [
        pytest.param("distinct", 0, id="distinct ids"),
        pytest.param("none", 0, id="no ids"),
        pytest.param("unknown", 4, id="unknown"),
    ],
)
def test_known_ids_are_not_read_again(known: Ids, reads: int) -> None:
    source = Reads([Sample(input="q", id=None if known == "none" else n) for n in range(4)])
    dataset = shuffle(StreamedDataset(source, ids=known), 0)

    checked = check_ids(dataset)

    assert source.reads == reads
    expected = [1, 2, 3, 4] if known == "none" else [sample.id for sample in dataset]
    assert [sample.id for sample in checked] == expected


def test_positions_stay_with_their_samples() -> None:
    dataset = shuffle(StreamedDataset([Sample(input=str(n)) for n in range(9)], ids="none"), 3)
    checked = check_ids(dataset)
    pairs = {(sample.input, sample.id) for sample in checked}

    shuffle(checked, 8)

    assert {(sample.input, sample.id) for sample in checked} == pairs
    assert [sample.id for sample in check_ids(checked)] == [sample.id for sample in checked]
    assert [sample.id for sample in dataset] == [None] * 9


def test_selected_samples_are_read_one_by_one() -> None:
    source = Reads([Sample(input="q", id=n) for n in range(100)])

    view = select_samples(StreamedDataset(source), limit=(10, 20))[2:4]

    assert source.reads == 0
    assert [sample.id for sample in view] == [12, 13]
    assert source.reads == 2


def test_errors_of_reading_do_not_end_an_iteration() -> None:
    class Broken(Reads):
        def __getitem__(self, number: Any) -> Any:
            raise IndexError("of the file")

    dataset = StreamedDataset(Broken(some_samples(3)))

    with pytest.raises(IndexError, match="of the file"):
        list(dataset)
    with pytest.raises(IndexError, match="of the file"):
        list(select_samples(dataset))
