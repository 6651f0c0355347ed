"""One eval set at a time in a folder of logs: a lock that does not outlive its process.

```
<log_dir>/.live/eval-set.lock             on disk: locked by the system while its process lives
<log_dir>/.live/eval-set-000001.lock      elsewhere: there while its process lives
```

An object cannot be replaced on a condition, only created. So who takes over from a process
that is gone creates the next number, which only one can; and who then finds that somebody
else has begun from another number gives way.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from threading import Event, Thread
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log._files import Place, create_file, open_place, store_errors, write_whole
from tasks_lib.log._origin import Origin, leave_parts
from tasks_lib.log._paths import LIVE_FOLDER, resolve_log_dir
from tasks_lib.log._remains import QUIET_SECONDS, age_of
from tasks_lib.schema import utc_now

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)

BEAT_SECONDS = 60.0
"""How often a lock on a store is renewed: a tenth of the time after which it is void."""

_LOCK_NAME = "eval-set.lock"
_NUMBERED = re.compile(r"eval-set-(\d+)\.lock")
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems say whose files cannot be locked."""

_PATIENCE_S = 1.0
_MOST_BYTES = 10_000

_open_locks: set[int] = set()
"""File descriptors of the locks that this process holds."""


class Holder(BaseModel):
    """Who holds a lock."""

    model_config = ConfigDict(frozen=True)

    origin: Origin
    since: str
    """ISO 8601 time with time zone."""

    @classmethod
    def here(cls, folder: Place) -> Holder:
        """Return the holder of a lock that this process takes now."""
        since = utc_now().isoformat(timespec="seconds")
        return cls(origin=Origin.here(folder.url, short_uuid(), None), since=since)

    @property
    def content(self) -> bytes:
        """What the lock's file holds."""
        return self.model_dump_json().encode()


@contextmanager
def lock_log_dir(
    log_dir: str | PurePath | None = None, fs_options: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Keep other eval sets out of a log directory within this block.

    Also others of this process. The lock of a process that was killed counts no longer: on
    disk at once, however it ended; elsewhere at once for processes of the same machine, else
    ten minutes after its last sign of life. What only reads or writes logs needs no lock.

    Raises:
        PrerequisiteError: Another eval set is using the folder, or it cannot be locked.
    """
    folder = open_place(resolve_log_dir(log_dir), fs_options)
    try:
        lock = _locked(folder)
    except OSError as error:
        raise PrerequisiteError(
            f"The log directory {folder.url!r} cannot be locked ({error.strerror or error}). "
            "Pass another as log_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _locked(folder: Place) -> _FileLock | StoreLock:
    if folder.is_local and sys.platform != "win32":
        try:
            return _FileLock(folder)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
    return StoreLock(folder)


class _FileLock:
    """A file that the system locks until the process ends, in whatever way."""

    def __init__(self, folder: Place) -> None:
        """Take the lock, or raise as `lock_log_dir`."""
        self._path = Path(folder.path) / LIVE_FOLDER / _LOCK_NAME
        while (file := self._opened(folder)) is None:
            pass
        self._file = file
        _open_locks.add(file)
        try:
            os.ftruncate(file, 0)
            os.write(file, Holder.here(folder).content)
        except OSError:  # the disk is full
            self.release()
            raise

    def _opened(self, folder: Place) -> int | None:
        """Return the locked file; None if its last holder has just removed it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the end of a log removes the folder when nothing is in it
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file), self._path.stat()):
                return file
        except BlockingIOError as error:
            holder = _patiently_read(file)
            os.close(file)
            raise _refusal(folder, holder) from error
        except FileNotFoundError:
            pass
        except OSError:
            os.close(file)
            raise
        os.close(file)
        return None

    def release(self) -> None:
        """Let others have it."""
        self._path.unlink(missing_ok=True)  # before it is free: then it may be somebody's
        _open_locks.discard(self._file)
        os.close(self._file)
        with suppress(OSError):  # there are logs that are being written
            self._path.parent.rmdir()


def _patiently_read(file: int) -> Holder | None:
    """Return who holds a lock, which they write right after they have taken it."""
    deadline = time.monotonic() + _PATIENCE_S
    while (holder := _read_holder(os.pread(file, _MOST_BYTES, 0))) is None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return holder


def _close_in_child() -> None:
    """Leave the locks to the process that took them: one that it forked may outlive it."""
    for file in _open_locks:
        os.close(file)
    _open_locks.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_in_child)


class StoreLock:
    """An object that is renewed while its process lives. Of `lock_log_dir`."""

    def __init__(self, folder: Place, *, beat_s: float = BEAT_SECONDS) -> None:
        """Take the lock, or raise as `lock_log_dir`; renew it every `beat_s` seconds."""
        self._folder = folder
        self._live = folder / LIVE_FOLDER
        self._holder = Holder.here(folder)
        self._ended = Event()
        with store_errors():
            self._live.fs.makedirs(self._live.path, exist_ok=True)
        self._place = self._create()
        self._thread = Thread(target=self._renew, args=(beat_s,), name="log-dir-lock", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let others have it."""
        self._ended.set()
        self._thread.join()
        leave_parts(self._holder.origin.writer)
        try:
            self._remove(self._place)
        except OSError as error:
            logger.warning("The lock %r could not be removed (%s).", self._place.url, error)

    def _create(self) -> Place:
        """Create the lock's object under the next number."""
        void = self._void_locks()
        number = max(map(_number, void), default=0) + 1
        mine = self._live / f"eval-set-{number:06d}.lock"
        if not create_file(mine, self._holder.content):
            raise _refusal(self._folder, self._read(mine))
        try:
            for other in self._void_locks(besides=mine):
                self._remove(other)
        except BaseException:
            self._remove(mine)
            raise
        return mine

    def _void_locks(self, besides: Place | None = None) -> list[Place]:
        """Return the locks whose processes are gone; raise if that of one is not."""
        self._live.fs.invalidate_cache(self._live.path)
        paths: list[str] = []
        with suppress(FileNotFoundError), store_errors():  # no object, no folder
            paths = self._live.fs.ls(self._live.path, detail=False)
        found = [Place(self._live.fs, path) for path in paths]
        locks = [place for place in found if _NUMBERED.fullmatch(place.name) and place != besides]
        for place in locks:
            holder = self._read(place)
            running = holder.origin.is_running if holder else None
            if running or (running is None and self._is_fresh(place)):
                raise _refusal(self._folder, holder)
        return locks

    def _read(self, place: Place) -> Holder | None:
        with suppress(FileNotFoundError), store_errors():
            return _read_holder(place.fs.cat_file(place.path))
        return None

    def _is_fresh(self, place: Place) -> bool:
        try:
            return age_of([place]) < QUIET_SECONDS
        except FileNotFoundError:
            return False

    def _remove(self, place: Place) -> None:
        with suppress(FileNotFoundError), store_errors():
            place.fs.rm_file(place.path)

    def _renew(self, beat_s: float) -> None:
        while not self._ended.wait(beat_s):
            try:
                if not self._place.exists():
                    logger.warning(
                        "Another eval set has taken over the log directory %r: this one was not "
                        "heard of for %d minutes.",
                        self._folder.url,
                        QUIET_SECONDS // 60,
                    )
                    return
                write_whole(self._place, self._holder.content, attempts=1)
            except OSError as error:
                logger.warning("The lock %r could not be renewed (%s).", self._place.url, error)


def _number(lock: Place) -> int:
    found = _NUMBERED.fullmatch(lock.name)
    return int(found[1]) if found else 0


def _read_holder(content: bytes) -> Holder | None:
    try:
        return Holder.model_validate_json(content)
    except ValidationError:  # it has just been taken, and says nothing yet
        return None


def _refusal(folder: Place, holder: Holder | None) -> PrerequisiteError:
    who = "another process"
    hint = ""
    if holder is not None:
        origin = holder.origin
        who = f"process {origin.pid} on {origin.host!r}, since {holder.since}"
        if origin.is_running is None:
            hint = (
                f" If that process is gone, the folder is free {QUIET_SECONDS // 60} minutes "
                "after its end."
            )
    return PrerequisiteError(
        f"The log directory {folder.url!r} is being used by another eval set: {who}. Wait for "
        f"its end, stop it, or pass another log_dir.{hint}"
    )
