"""Files that are written bit by bit and appear whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from tasks_lib._util._ids import short_uuid
from tasks_lib.log._files import PARTIAL_SUFFIX, Place, publish_file


@contextmanager
def whole_file(place: Place) -> Iterator[IO[bytes]]:
    """Yield a file to write to, which replaces what is at `place` when the block ends.

    Until then it is beside `place`, or in a temporary folder when `place` is not local. When
    the block fails, nothing has changed. Folders are made as needed.

    Raises:
        OSError: It could not be written.
    """
    place.fs.makedirs(place.parent.path, exist_ok=True)
    with _workshop(place) as local:
        with local.open("wb") as sink:
            yield sink
        publish_file(local, place)


@contextmanager
def _workshop(place: Place) -> Iterator[Path]:
    if not place.is_local:
        with TemporaryDirectory(prefix="evals-log-") as folder:
            yield Path(folder) / "log"
        return
    # Two writers of the same log must not write to the same file.
    local = Path(place.parent.path) / f".{short_uuid()}{PARTIAL_SUFFIX}"
    try:
        yield local
    finally:
        local.unlink(missing_ok=True)
