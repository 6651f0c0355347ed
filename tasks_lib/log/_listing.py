"""Which logs a folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tasks_lib._errors import LogFormatError
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._header import read_header
from tasks_lib.log._parquet import reading
from tasks_lib.log._parts import find_log, header_metadata_of
from tasks_lib.log._paths import (
    LIVE_FOLDER,
    is_log_name,
    part_name,
    resolve_log_dir,
    task_of_name,
)
from tasks_lib.schema import EvalLog

LogFormat = Literal["parquet", "json"]
"""Formats that logs are written in."""


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


def list_eval_logs(
    log_dir: str | PurePath | None = None,
    formats: Sequence[LogFormat] | None = None,
    filter: Callable[[EvalLog], bool] | None = None,
    recursive: bool = True,
    descending: bool = True,
    fs_options: Mapping[str, Any] | None = None,
) -> list[EvalLogInfo]:
    """Return the logs in a folder, those that are being written included, by time of change.

    Args:
        log_dir: Folder or URL; None: EVAL_LOG_DIR, else `./logs`. Empty if there is none.
        formats: Only logs of these formats; None: all.
        filter: Only logs whose header it accepts. Headers are read only for it.
        recursive: Whether logs in folders below count.
        descending: Whether the newest comes first.
        fs_options: Options of the store, as fsspec takes them.
    """
    if formats is not None and "parquet" not in formats:
        return []
    folder = open_place(resolve_log_dir(log_dir), fs_options)
    infos = {info.name: info for info in _live_logs(folder, recursive)}
    infos |= {info.name: info for info in _finished_logs(folder, recursive)}  # these win
    chosen = [
        info for info in infos.values() if filter is None or _accepts(filter, info, fs_options)
    ]
    return sorted(chosen, key=lambda info: (info.mtime or 0.0, info.name), reverse=descending)


def _finished_logs(folder: Place, recursive: bool) -> Iterator[EvalLogInfo]:
    for place, entry in _entries(folder, recursive):
        if is_log_name(place.name) and place.parent.parent.name != LIVE_FOLDER:
            yield _info(place, "file", int(entry["size"] or 0), _mtime(entry))


def _live_logs(folder: Place, recursive: bool) -> Iterator[EvalLogInfo]:
    parts: dict[Place, list[dict[str, Any]]] = {}
    for place, entry in _entries(folder if recursive else folder / LIVE_FOLDER, recursive=True):
        live = place.parent
        if part_name(place.name) and live.parent.name == LIVE_FOLDER:
            parts.setdefault(live.parent.parent / live.name, []).append(entry)
    for log, entries in parts.items():
        size = sum(int(entry["size"] or 0) for entry in entries)
        times = [time for entry in entries if (time := _mtime(entry)) is not None]
        yield _info(log, "live", size, max(times, default=None))


def _entries(folder: Place, recursive: bool) -> Iterator[tuple[Place, dict[str, Any]]]:
    folder.fs.invalidate_cache()
    try:
        found = folder.fs.find(folder.path, maxdepth=None if recursive else 1, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return
    for path, entry in found.items():
        if entry.get("type") == "file":
            yield Place(folder.fs, path), entry


def _info(log: Place, kind: str, size: int, mtime: float | None) -> EvalLogInfo:
    task, task_id, suffix = task_of_name(log.name)
    return EvalLogInfo(
        name=log.url, type=kind, size=size, mtime=mtime, task=task, task_id=task_id, suffix=suffix
    )


def _mtime(entry: Mapping[str, Any]) -> float | None:
    for name in ("mtime", "LastModified", "updated", "created"):  # local, S3, GCS, memory
        time = entry.get(name)
        if isinstance(time, datetime):
            return time.timestamp()
        if isinstance(time, int | float):
            return float(time)
    return None


def _accepts(
    filter: Callable[[EvalLog], bool], info: EvalLogInfo, fs_options: Mapping[str, Any] | None
) -> bool:
    try:
        files = find_log(info.name, fs_options)
        with reading(files.log):
            log = read_header(header_metadata_of(files))
    except (FileNotFoundError, LogFormatError):  # gone meanwhile; or a stranger in the folder
        return False
    log.location = info.name
    return filter(log)
