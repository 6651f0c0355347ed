from collections import Counter

import pytest

from tasks_lib._errors import DatasetError, UnknownNameError
from tasks_lib.dataset import Dataset, FieldSpec, Sample, example_dataset
from tasks_lib.schema import ChatMessageUser

NAMES = ["bias_detection", "biology_qa", "popularity", "security_guide", "theory_of_mind"]


def popularity(record: dict[str, object]) -> Sample:
    return Sample(
        input=str(record["question"]),
        target=str(record["answer_matching_behavior"]),
        metadata={"confidence": record["label_confidence"], "statement": record["statement"]},
    )


def read(name: str) -> Dataset:
    if name == "biology_qa":
        return example_dataset(name, FieldSpec(input="question", target="answer"))
    return example_dataset(name, popularity if name == "popularity" else None)


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        pytest.param("bias_detection", 20, id="bias_detection"),
        pytest.param("biology_qa", 24, id="biology_qa"),
        pytest.param("popularity", 20, id="popularity"),
        pytest.param("security_guide", 16, id="security_guide"),
        pytest.param("theory_of_mind", 24, id="theory_of_mind"),
    ],
)
def test_each_can_be_evaluated(name: str, samples: int) -> None:
    dataset = read(name)

    assert (dataset.name, dataset.location, dataset.shuffled, len(dataset)) == (
        name,
        f"example://{name}",
        False,
        samples,
    )
    assert all(sample.target and not sample.choices for sample in dataset)
    questions = [sample.input for sample in dataset]
    texts = [text if isinstance(text, str) else text[0].text for text in questions]
    assert len(set(texts)) == samples
    assert all(text.strip() == text and len(text) > 10 for text in texts)


def test_rows_with_fields_of_their_own() -> None:
    assert read("biology_qa")[0] == Sample(
        id="q1",
        input="Which part of a plant cell carries out photosynthesis?",
        target="Chloroplast",
    )
    assert read("popularity")[0].metadata == {
        "confidence": 0.95,
        "statement": "I would rather have many admirers than a few close friends.",
    }


def test_rows_that_are_messages() -> None:
    messages = example_dataset("theory_of_mind")[0].input

    assert isinstance(messages, list)
    assert [type(message) for message in messages] == [ChatMessageUser]
    assert messages[0].source == "input"
    assert messages[0].text.endswith("Where will Maya look for the keys first?")


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        pytest.param("bias_detection", {"[fact]": 10, "[claim]": 10}, id="bias_detection"),
        pytest.param("popularity", {"Yes": 10, "No": 10}, id="popularity"),
    ],
)
def test_answers_are_balanced(name: str, targets: dict[str, int]) -> None:
    assert Counter(sample.target for sample in read(name)) == targets


def test_needs_its_field_spec() -> None:
    with pytest.raises(DatasetError, match=r"biology_qa\.jsonl:1: field 'input': missing"):
        example_dataset("biology_qa")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "biology",
            "No example dataset is named 'biology'. Did you mean 'biology_qa'?",
            id="nearest",
        ),
        pytest.param(
            "../examples/biology_qa",
            "No example dataset is named '../examples/biology_qa'. Did you mean 'biology_qa'?",
            id="a path",
        ),
        pytest.param(
            "x",
            f"No example dataset is named 'x'. Known: {', '.join(map(repr, NAMES))}.",
            id="none",
        ),
    ],
)
def test_unknown_name(name: str, message: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        example_dataset(name)

    assert str(error.value) == message
    assert isinstance(error.value, ValueError)
