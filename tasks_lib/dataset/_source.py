"""The file that a dataset is read from: opened, named, and with its neighbours."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TextIO
from urllib.parse import urlsplit, urlunsplit
from zipfile import ZipFile

import fsspec
from fsspec.core import url_to_fs
from fsspec.utils import infer_compression

from tasks_lib._errors import (
    DatasetError,
    MissingFileError,
    MissingPackageError,
    ParameterError,
    PrerequisiteError,
)
from tasks_lib._util._urls import without_secrets

_LONGEST_PATH = 1024
"""Texts longer than this are contents, not paths; nobody is asked whether they exist."""
_MOST_KNOWN = 10_000
"""Local paths that are remembered to exist or not. Remote ones all are: asking is a request."""
_UNPACKERS = {".zst": "backports.zstd", ".lz4": "lz4"}
"""What fsspec needs a package for, and without it takes for a file that isn't compressed."""


class Source:
    """A local path or any URL that fsspec knows. Files ending in .gz and the like unpack."""

    def __init__(self, path: str, fs_options: Mapping[str, object] | None = None) -> None:
        """Find the file system of `path`; `fs_options` are its arguments.

        Raises:
            DatasetError: No file system has the protocol of `path`.
            MissingPackageError: The package for the protocol or the compression is not
                installed.
        """
        self._path = os.fspath(path)
        self._options = dict(fs_options or {})
        try:
            self._fs, self._fs_path = url_to_fs(self._path, **self._options)
        except ImportError as error:
            if self._path.startswith(("s3://", "s3a://")):
                raise MissingPackageError(f"Reading {self.location}", "s3fs", "s3") from error
            raise DatasetError(f"cannot be read: {error}", location=self.location) from error
        except ValueError as error:
            raise DatasetError(f"cannot be read: {error}", location=self.location) from error
        ending = PurePosixPath(self._fs_path).suffix.lower()
        if ending in _UNPACKERS and infer_compression(self._fs_path) is None:
            raise MissingPackageError(f"Reading {self.location}", _UNPACKERS[ending], None)
        self._is_local = "file" in _protocols(self._fs)
        self._known: dict[str, str | None] = {}

    @property
    def location(self) -> str:
        """The absolute path or URL, without the password or signature it may contain."""
        if "::" in self._path:
            return self._path
        if "://" not in self._path:
            return str(Path(self._path).expanduser().absolute())
        url = urlsplit(self._path)
        return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))

    @property
    def file_name(self) -> str:
        """The last part of the path, without the ending of a compressed file."""
        name = PurePosixPath(Path(self._fs_path).as_posix()).name
        return PurePosixPath(name).stem if infer_compression(name) else name

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return PurePosixPath(self.file_name).stem

    @property
    def extension(self) -> str:
        """The ending that says what the file contains, in lower case: ".json"."""
        return PurePosixPath(self.file_name).suffix.lower()

    @contextmanager
    def open_text(self, encoding: str, newline: str | None = None) -> Iterator[TextIO]:
        """Open the file as text; bytes that don't fit `encoding` become lone surrogates.

        Raises:
            MissingFileError: There is no such file.
            DatasetError: It cannot be read or decoded.
            ParameterError: There is no such encoding.
        """
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise ParameterError(
                "dataset", "encoding", encoding, 'one that Python knows, such as "utf-8"'
            ) from error
        # Excel and PowerShell put a byte order mark before UTF-8; it is not part of the text.
        codec = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        try:
            errors = "surrogateescape"
            with self._open("rt", encoding=codec, errors=errors, newline=newline) as file:
                yield file
        except UnicodeError as error:
            raise DatasetError(
                f"cannot be decoded as {encoding}: {error}. Give the right encoding=…",
                location=self.location,
            ) from error

    @contextmanager
    def open_bytes(self) -> Iterator[BinaryIO]:
        """Open the file as bytes, unpacked.

        Raises:
            MissingFileError: There is no such file.
            DatasetError: It cannot be read.
        """
        with self._open("rb") as file:
            yield file

    @property
    def is_plain(self) -> bool:
        """Whether it is a file of this machine that isn't compressed."""
        return self._is_local and infer_compression(self._fs_path) is None

    @contextmanager
    def _open(self, mode: str, **options: Any) -> Iterator[Any]:
        options |= self._options
        try:
            if infer_compression(self._fs_path) == "zip":
                self._check_archive()
            with fsspec.open(self._path, mode, compression="infer", **options) as file:
                yield file
        except (PrerequisiteError, UnicodeError):
            raise
        except Exception as error:  # each remote file system has exceptions of its own
            raise self._unreadable(error) from error

    def _check_archive(self) -> None:
        """Raise DatasetError unless the .zip holds only a file: the first entry is read."""
        with fsspec.open(self._path, "rb", **self._options) as file, ZipFile(file) as archive:
            names = archive.namelist()
        if len(names) != 1:
            raise DatasetError(
                f"the archive holds {names[:5]}, expected one file and nothing else",
                location=self.location,
            )

    def neighbour(self, path: str) -> str | None:
        """Return `path`, relative to the file's folder, in full if it exists there.

        None when it doesn't, or when it is not a relative path at all.
        """
        if path not in self._known:
            if self._is_local and len(self._known) >= _MOST_KNOWN:
                self._known.clear()  # a dataset may have more samples than fit in memory
            self._known[path] = self._find(path) if _may_be_relative_path(path) else None
        return self._known[path]

    def _unreadable(self, error: Exception) -> PrerequisiteError:
        root: BaseException = error
        while root.__cause__ is not None:
            root = root.__cause__
        if isinstance(error, FileNotFoundError) and self._is_missing(root):
            return MissingFileError("dataset", self.location)
        reason = without_secrets(f"{type(root).__name__}: {root}")
        return DatasetError(f"cannot be read: {reason}", location=self.location)

    def _is_missing(self, root: BaseException) -> bool:
        """Tell whether a FileNotFoundError that `root` caused means what it says.

        The HTTP file system raises one for whatever goes wrong: a refused connection, an
        unknown host, a server's 403. There, only a server can say that it has no such file.
        """
        if {"http", "https"}.isdisjoint(_protocols(self._fs)):
            return True
        return getattr(root, "status", None) == HTTPStatus.NOT_FOUND

    def _find(self, path: str) -> str | None:
        if self._is_local:
            found = Path(self._fs_path).parent / path
            try:
                return str(found.resolve()) if found.exists() else None
            except OSError:  # too long for a path, or in a folder that is closed to us
                return None
        found_there = f"{self._fs_path.rpartition('/')[0]}/{path}"
        return str(self._fs.unstrip_protocol(found_there)) if self._fs.exists(found_there) else None


def check_decoded(text: str, encoding: str, location: str, line: int) -> None:
    """Raise DatasetError if `text` holds bytes that `encoding` could not decode."""
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        line += text.count("\n", 0, error.start)
        raise DatasetError(
            f"not {encoding} text (byte 0x{ord(text[error.start]) - 0xDC00:02x}). "
            "Give the right encoding=…",
            location=location,
            line=line,
        ) from error


def _may_be_relative_path(text: str) -> bool:
    return (
        0 < len(text) <= _LONGEST_PATH
        and not any(sign in text for sign in ("\n", "\0", "://"))
        and not text.startswith("data:")
        and not Path(text).is_absolute()
    )


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
