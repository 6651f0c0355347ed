"""Where logs are, and what their files are called.

```
<log_dir>/2026-11-21T21-04-45+00-00_arithmetic_8xNhqkpZyWfyMvC2sVbzAd.parquet
<log_dir>/.live/<the same name>/part-<shard>-<number>.parquet     while it is written
```

The finished log may also be a `.json` or `.eval` file; its parts are Parquet all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log._files import Place, open_place, store_errors
from tasks_lib.schema import EvalSpec

DEFAULT_LOG_DIR = "./logs"
LOG_SUFFIX = ".parquet"
"""Of parts, and of logs unless they are written in another format."""
LIVE_FOLDER = ".live"
"""Folder in a log_dir that holds the parts of unfinished logs."""

_LOG_DIR_VARIABLES = ("EVAL_LOG_DIR", "INSPECT_LOG_DIR")
_PATTERN_VARIABLE = "EVAL_LOG_FILE_PATTERN"
_DEFAULT_PATTERN = "{task}_{id}"
_MAX_PART_BYTES = 90
"""Longest name of a task or model in a file name; file systems allow 255 bytes in all."""
_STAMPED_SUFFIXES = (LOG_SUFFIX, ".json")
"""Many files end so: they are logs only if their names start with a time."""
_LOG_SUFFIXES = (*_STAMPED_SUFFIXES, ".eval")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}")
_PART_NAME = re.compile(r"part-(?P<shard>.+)-(?P<number>\d+)\.parquet")


class PartName(NamedTuple):
    """The name of a part; parts sort in the order in which a shard wrote them."""

    number: int
    shard: str

    def __str__(self) -> str:
        return f"part-{self.shard}-{self.number:06d}{LOG_SUFFIX}"


def resolve_log_dir(log_dir: str | PurePath | None = None) -> str:
    """Return `log_dir`, else EVAL_LOG_DIR or INSPECT_LOG_DIR, else `./logs`."""
    if log_dir is not None and os.fspath(log_dir):
        return os.fspath(log_dir)
    found = (os.environ.get(name) for name in _LOG_DIR_VARIABLES)
    return next(filter(None, found), DEFAULT_LOG_DIR)


def check_writable(
    log_dir: str | PurePath | None = None, fs_options: Mapping[str, Any] | None = None
) -> None:
    """Make sure that logs can be written to `log_dir`, which is created if need be.

    Raises:
        PrerequisiteError: They can't be, with the reason.
    """
    folder = open_place(resolve_log_dir(log_dir), fs_options)
    probe = folder / f".probe-{short_uuid()}"
    try:
        with store_errors():
            folder.fs.makedirs(folder.path, exist_ok=True)
            folder.fs.pipe_file(probe.path, b"probe")
            folder.fs.rm_file(probe.path)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Place, error: OSError) -> PrerequisiteError:
    """Return the error that says why nothing can be written to `folder`."""
    reason = error.strerror or str(error)
    return PrerequisiteError(
        f"The log directory {folder.url!r} cannot be written ({reason}). "
        "Pass another as log_dir, or set EVAL_LOG_DIR."
    )


def log_file_name(spec: EvalSpec, suffix: str = LOG_SUFFIX) -> str:
    """Return the name of a log: when it began, its task and task id.

    The part after the time follows EVAL_LOG_FILE_PATTERN, by default `{task}_{id}`;
    `{model}` is known as well. `suffix` is that of the log's format, with its dot.

    Raises:
        PrerequisiteError: The pattern has another placeholder.
    """
    pattern = os.environ.get(_PATTERN_VARIABLE, "") or _DEFAULT_PATTERN
    task = spec.task.rpartition("/")[2]  # without the package that registered it
    values = {"task": task, "id": spec.task_id, "model": spec.model}
    try:
        rest = pattern.format(**{name: _clean(value) for name, value in values.items()})
    except (LookupError, ValueError) as error:
        raise PrerequisiteError(
            f"{_PATTERN_VARIABLE} is {pattern!r}: only {{task}}, {{id}} and {{model}} can stand "
            "in braces."
        ) from error
    return f"{_clean(spec.created)}_{rest.replace('/', '-')}{suffix}"


def part_name(name: str) -> PartName | None:
    """Return what the name of a part says; None if it is not one."""
    found = _PART_NAME.fullmatch(name)
    return PartName(int(found["number"]), found["shard"]) if found else None


def is_log_name(name: str) -> bool:
    """Whether a file of this name is listed as a log.

    Every `.eval` file is; `.parquet` and `.json` files are if their names start with a time.
    """
    if name.endswith(_STAMPED_SUFFIXES):
        return _STAMP.match(name) is not None
    return name.endswith(_LOG_SUFFIXES)


def split_log_name(name: str) -> tuple[str, str]:
    """Return the name of a log without its suffix, and the suffix; "" if it has none of ours."""
    suffix = next((suffix for suffix in _LOG_SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix), suffix


def task_of_name(name: str) -> tuple[str, str, str | None]:
    """Return task, task id and suffix (what follows the id, if anything) of a log's name.

    Only names of the default pattern tell them apart; of others the task is all there is.
    """
    parts = split_log_name(name)[0].split("_")
    if len(parts) != 3:
        return "_".join(parts[1:]), "", None
    task_id, _, suffix = parts[2].partition("-")
    return parts[1], task_id, suffix or None


def live_folder(log: Place) -> Place:
    """Return the folder of the parts of a log."""
    return log.parent / LIVE_FOLDER / log.name


def log_of_live_folder(folder: Place) -> Place | None:
    """Return the log whose parts are in `folder`; None if it is no such folder."""
    parent = folder.parent
    return parent.parent / folder.name if parent.name == LIVE_FOLDER else None


def _clean(part: str) -> str:
    cleaned = re.sub(r"[^\w.+-]|_", "-", part, flags=re.ASCII)
    return cleaned.encode()[:_MAX_PART_BYTES].decode().strip(".") or "-"
