"""Writing a log while its samples come in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from tasks_lib._errors import LogError
from tasks_lib.log._files import open_place
from tasks_lib.log._live import LiveLog
from tasks_lib.log._parquet import GROUP_BYTES, GROUP_ROWS
from tasks_lib.log._paths import log_file_name, resolve_log_dir
from tasks_lib.log._rows import Row, sample_row
from tasks_lib.schema import EvalLog, EvalSample

FLUSH_SECONDS = 1.5
"""How old a sample in memory may get, so what a kill can lose. A part costs 2-5 ms of CPU."""
FLUSH_ROWS = GROUP_ROWS
"""How many samples a part holds at most, unless `log_buffer` says so."""
FLUSH_BYTES = 2 * GROUP_BYTES
"""Bytes (before compression) at which a part is written early."""


class EvalLogWriter:
    """Writes one log: parts while samples come in, one file at the end.

    1. `start()` makes the log visible (status `started`), or fails before anything ran.
    2. `append(sample)` for each sample, from any coroutine of one event loop. A part is
       written, in a thread, when enough rows or bytes wait or the oldest row is
       `flush_seconds` old. Who fills a part waits until it is written, so memory is bounded
       however slow the store is.
    3. `finish(header)` puts the parts together as the final file and removes them.

    A process that is killed loses at most the rows that were not yet in a part; killed while
    finishing it loses nothing. A part that cannot be written stays in memory, and the next
    `append`, `flush` or `finish` raises the reason; `flush` and `finish` try again first.

    Shards: other processes write parts of the same log with a `shard` of their own and the
    parent's `location`. They `flush()` at their end; only the parent calls `finish`.
    """

    def __init__(  # noqa: PLR0913 - one log has that many independent settings
        self,
        header: EvalLog,
        log_dir: str | PurePath | None = None,
        *,
        shard: str = "0",
        buffer: int | None = None,
        flush_seconds: float = FLUSH_SECONDS,
        score_columns: Sequence[str] = (),
        location: str | None = None,
        fs_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a writer; nothing is written yet.

        Args:
            header: The log without samples; its spec names the file.
            log_dir: Folder or URL; None: EVAL_LOG_DIR, else `./logs`.
            shard: Tells the writers of one log apart.
            buffer: Samples per part (the `log_buffer` of an eval); None: 256.
            flush_seconds: How long a sample may wait for its part.
            score_columns: Names of the scorers that get a column. All writers of a log must
                agree on them.
            location: The log that a shard joins; None: a new one.
            fs_options: Options of the store, as fsspec takes them.
        """
        self._scorers = tuple(dict.fromkeys(score_columns))
        self._joins = location is not None
        folder = open_place(resolve_log_dir(log_dir), fs_options)
        log = open_place(location, fs_options) if location else folder / log_file_name(header.eval)
        self._live = LiveLog(log, header, self._scorers, shard)
        self._flush_rows = max(1, buffer or FLUSH_ROWS)
        self._flush_seconds = flush_seconds
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._failure: LogError | None = None
        self._finished = False
        self.rows = 0
        """Samples appended so far."""

    @property
    def location(self) -> str:
        """Where the finished log will be; the log is read by this name from the start on.

        Settled by `start()`: an existing log is never overwritten, a new one of the same
        name is called `…-2.parquet`.
        """
        return self._live.log.url

    async def start(self) -> None:
        """Make the log visible, without samples.

        Raises:
            PrerequisiteError: The log directory cannot be written.
        """
        await asyncio.to_thread(self._live.join if self._joins else self._live.create)

    async def append(self, sample: EvalSample) -> None:
        """Add a sample. It is on the store soon after `flush_seconds`.

        Raises:
            LogError: A part could not be written. The sample is kept all the same.
        """
        if self._finished:
            raise LogError(f"The log {self.location!r} is finished; nothing can be added.")
        row = sample_row(sample, self._scorers)
        self._pending.append(row)
        self._pending_bytes += sum([len(value) for value in row if isinstance(value, bytes)])
        self.rows += 1
        self._raise_failure()
        if len(self._pending) >= self._flush_rows or self._pending_bytes >= FLUSH_BYTES:
            await self.flush()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._flush_seconds, self._spawn_write)

    async def flush(self) -> None:
        """Write all samples that wait as a part; returns when it is on the store.

        Cancelling the caller does not cancel the writing.

        Raises:
            LogError: It could not be written. The samples are kept.
        """
        await asyncio.shield(self._spawn_write())
        self._raise_failure()

    async def finish(self, header: EvalLog) -> str:
        """Make the final file with this header (status, results, reductions); return its place.

        Raises:
            LogError: It could not be written. All samples stay readable as parts, or, if not
                even a part could be written, in memory: `finish` can be called again.
        """
        if self._finished:
            raise LogError(f"The log {self.location!r} is finished already.")
        await self.flush()
        await asyncio.shield(self._spawn(self._write_final(header)))
        return self.location

    def _spawn_write(self) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._spawn(self._write_pending())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        job = asyncio.create_task(work)
        self._jobs.add(job)  # the loop itself keeps only weak references
        job.add_done_callback(self._jobs.discard)
        return job

    async def _write_final(self, header: EvalLog) -> None:
        async with self._lock:
            await asyncio.to_thread(self._live.finish, header)
            self._finished = True

    async def _write_pending(self) -> None:
        async with self._lock:
            rows, size = self._pending, self._pending_bytes
            if not rows:
                return
            self._pending, self._pending_bytes = [], 0
            try:
                await asyncio.to_thread(self._live.write_part, rows)
            except Exception as error:  # whatever it is, the rows are kept and it is raised later
                self._pending = rows + self._pending
                self._pending_bytes += size
                self._failure = LogError(
                    f"{len(rows)} samples could not be written to {self._live.folder.url!r} "
                    f"({error}). They are kept in memory."
                )
                self._failure.__cause__ = error
            else:
                self._failure = None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
