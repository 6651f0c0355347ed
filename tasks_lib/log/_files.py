"""Files on any store that fsspec knows: local paths, memory://, s3:// and more.

Whatever is written appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from tasks_lib._errors import MissingPackageError, PrerequisiteError
from tasks_lib._util._ids import short_uuid

PARTIAL_SUFFIX = ".partial"
"""Ends the names of local files that are still being written."""

UPLOAD_ATTEMPTS = 3
"""How often a file is sent to a store that is not local before that counts as failed. The
libraries of stores try several times themselves at each (that of S3 for 5 to 8 seconds)."""
_UPLOAD_SECONDS = 60
"""After this time no further attempt is made."""
_LASTING = (
    PermissionError,
    FileNotFoundError,  # of a bucket, too
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
)
"""What a store says that it will say again."""


class Place(NamedTuple):
    """A file or folder on a store."""

    fs: AbstractFileSystem
    path: str
    """As `fs` names it: absolute, without the protocol."""

    def __truediv__(self, name: str) -> Place:
        """Return the entry `name` in this folder."""
        return Place(self.fs, f"{self.path.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> Place:
        """The folder that this is in."""
        return Place(self.fs, self.path.rstrip("/").rpartition("/")[0] or "/")

    @property
    def is_local(self) -> bool:
        """Whether this is on a file system of this machine."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def url(self) -> str:
        """What people and `open_place` name it by: a path if local, else a URL."""
        return self.path if self.is_local else str(self.fs.unstrip_protocol(self.path))

    def exists(self) -> bool:
        """Whether there is something. Raises OSError when the store does not answer."""
        with store_errors():
            self.fs.invalidate_cache(self.path)
            return bool(self.fs.exists(self.path))

    def is_file(self) -> bool:
        """Whether there is a file. Raises OSError when the store does not answer."""
        with store_errors():
            self.fs.invalidate_cache(self.path)
            return bool(self.fs.isfile(self.path))


def open_place(location: str | PurePath, fs_options: Mapping[str, Any] | None = None) -> Place:
    """Return the place that a path or URL names.

    Raises:
        PrerequisiteError: No installed package knows this kind of URL.
    """
    text = os.fspath(location)
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    try:
        fs, path = url_to_fs(text, **(fs_options or {}))
    except (ImportError, ValueError) as error:
        if isinstance(error, ImportError) and text.startswith(("s3://", "s3a://")):
            raise MissingPackageError(f"The location {text!r}", "s3fs", "s3") from error
        raise PrerequisiteError(f"The location {text!r} cannot be used: {error}.") from error
    return Place(fs, path)


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what the libraries of stores raise into OSError, which ours then can rely on."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # each library has exceptions of its own
        raise OSError(f"{type(error).__name__}: {error}") from error


def write_whole(place: Place, content: bytes, *, attempts: int = UPLOAD_ATTEMPTS) -> None:
    """Write a file that appears whole; its folder exists.

    Args:
        place: Where to.
        content: All of it.
        attempts: How often a store that is not local is asked, with growing pauses, unless
            its answer is final (no permission, no such bucket).

    Raises:
        OSError: It could not be written.
    """
    if not place.is_local:
        for attempt in _uploads(attempts):
            with attempt, store_errors():
                place.fs.pipe_file(place.path, content)
        return
    partial = Path(f"{place.path}{PARTIAL_SUFFIX}")
    try:
        partial.write_bytes(content)
        partial.replace(place.path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def publish_file(local: Path, place: Place) -> None:
    """Move a finished local file to `place`, where it appears whole.

    A local `place` must be on the same file system as `local`. The content is on disk, not
    only in the system's cache, before it appears. Other stores are asked several times.

    Raises:
        OSError: It could not be written.
    """
    if not place.is_local:
        for attempt in _uploads(UPLOAD_ATTEMPTS):
            with attempt, store_errors():
                place.fs.put_file(str(local), place.path)
        local.unlink()
        return
    with local.open("rb") as file:
        os.fsync(file.fileno())
    local.replace(place.path)


def create_file(place: Place, content: bytes) -> bool:
    """Write a new file; False: somebody else has written it.

    Of several writers at a time only one gets True, where the store can tell them apart (disks,
    S3, Google Cloud Storage and SeaweedFS can). Their contents must differ.

    Raises:
        OSError: It could not be written.
    """
    if place.is_local:
        return _create_local(Path(place.path), content)
    if place.exists():  # for stores that would overwrite it
        return False
    for attempt in _uploads(UPLOAD_ATTEMPTS):
        with attempt, store_errors():
            try:
                place.fs.pipe_file(place.path, content, mode="create")
            except Exception:  # each library has exceptions of its own
                # Once there is a file, trying again could only replace one that went meanwhile.
                if not place.exists():
                    raise
    # An attempt whose answer got lost may have been ours all the same.
    with suppress(FileNotFoundError), store_errors():
        return bool(place.fs.cat_file(place.path) == content)
    return False


def _create_local(path: Path, content: bytes) -> bool:
    partial = path.with_name(f"{path.name}-{short_uuid()}{PARTIAL_SUFFIX}")
    partial.write_bytes(content)
    try:
        os.link(partial, path)  # unlike a renaming, this never replaces a file
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def remove_folder(place: Place) -> None:
    """Remove a folder with all that is in it; nothing happens if there is none.

    Raises:
        OSError: It could not be removed.
    """
    with suppress(FileNotFoundError), store_errors():
        place.fs.rm(place.path, recursive=True)


def _uploads(attempts: int) -> Retrying:
    return Retrying(
        stop=stop_after_attempt(attempts) | stop_after_delay(_UPLOAD_SECONDS),
        wait=wait_random_exponential(multiplier=0.5, max=10),
        retry=retry_if_exception(lambda error: not isinstance(error, _LASTING)),
        reraise=True,
    )
