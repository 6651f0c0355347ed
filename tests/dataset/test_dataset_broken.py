import gzip
from pathlib import Path

import pytest

from tasks_lib._errors import DatasetError
from tasks_lib.dataset import file_dataset, json_dataset


def written(tmp_path: Path, name: str, text: str | bytes) -> str:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


BROKEN = [
    pytest.param(
        "d.jsonl",
        '{"input": "a"}\n\n{"input": a}\n',
        ":3: not valid JSON at column 11: Expecting value",
        id="JSON line",
    ),
    pytest.param(
        "d.jsonl",
        '{"input": "a"} {}\n',
        ":1: not valid JSON at column 16: Extra data",
        id="two objects in a line",
    ),
    pytest.param(
        "d.jsonl",
        '{"input": "a"}\n"b"\n',
        ":2: expected an object, found str 'b'",
        id="JSON line that is no object",
    ),
    pytest.param(
        "d.jsonl",
        b'{"input": "a"}\n{"input": "\xe9"}\n',
        ":2: not utf-8 text (byte 0xe9). Give the right encoding=…",
        id="JSON line in Latin-1",
    ),
    pytest.param(
        "d.jsonl",
        f"{'[' * 100_000}\n",
        ":1: not usable JSON: nested too deeply",
        id="JSON line nested too deeply",
    ),
    pytest.param(
        "d.json",
        f'[{{"input": "a"}},\n {"[" * 100_000}]',
        ":2: not valid JSON at column 2: nested too deeply",
        id="JSON nested too deeply",
    ),
    pytest.param(
        "d.json",
        '[{"input": "a"},\n {"input": "b"}\n {}]',
        ":3: not valid JSON at column 2: Expecting ',' or ']'",
        id="JSON without comma",
    ),
    pytest.param(
        "d.json",
        '[{"input": "a"},\n]',
        ":2: not valid JSON at column 1: Expecting value",
        id="JSON with a comma at the end",
    ),
    pytest.param(
        "d.json",
        '[{"input": "a"}',
        ":1: not valid JSON at column 16: Expecting ',' or ']'",
        id="JSON that ends early",
    ),
    pytest.param(
        "d.json",
        "[]\n[]",
        ":2: not valid JSON at column 1: Extra data after the array",
        id="two arrays",
    ),
    pytest.param("d.json", "", ":1: not valid JSON at column 1: Expecting value", id="empty JSON"),
    pytest.param(
        "d.json",
        '{"input": "a"}\n{"input": "b"}',
        ": expected a JSON array of objects, found dict {'input': 'a'}. "
        "A file with one object per line must be named .jsonl.",
        id="lines in a JSON file",
    ),
    pytest.param(
        "d.json",
        '[\n {"input": "a"},\n {"input": "b"},\n\n {"q": 1}]',
        ":5: field 'input': missing. Fields of this row: ['q']. "
        'Map it with FieldSpec(input="…").',
        id="JSON row without its field",
    ),
    pytest.param(
        "d.json",
        b'[{"input": "a"},\n\n{"input": "\xe9"}]',
        ":3: not utf-8 text (byte 0xe9). Give the right encoding=…",
        id="JSON in Latin-1",
    ),
    pytest.param(
        "d.csv",
        'input,target\n"a\nb\nc",1\n,2\n',
        ":5: field 'input': empty: a sample needs an input",
        id="CSV row after one of several lines",
    ),
    pytest.param(
        "d.csv",
        "q,target\n\na,1\n",
        ":3: field 'input': missing. Fields of this row: ['q', 'target']. "
        'Map it with FieldSpec(input="…").',
        id="CSV without its column",
    ),
    pytest.param(
        "d.csv",
        "input,target\na,1\nb,2,3\n",
        ":3: the row has 3 fields, but there are only 2 names: ['input', 'target']. "
        "Put quotes around values that contain the delimiter.",
        id="CSV row too long",
    ),
    pytest.param(
        "d.csv",
        "target,input\n1,a\n2\n",
        ":3: field 'input': missing. Fields of this row: ['target']. "
        'Map it with FieldSpec(input="…").',
        id="CSV row too short",
    ),
    pytest.param(
        "d.csv",
        'input,target\na,1\n"b,2\nc,3\n',
        ":3: not valid CSV: unexpected end of data. Quotes inside of a quoted value are doubled.",
        id="CSV quote that is never closed",
    ),
    pytest.param(
        "d.csv",
        "input,target,input\n",
        ":1: several columns have the same name: ['input']",
        id="CSV with a column twice",
    ),
    pytest.param(
        "d.csv",
        "",
        ": the file is empty, expected a first row that names the fields",
        id="empty CSV",
    ),
    pytest.param(
        "d.csv",
        b"input,target\na,1\n\xe9,2\n",
        ":3: not utf-8 text (byte 0xe9). Give the right encoding=…",
        id="CSV in Latin-1",
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_broken_file(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)

    with pytest.raises(DatasetError) as error:
        file_dataset(path)

    assert str(error.value) == f"{path}{message}"


def test_truncated_gzip(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl.gz", gzip.compress(b'{"input": "a"}\n' * 1000)[:-20])

    with pytest.raises(DatasetError, match=r"d\.jsonl\.gz: cannot be read: "):
        json_dataset(path)


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "d.json").mkdir()

    with pytest.raises(DatasetError, match=r"d\.json: cannot be read: "):
        json_dataset(str(tmp_path / "d.json"))
