"""Images, sound, video and documents: read from files, URLs and data URIs."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import fsspec

from tasks_lib._errors import MediaError

MAX_MEDIA_BYTES = 100_000_000
"""Largest file that is read; no provider takes half of it."""

_TYPES = {
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".webp": "image/webp",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".htm": "text/html",
    ".html": "text/html",
    ".md": "text/markdown",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Documents, and the media that not every Python and system knows by the same name."""

_MEDIA = ("image/", "audio/", "video/")
_SHOWN_CHARACTERS = 100


class Media(NamedTuple):
    """What a file or a data URI holds."""

    mime_type: str
    """Like `image/png`, without parameters; "" for a data URI that does not say."""
    base64: str
    """The content in base64."""

    @property
    def data_uri(self) -> str:
        """The content as a data URI."""
        return f"data:{self.mime_type};base64,{self.base64}"


def is_data_uri(location: str) -> bool:
    """Tell whether `location` is the content itself."""
    return location.startswith("data:")


def media_type(location: str) -> str | None:
    """Return the MIME type that a path or URL is named for, None if it is no media file.

    Media are images, sound, video and documents such as `.pdf` and `.txt`.
    """
    path = urlsplit(location).path or location
    known = _TYPES.get(PurePosixPath(path).suffix.lower())
    if known is not None:
        return known
    guessed = guess_type(path, strict=False)[0] or ""
    return guessed if guessed.startswith(_MEDIA) else None


async def read_media(location: str) -> Media:
    """Return the content at a path, at a URL that fsspec opens, or in a data URI.

    The event loop goes on while a file is read.

    Raises:
        MediaError: It cannot be read, is too large, or has no name of a media file: a
            conversation must not send other files of this machine to a provider.
    """
    if is_data_uri(location):
        return parse_data_uri(location)
    mime_type = media_type(location)
    if mime_type is None:
        raise MediaError(
            f"{_shown(location)} has no name of an image, sound, video or document file "
            "(.png, .wav, .mp4, .pdf …). Rename it, or pass it as a data URI."
        )
    content = await asyncio.to_thread(_read, location)
    return Media(mime_type, b64encode(content).decode())


def parse_data_uri(uri: str) -> Media:
    header, comma, data = uri.removeprefix("data:").partition(",")
    if not comma:
        raise MediaError(f"{_shown(uri)} is no data URI: it has no comma before its data.")
    mime_type, *parameters = header.split(";")
    if "base64" not in parameters:
        data = b64encode(unquote_to_bytes(data)).decode()
    return Media(mime_type, data)


def _read(location: str) -> bytes:
    try:
        with fsspec.open(location, "rb") as file:
            content: bytes = file.read(MAX_MEDIA_BYTES + 1)
    except Exception as error:  # the stores behind fsspec have errors of their own
        raise MediaError(f"{_shown(location)} cannot be read: {error}.") from error
    if len(content) > MAX_MEDIA_BYTES:
        raise MediaError(f"{_shown(location)} has more than {MAX_MEDIA_BYTES:,} bytes.")
    return content


def _shown(location: str) -> str:
    if len(location) > _SHOWN_CHARACTERS:
        location = f"{location[:_SHOWN_CHARACTERS]}…"
    return repr(location)
