"""Records that no sample can be made of: the message names file, line and field."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from tasks_lib._errors import DatasetError
from tasks_lib.dataset import FieldSpec, json_dataset


class Difficulty(BaseModel):
    model_config = ConfigDict(frozen=True)

    level: int
    topic: str = "any"


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
        pytest.param(
            {"input": []}, None, "field 'input': empty: a sample needs an input", id="no messages"
        ),
        pytest.param(
            {"input": {"role": "user", "content": "a"}},
            None,
            "field 'input': expected text or a list of messages, "
            "found dict {'role': 'user', 'content': 'a'}",
            id="one message, not in a list",
        ),
        pytest.param(
            {"input": [{"role": "user", "content": [{"type": "image"}]}]},
            None,
            "field 'input[0]': not a message: content.0.image.image: Field required",
            id="image without an image",
        ),
        pytest.param(
            {"input": "q", "choices": ["a", ["b"]]},
            None,
            "field 'choices[1]': expected text or a number, found list ['b']",
            id="list among choices",
        ),
        pytest.param(
            {"input": "q"},
            FieldSpec(choices="options"),
            "field 'options': missing. Fields of this row: ['input']. "
            'Map it with FieldSpec(choices="…").',
            id="named choices",
        ),
        pytest.param(
            {"input": "q", "id": [1]},
            None,
            "field 'id': expected text or an integer, found list [1]",
            id="list as id",
        ),
        pytest.param(
            {"input": "q"},
            FieldSpec(metadata=Difficulty),
            "field 'metadata': does not fit Difficulty: level: Field required",
            id="metadata without a field of its model",
        ),
        pytest.param(
            {"input": "q", "metadata": "[1]"},
            None,
            "field 'metadata': expected an object, found list [1]",
            id="JSON text that is no object",
        ),
        pytest.param(
            {"input": "q", "sandbox": []},
            None,
            "field 'sandbox': expected a type, or a list of type and config file, found list []",
            id="sandbox of no parts",
        ),
        pytest.param(
            {"input": "q", "sandbox": '["docker"'},
            None,
            "field 'sandbox': not valid JSON (Expecting ',' delimiter: line 1 column 10 (char 9)): "
            "str '[\"docker\"'",
            id="sandbox as broken JSON text",
        ),
        pytest.param(
            {"input": "q", "sandbox": {"type": "docker"}},
            None,
            "field 'sandbox': expected a type, or a list of type and config file, "
            "found dict {'type': 'docker'}",
            id="object as sandbox",
        ),
        pytest.param(
            {"input": "q", "files": ["a.txt"]},
            None,
            "field 'files': expected an object, found list ['a.txt']",
            id="list as files",
        ),
        pytest.param(
            {f"column {number}": 1 for number in range(40)},
            None,
            f"field 'input': missing. Fields of this row: {[f'column {n}' for n in range(30)]} "
            'and 10 more. Map it with FieldSpec(input="…").',
            id="many fields",
        ),
        pytest.param([1], None, "expected an object, found list [1]", id="list as record"),
    ],
)
def test_bad_record(tmp_path: Path, record: object, fields: FieldSpec | None, message: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(f"\n\n{json.dumps(record)}\n", encoding="utf-8")

    with pytest.raises(DatasetError) as error:
        json_dataset(str(file), fields)

    assert str(error.value) == f"{file}:3: {message}"
    assert (error.value.location, error.value.line) == (str(file), 3)
