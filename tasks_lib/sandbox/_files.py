"""Files and scripts that a sample brings along, read from where they are."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import fsspec
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from tasks_lib._errors import MediaError, MissingFileError, PrerequisiteError, SandboxError
from tasks_lib._util._media import is_data_uri, parse_data_uri
from tasks_lib._util._urls import without_secrets

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+")
_PATH = re.compile(r"(/|\./|\.\./|~/)\S*")
"""What is a path and nothing else, whether it exists or not."""
_LONGEST_PATH = 1024
_ATTEMPTS = 6
_FETCH_S = 120
"""Seconds after which a URL is not tried again."""
_REQUEST_S = 30


def check_source(source: str, folder: str, owner: str) -> None:
    """Raise unless what a sample names as a file can be one, before anything runs.

    URLs are not tried. A text that begins like a path (`/`, `./`, `../`, `~/`) and has no
    blanks must be one that exists.

    Args:
        source: A data URI, a URL, a path, or the content itself.
        folder: Where relative paths begin.
        owner: Whose file it is, for messages.

    Raises:
        MissingFileError: It is a path, and there is nothing.
        PrerequisiteError: It is a data URI that cannot be read.
    """
    if is_data_uri(source):
        try:
            _decoded(source)
        except SandboxError as error:
            raise PrerequisiteError(f"{owner}: {error}") from error
    elif _PATH.fullmatch(source) and _path(source, folder) is None:
        hint = "If it is meant as the content itself, end it with a new line."
        raise MissingFileError(f"file of {owner}", source, hint)


async def read_files(files: Mapping[str, str], folder: str) -> dict[str, bytes]:
    """Return what `files` hold, by their path in a sandbox; a folder stands for all its files.

    Raises:
        SandboxError: One cannot be read.
    """
    contents: dict[str, bytes] = {}
    for there, source in files.items():
        path = _path(source, folder)
        if path is not None and path.is_dir():
            contents.update(await asyncio.to_thread(_read_folder, there, path))
        else:
            contents[there] = await read_source(source, folder)
    return contents


async def read_source(source: str, folder: str) -> bytes:
    """Return what a data URI, URL or path stands for, else `source` itself as UTF-8.

    A URL (http, https, or any that fsspec opens) is tried several times.

    Raises:
        SandboxError: It cannot be read.
    """
    if is_data_uri(source):
        return _decoded(source)
    if source.startswith(("http://", "https://")) and _URL.fullmatch(source):
        return await _fetched(source)
    path = None if _URL.fullmatch(source) else _path(source, folder)
    if path is None and not _URL.fullmatch(source):
        return source.encode()
    try:
        return await asyncio.to_thread(_read, source if path is None else str(path))
    except Exception as error:  # the stores behind fsspec have errors of their own
        raise _unreadable(source, error) from error


def _path(source: str, folder: str) -> Path | None:
    """Return the path of the file or folder that `source` names, None if there is none."""
    if not source.strip() or len(source) > _LONGEST_PATH or "\n" in source or "\0" in source:
        return None
    try:
        path = Path(folder, Path(source).expanduser())
        return path if path.exists() else None
    except (OSError, RuntimeError):  # text that no file system takes for a name
        return None


def _decoded(uri: str) -> bytes:
    try:
        return b64decode(parse_data_uri(uri).base64, validate=True)
    except (MediaError, BadBase64) as error:
        raise SandboxError(f"The data URI {uri[:60]!r}… cannot be read: {error}") from error


def _read_folder(there: str, folder: Path) -> dict[str, bytes]:
    return {
        str(PurePosixPath(there, file.relative_to(folder).as_posix())): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _read(location: str) -> bytes:
    with fsspec.open(location, "rb") as file:
        content: bytes = file.read()
    return content


async def _fetched(url: str) -> bytes:
    import httpx

    def is_passing(error: BaseException) -> bool:
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            return status in (408, 409, 429) or status >= 500
        return isinstance(error, httpx.TransportError)

    attempts = AsyncRetrying(
        stop=stop_after_attempt(_ATTEMPTS) | stop_after_delay(_FETCH_S),
        wait=wait_exponential(multiplier=0.2, max=20) + wait_random(0, 0.2),
        retry=retry_if_exception(is_passing),
        reraise=True,
    )
    try:
        async with httpx.AsyncClient(follow_redirects=True, timeout=_REQUEST_S) as client:
            async for attempt in attempts:
                with attempt:
                    response = (await client.get(url)).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreadable(url, error) from error
    return response.content


def _unreadable(source: str, error: Exception) -> SandboxError:
    reason = without_secrets(f"{type(error).__name__}: {error}")
    if query := source.partition("?")[2]:  # stores repeat it without the rest of the URL
        reason = reason.replace(query, "…")
    return SandboxError(f"The file {without_secrets(source)!r} cannot be read: {reason}")
