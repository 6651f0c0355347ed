import pytest

from tasks_lib._errors import DatasetError
from tasks_lib.dataset import MemoryDataset, Sample
from tasks_lib.schema import ChatMessageUser


def numbered(count: int) -> MemoryDataset:
    return MemoryDataset([Sample(input=f"q{n}", id=n) for n in range(count)], name="numbers")


def ids(dataset: MemoryDataset) -> list[object]:
    return [sample.id for sample in dataset]


def test_slice_keeps_name_location_and_order() -> None:
    dataset = MemoryDataset([Sample(input="a"), Sample(input="b")], "n", "/d.json", True)

    part = dataset[1:]

    assert [sample.input for sample in part] == ["b"]
    assert (part.name, part.location, part.shuffled) == ("n", "/d.json", True)


def test_negative_index() -> None:
    assert numbered(3)[-1].id == 2


def test_the_list_that_was_given_keeps_its_order() -> None:
    samples = [Sample(input=str(n), id=n) for n in range(20)]
    dataset = MemoryDataset(samples)

    dataset.shuffle(1)

    assert [sample.id for sample in samples] == list(range(20))


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        pytest.param(0, [7, 8, 1, 5, 3, 4, 2, 0, 9, 6], id="0 is a seed"),
        pytest.param(42, [7, 3, 2, 8, 5, 6, 9, 4, 0, 1], id="42"),
    ],
)
def test_shuffle_is_the_same_everywhere(seed: int, expected: list[int]) -> None:
    dataset = numbered(10)

    dataset.shuffle(seed)

    assert ids(dataset) == expected
    assert dataset.shuffled


def test_shuffle_without_seed_differs() -> None:
    orders = set()
    for _ in range(5):
        dataset = numbered(50)
        dataset.shuffle()
        orders.add(tuple(ids(dataset)))

    assert len(orders) > 1


def test_sort_by_input_length() -> None:
    talk = Sample(input=[ChatMessageUser(content="ab"), ChatMessageUser(content="c")], id="talk")
    dataset = MemoryDataset([Sample(input="1234", id="long"), talk, Sample(input="1", id="short")])

    dataset.sort()
    assert ids(dataset) == ["short", "talk", "long"]

    dataset.sort(reverse=True)
    assert ids(dataset) == ["long", "talk", "short"]

    dataset.sort(key=lambda sample: str(sample.id))
    assert ids(dataset) == ["long", "short", "talk"]


def test_sorted_is_not_shuffled() -> None:
    dataset = numbered(3)
    dataset.shuffle(1)
    dataset.sort()

    assert not dataset.shuffled


def test_filter_makes_a_new_dataset() -> None:
    dataset = numbered(4)

    even = dataset.filter(lambda sample: int(sample.id or 0) % 2 == 0, name="even")

    assert (ids(even), even.name) == ([0, 2], "even")
    assert len(dataset) == 4
    assert dataset.filter(lambda sample: False).name == "numbers"


def shuffled(choices: list[str], target: str | list[str], seed: int = 0) -> Sample:
    dataset = MemoryDataset([Sample(input="q", choices=choices, target=target)])
    dataset.shuffle_choices(seed)
    return dataset[0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("target", ["A", "C", "d", "BD", ["A", "D"], "", ["C"]])
def test_target_follows_its_choice(target: str | list[str], seed: int) -> None:
    choices = ["w", "x", "y", "z"]

    sample = shuffled(choices, target, seed)

    def meant(letters: str | list[str], options: list[str]) -> list[str]:
        return sorted(options["ABCD".index(letter.upper())] for letter in "".join(letters))

    assert sample.choices is not None
    assert sorted(sample.choices) == choices
    assert meant(sample.target, sample.choices) == meant(target, choices)


def test_choices_beyond_z_are_numbered() -> None:
    choices = [str(n) for n in range(40)]

    sample = shuffled(choices, "12")

    assert sample.choices is not None
    target = sample.target
    assert isinstance(target, str)
    position = int(target) + 25 if target.isdecimal() else ord(target) - ord("A")
    assert sample.choices[position] == choices[12 + 25]


def test_shuffled_choices_leave_the_sample_given_alone() -> None:
    sample = Sample(input="q", choices=["a", "b", "c"], target="A")
    without = Sample(input="open", target="Paris")
    dataset = MemoryDataset([sample, without])

    dataset.shuffle_choices(3)

    assert (sample.choices, sample.target) == (["a", "b", "c"], "A")
    assert dataset[1] is without


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("Paris", "'Paris' is not a letter", id="text"),
        pytest.param("E", "there is no choice 'E'", id="beyond the choices"),
        pytest.param("?", "'?' does not name a choice, expected A to Z or 1, 2, …", id="sign"),
    ],
)
def test_target_that_is_no_letter(target: str, reason: str) -> None:
    with pytest.raises(DatasetError) as error:
        shuffled(["a", "b"], target)

    assert str(error.value) == (
        f"sample 1 has the target {target!r}: {reason}. "
        "To shuffle choices, targets must be letters of the 2 choices."
    )
