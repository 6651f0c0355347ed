"""Texts that may be the name of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks_lib._errors import MissingFileError, ParameterError, PrerequisiteError
from tasks_lib.util import resource


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompt.txt").write_text("from a file\n", encoding="utf-8")
    (tmp_path / "with a blank").write_text("blank", encoding="utf-8")
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbf\xc3\xa4")
    (tmp_path / "latin.txt").write_bytes(b"\xe4")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    memory = fsspec.filesystem("memory")
    memory.pipe("/resource/prompt.txt", b"from memory")
    yield
    memory.rm("/resource", recursive=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("prompt.txt", "from a file\n", id="path"),
        pytest.param("./folder/../prompt.txt", "from a file\n", id="path with folders"),
        pytest.param("with a blank", "blank", id="path with a blank"),
        pytest.param("bom.txt", "ä", id="without its byte order mark"),
        pytest.param("empty", "", id="empty file"),
        pytest.param("memory://resource/prompt.txt", "from memory", id="URL"),
        pytest.param("file://{cwd}/prompt.txt", "from a file\n", id="URL of a local file"),
        pytest.param("Answer: {prompt}", "Answer: {prompt}", id="text"),
        pytest.param("prompt.text", "prompt.text", id="no such file is text"),
        pytest.param("folder", "folder", id="a folder is text"),
        pytest.param("prompt.txt\n", "prompt.txt\n", id="a line is text"),
        pytest.param("", "", id="empty"),
        pytest.param("a\0b", "a\0b", id="no name of any file"),
        pytest.param("x" * 300, "x" * 300, id="longer than a name may be"),
        pytest.param("x/" * 5000, "x/" * 5000, id="longer than a path may be"),
        pytest.param("See https://a.org/{id} now", "See https://a.org/{id} now",
                     id="a text with a URL"),
        pytest.param("https://a.org/{id}", "https://a.org/{id}", id="a template of a URL"),
    ],
)  # fmt: skip
def test_auto(given: str, expected: str) -> None:
    assert resource(given.replace("{cwd}", str(Path.cwd()))) == expected


def test_a_changed_file_is_read_again() -> None:
    Path("prompt.txt").write_text("changed", encoding="utf-8")

    assert resource("prompt.txt", type="file") == "changed"


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        pytest.param("none.txt", {"type": "file"}, MissingFileError,
                     "The resource 'none.txt' does not exist", id="no such file"),
        pytest.param("memory://resource/none", {}, MissingFileError,
                     "'memory://resource/none' does not exist", id="nothing at the URL"),
        pytest.param("folder", {"type": "file"}, PrerequisiteError,
                     "'folder' cannot be read as text: IsADirectoryError", id="folder"),
        pytest.param("latin.txt", {}, PrerequisiteError,
                     "'latin.txt' cannot be read as text: UnicodeDecodeError", id="no UTF-8"),
        pytest.param("no-such-protocol://x", {}, PrerequisiteError,
                     "cannot be read as text: ValueError: Protocol not known", id="protocol"),
        pytest.param("http://me:secret@127.0.0.1:1/p?sig=secret", {}, PrerequisiteError,
                     "'http://127.0.0.1:1/p' cannot be read as text: .*onnect",
                     id="no secrets"),
        pytest.param("memory://resource/prompt.txt", {"fs_options": {"mode": "x"}},
                     PrerequisiteError, "cannot be read as text: TypeError", id="options reach it"),
        pytest.param("x", {"type": "url"}, ParameterError, "type is 'url', expected",
                     id="another type"),
    ],
)  # fmt: skip
def test_errors(given: str, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        resource(given, **options)

    assert "secret" not in str(raised.value)
