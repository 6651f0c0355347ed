"""Removing a log."""

from __future__ import annotations

from tasks_lib.log._files import remove_folder, store_errors
from tasks_lib.log._log_file import FsOptions, LogFile, location_of
from tasks_lib.log._paths import live_folder
from tasks_lib.log._remains import check_ended, find_remains


def remove_eval_log(log_file: LogFile, fs_options: FsOptions = None) -> None:
    """Remove a log with all its parts; nothing happens if there is none.

    Raises:
        PrerequisiteError: It is not finished, and its run may still be going on.
        OSError: Its store did not allow it, or does not answer.
    """
    remains = find_remains(location_of(log_file), fs_options)
    if remains.parts:
        check_ended(remains)
    log = remains.log
    if log.is_file():
        with store_errors():
            log.fs.rm_file(log.path)
    remove_folder(live_folder(log))
    for part in remains.parts:
        if part.parent != live_folder(log):  # spilled on this machine
            part.fs.rm_file(part.path)
