"""What runs leave that are killed before they have written anything, or after they have all."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path, PurePath

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib.log._files import PARTIAL_SUFFIX, Place, open_place, store_errors
from tasks_lib.log._paths import LIVE_FOLDER, log_of_live_folder, resolve_log_dir
from tasks_lib.log._remains import check_ended, find_remains, holds_all, remove_remains

logger = logging.getLogger(__name__)

_QUIET_S = 1.0
"""A folder that changed later may be that of a log which is just being started."""


def remove_abandoned(log_dir: str | PurePath | None = None) -> None:
    """Remove live folders that are of no use to anybody.

    Those in which no part was ever finished: no sample is in them. And those of logs that were
    finished, with every sample of the parts, by a process that was killed before it had removed
    these. What else killed runs have left stays: its samples are for whoever goes on. What
    cannot be looked at or removed stays, with a warning.
    """
    folder = open_place(resolve_log_dir(log_dir))
    try:
        live_folders = _live_folders(folder / LIVE_FOLDER)
    except OSError as error:
        logger.warning("What killed runs may have left in %r stays: %s", folder.url, error)
        return
    for live in live_folders:
        if folder.is_local:  # on stores there are no folders, and objects appear whole
            _remove_empty(Path(live.path))
        _remove_finished(live)


def _live_folders(place: Place) -> list[Place]:
    # Not by `glob`: whoever finishes the last log meanwhile removes the folder itself.
    try:
        with store_errors():
            place.fs.invalidate_cache(place.path)
            return [Place(place.fs, path) for path in place.fs.ls(place.path, detail=False)]
    except FileNotFoundError:
        return []


def _remove_empty(live: Path) -> None:
    # Gone, or in use, meanwhile, or no folder.
    with suppress(OSError):
        if _is_abandoned(live):
            for partial in live.iterdir():
                partial.unlink()
            live.rmdir()


def _remove_finished(live: Place) -> None:
    log = log_of_live_folder(live)
    assert log is not None
    try:
        if not log.is_file():
            return
        remains = find_remains(log.url, None)
        check_ended(remains)
        if holds_all(remains):
            remove_remains(remains)
    except PrerequisiteError:  # just now it is being finished
        return
    except (LogError, OSError) as error:
        logger.warning("The parts of the finished log %r stay: %s", log.url, error)


def _is_abandoned(live: Path) -> bool:
    files = [*live.iterdir()]
    if not all(file.name.endswith(PARTIAL_SUFFIX) for file in files):
        return False
    changed = max(path.stat().st_mtime for path in (live, *files))
    return time.time() - changed > _QUIET_S
