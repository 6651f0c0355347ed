"""What a run left that did not finish its log: parts in its live folder and spilled ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tasks_lib._errors import LogFormatError, PrerequisiteError
from tasks_lib.log._documents import document_format
from tasks_lib.log._files import Place, open_place, store_errors
from tasks_lib.log._final import remove_parts
from tasks_lib.log._origin import Origin, read_origin
from tasks_lib.log._parquet import open_parquet
from tasks_lib.log._parts import SampleKey, all_rows, index_rows, list_parts
from tasks_lib.log._paths import is_log_name, live_folder, log_of_live_folder, part_name
from tasks_lib.log._rows import sample_id_text
from tasks_lib.log._spill import spill_folders

QUIET_SECONDS = 600
"""A run on another machine counts as ended when its last part is that old."""

Metadata = Mapping[bytes, bytes]
"""Key-value metadata of a part."""


class Remains(NamedTuple):
    """The parts of a log, wherever they are."""

    log: Place
    """Where the finished log is or should be."""
    parts: list[Place]
    """Those whose footers can be read, in the order of writing."""
    metadata: list[Metadata]
    """Of each of `parts`."""
    damaged: list[Place]
    """All others."""


def find_remains(location: str, fs_options: Mapping[str, Any] | None) -> Remains:
    """Return what there is of a log. Reads the footers of its parts.

    Args:
        location: Where the log should be, its live folder, or a folder of spilled parts.
        fs_options: Options of the log's store.

    Raises:
        LogFormatError: A folder of spilled parts does not say which log they belong to.
    """
    place = open_place(location, fs_options)
    log = log_of_live_folder(place) or place
    folders = [open_place(path) for path in spill_folders()]
    if _is_spill(place):
        folders = [place, *(folder for folder in folders if folder != place)]
        log = _home(place, fs_options)
    elsewhere = [part for folder in folders for part in _parts_of(log, folder)]
    return _sorted_out(log, [*list_parts(live_folder(log)), *elsewhere])


def check_ended(remains: Remains) -> None:
    """Make sure that no process is still writing a log.

    Raises:
        PrerequisiteError: One is, or may be.
    """
    origins = {read_origin(metadata) for metadata in remains.metadata}
    for origin in origins:
        if origin is not None and origin.is_running:
            raise PrerequisiteError(
                f"The log {remains.log.url!r} is being written by process {origin.pid} of this "
                "machine: wait for its end, or stop it."
            )
    unknown = [origin for origin in origins if origin is None or origin.is_running is None]
    age = age_of(remains.parts)
    if unknown and age < QUIET_SECONDS:
        host = next((origin.host for origin in unknown if origin), "unknown")
        raise PrerequisiteError(
            f"The log {remains.log.url!r} was written {age:.0f} seconds ago on another machine "
            f"({host!r}): its run may still go on. If you know that it has ended, force it; "
            f"otherwise try again when nothing was written for {QUIET_SECONDS // 60} minutes."
        )


def left_parts(log: Place, work: str) -> list[Place]:
    """Return the parts that a writer which has ended left of an unfinished log.

    None if they are of other work (see `Origin.work`), or one of them is damaged.

    Raises:
        PrerequisiteError: It may still be writing.
        OSError: The store does not answer.
    """
    remains = _sorted_out(log, list_parts(live_folder(log)))
    origins = map(read_origin, remains.metadata)
    works = {None if origin is None else origin.work for origin in origins}
    if works != {work} or remains.damaged or log.exists():
        return []
    check_ended(remains)
    return remains.parts


def set_damaged_apart(remains: Remains) -> Remains:
    """Return the same, with parts that cannot be read to their end among the damaged ones.

    Reads everything, a row group at a time: each page has a checksum.
    """
    checked = Remains(remains.log, [], [], [*remains.damaged])
    for part, metadata in zip(remains.parts, remains.metadata, strict=True):
        try:
            for _ in all_rows([part]):
                pass
        except LogFormatError:
            checked.damaged.append(part)
        else:
            checked.parts.append(part)
            checked.metadata.append(metadata)
    return checked


def holds_all(remains: Remains) -> bool:
    """Whether the finished log has every sample of the parts."""
    document = document_format(remains.log.name)
    if document is None:
        known = set(index_rows([remains.log]))
    else:
        known = {
            SampleKey(sample_id_text(item.id), isinstance(item.id, int), item.epoch)
            for item in document.read_summaries(remains.log)
        }
    return known >= set(index_rows(remains.parts))


def remove_remains(remains: Remains) -> None:
    """Remove the parts of a log that holds all of them; damaged ones stay.

    Raises:
        OSError: They could not be removed.
    """
    folder = live_folder(remains.log)
    remove_parts(folder, [part for part in remains.parts if part.parent == folder])
    spilled = [Path(part.path) for part in remains.parts if part.parent != folder]
    for path in spilled:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others are still there
            path.parent.rmdir()


def _is_spill(place: Place) -> bool:
    return place.is_local and log_of_live_folder(place) is None and bool(list_parts(place))


def _home(folder: Place, fs_options: Mapping[str, Any] | None) -> Place:
    """Return where the log of spilled parts should be."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    if owner not in (None, Path(folder.path).stat().st_uid):
        # The parts say where the log is written to, so they must come from whoever asks.
        raise PrerequisiteError(f"{folder.url!r} belongs to another user, who can recover it.")
    origins = (_origin(part) for part in list_parts(folder))
    home = next((open_place(origin.log, fs_options) for origin in origins if origin), None)
    if home is None or not is_log_name(home.name):
        raise LogFormatError(f"No part in {folder.url!r} says which log it belongs to.")
    return home


def _parts_of(log: Place, folder: Place) -> list[Place]:
    """Return the parts in a folder of spilled ones that belong to `log`."""
    origins = ((part, _origin(part)) for part in list_parts(folder))
    return [part for part, origin in origins if origin and origin.log == log.url]


def _origin(part: Place) -> Origin | None:
    try:
        with open_parquet(part) as file:
            return read_origin(file.metadata.metadata)
    except (LogFormatError, FileNotFoundError):  # damaged, or brought home meanwhile
        return None


def _sorted_out(log: Place, parts: Iterable[Place]) -> Remains:
    remains = Remains(log, [], [], [])
    named = [(name, part) for part in parts if (name := part_name(part.name))]
    for _, part in sorted(named, key=lambda item: item[0]):
        try:
            with open_parquet(part) as file:
                metadata = file.metadata.metadata
        except LogFormatError:
            remains.damaged.append(part)
        else:
            remains.parts.append(part)
            remains.metadata.append(metadata)
    return remains


def age_of(parts: Iterable[Place]) -> float:
    """Return how many seconds ago the last of these files was written."""
    with store_errors():
        times = [part.fs.modified(part.path) for part in parts]
    last = max(times, default=datetime.fromtimestamp(0, UTC))
    return (datetime.now(UTC) - last).total_seconds()
