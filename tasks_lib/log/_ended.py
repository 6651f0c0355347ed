"""Whether a log may be gone on with."""

from __future__ import annotations

from tasks_lib.log._log_file import FsOptions, LogFile, location_of
from tasks_lib.log._remains import check_ended, find_remains


def check_log_ended(log_file: LogFile, fs_options: FsOptions = None) -> str:
    """Make sure that nobody is writing a log; return where it is, or will be when recovered.

    Raises:
        PrerequisiteError: Its run is going on, or may be.
    """
    remains = find_remains(location_of(log_file), fs_options)
    if remains.parts:
        check_ended(remains)
    return remains.log.url
