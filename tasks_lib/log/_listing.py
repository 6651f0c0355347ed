"""Which logs a folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import PurePath
from typing import Any

from tasks_lib._errors import LogFormatError
from tasks_lib.log._documents import format_of_name
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._log_file import EvalLogInfo, FsOptions, LogFile, read_log_header
from tasks_lib.log._paths import (
    LIVE_FOLDER,
    LOG_SUFFIX,
    is_log_name,
    part_name,
    resolve_log_dir,
    split_log_name,
    task_of_name,
)
from tasks_lib.schema import EvalLog, LogFormat

_READERS = 8
"""Headers that are read at a time. On disk two would do; other stores answer slowly."""


_Entry = tuple[Place, dict[str, Any]]
"""A file, and what the store says of it."""


def list_eval_logs(
    log_dir: str | PurePath | None = None,
    formats: Sequence[LogFormat] | None = None,
    filter: Callable[[EvalLog], bool] | None = None,
    recursive: bool = True,
    descending: bool = True,
    fs_options: FsOptions = None,
) -> list[EvalLogInfo]:
    """Return the logs in a folder, those that are being written included, by time of change.

    What a log is follows from its name: all `.eval` files, and the `.parquet` and `.json`
    files whose names start with a time. Whether they can be read is not checked.

    Args:
        log_dir: Folder or URL; None: EVAL_LOG_DIR, else `./logs`. Empty if there is none.
        formats: Only logs of these formats; None: all.
        filter: Only logs whose header it accepts. Headers are read only for it; a file whose
            header cannot be read is left out.
        recursive: Whether logs in folders below count.
        descending: Whether the newest comes first.
        fs_options: Options of the store, as fsspec takes them.
    """
    folder = open_place(resolve_log_dir(log_dir), fs_options)
    entries = list(_entries(folder, recursive))
    if not recursive:
        entries += _entries(folder / LIVE_FOLDER, recursive=True)
    infos = {info.name: info for info in _live_logs(entries)}
    infos |= {info.name: info for info in _finished_logs(entries, fs_options)}  # these win
    chosen = [
        info for info in infos.values() if formats is None or format_of_name(info.name) in formats
    ]
    chosen.sort(key=lambda info: (info.mtime or 0.0, info.name), reverse=descending)
    if filter is None:
        return chosen
    headers = read_headers(chosen, fs_options)
    return [
        info
        for info, header in zip(chosen, headers, strict=True)
        if header is not None and filter(header)
    ]


def read_headers(
    log_files: Sequence[LogFile], fs_options: FsOptions = None
) -> Iterator[EvalLog | None]:
    """Yield the header of each log, in order; None where there is none that can be read."""
    with ThreadPoolExecutor(_READERS, thread_name_prefix="log-headers") as pool:
        yield from pool.map(lambda log_file: _header_or_none(log_file, fs_options), log_files)


def _header_or_none(log_file: LogFile, fs_options: FsOptions) -> EvalLog | None:
    try:
        return read_log_header(log_file, fs_options=fs_options)
    except (FileNotFoundError, LogFormatError):  # gone meanwhile; or a stranger in the folder
        return None


def _finished_logs(entries: Iterable[_Entry], fs_options: FsOptions) -> Iterator[EvalLogInfo]:
    for place, entry in entries:
        if is_log_name(place.name) and place.parent.parent.name != LIVE_FOLDER:
            info = _info(place, "file", int(entry["size"] or 0), _mtime(entry))
            yield info if _says_task(place.name) else _with_task(info, fs_options)


def _live_logs(entries: Iterable[_Entry]) -> Iterator[EvalLogInfo]:
    parts: dict[Place, list[dict[str, Any]]] = {}
    for place, entry in entries:
        live = place.parent
        if part_name(place.name) and live.parent.name == LIVE_FOLDER:
            parts.setdefault(live.parent.parent / live.name, []).append(entry)
    for log, details in parts.items():
        size = sum(int(entry["size"] or 0) for entry in details)
        times = [time for entry in details if (time := _mtime(entry)) is not None]
        yield _info(log, "live", size, max(times, default=None))


def _entries(folder: Place, recursive: bool) -> Iterator[_Entry]:
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


def _says_task(name: str) -> bool:
    """Whether the name has the form of those that we give, which say the task."""
    return is_log_name(f"{split_log_name(name)[0]}{LOG_SUFFIX}")


def _with_task(info: EvalLogInfo, fs_options: FsOptions) -> EvalLogInfo:
    """Return the entry of a file that somebody renamed, with the task of its header."""
    header = _header_or_none(info.name, fs_options)
    spec = {} if header is None else {"task": header.eval.task, "task_id": header.eval.task_id}
    return info.model_copy(update={"task": "", "task_id": "", "suffix": None, **spec})


def _mtime(entry: Mapping[str, Any]) -> float | None:
    for name in ("mtime", "LastModified", "updated", "created"):  # local, S3, GCS, memory
        time = entry.get(name)
        if isinstance(time, datetime):
            return time.timestamp()
        if isinstance(time, int | float):
            return float(time)
    return None
