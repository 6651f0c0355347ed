import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tasks_lib._errors import DatasetError, ParameterError
from tasks_lib.dataset import FieldSpec, RecordToSample, Sample, json_dataset
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
)


class Difficulty(BaseModel):
    model_config = ConfigDict(frozen=True)

    level: int
    topic: str = "any"


class Thawed(BaseModel):
    level: int


def read(
    tmp_path: Path, record: object, fields: FieldSpec | RecordToSample | None = None
) -> list[Sample]:
    """Read a file whose 3rd line is `record`."""
    file = tmp_path / "q.jsonl"
    file.write_text(f"\n\n{json.dumps(record)}\n", encoding="utf-8")
    return list(json_dataset(str(file), fields))


@pytest.mark.parametrize(
    ("record", "fields", "expected"),
    [
        pytest.param({"input": "q"}, None, Sample(input="q"), id="input alone"),
        pytest.param(
            {"q": "1+1", "a": "2"},
            FieldSpec(input="q", target="a"),
            Sample(input="1+1", target="2"),
            id="other names",
        ),
        pytest.param(
            {"input": "q", "target": 2}, None, Sample(input="q", target="2"), id="number as target"
        ),
        pytest.param(
            {"input": "q", "target": ["a", 2.5]},
            None,
            Sample(input="q", target=["a", "2.5"]),
            id="several targets",
        ),
        pytest.param(
            {"input": "q", "target": None, "choices": None, "id": None, "files": None},
            None,
            Sample(input="q"),
            id="null is missing",
        ),
        pytest.param(
            {"input": "q", "opts": None},
            FieldSpec(choices="opts"),
            Sample(input="q"),
            id="a named field may be null",
        ),
        pytest.param(
            {"input": "q", "choices": "red, dark blue ,green"},
            None,
            Sample(input="q", choices=["red", "dark blue", "green"]),
            id="choices with commas",
        ),
        pytest.param(
            {"input": "q", "choices": "red blue"},
            None,
            Sample(input="q", choices=["red", "blue"]),
            id="choices with blanks",
        ),
        pytest.param(
            {"input": "q", "choices": [1, "b"]},
            None,
            Sample(input="q", choices=["1", "b"]),
            id="choices as list",
        ),
        pytest.param({"input": "q", "id": 7}, None, Sample(input="q", id=7), id="integer id"),
        pytest.param({"input": "q", "id": "7"}, None, Sample(input="q", id="7"), id="text id"),
        pytest.param(
            {"input": "q", "metadata": {"a": 1}},
            None,
            Sample(input="q", metadata={"a": 1}),
            id="metadata object",
        ),
        pytest.param(
            {"input": "q", "metadata": '{"a": [1]}'},
            None,
            Sample(input="q", metadata={"a": [1]}),
            id="metadata as JSON text",
        ),
        pytest.param(
            {"input": "q", "a": 1, "b": 2},
            FieldSpec(metadata=["a", "c"]),
            Sample(input="q", metadata={"a": 1, "c": None}),
            id="metadata by names",
        ),
        pytest.param(
            {"input": "q", "level": "3"},
            FieldSpec(metadata=Difficulty),
            Sample(input="q", metadata={"level": 3, "topic": "any"}),
            id="metadata model of top-level fields",
        ),
        pytest.param(
            {"input": "q", "level": 1, "metadata": {"level": 3, "topic": "x"}},
            FieldSpec(metadata=Difficulty),
            Sample(input="q", metadata={"level": 3, "topic": "x"}),
            id="metadata model of the metadata field",
        ),
        pytest.param(
            {"input": "q", "sandbox": "docker"},
            None,
            Sample(input="q", sandbox="docker"),
            id="sandbox type",
        ),
        pytest.param(
            {"input": "q", "sandbox": '["docker", "c.yaml"]'},
            None,
            Sample(input="q", sandbox=("docker", "c.yaml")),
            id="sandbox as JSON text",
        ),
        pytest.param(
            {"input": "q", "files": {"a.txt": "text"}, "setup": "echo"},
            None,
            Sample(input="q", files={"a.txt": "text"}, setup="echo"),
            id="files and setup",
        ),
    ],
)
def test_record_to_sample(
    tmp_path: Path, record: dict[str, Any], fields: FieldSpec | None, expected: Sample
) -> None:
    assert read(tmp_path, record, fields) == [expected]


def test_messages(tmp_path: Path) -> None:
    record = {
        "input": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "image": "https://example.org/a.png"},
                ],
            },
            {"role": "assistant", "content": "A cat."},
        ]
    }

    (sample,) = read(tmp_path, record)

    assert isinstance(sample.input, list)
    assert [message.model_dump(exclude={"id"}) for message in sample.input] == [
        message.model_dump(exclude={"id"})
        for message in (
            ChatMessageSystem(content="Be brief.", source="input"),
            ChatMessageUser(
                content=[
                    ContentText(text="What is it?"),
                    ContentImage(image="https://example.org/a.png"),
                ],
                source="input",
            ),
            ChatMessageAssistant(content="A cat.", source="input"),
        )
    ]


@pytest.mark.parametrize(
    ("record", "fields", "message"),
    [
        pytest.param(
            {"q": 1, "a": 2},
            FieldSpec(input="question"),
            "field 'question': missing. Fields of this row: ['q', 'a']. "
            'Map it with FieldSpec(input="…").',
            id="named input",
        ),
        pytest.param(
            {"q": 1},
            None,
            "field 'input': missing. Fields of this row: ['q']. "
            'Map it with FieldSpec(input="…").',
            id="default input",
        ),
        pytest.param(
            {"input": "q"},
            FieldSpec(target="answer"),
            "field 'answer': missing. Fields of this row: ['input']. "
            'Map it with FieldSpec(target="…").',
            id="named target",
        ),
        pytest.param(
            {"input": ""}, None, "field 'input': empty: a sample needs an input", id="empty"
        ),
        pytest.param(
            {"input": 5},
            None,
            "field 'input': expected text or a list of messages, found int 5",
            id="number as input",
        ),
        pytest.param(
            {"input": None},
            None,
            "field 'input': expected text or a list of messages, found null",
            id="null as input",
        ),
        pytest.param(
            {"input": [{"role": "user", "content": "a"}, {"role": "user"}]},
            None,
            "field 'input[1]': the message has no 'content': dict {'role': 'user'}",
            id="message without content",
        ),
        pytest.param(
            {"input": ["hello"]},
            None,
            "field 'input[0]': expected a message with role and content: str 'hello'",
            id="text as message",
        ),
        pytest.param(
            {"input": [{"role": "robot", "content": "a"}]},
            None,
            "field 'input[0]': not a message: Input tag 'robot' found using 'role' does not match "
            "any of the expected tags: 'system', 'user', 'assistant', 'tool'",
            id="unknown role",
        ),
        pytest.param(
            {"input": "q", "target": {"a": 1}},
            None,
            "field 'target': expected text or a number, found dict {'a': 1}",
            id="object as target",
        ),
        pytest.param(
            {"input": "q", "target": ["a", None]},
            None,
            "field 'target[1]': expected text or a number, found null",
            id="null among targets",
        ),
        pytest.param(
            {"input": "q", "choices": 3},
            None,
            "field 'choices': expected a list or text, found int 3",
            id="number as choices",
        ),
        pytest.param(
            {"input": "q", "id": 1.5},
            None,
            "field 'id': expected text or an integer, found float 1.5",
            id="fraction as id",
        ),
        pytest.param(
            {"input": "q", "id": True},
            None,
            "field 'id': expected text or an integer, found bool True",
            id="truth as id",
        ),
        pytest.param(
            {"input": "q", "metadata": "{"},
            None,
            "field 'metadata': not valid JSON (Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)): str '{'",
            id="broken JSON text",
        ),
        pytest.param(
            {"input": "q", "metadata": [1]},
            None,
            "field 'metadata': expected an object, found list [1]",
            id="list as metadata",
        ),
        pytest.param(
            {"input": "q", "level": "high"},
            FieldSpec(metadata=Difficulty),
            "field 'metadata': does not fit Difficulty: level: Input should be a valid integer, "
            "unable to parse string as an integer",
            id="metadata that does not fit its model",
        ),
        pytest.param(
            {"input": "q", "sandbox": ["a", "b", "c"]},
            None,
            "field 'sandbox': expected a type, or a list of type and config file, "
            "found list ['a', 'b', 'c']",
            id="three parts of a sandbox",
        ),
        pytest.param(
            {"input": "q", "files": {"a": 1}},
            None,
            "field 'files': 'a': expected text, found int 1",
            id="number as file",
        ),
        pytest.param(
            {"input": "q", "setup": ["ls"]},
            None,
            "field 'setup': expected text, found list ['ls']",
            id="list as setup",
        ),
        pytest.param([1], None, "expected an object, found list [1]", id="list as record"),
    ],
)
def test_bad_record(tmp_path: Path, record: object, fields: FieldSpec | None, message: str) -> None:
    with pytest.raises(DatasetError) as error:
        read(tmp_path, record, fields)

    assert str(error.value) == f"{tmp_path / 'q.jsonl'}:3: {message}"
    assert (error.value.location, error.value.line) == (str(tmp_path / "q.jsonl"), 3)


def two_of(record: dict[str, Any]) -> list[Sample]:
    return [Sample(input=record["q"]), Sample(input=record["q"] * 2)]


def dropped(record: dict[str, Any]) -> list[Sample]:
    return []


def no_sample(record: dict[str, Any]) -> Any:
    return record["q"]


def test_function_may_return_several_samples(tmp_path: Path) -> None:
    assert read(tmp_path, {"q": "a"}, two_of) == [Sample(input="a"), Sample(input="aa")]


def test_function_may_return_none(tmp_path: Path) -> None:
    assert read(tmp_path, {"q": "a"}, dropped) == []


def test_errors_of_a_function_name_the_line(tmp_path: Path) -> None:
    expected = "two_of() raised KeyError: 'q'. Fields of this row: ['question']."
    with pytest.raises(DatasetError, match=re.escape(f"q.jsonl:3: {expected}")) as error:
        read(tmp_path, {"question": "a"}, two_of)

    assert isinstance(error.value.__cause__, KeyError)


def test_function_that_returns_something_else(tmp_path: Path) -> None:
    expected = re.escape("q.jsonl:3: no_sample() returned str 'a', expected Sample objects")
    with pytest.raises(DatasetError, match=expected):
        read(tmp_path, {"q": "a"}, no_sample)


def test_metadata_model_must_be_frozen() -> None:
    with pytest.raises(ParameterError, match=r"metadata is .*Thawed.*frozen=True"):
        FieldSpec(metadata=Thawed)


def test_sample_fields_of_a_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="sample_fields is 'q', expected a FieldSpec"):
        read(tmp_path, {"q": "a"}, "q")  # type: ignore[arg-type]
