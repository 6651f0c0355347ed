"""Parts that the store of a log did not take: kept in a local folder until it does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tasks_lib.log._files import Place, open_place, write_whole

SPILL_PREFIX = "evals-spill-"
"""Begins the names of the folders, which are where the system keeps temporary files."""


class Spill:
    """The spilled parts of one writer, oldest first.

    A folder of its own, which only its owner can read, is made when the first part comes and
    removed with the last.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self.folder: Path | None = None
        """Where the parts are; None: there is none."""

    def keep(self, name: str, content: bytes) -> None:
        """Keep a part. Raises OSError: there is no room here either."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix=SPILL_PREFIX))
        write_whole(open_place(self.folder / name), content)
        self._waiting.append(name)

    def bring_home(self, folder: Place, *, attempts: int) -> None:
        """Write the parts to `folder`, where they belong.

        Raises:
            OSError: It did not take one; this and those after it stay here.
        """
        while self._waiting and self.folder is not None:
            path = self.folder / self._waiting[0]
            write_whole(folder / path.name, path.read_bytes(), attempts=attempts)
            path.unlink()
            del self._waiting[0]
        if self.folder is not None:
            with suppress(OSError):  # somebody looks at it; it is empty
                self.folder.rmdir()
            self.folder = None

    def drop(self) -> None:
        """Remove the parts. Raises OSError: they could not be removed."""
        while self._waiting and self.folder is not None:
            (self.folder / self._waiting.pop()).unlink(missing_ok=True)
        if self.folder is not None:
            self.folder.rmdir()
            self.folder = None


def spill_folders() -> Iterator[Path]:
    """Yield the folders of spilled parts of this user on this machine."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{SPILL_PREFIX}*")):
        about = path.lstat()
        if path.is_dir() and not path.is_symlink() and owner in (None, about.st_uid):
            yield path
