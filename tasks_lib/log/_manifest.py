"""What a folder of logs holds, as one file; and a folder of logs to put on a web server."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from tasks_lib._errors import LogError, LogFormatError, MissingFileError, PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log._convert import relative_name, write_copy
from tasks_lib.log._eval_log_document import header_document
from tasks_lib.log._files import Place, open_place, remove_folder, store_errors, write_whole
from tasks_lib.log._listing import list_eval_logs, read_headers
from tasks_lib.log._log_file import EvalLogInfo, FsOptions
from tasks_lib.log._paths import resolve_log_dir

MANIFEST_NAME = "logs.json"
_OUTPUT_VARIABLES = ("EVAL_VIEW_BUNDLE_OUTPUT_DIR", "INSPECT_VIEW_BUNDLE_OUTPUT_DIR")
_LOGS_FOLDER = "logs"
"""Folder of the logs in a bundle."""

logger = logging.getLogger(__name__)


def write_log_dir_manifest(
    log_dir: str | PurePath,
    *,
    filename: str = MANIFEST_NAME,
    output_dir: str | PurePath | None = None,
    fs_options: FsOptions = None,
) -> None:
    """Write a JSON file with the header of each log in a folder, by its relative name.

    Logs that cannot be read are left out, with a warning in the program's log.

    Args:
        log_dir: Folder or URL. Logs in folders below count.
        filename: Name of the file.
        output_dir: Folder that gets it; None: `log_dir`.
        fs_options: Options of the stores, as fsspec takes them.

    Raises:
        LogError: It could not be written.
    """
    folder = open_place(log_dir, fs_options)
    infos = list_eval_logs(log_dir, fs_options=fs_options)
    manifest: dict[str, bytes] = {}
    for info, header in zip(infos, read_headers(infos, fs_options), strict=True):
        if header is None:
            logger.warning("%r is left out of the manifest: it cannot be read.", info.name)
        else:
            manifest[relative_name(info.name, folder)] = header_document(header)
    target = (folder if output_dir is None else open_place(output_dir, fs_options)) / filename
    try:
        target.fs.makedirs(target.parent.path, exist_ok=True)
        write_whole(target, _object(manifest))
    except OSError as error:
        raise LogError(f"The manifest {target.url!r} could not be written ({error}).") from error


def bundle_log_dir(
    log_dir: str | PurePath | None = None,
    output_dir: str | PurePath | None = None,
    overwrite: bool = False,
    fs_options: FsOptions = None,
) -> None:
    """Copy the logs of a folder, with their manifest, to a folder that can be published.

    The logs are in `<output_dir>/logs`, their headers in `<output_dir>/logs/logs.json`. A log
    that is being written is copied with the samples that it has so far. Files that cannot be
    read as logs are left out, with a warning in the program's log.

    A local bundle appears whole: it is made beside `output_dir` and renamed. On other stores
    the manifest is written last, and is gone while a bundle is replaced.

    Args:
        log_dir: Folder or URL; None: EVAL_LOG_DIR, else `./logs`.
        output_dir: Folder or URL; None: EVAL_VIEW_BUNDLE_OUTPUT_DIR.
        overwrite: Whether a folder that is there is replaced, with all that is in it.
        fs_options: Options of the stores, as fsspec takes them.

    Raises:
        PrerequisiteError: There is no log_dir; no output_dir was named; it exists already; or
            one of the two folders is in the other.
        LogError: It could not be written.
    """
    logs = open_place(resolve_log_dir(log_dir), fs_options)
    output = _bundle_place(output_dir, fs_options)
    if not logs.exists():
        raise MissingFileError("log directory", logs.url)
    _check_folders(logs, output, overwrite)
    try:
        if output.is_local:
            _make_local_bundle(logs, output, fs_options)
        else:
            remove_folder(output)
            _fill_bundle(logs, output, fs_options)
    except OSError as error:
        raise LogError(f"The bundle {output.url!r} could not be written ({error}).") from error


def check_bundle_dir(
    log_dir: str | PurePath | None,
    output_dir: str | PurePath,
    overwrite: bool = False,
    fs_options: FsOptions = None,
) -> None:
    """Make sure, long before, that `bundle_log_dir` will be able to write a bundle.

    `log_dir` need not be there yet. Nothing is left behind.

    Raises:
        PrerequisiteError: `output_dir` exists already, cannot be written, or one of the two
            folders is in the other.
    """
    logs = open_place(resolve_log_dir(log_dir), fs_options)
    output = open_place(output_dir, fs_options)
    try:
        _check_folders(logs, output, overwrite)
        _check_can_write(output)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PrerequisiteError(
            f"The bundle {output.url!r} cannot be written ({reason}). Pass another output_dir."
        ) from error


def retryable_eval_logs(
    logs: Sequence[EvalLogInfo], fs_options: FsOptions = None
) -> list[EvalLogInfo]:
    """Return the logs of tasks that ended with an error or were cancelled, and never succeeded.

    Of several logs of a task, the one that was written last. Deprecated: `eval_set` retries
    what has to be retried.
    """
    warnings.warn(
        "retryable_eval_logs is deprecated: use eval_set, which retries what has to be retried.",
        DeprecationWarning,
        stacklevel=2,
    )
    headers = zip(logs, read_headers(logs, fs_options), strict=True)
    readable = [(info, header) for info, header in headers if header is not None]
    succeeded = {header.eval.task_id for _, header in readable if header.status == "success"}
    found: dict[str, EvalLogInfo] = {}
    for info, header in readable:
        task_id = header.eval.task_id
        if header.status not in ("error", "cancelled") or task_id in succeeded:
            continue
        if task_id not in found or (info.mtime or 0) > (found[task_id].mtime or 0):
            found[task_id] = info
    return list(found.values())


def _object(members: Mapping[str, bytes]) -> bytes:
    """Return a JSON object, one member a line, of members that are JSON."""
    lines = (b"%s:%s" % (json.dumps(name).encode(), value) for name, value in members.items())
    return b"{" + b",".join(b"\n" + line for line in lines) + b"\n}\n"


def _bundle_place(output_dir: str | PurePath | None, fs_options: FsOptions) -> Place:
    named = os.fspath(output_dir) if output_dir is not None else ""
    output = named or next(filter(None, map(os.environ.get, _OUTPUT_VARIABLES)), "")
    if not output:
        raise PrerequisiteError(
            f"bundle_log_dir needs an output_dir: pass one, or set {_OUTPUT_VARIABLES[0]}."
        )
    return open_place(output, fs_options)


def _check_folders(logs: Place, output: Place, overwrite: bool) -> None:
    log_dir, output_dir = f"{logs.url.rstrip('/')}/", f"{output.url.rstrip('/')}/"
    if output_dir.startswith(log_dir) or log_dir.startswith(output_dir):
        raise PrerequisiteError(
            f"The bundle {output.url!r} and the log directory {logs.url!r} cannot be one inside "
            "the other. Pass another output_dir."
        )
    if output.exists() and not overwrite:
        raise PrerequisiteError(
            f"The output directory {output.url!r} exists already. Pass another, or "
            "overwrite=True (of eval_set: bundle_overwrite=True) to replace it."
        )


def _check_can_write(output: Place) -> None:
    """Write something beside `output`, or above if not even that folder is there yet."""
    if output.is_local:
        folder = next(path for path in Path(output.path).parents if path.exists())
        TemporaryDirectory(prefix=".bundle-", dir=folder).cleanup()
        return
    probe = output.parent / f".bundle-{short_uuid()}"
    with store_errors():
        probe.fs.pipe_file(probe.path, b"probe")
        probe.fs.rm_file(probe.path)


def _make_local_bundle(logs: Place, output: Place, fs_options: FsOptions) -> None:
    beside = output.parent / f".bundle-{short_uuid()}"
    old = output.parent / f"{beside.name}-old"
    try:
        _fill_bundle(logs, beside, fs_options)
        if output.exists():
            Path(output.path).rename(old.path)
        try:
            Path(beside.path).rename(output.path)
        except OSError:
            Path(old.path).rename(output.path)
            raise
    finally:
        remove_folder(beside)
        remove_folder(old)


def _fill_bundle(logs: Place, bundle: Place, fs_options: FsOptions) -> None:
    copies = bundle / _LOGS_FOLDER
    copies.fs.makedirs(copies.path, exist_ok=True)
    for info in list_eval_logs(logs.url, fs_options=fs_options):
        try:
            write_copy(info.name, copies / relative_name(info.name, logs), fs_options)
        except LogFormatError as error:
            logger.warning("Left out of the bundle: %s", error)
    write_log_dir_manifest(copies.url, fs_options=fs_options)
