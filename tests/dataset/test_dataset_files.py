import csv
import gzip
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import pytest

from tasks_lib._errors import (
    DatasetError,
    MissingFileError,
    ParameterError,
    PrerequisiteError,
)
from tasks_lib.dataset import (
    Dataset,
    FieldSpec,
    MemoryDataset,
    Sample,
    csv_dataset,
    file_dataset,
    json_dataset,
)


def written(tmp_path: Path, name: str, text: str | bytes) -> str:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def inputs(dataset: Dataset) -> list[object]:
    return [sample.input for sample in dataset]


LINES = '{"input": "a", "target": "1"}\n\n{"input": "b", "target": "2"}\n'
ARRAY = '[{"input": "a", "target": "1"},\n {"input": "b", "target": "2"}]\n'
TABLE = "input,target\na,1\n\n,\nb,2\n"
EXPECTED = [Sample(input="a", target="1"), Sample(input="b", target="2")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("d.jsonl", LINES, id="JSON lines"),
        pytest.param("d.jsonl", LINES.replace("\n", "\r\n"), id="JSON lines of Windows"),
        pytest.param("d.jsonl", LINES.rstrip("\n"), id="last line without its end"),
        pytest.param("d.jsonl", b"\xef\xbb\xbf" + LINES.encode(), id="byte order mark"),
        pytest.param("d.jsonl.gz", gzip.compress(LINES.encode()), id="JSON lines, gzip"),
        pytest.param("d.json", ARRAY, id="JSON"),
        pytest.param("D.JSON", ARRAY, id="JSON, upper case"),
        pytest.param("d.csv", TABLE, id="CSV"),
        pytest.param("d.csv", b"\xef\xbb\xbf" + TABLE.encode(), id="CSV of Excel"),
        pytest.param("d.csv.gz", gzip.compress(TABLE.encode()), id="CSV, gzip"),
    ],
)
def test_formats(tmp_path: Path, name: str, content: str | bytes) -> None:
    path = written(tmp_path, name, content)

    dataset = file_dataset(path)

    assert list(dataset) == EXPECTED
    assert (dataset.name, dataset.location, dataset.shuffled) == (name[0], path, False)


def test_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"file is '.*d\.txt', expected a \.json, \.jsonl, "):
        file_dataset(written(tmp_path, "d.txt", ""))


def test_memory_file_system() -> None:
    with fsspec.open("memory://sets/d.jsonl", "w") as file:
        file.write(LINES)

    dataset = json_dataset("memory://sets/d.jsonl", name="mine")

    assert list(dataset) == EXPECTED
    assert (dataset.name, dataset.location) == ("mine", "memory://sets/d.jsonl")


def test_location_keeps_no_secrets() -> None:
    url = "https://me:secret@127.0.0.1:9/d.jsonl?signature=secret"

    with pytest.raises(PrerequisiteError) as error:
        json_dataset(url)

    assert "secret" not in str(error.value)
    assert "https://127.0.0.1:9/d.jsonl" in str(error.value)


def test_errors_of_a_server_keep_no_secrets() -> None:
    class Forbidding(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(403)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Forbidding) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/d.jsonl"
        with pytest.raises(DatasetError) as error:
            json_dataset(f"{url}?signature=secret%2F")
        server.shutdown()

    assert str(error.value).startswith(f"{url}: cannot be read: ClientResponseError: 403")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["a[1].jsonl", "a b*.jsonl", "ä#1.jsonl", "a@b.jsonl"])
def test_unusual_file_names(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, LINES)

    assert json_dataset(path).location == path
    assert len(json_dataset(path)) == 2


def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "d.jsonl", LINES)
    monkeypatch.chdir(tmp_path)

    assert json_dataset("d.jsonl").location == path


@pytest.mark.parametrize("read", [json_dataset, csv_dataset, file_dataset])
def test_missing_file(tmp_path: Path, read: Any) -> None:
    path = str(tmp_path / "none.json")

    with pytest.raises(MissingFileError, match=re.escape(f"The dataset {path!r} does not exist.")):
        read(path)


def test_encodings(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl", '{"input": "é"}'.encode("latin-1"))
    wide = written(tmp_path, "w.csv", "input\né\n".encode("utf-16"))

    assert inputs(json_dataset(path, encoding="latin-1")) == ["é"]
    assert inputs(csv_dataset(wide, encoding="utf-16")) == ["é"]
    with pytest.raises(ParameterError, match="encoding is 'latin-0'"):
        json_dataset(path, encoding="latin-0")
    with pytest.raises(DatasetError, match="cannot be decoded as utf-16"):
        json_dataset(path, encoding="utf-16")


def test_escaped_surrogates_are_text(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl", r'{"input": "\udc80"}')

    assert inputs(json_dataset(path)) == ["\udc80"]


def test_reader_arguments(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl", '{"input": "a", "target": 1.50}')

    assert json_dataset(path, parse_float=str)[0].target == "1.50"
    with pytest.raises(ParameterError, match=r"reader_kwargs is {'parse_floats': "):
        json_dataset(path, parse_floats=str)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        pytest.param(
            "a;1\nb;2\n", {"fieldnames": ["input", "target"], "delimiter": ";"}, id="both"
        ),
        pytest.param("input\ttarget\na\t1\nb\t2\n", {"dialect": "excel-tab"}, id="dialect"),
    ],
)
def test_csv_options(tmp_path: Path, content: str, options: dict[str, Any]) -> None:
    assert list(csv_dataset(written(tmp_path, "d.csv", content), **options)) == EXPECTED


def test_wrong_csv_options(tmp_path: Path) -> None:
    path = written(tmp_path, "d.csv", TABLE)

    with pytest.raises(ParameterError, match="dialect is 'lotus', expected one of "):
        csv_dataset(path, dialect="lotus")
    with pytest.raises(ParameterError, match="delimiter is '::', expected one character"):
        csv_dataset(path, delimiter="::")


def test_long_csv_field_and_the_limit_of_the_process(tmp_path: Path) -> None:
    text = "x" * 300_000
    usual = csv.field_size_limit()

    assert inputs(csv_dataset(written(tmp_path, "d.csv", f"input\n{text}\n"))) == [text]
    assert csv.field_size_limit() == usual


def ten(tmp_path: Path) -> str:
    lines = [
        json.dumps({"input": f"q{n}", "choices": ["x", "y"], "target": "A"}) for n in range(10)
    ]
    return written(tmp_path, "ten.jsonl", "\n".join(lines))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"limit": 2}, ["q0", "q1"], id="first"),
        pytest.param({"limit": 0}, [], id="limit 0 keeps none"),
        pytest.param({"limit": 99}, [f"q{n}" for n in range(10)], id="limit beyond the end"),
        pytest.param({"shuffle": True, "seed": 0, "limit": 2}, ["q7", "q8"], id="seed 0"),
        pytest.param({"shuffle": 0, "limit": 2}, ["q7", "q8"], id="shuffle is the seed 0"),
        pytest.param({"shuffle": 42, "limit": 2}, ["q7", "q3"], id="shuffle is the seed 42"),
    ],
)
def test_order_and_limit(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    dataset = json_dataset(ten(tmp_path), **options)

    assert inputs(dataset) == expected
    assert dataset.shuffled is ("shuffle" in options)


@pytest.mark.parametrize("limit", [-1, True, 1.5, "3"])
def test_wrong_limit(tmp_path: Path, limit: Any) -> None:
    with pytest.raises(ParameterError, match=r"json_dataset: limit is .*, expected a number"):
        json_dataset(ten(tmp_path), limit=limit)


def test_limit_reads_no_further(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl", '{"input": "a"}\n{"input": "b"}\nbroken')

    assert inputs(json_dataset(path, limit=1)) == ["a"]


@pytest.mark.parametrize(
    "options", [{"shuffle_choices": 0}, {"shuffle_choices": True, "seed": 0}], ids=str
)
def test_shuffled_choices(tmp_path: Path, options: dict[str, Any]) -> None:
    expected = MemoryDataset(json_dataset(ten(tmp_path)))
    expected.shuffle_choices(0)

    dataset = json_dataset(ten(tmp_path), **options)

    assert list(dataset) == list(expected)
    assert len({sample.target for sample in dataset if isinstance(sample.target, str)}) == 2


def test_auto_id_numbers_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "d.jsonl", '{"input": "a", "id": "x"}\n{"input": "b"}\n')

    assert [s.id for s in json_dataset(path, auto_id=True)] == [1, 2]
    assert {s.input: s.id for s in json_dataset(path, auto_id=True, shuffle=1)} == {"a": 1, "b": 2}


def test_paths_beside_the_file(tmp_path: Path) -> None:
    for name in ("a.png", "setup.sh", "data.txt", "compose.yaml"):
        written(tmp_path, name, "")
    record = {
        "input": [
            {"role": "user", "content": [{"type": "image", "image": "a.png"}]},
            {"role": "user", "content": [{"type": "image", "image": "none.png"}]},
            {"role": "user", "content": "a.png"},
        ],
        "files": {"x": "data.txt", "y": "some text\n", "z": "data:text/plain,a"},
        "setup": "setup.sh",
        "sandbox": ["docker", "compose.yaml"],
    }
    path = written(tmp_path, "d.jsonl", json.dumps(record))

    (sample,) = json_dataset(path)

    folder = str(tmp_path.resolve())
    assert isinstance(sample.input, list)
    assert [message.model_dump(exclude_none=True)["content"] for message in sample.input] == [
        [{"type": "image", "image": f"{folder}/a.png", "detail": "auto"}],
        [{"type": "image", "image": "none.png", "detail": "auto"}],
        "a.png",
    ]
    assert sample.files == {"x": f"{folder}/data.txt", "y": "some text\n", "z": "data:text/plain,a"}
    assert sample.setup == f"{folder}/setup.sh"
    assert sample.sandbox == ("docker", f"{folder}/compose.yaml")


def test_paths_beside_a_remote_file() -> None:
    for name, text in (("d.json", '[{"input": "q", "setup": "s.sh"}]'), ("s.sh", "ls")):
        with fsspec.open(f"memory://beside/{name}", "w") as file:
            file.write(text)

    assert json_dataset("memory://beside/d.json")[0].setup == "memory:///beside/s.sh"


def test_csv_fields_are_text(tmp_path: Path) -> None:
    path = written(tmp_path, "d.csv", 'q,id,choices,metadata\n1+1,007,"1,2","{""k"": 1}"\n2+2,,,\n')

    assert list(csv_dataset(path, FieldSpec(input="q"))) == [
        Sample(input="1+1", id="007", choices=["1", "2"], metadata={"k": 1}),
        Sample(input="2+2"),
    ]
