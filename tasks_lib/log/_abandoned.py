"""What runs leave that are killed before they have written anything."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path, PurePath

from tasks_lib.log._files import PARTIAL_SUFFIX, open_place
from tasks_lib.log._paths import LIVE_FOLDER, resolve_log_dir

_QUIET_S = 1.0
"""A folder that changed later may be that of a log which is just being started."""


def remove_abandoned(log_dir: str | PurePath | None = None) -> None:
    """Remove live folders in which no part was ever finished; no sample is in them.

    Those of runs that have begun stay, also if they were killed since: their samples are for
    whoever goes on. Stores that are not local have no such folders, objects appear whole.
    """
    folder = open_place(resolve_log_dir(log_dir))
    if not folder.is_local:
        return
    try:
        # Not by `glob`: whoever finishes the last log meanwhile removes the folder itself.
        found = [*Path(folder.path, LIVE_FOLDER).iterdir()]
    except FileNotFoundError:
        return
    for live in found:
        # Gone, or in use, meanwhile, or no folder.
        with suppress(OSError):
            if _is_abandoned(live):
                for partial in live.iterdir():
                    partial.unlink()
                live.rmdir()


def _is_abandoned(live: Path) -> bool:
    files = [*live.iterdir()]
    if not all(file.name.endswith(PARTIAL_SUFFIX) for file in files):
        return False
    changed = max(path.stat().st_mtime for path in (live, *files))
    return time.time() - changed > _QUIET_S
