"""hf_dataset against a server on loopback that speaks the hub's protocol.

The hub's address is read when `datasets` is loaded: a program of its own asks this one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

FILE = "test.jsonl"


class Hub(ThreadingHTTPServer):
    """A hub with the repository owner/qa: one file, at the branches main and v2."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.question = {"main": "1+1?", "v2": "2+2?"}
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, revision: str) -> str:
        """Return the commit that a branch is at: each content has its own."""
        question = self.question.get(revision)
        return revision if question is None else question.encode().hex().ljust(40, "0")

    def content(self, commit: str) -> bytes:
        (question,) = (q for name, q in self.question.items() if self.commit(name) == commit)
        return f"{json.dumps({'input': question})}\n".encode()


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: a second one would wait 40 ms.
    server: Hub

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests += 1
        kind, *parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        match [kind, *parts]:
            case ["datasets", "owner", "qa", "resolve", revision, name]:
                self.resolve(self.server.commit(revision), name)
            case ["api", "datasets", "owner", "qa", ("tree" | "paths-info"), revision]:
                self.json([self.entry(self.server.commit(revision))])
            case ["api", "datasets", "owner", "qa", "tree", revision, _folder]:
                commit = self.server.commit(revision)
                self.reply(404, {"X-Repo-Commit": commit, "X-Error-Code": "EntryNotFound"})
            case ["api", "datasets", "owner", "qa"]:
                self.repository("main")
            case ["api", "datasets", "owner", "qa", "revision", revision]:
                self.repository(revision)
            case _:
                self.reply(404, {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET
    do_POST = do_GET

    def resolve(self, commit: str, name: str) -> None:
        headers = {"X-Repo-Commit": commit}
        if name == FILE:
            self.reply(200, {**headers, "ETag": f'"{commit}"'}, self.server.content(commit))
        else:
            self.reply(404, {**headers, "X-Error-Code": "EntryNotFound"})

    def repository(self, revision: str) -> None:
        commit = self.server.commit(revision)
        self.json({"id": "owner/qa", "sha": commit, "siblings": [{"rfilename": FILE}]})

    def entry(self, commit: str) -> dict[str, Any]:
        size = len(self.server.content(commit))
        return {"type": "file", "oid": commit, "size": size, "path": FILE}

    def json(self, value: object) -> None:
        self.reply(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


PROGRAM = """
import json, sys
from datasets import DownloadConfig
from tasks_lib._errors import DatasetError
from tasks_lib.dataset import hf_dataset

for line in sys.stdin:
    arguments = json.loads(line)
    if arguments.get("download_config"):
        arguments["download_config"] = DownloadConfig()
    try:
        dataset = hf_dataset(**arguments)
        answer = [dataset.name, dataset.location, [sample.input for sample in dataset]]
    except DatasetError as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""


class Client:
    """A program that calls hf_dataset, one call after the other."""

    def __init__(self, process: "subprocess.Popen[str]", hub: Hub) -> None:
        self._process = process
        self._hub = hub

    def ask(self, **arguments: object) -> tuple[Any, bool]:
        """Return what a call gives, and whether it asked the hub."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = self._hub.requests
        self._process.stdin.write(f"{json.dumps({'split': 'test', **arguments})}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()), self._hub.requests > before


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Iterator[Client]:
    caches = {"HF_HOME": str(tmp_path / "hf"), "EVAL_CACHE_DIR": str(tmp_path / "kept")}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **caches, "HF_ENDPOINT": hub.url, "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Client(process, hub)
        finally:
            process.kill()


def read(*questions: str) -> list[object]:
    return ["owner/qa", "owner/qa", list(questions)]


def test_what_is_kept_of_the_hub(hub: Hub, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "datasets"
    folder.parent.mkdir()
    folder.touch()  # Nothing can be kept there.
    assert client.ask(path="owner/qa") == (read("1+1?"), True)
    folder.unlink()
    assert client.ask(path="owner/qa", download_config=True) == (read("1+1?"), True)
    assert not folder.exists()

    assert client.ask(path="owner/qa") == (read("1+1?"), True)
    assert client.ask(path="owner/qa") == (read("1+1?"), False)
    assert client.ask(path="owner/qa", token="another") == (read("1+1?"), False)
    assert client.ask(path="owner/qa", revision="v2") == (read("2+2?"), True)
    assert client.ask(path="owner/qa", revision="v2") == (read("2+2?"), False)
    kept = sorted(path.name for path in folder.iterdir())
    assert [name.rpartition("-")[0] for name in kept] == ["owner%2Fqa", "owner%2Fqa"]

    hub.question["main"] = "3+3?"
    assert client.ask(path="owner/qa") == (read("1+1?"), False)
    assert client.ask(path="owner/qa", cached=False) == (read("3+3?"), True)
    assert client.ask(path="owner/qa") == (read("3+3?"), False)
    assert sorted(path.name for path in folder.iterdir()) == kept

    answer, _ = client.ask(path="owner/none")
    assert answer.startswith("owner/none: cannot be loaded: DatasetNotFoundError: Dataset 'owner/n")

    for name in kept:
        (folder / name / "state.json").write_text("{")
    answer, _ = client.ask(path="owner/qa")
    assert answer.endswith("Remove the folder, or pass cached=False.")
