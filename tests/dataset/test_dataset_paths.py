"""Relative paths in records: those of files beside the dataset become full paths."""

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks_lib.dataset import Sample, json_dataset

HERE = "<folder>"
"""Stands for the dataset's folder in what is expected."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = (tmp_path / "set").resolve()
    (folder / "media").mkdir(parents=True)
    for name in ("media/a.png", "media/a.wav", "media/a.mp4", "media/a.pdf", "a b.txt", "x.sh"):
        (folder / name).touch()
    (tmp_path / "above.txt").touch()
    return folder


def read(folder: Path, record: dict[str, Any]) -> Sample:
    file = folder / "set.jsonl"
    file.write_text(json.dumps(record), encoding="utf-8")
    (sample,) = json_dataset(str(file))
    return sample


IMAGE = {"type": "image", "image": "media/a.png"}


@pytest.mark.parametrize(
    ("part", "field", "expected"),
    [
        pytest.param(IMAGE, "image", f"{HERE}/media/a.png", id="image"),
        pytest.param(
            {"type": "audio", "audio": "media/a.wav", "format": "wav"},
            "audio",
            f"{HERE}/media/a.wav",
            id="sound",
        ),
        pytest.param(
            {"type": "video", "video": "media/a.mp4", "format": "mp4"},
            "video",
            f"{HERE}/media/a.mp4",
            id="video",
        ),
        pytest.param(
            {"type": "document", "document": "media/a.pdf"},
            "document",
            f"{HERE}/media/a.pdf",
            id="document",
        ),
        pytest.param({"type": "text", "text": "media/a.png"}, "text", "media/a.png", id="text"),
        pytest.param({**IMAGE, "image": "none.png"}, "image", "none.png", id="not there"),
        pytest.param(
            {**IMAGE, "image": "https://example.org/media/a.png"},
            "image",
            "https://example.org/media/a.png",
            id="URL",
        ),
        pytest.param(
            {**IMAGE, "image": "data:image/png;base64,AA=="},
            "image",
            "data:image/png;base64,AA==",
            id="data URI",
        ),
        pytest.param({**IMAGE, "image": "/etc/hosts"}, "image", "/etc/hosts", id="full path"),
    ],
)
def test_media(folder: Path, part: dict[str, Any], field: str, expected: str) -> None:
    sample = read(folder, {"input": [{"role": "user", "content": [part]}]})

    assert isinstance(sample.input, list)
    assert getattr(sample.input[0].content[0], field) == expected.replace(HERE, str(folder))


@pytest.mark.parametrize("role", ["assistant", "system"])
def test_media_of_other_messages_stay(folder: Path, role: str) -> None:
    sample = read(folder, {"input": [{"role": role, "content": [IMAGE]}]})

    assert isinstance(sample.input, list)
    assert getattr(sample.input[0].content[0], "image") == "media/a.png"  # noqa: B009 - a union


@pytest.mark.parametrize(
    ("record", "field", "expected"),
    [
        pytest.param(
            {"files": {"in.txt": "a b.txt", "x": "none", "dir": "media", "up": "../above.txt"}},
            "files",
            {
                "in.txt": f"{HERE}/a b.txt",
                "x": "none",
                "dir": f"{HERE}/media",
                "up": f"{HERE}/../above.txt",
            },
            id="files",
        ),
        pytest.param({"setup": "x.sh"}, "setup", f"{HERE}/x.sh", id="setup"),
        pytest.param({"setup": "x.sh\nls"}, "setup", "x.sh\nls", id="setup that is a script"),
        pytest.param(
            {"sandbox": ["docker", "a b.txt"]},
            "sandbox",
            ("docker", f"{HERE}/a b.txt"),
            id="config",
        ),
        pytest.param({"sandbox": "x.sh"}, "sandbox", "x.sh", id="type of a sandbox"),
        pytest.param({"target": "x.sh"}, "target", "x.sh", id="target"),
        pytest.param({"metadata": {"a": "x.sh"}}, "metadata", {"a": "x.sh"}, id="metadata"),
    ],
)
def test_fields(folder: Path, record: dict[str, Any], field: str, expected: Any) -> None:
    sample = read(folder, {"input": "x.sh", **record})

    assert sample.input == "x.sh"
    assert getattr(sample, field) == in_full(expected, folder)


def in_full(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        path = value.replace(HERE, str(folder))
        return str(Path(path).resolve()) if path != value else value
    if isinstance(value, tuple):
        return tuple(in_full(item, folder) for item in value)
    return {key: in_full(item, folder) for key, item in value.items()}


@pytest.mark.parametrize("text", ["x" * 5000, "nul\0byte", "x" * 300, ""], ids=len)
def test_texts_that_are_no_paths(folder: Path, text: str) -> None:
    assert read(folder, {"input": "q", "files": {"a": text}}).files == {"a": text}


def test_beside_a_remote_file() -> None:
    files = {
        "d.jsonl": json.dumps({"input": [{"role": "user", "content": [IMAGE]}], "setup": "none"}),
        "media/a.png": "",
    }
    for name, text in files.items():
        with fsspec.open(f"memory://paths/{name}", "w") as file:
            file.write(text)

    (sample,) = json_dataset("memory://paths/d.jsonl")

    assert isinstance(sample.input, list)
    assert getattr(sample.input[0].content[0], "image") == "memory:///paths/media/a.png"  # noqa: B009
    assert sample.setup == "none"
