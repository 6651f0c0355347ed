import logging
from collections.abc import Sequence
from typing import Any

import pytest

from tasks_lib._errors import DatasetError, ParameterError, PrerequisiteError
from tasks_lib.dataset import (
    MemoryDataset,
    Sample,
    check_ids,
    check_selection,
    dataset_digest,
    select_samples,
)
from tasks_lib.schema import ChatMessageUser


def with_ids(*ids: int | str | None) -> MemoryDataset:
    return MemoryDataset([Sample(input=f"q{id}", id=id) for id in ids], "set", "/set.json")


def ids(samples: Sequence[Sample]) -> list[object]:
    return [sample.id for sample in samples]


def test_missing_ids_are_positions() -> None:
    dataset = with_ids("a", None, None)

    checked = check_ids(dataset)

    assert ids(checked) == ["a", 2, 3]
    assert ids(dataset) == ["a", None, None]
    assert checked[0] is dataset[0]
    assert (checked.name, checked.location) == ("set", "/set.json")


def test_complete_dataset_is_returned_as_it_is() -> None:
    dataset = with_ids(1, 2)

    assert check_ids(dataset) is dataset


def test_list_becomes_a_dataset() -> None:
    assert ids(check_ids([Sample(input="a"), Sample(input="b")])) == [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(("a", "b", "a"), "samples 1 and 3 have the same id 'a'.", id="text"),
        pytest.param(
            (1, "1"),
            "samples 1 and 2 have the same id '1' "
            "(1 and '1' count as equal: ids are compared as text).",
            id="number and text",
        ),
        pytest.param(
            (2, None),
            "samples 1 and 2 have the same id 2 (sample 2 has none and was given its position).",
            id="number and position",
        ),
    ],
)
def test_duplicates(given: tuple[int | str | None, ...], message: str) -> None:
    with pytest.raises(DatasetError) as error:
        check_ids(with_ids(*given))

    hint = "Ids must be unique; auto_id=True numbers the samples instead."
    assert str(error.value) == f"/set.json: {message} {hint}"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(None, [1, 2, 3, 4], id="all"),
        pytest.param(2, [1, 2], id="first"),
        pytest.param(9, [1, 2, 3, 4], id="more than there are"),
        pytest.param(0, [], id="none"),
        pytest.param((1, 3), [2, 3], id="range"),
        pytest.param([1, 3], [2, 3], id="range as JSON has it"),
        pytest.param((2, 9), [3, 4], id="range beyond the end"),
        pytest.param((9, 9), [], id="empty range"),
    ],
)
def test_limit(limit: Any, expected: list[int]) -> None:
    assert ids(select_samples(with_ids(1, 2, 3, 4), limit)) == expected


def test_range_after_the_end() -> None:
    with pytest.raises(ParameterError) as error:
        select_samples(with_ids(1, 2, 3, 4), (4, 9), task_name="maths")

    assert str(error.value) == (
        "eval: limit is (4, 9), expected a range that begins before the end of the 4 samples "
        "of task 'maths'."
    )


@pytest.mark.parametrize(
    "limit", [-1, True, 1.5, "5", (3, 1), (-1, 2), (1,), (1, 2, 3), ("1", "2"), {1, 2}], ids=repr
)
def test_wrong_limit(limit: Any) -> None:
    with pytest.raises(ParameterError, match=r"eval: limit is .*, expected a number of samples"):
        select_samples(with_ids(1), limit)


@pytest.mark.parametrize(
    ("dataset", "wanted", "expected"),
    [
        pytest.param((1, 2, 3), 2, [2], id="number"),
        pytest.param((1, 2, 3), "2", [2], id="digits"),
        pytest.param((1, 2, 3), "002", [2], id="digits with zeros"),
        pytest.param(("001", "002"), 2, ["002"], id="digits in the dataset"),
        pytest.param((0, 1), "00", [0], id="zero"),
        pytest.param(("a", "b", "c"), ["c", "a"], ["a", "c"], id="in the dataset's order"),
        pytest.param(("a", "b"), ["a", "a"], ["a"], id="twice"),
        pytest.param(("a", "b"), "maths:b", ["b"], id="of this task"),
        pytest.param(("a", "b"), "MATHS:b", ["b"], id="in any case"),
        pytest.param(("a", "b"), "pkg/maths:b", ["b"], id="with its package"),
        pytest.param(("a", "b"), "other:b", [], id="of another task"),
        pytest.param(("a", "b"), ["other:b", "a"], ["a"], id="of both"),
        pytest.param(("other:b", "b"), "other:b", ["other:b"], id="id with a colon"),
        pytest.param(("x:y", "b"), "maths:x:y", ["x:y"], id="id with a colon, of this task"),
        pytest.param(("add-1", "sub-1", "add-2"), "add-*", ["add-1", "add-2"], id="any text"),
        pytest.param(("a1", "a22", "b1"), "?1", ["a1", "b1"], id="any character"),
        pytest.param(("a1", "a2", "a3"), "a[13]", ["a1", "a3"], id="one of some characters"),
        pytest.param((1, 10, 11, 20), "1*", [1, 10, 11], id="numbers that begin so"),
        pytest.param((1, 2), "*", [1, 2], id="all"),
        pytest.param(("a", "A1", "a1"), "a?", ["a1"], id="in this case"),
        pytest.param(("xa", "a", "ax"), "?a", ["xa"], id="the whole id"),
        pytest.param(("a*", "ab", "ac"), "a*", ["a*"], id="an id with an asterisk"),
        pytest.param(("a[1]", "a1"), "a[1]", ["a[1]"], id="an id with brackets"),
        pytest.param(("a[1]", "a1"), "maths:a[1]", ["a[1]"], id="such an id, of this task"),
        pytest.param(("a", "b1", "b2"), ["a", "b*"], ["a", "b1", "b2"], id="ids and patterns"),
        pytest.param(("add-1", "b"), "maths:add*", ["add-1"], id="pattern for this task"),
        pytest.param(("add-1", "b"), "other:add*", [], id="pattern for another task"),
        pytest.param(("x:1", "x:2", "b"), "x:*", ["x:1", "x:2"], id="pattern with a colon"),
        pytest.param(("maths:1", "b"), "maths:*", ["maths:1", "b"], id="the task's name first"),
    ],
)
def test_sample_id(dataset: tuple[int | str, ...], wanted: Any, expected: list[object]) -> None:
    chosen = select_samples(with_ids(*dataset), sample_id=wanted, task_name="pkg/Maths")

    assert ids(chosen) == expected


def test_pattern_without_a_match() -> None:
    with pytest.raises(
        PrerequisiteError, match="sample_id 'z\\*' is not in the dataset of task 't'"
    ):
        select_samples(with_ids("a", "b"), sample_id="z*", task_name="t")


def test_some_ids_are_missing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        chosen = select_samples(with_ids("a"), sample_id=["a", "z"], task_name="t")

    assert ids(chosen) == ["a"]
    assert caplog.messages == [
        "sample_id 'z' is not in the dataset of task 't'; the others are evaluated."
    ]


def test_no_id_is_there() -> None:
    with pytest.raises(PrerequisiteError) as error:
        select_samples(with_ids(*range(20)), sample_id=["x", "t:y"], task_name="t")

    assert str(error.value) == (
        "sample_id 'x', 't:y' is not in the dataset of task 't'. "
        "Its ids: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 … (20 in all)."
    )


def test_limit_with_sample_id() -> None:
    with pytest.raises(ParameterError) as error:
        check_selection(5, ["a"], function="eval_set")

    assert str(error.value) == (
        "eval_set: limit is 5, expected None because sample_id is given too (['a']): "
        "use one of the two."
    )


def test_view_reads_on_demand() -> None:
    class Counting(list[Sample]):
        reads = 0

        def __getitem__(self, index: Any) -> Any:
            self.reads += 1
            return super().__getitem__(index)

    dataset = Counting(with_ids(*range(100)))
    view = select_samples(dataset, (10, 60))

    assert len(view) == 50
    assert dataset.reads == 0
    assert (view[0].id, view[-1].id, ids(view[1:3])) == (10, 59, [11, 12])


def talk(text: str) -> Sample:
    return Sample(input=[ChatMessageUser(content=text)])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(talk("a"), talk("a"), True, id="ids of messages do not count"),
        pytest.param(talk("a"), talk("b"), False, id="messages"),
        pytest.param(Sample(input="a"), Sample(input="b"), False, id="input"),
        pytest.param(Sample(input="a", id=1), Sample(input="a", id="1"), False, id="id"),
        pytest.param(
            Sample(input="a", target="a"), Sample(input="a", target=["a"]), False, id="target"
        ),
        pytest.param(Sample(input="a", choices=["x"]), Sample(input="a"), False, id="choices"),
        pytest.param(
            Sample(input="a", metadata={"k": 1, "l": {"m": 2, 3: 4}}),
            Sample(input="a", metadata={"l": {3: 4, "m": 2}, "k": 1}),
            True,
            id="order of metadata does not count",
        ),
        pytest.param(
            Sample(input="a", metadata={"k": object()}),
            Sample(input="a", metadata={"k": object()}),
            True,
            id="objects count by their type",
        ),
        pytest.param(
            Sample(input="a", metadata={"k": 1}),
            Sample(input="a", metadata={"k": 2}),
            False,
            id="metadata",
        ),
        pytest.param(Sample(input="a", setup="x"), Sample(input="a"), False, id="setup"),
        pytest.param(
            Sample(input="a", files={"f": "x"}),
            Sample(input="a", files={"f": "y"}),
            False,
            id="file",
        ),
    ],
)
def test_digest(one: Sample, other: Sample, same: bool) -> None:
    assert (dataset_digest([one]) == dataset_digest([other])) is same


def test_digest_is_the_same_everywhere() -> None:
    samples = [Sample(input="1+1 é \udc80", target="2", id=1, metadata={"k": [1.5, None]})]

    assert dataset_digest(samples) == dataset_digest(iter(samples))
    # sha256sum of the line [1,"1+1 \\u00e9 \\udc80",null,"2",{"k":[1.5,null]}]
    assert dataset_digest(samples)[:16] == "3dad06367cbf1439"
