"""Text that is given as itself or as the name of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import fsspec

from tasks_lib._errors import (
    MissingFileError,
    MissingPackageError,
    ParameterError,
    PrerequisiteError,
)
from tasks_lib._util._urls import without_secrets

ResourceType = Literal["auto", "file"]
"""Whether a resource may be the text itself ("auto") or is always a file."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s{}]+")
_ENCODING = "utf-8-sig"
_LONGEST_PATH = 1024
_SHOWN_CHARACTERS = 200


def resource(
    resource: str, type: ResourceType = "auto", fs_options: Mapping[str, object] = {}
) -> str:
    """Return the text of the file that `resource` names, else `resource` itself.

    A file is named by the path of one that exists, relative to the working folder, or by a
    URL without blanks and braces (`https://…`, `s3://…`). Files are UTF-8; a byte order mark
    is left out. Nothing is kept: each call reads the file again.

    Args:
        resource: Path, URL or text. A text that happens to be the path of a file counts as
            the path.
        type: "auto": as above; "file": it is a path or URL in any case.
        fs_options: Arguments of the file system behind a URL, such as `{"anon": True}`.

    Raises:
        MissingFileError: There is no such file, be it that `type` is "file" or it is a URL.
        MissingPackageError: The package for the URL's protocol is not installed.
        PrerequisiteError: The file cannot be read, or is no UTF-8 text.
        ParameterError: `type` is something else.
    """
    if type not in get_args(ResourceType):
        raise ParameterError("resource", "type", type, '"auto" or "file"')
    if type == "file" or _URL.fullmatch(resource) or _is_file(resource):
        return _read(resource, fs_options)
    return resource


def _is_file(resource: str) -> bool:
    if len(resource) > _LONGEST_PATH or "\n" in resource or "\0" in resource:
        return False
    try:
        return Path(resource).is_file()
    except OSError:  # a text that no file system takes for a name
        return False


def _read(location: str, fs_options: Mapping[str, object]) -> str:
    try:
        if "://" not in location:
            return Path(location).read_text(encoding=_ENCODING)
        with fsspec.open(location, "r", encoding=_ENCODING, **fs_options) as file:
            return str(file.read())
    except ImportError as error:
        if location.startswith(("s3://", "s3a://")):
            raise MissingPackageError("Reading s3://", "s3fs", "s3") from error
        raise _unreadable(location, error) from error
    except Exception as error:  # the stores behind fsspec have errors of their own
        raise _unreadable(location, error) from error


def _unreadable(location: str, error: Exception) -> PrerequisiteError:
    shown = without_secrets(location)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = f"{shown[:_SHOWN_CHARACTERS]}…"
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    if isinstance(error, FileNotFoundError) and _says_missing(root):
        return MissingFileError("resource", shown)
    reason = without_secrets(f"{root.__class__.__name__}: {root}")
    return PrerequisiteError(f"The resource {shown!r} cannot be read as text: {reason}")


def _says_missing(root: BaseException) -> bool:
    """Tell whether a file is not there: the HTTP file system says so of every failure."""
    if isinstance(root, OSError) and not isinstance(root, FileNotFoundError):
        return False
    return getattr(root, "status", 404) == 404
