"""Who writes a part: in its metadata, so that others can tell whether that run still goes on."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

ORIGIN_KEY = b"evals.part"
"""Metadata key of a part's `Origin`, as JSON."""

_left: set[str] = set()
"""Writers of this process that have left their parts to others."""


class Origin(BaseModel):
    """Where a part comes from and where it belongs."""

    model_config = ConfigDict(frozen=True)

    log: str
    """Path or URL of the finished log. A part that is elsewhere can be brought home by it."""
    host: str
    """Name of the writer's machine."""
    pid: int
    began: str | None = None
    """When the process began, in the system's own measure: tells processes of one pid apart."""
    writer: str
    """Unique for each writer, so that no two of them write the same bytes."""
    work: str | None = None
    """What the writer does: another one that does the same may go on with its parts."""

    @classmethod
    def here(cls, log: str, writer: str, work: str | None) -> Origin:
        """Return the origin of what a writer of this process writes of `log`."""
        pid = os.getpid()
        return cls(
            log=log,
            host=socket.gethostname(),
            pid=pid,
            began=_began(pid),
            writer=writer,
            work=work,
        )

    @property
    def is_running(self) -> bool | None:
        """Whether the writer may still write; None: that cannot be told from here."""
        if self.writer in _left:
            return False
        if self.host != socket.gethostname() or sys.platform == "win32":
            return None
        try:
            os.kill(self.pid, 0)  # signal 0 only asks
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's
            return True
        return self.began == _began(self.pid)

    def metadata(self) -> dict[bytes, bytes]:
        """Return what is added to the metadata of a part."""
        return {ORIGIN_KEY: json.dumps(self.model_dump()).encode("ascii")}


def leave_parts(writer: str) -> None:
    """Note that a writer of this process writes no more, and has left parts."""
    _left.add(writer)


def read_origin(metadata: Mapping[bytes, bytes]) -> Origin | None:
    """Return the origin of a part; None if its metadata has none that can be understood."""
    try:
        return Origin.model_validate_json(metadata[ORIGIN_KEY])
    except (KeyError, ValidationError):
        return None


def _began(pid: int) -> str | None:
    """Return the start time of a process since the boot, where the system shows it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name of the program comes second, in parentheses, and may hold anything.
    return stat.rpartition(b")")[2].split()[19].decode("ascii")
