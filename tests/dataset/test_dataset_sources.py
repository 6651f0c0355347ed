"""Files as they come: compressed, encoded, from servers that refuse them."""

import bz2
import gzip
import lzma
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from zipfile import ZipFile

import pytest

from tasks_lib._errors import (
    DatasetError,
    MissingFileError,
    MissingPackageError,
    ParameterError,
)
from tasks_lib.dataset import csv_dataset, file_dataset, json_dataset

LINES = '{"input": "ä"}\n{"input": "b"}\n'
ROWS = "input\nä\nb\n"
INPUTS = ["ä", "b"]


def zipped(**files: str) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def written(tmp_path: Path, name: str, content: bytes) -> str:
    file = tmp_path / name
    file.write_bytes(content)
    return str(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("d.jsonl.gz", gzip.compress(LINES.encode()), id="gzip"),
        pytest.param("D.JSONL.GZ", gzip.compress(LINES.encode()), id="upper case"),
        pytest.param("d.jsonl.bz2", bz2.compress(LINES.encode()), id="bzip2"),
        pytest.param("d.jsonl.xz", lzma.compress(LINES.encode()), id="xz"),
        pytest.param("d.jsonl.zip", zipped(any=LINES), id="zip"),
        pytest.param("d.csv.xz", lzma.compress(ROWS.encode()), id="CSV, xz"),
    ],
)
def test_compressed(tmp_path: Path, name: str, content: bytes) -> None:
    dataset = file_dataset(written(tmp_path, name, content))

    assert ([sample.input for sample in dataset], dataset.name) == (INPUTS, name[0])


@pytest.mark.parametrize("names", [["a", "b"], ["folder/", "folder/a"], []], ids=str)
def test_archive_of_more_than_a_file(tmp_path: Path, names: list[str]) -> None:
    path = written(tmp_path, "d.jsonl.zip", zipped(**dict.fromkeys(names, LINES)))

    with pytest.raises(DatasetError) as error:
        json_dataset(path)

    expected = f"the archive holds {names}, expected one file and nothing else"
    assert str(error.value) == f"{path}: {expected}"


@pytest.mark.parametrize("name", ["d.jsonl.gz", "d.jsonl.bz2", "d.jsonl.xz", "d.jsonl.zip"])
def test_not_compressed_though_it_is_named_so(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, LINES.encode())

    with pytest.raises(DatasetError, match="cannot be read: "):
        json_dataset(path)


@pytest.mark.parametrize("ending", ["zst", "lz4"])
def test_compression_that_needs_a_package(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They may be installed; fsspec looks up here what is.
    import fsspec.compression

    monkeypatch.delitem(fsspec.compression.compr, {"zst": "zstd"}.get(ending, ending), False)
    monkeypatch.delitem(fsspec.utils.compressions, ending, False)

    with pytest.raises(MissingPackageError, match=r"Reading .*d\.jsonl\.\w+ needs the package '"):
        json_dataset(written(tmp_path, f"d.jsonl.{ending}", b""))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp437"]
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_encodings(tmp_path: Path, encoding: str, kind: str) -> None:
    text = ROWS if kind == "csv" else LINES
    path = written(tmp_path, f"d.{kind}", text.encode(encoding))

    assert [sample.input for sample in file_dataset(path, encoding=encoding)] == INPUTS


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl", "d.json"])
def test_byte_order_mark(tmp_path: Path, name: str) -> None:
    text = {"d.csv": ROWS, "d.jsonl": LINES, "d.json": '[{"input": "ä"}, {"input": "b"}]'}[name]

    dataset = file_dataset(written(tmp_path, name, text.encode("utf-8-sig")))

    assert [sample.input for sample in dataset] == INPUTS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"fieldnames": "ab"}, "fieldnames is 'ab'", id="text"),
        pytest.param({"fieldnames": []}, r"fieldnames is \[\]", id="none"),
        pytest.param({"fieldnames": ["a", "a"]}, r"fieldnames is \['a', 'a'\]", id="twice"),
    ],
)
def test_wrong_names_of_columns(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    expected = f"csv_dataset: {message}, expected a list of names of columns, all different"

    with pytest.raises(ParameterError, match=expected):
        csv_dataset(written(tmp_path, "d.csv", b"a,b\n"), **options)


class Refusing(BaseHTTPRequestHandler):
    """Answers /<status>.jsonl with that status."""

    def do_GET(self) -> None:
        self.send_error(int(self.path[1:4]))

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        Thread(target=refusing.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{refusing.server_port}"
        finally:
            refusing.shutdown()


def test_a_server_has_no_such_file(server: str) -> None:
    with pytest.raises(MissingFileError) as error:
        json_dataset(f"{server}/404.jsonl")

    assert str(error.value) == f"The dataset '{server}/404.jsonl' does not exist."


@pytest.mark.parametrize("status", [401, 403, 410, 429, 500, 503])
def test_a_server_refuses(server: str, status: int) -> None:
    url = f"{server}/{status}.jsonl"

    with pytest.raises(DatasetError) as error:
        json_dataset(url)

    assert str(error.value).startswith(f"{url}: cannot be read: ClientResponseError: {status}")


def test_nobody_answers() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/d.jsonl"

    with pytest.raises(DatasetError) as error:
        json_dataset(url)

    assert str(error.value).startswith(f"{url}: cannot be read: ConnectionRefusedError: ")


def test_unknown_protocol() -> None:
    with pytest.raises(DatasetError) as error:
        json_dataset("nowhere://bucket/d.jsonl")

    assert str(error.value) == (
        "nowhere://bucket/d.jsonl: cannot be read: Protocol not known: nowhere"
    )
