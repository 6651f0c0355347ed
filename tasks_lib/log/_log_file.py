"""What names a log, and how its files are found while others write and replace them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from os import PathLike, fspath
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from tasks_lib.log._documents import DocumentFormat, ReadFormat, document_format
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._header import read_header
from tasks_lib.log._parquet import reading
from tasks_lib.log._parts import LogFiles, find_log, header_metadata_of
from tasks_lib.schema import EvalLog

T = TypeVar("T")

FsOptions: TypeAlias = "Mapping[str, Any] | None"
"""Options of the store, as fsspec takes them."""

ATTEMPTS = 10
"""How often a log is looked up anew when files of it vanish while they are read."""


class EvalLogInfo(BaseModel):
    """A log as a listing shows it, without reading it."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Path or URL, as the functions that read logs take it."""
    type: str
    """"file" of a finished log, "live" while there are only parts."""
    size: int
    """Bytes, of all parts together while there are only parts."""
    mtime: float | None
    """When it was last written, in seconds since 1970; None if the store does not tell."""
    task: str
    """The task, as the file name has it."""
    task_id: str
    suffix: str | None = None
    """What the file name has after the task id."""


LogFile: TypeAlias = "str | PathLike[str] | EvalLogInfo"
"""A log: its path or URL (of the file to come, or of the folder of parts, while it is being
written), or an entry of a listing."""


def location_of(log_file: LogFile) -> str:
    """Return the path or URL of a log."""
    return log_file.name if isinstance(log_file, EvalLogInfo) else fspath(log_file)


class Document(NamedTuple):
    """A finished log of JSON documents."""

    format: DocumentFormat
    place: Place


def find_any(log_file: LogFile, format: ReadFormat, fs_options: FsOptions) -> Document | LogFiles:
    """Return what a log consists of now. While it is written that is Parquet in any case.

    Raises:
        FileNotFoundError: There is no such log.
    """
    location = location_of(log_file)
    place = open_place(location, fs_options)
    document = document_format(place.name, format)
    for _ in range(2):  # a run that ends between two looks replaces parts by a file
        if document is not None and place.is_file():
            return Document(document, place)
        with suppress(FileNotFoundError):
            files = find_log(location, fs_options)
            if document is None or files.live:
                return files
    if document is not None and place.is_file():
        return Document(document, place)
    return find_log(location, fs_options)


def read_log(
    log_file: LogFile,
    format: ReadFormat,
    fs_options: FsOptions,
    of_document: Callable[[Document], T],
    of_parquet: Callable[[LogFiles], T],
) -> T:
    """Return what one of two functions makes of a log, whichever fits its files.

    Parts are merged while a run goes on and give way to the final file at its end: when a
    file vanishes under a function, the log is looked up again and the function starts over.

    Args:
        log_file: Which log.
        format: Format of the finished file.
        fs_options: Options of the store, as fsspec takes them.
        of_document: Gets a finished log of JSON documents.
        of_parquet: Gets a finished log in Parquet, or the parts of an unfinished one.

    Raises:
        FileNotFoundError: There is no such log.
    """
    for _ in range(ATTEMPTS):
        found = find_any(log_file, format, fs_options)
        with suppress(FileNotFoundError):
            return of_document(found) if isinstance(found, Document) else of_parquet(found)
    raise files_changed(log_file)


def files_changed(log_file: LogFile) -> FileNotFoundError:
    """Return the error for a log whose files vanish as often as they are looked up."""
    return FileNotFoundError(
        f"The files of the log {location_of(log_file)!r} were replaced {ATTEMPTS} times while "
        "they were read. Read it again."
    )


def read_log_header(
    log_file: LogFile, format: ReadFormat = "auto", fs_options: FsOptions = None
) -> EvalLog:
    """Return a log in any format without its samples, with its location.

    Raises:
        FileNotFoundError: There is no such log.
        LogFormatError: It is damaged, not a log, or written by a newer version.
    """
    return read_log(log_file, format, fs_options, _document_header, header_of)


def header_of(files: LogFiles) -> EvalLog:
    """Return the header in Parquet files; one footer is read."""
    metadata = header_metadata_of(files)
    with reading(files.log):
        log = read_header(metadata)
    log.location = files.log.url
    return log


def _document_header(document: Document) -> EvalLog:
    log = document.format.read_header(document.place)
    log.location = document.place.url
    return log
