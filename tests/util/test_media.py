from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import fsspec
import pytest

from tasks_lib._errors import MediaError
from tasks_lib._util._media import MAX_MEDIA_BYTES, Media, media_type, read_media


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("cat.png", "image/png"),
        ("photos/CAT.JPEG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.svg", "image/svg+xml"),
        ("a.wav", "audio/wav"),
        ("a.mp3", "audio/mpeg"),
        ("a.mp4", "video/mp4"),
        ("s3://bucket/folder/paper.pdf", "application/pdf"),
        ("https://example.org/a.png?size=9#top", "image/png"),
        ("notes.txt", "text/plain"),
        ("README.md", "text/markdown"),
        ("/etc/passwd", None),
        (".ssh/id_rsa", None),
        ("settings.py", None),
        ("key.pem", None),
        ("data.json", None),
        ("a.png/secret", None),
        ("", None),
    ],
)
def test_media_by_their_names(location: str, expected: str | None) -> None:
    assert media_type(location) == expected


async def test_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG")

    media = await read_media(str(path))

    assert media == Media("image/png", b64encode(b"\x89PNG").decode())
    assert media.data_uri == "data:image/png;base64,iVBORw=="


async def test_any_file_system() -> None:
    with fsspec.open("memory://test-media/a.txt", "wb") as file:
        file.write(b"Hi")

    assert await read_media("memory://test-media/a.txt") == Media("text/plain", "SGk=")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("data:image/png;base64,AA==", Media("image/png", "AA=="), id="base64"),
        pytest.param("data:text/plain,Hi%20you", Media("text/plain", "SGkgeW91"), id="text"),
        pytest.param(
            "data:text/plain;charset=utf-8;base64,SGk=", Media("text/plain", "SGk="), id="charset"
        ),
        pytest.param("data:,Hi", Media("", "SGk="), id="without a type"),
        pytest.param("data:image/png;base64,", Media("image/png", ""), id="empty"),
    ],
)
async def test_data_uri(uri: str, expected: Media) -> None:
    assert await read_media(uri) == expected


@pytest.mark.parametrize(
    ("location", "text"),
    [
        pytest.param("none.png", "'none.png' cannot be read: .*No such file", id="missing"),
        pytest.param("nowhere://a.png", "'nowhere://a.png' cannot be read", id="unknown store"),
        pytest.param("/etc/passwd", "has no name of an image", id="no media"),
        pytest.param("attachment://abc", "has no name of an image", id="attachment of a log"),
        pytest.param("data:image/png", "it has no comma", id="half a data URI"),
        pytest.param("http://127.0.0.1:9/a.png", "cannot be read", id="no server"),
        pytest.param("data:" + "x" * 500, r"^'data:x{95}…' is no", id="shown in part"),
    ],
)
async def test_what_cannot_be_read(location: str, text: str) -> None:
    with pytest.raises(MediaError, match=text):
        await read_media(location)


async def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(MAX_MEDIA_BYTES + 1)

    with pytest.raises(MediaError, match="more than 100,000,000 bytes"):
        await read_media(str(path))
