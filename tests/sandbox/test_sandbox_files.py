"""Files of samples: from data URIs, URLs, paths, folders, and texts."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks_lib._errors import MissingFileError, PrerequisiteError, SandboxError
from tasks_lib.sandbox._files import check_source, read_files, read_source

BYTES = b"\x00\xff\n"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "a.bin").write_bytes(BYTES)
    (tmp_path / "data" / "sub" / "b.txt").write_text("b")
    with fsspec.open("memory://sandbox-files/m.txt", "wb") as file:
        file.write(b"from memory")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("print(1)\n", b"print(1)\n", id="text"),
        pytest.param("ümlaut", "ümlaut".encode(), id="UTF-8"),
        pytest.param("", b"", id="no text"),
        pytest.param(" ", b" ", id="blank"),
        pytest.param("x" * 5000, b"x" * 5000, id="longer than a path may be"),
        pytest.param("a\0b", b"a\0b", id="no path has this"),
        pytest.param("~nobody-of-this-name", b"~nobody-of-this-name", id="nobody's home"),
        pytest.param("data/missing.txt", b"data/missing.txt", id="nothing there"),
        pytest.param("data/a.bin", BYTES, id="path"),
        pytest.param("{folder}/data/a.bin", BYTES, id="full path"),
        pytest.param("file://{folder}/data/a.bin", BYTES, id="file URL"),
        pytest.param("memory://sandbox-files/m.txt", b"from memory", id="store"),
        pytest.param("see memory://sandbox-files/m.txt", b"see memory://sandbox-files/m.txt",
                     id="text with a URL"),
        pytest.param(f"data:;base64,{b64encode(BYTES).decode()}", BYTES, id="data URI"),
        pytest.param("data:text/plain,a%20b", b"a b", id="data URI without base64"),
    ],
)  # fmt: skip
async def test_sources(source: str, expected: bytes, folder: str) -> None:
    source = source.format(folder=folder) if "{folder}" in source else source
    check_source(source, folder, "sample 1")

    assert await read_source(source, folder) == expected


async def test_a_folder_stands_for_its_files(folder: str) -> None:
    files = {"in/here": "data", "second:there": "data/sub", "c.txt": "text"}

    assert await read_files(files, folder) == {
        "in/here/a.bin": BYTES,
        "in/here/sub/b.txt": b"b",
        "second:there/b.txt": b"b",
        "c.txt": b"text",
    }


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        pytest.param("./data/gone.txt", MissingFileError,
                     r"^The file of sample 7 './data/gone.txt' does not exist\. If it is meant as "
                     r"the content itself, end it with a new line\.", id="relative path"),
        pytest.param("../gone", FileNotFoundError, "'../gone' does not exist", id="above"),
        pytest.param("/gone/x", FileNotFoundError, "'/gone/x' does not exist", id="full path"),
        pytest.param("~/gone-from-home", FileNotFoundError, "does not exist", id="home"),
        pytest.param("data:;base64,@@@", PrerequisiteError,
                     "^sample 7: The data URI 'data:;base64,@@@'… cannot be read", id="base64"),
        pytest.param("data:nothing", PrerequisiteError, "no comma before its data", id="no data"),
    ],
)  # fmt: skip
def test_what_is_found_before_anything_runs(
    source: str, error: type[Exception], message: str, folder: str
) -> None:
    with pytest.raises(error, match=message):
        check_source(source, folder, "sample 7")


@pytest.mark.parametrize("source", ["/gone/x\n", "/bin/echo gone", "gone", "./data", "a/gone"])
def test_what_may_be_text(source: str, folder: str) -> None:
    check_source(source, folder, "sample 7")


@pytest.mark.parametrize(
    "source", ["memory://sandbox-files/gone?key=s3cr3t", "nosuch://bucket/file", "file:///gone"]
)
async def test_a_store_that_does_not_answer_is_no_text(source: str, folder: str) -> None:
    with pytest.raises(SandboxError, match="cannot be read") as caught:
        await read_source(source, folder)
    assert "s3cr3t" not in str(caught.value)


class _Answers(BaseHTTPRequestHandler):
    """Answers `/<status>,<status>…` with these, one after another; then with 200."""

    seen: dict[str, int]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        statuses = [int(status) for status in path.strip("/").split(",")]
        number = self.seen.setdefault(path, 0)
        self.seen[path] += 1
        status = statuses[number] if number < len(statuses) else 200
        self.send_response(status if status < 300 or status >= 400 else 302)
        if status == 302:
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, int]]]:
    handler = type("Handler", (_Answers,), {"seen": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_port}", handler.seen  # type: ignore[attr-defined]
        finally:
            httpd.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("path", "requests"),
    [("/200", 1), ("/503,429", 3), ("/302", 1)],
    ids=["at once", "after refusals", "elsewhere"],
)
async def test_urls(
    path: str, requests: int, server: tuple[str, dict[str, int]], folder: str
) -> None:
    url, seen = server
    check_source(f"{url}{path}", folder, "sample 1")

    assert await read_source(f"{url}{path}", folder) == b"done"
    assert seen[path] == requests


async def test_a_url_that_is_refused_for_good(
    server: tuple[str, dict[str, int]], folder: str
) -> None:
    url, seen = server

    with pytest.raises(
        SandboxError, match=r"^The file 'http://127.0.0.1:\d+/404' cannot"
    ) as caught:
        await read_source(f"{url}/404?signature=s3cr3t", folder)

    assert "404 Not Found" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert seen == {"/404": 1}
