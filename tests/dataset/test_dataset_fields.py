import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tasks_lib.dataset import FieldSpec, Sample, json_dataset
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentText,
)


class Difficulty(BaseModel):
    model_config = ConfigDict(frozen=True)

    level: int
    topic: str = "any"


def read(tmp_path: Path, record: object, fields: FieldSpec | None = None) -> list[Sample]:
    """Read a file whose only line is `record`."""
    file = tmp_path / "q.jsonl"
    file.write_text(json.dumps(record), encoding="utf-8")
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
            {"input": "q", "sandbox": ["docker"]},
            None,
            Sample(input="q", sandbox="docker"),
            id="sandbox of one part",
        ),
        pytest.param(
            {"input": "q", "sandbox": ["docker", "c.yaml"]},
            None,
            Sample(input="q", sandbox=("docker", "c.yaml")),
            id="sandbox with config file",
        ),
        pytest.param(
            {"input": "q", "files": '{"a.txt": "text"}'},
            None,
            Sample(input="q", files={"a.txt": "text"}),
            id="files as JSON text",
        ),
        pytest.param(
            {"input": "q", "files": {"a": "text", "b": None}},
            None,
            Sample(input="q", files={"a": "text"}),
            id="null files are left out",
        ),
        pytest.param(
            {
                "input": "q",
                "target": "",
                "choices": "",
                "id": "",
                "metadata": "",
                "sandbox": "",
                "files": "",
                "setup": "",
            },
            None,
            Sample(input="q"),
            id="empty text is missing, as in CSV",
        ),
        pytest.param(
            {"input": "q", "target": True},
            None,
            Sample(input="q", target="True"),
            id="truth as target",
        ),
        pytest.param(
            {"input": "q", "target": []}, None, Sample(input="q", target=[]), id="no targets"
        ),
        pytest.param({"input": "q", "id": 0}, None, Sample(input="q", id=0), id="id 0"),
        pytest.param(
            {
                "i": "q",
                "t": "a",
                "c": ["a", "b"],
                "n": 7,
                "m": {"k": 1},
                "b": "local",
                "f": {"x": "y"},
                "s": "ls",
            },
            FieldSpec("i", "t", "c", "n", ["m"], "b", "f", "s"),
            Sample(
                input="q",
                target="a",
                choices=["a", "b"],
                id=7,
                metadata={"m": {"k": 1}},
                sandbox="local",
                files={"x": "y"},
                setup="ls",
            ),
            id="every field by another name",
        ),
        pytest.param(
            {"input": "q", "level": 3, "metadata": '{"level": 4}'},
            FieldSpec(metadata=Difficulty),
            Sample(input="q", metadata={"level": 4, "topic": "any"}),
            id="metadata model of JSON text",
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


def test_null_fields_of_messages_are_missing(tmp_path: Path) -> None:
    """Tables give every message, and every part of one, the fields of all."""
    text = {"type": "text", "text": "Hi", "image": None, "detail": None}
    image = {"type": "image", "text": None, "image": "data:,", "detail": None}
    record = {
        "input": [
            {"role": "user", "content": [text, image], "tool_calls": None, "tool_call_id": None},
            {"role": "tool", "content": "3", "tool_calls": None, "tool_call_id": "c1"},
        ]
    }

    (sample,) = read(tmp_path, record)

    assert isinstance(sample.input, list)
    assert [m.model_dump(exclude={"id"}, exclude_none=True) for m in sample.input] == [
        m.model_dump(exclude={"id"}, exclude_none=True)
        for m in (
            ChatMessageUser(
                content=[ContentText(text="Hi"), ContentImage(image="data:,")], source="input"
            ),
            ChatMessageTool(content="3", tool_call_id="c1", source="input"),
        )
    ]
