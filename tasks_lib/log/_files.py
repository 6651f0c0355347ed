"""Files on any store that fsspec knows: local paths, memory://, s3:// and more.

Whatever is written appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from tasks_lib._errors import MissingPackageError, PrerequisiteError

PARTIAL_SUFFIX = ".partial"
"""Ends the names of local files that are still being written."""


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
        """Whether there is something."""
        return bool(self.fs.exists(self.path))


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


def write_whole(place: Place, content: bytes) -> None:
    """Write a file that appears whole; its folder exists. Raises OSError."""
    if not place.is_local:
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
    """Move a finished local file to `place`, where it appears whole. Raises OSError.

    A local `place` must be on the same file system as `local`. The content is on disk, not
    only in the system's cache, before it appears.
    """
    if not place.is_local:
        place.fs.put_file(str(local), place.path)
        local.unlink()
        return
    with local.open("rb") as file:
        os.fsync(file.fileno())
    local.replace(place.path)


def remove_folder(place: Place) -> None:
    """Remove a folder with all that is in it; nothing happens if there is none."""
    try:
        place.fs.rm(place.path, recursive=True)
    except FileNotFoundError:
        return
