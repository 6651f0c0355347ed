"""Writing a log while its samples come in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from tasks_lib._errors import LogError
from tasks_lib.log._compact import Merge
from tasks_lib.log._files import open_place
from tasks_lib.log._live import LiveLog
from tasks_lib.log._parquet import GROUP_BYTES, GROUP_ROWS
from tasks_lib.log._paths import log_file_name, resolve_log_dir
from tasks_lib.log._rows import Row, sample_row
from tasks_lib.schema import EvalConfig, EvalLog, EvalSample, LogFormat

FLUSH_ROWS = GROUP_ROWS
"""How many samples a part holds at most, unless `log_buffer` says so."""
FLUSH_BYTES = 2 * GROUP_BYTES
"""Bytes (before compression) at which a part is written early."""
FLUSH_SECONDS = 1.5
"""How old a sample in memory may get, so what a kill can lose. A part costs 2-5 ms of CPU."""
REMOTE_FLUSH_SECONDS = 5.0
"""The same on a store that is not local: a PUT takes 20-200 ms there and costs money, on S3
half a cent for a thousand. A part every five seconds costs less than half a cent an hour."""
LAZY_FLUSH_SECONDS = 30.0
"""The same when nobody wants to read the log while it is written (`log_realtime=False`)."""


class FlushPolicy(NamedTuple):
    """When a part is written; whichever comes first."""

    rows: int
    """Samples that wait."""
    seconds: float
    """Age of the oldest sample that waits."""

    @classmethod
    def of(cls, config: EvalConfig, *, is_local: bool) -> FlushPolicy:
        """Return what `log_buffer`, `log_realtime` and `log_shared` of a run ask for.

        Without `log_realtime` nobody reads along, so `log_shared`, which says how fresh the
        log is for those who do, has no effect.
        """
        seconds = FLUSH_SECONDS if is_local else REMOTE_FLUSH_SECONDS
        if config.log_realtime is False:
            seconds = LAZY_FLUSH_SECONDS
        elif config.log_shared:
            seconds = float(config.log_shared)
        return cls(max(1, config.log_buffer or FLUSH_ROWS), seconds)


class EvalLogWriter:
    """Writes one log: parts while samples come in, one file at the end.

    1. `start()` makes the log visible (status `started`), or fails before anything ran.
    2. `append(sample)` for each sample, from any coroutine of one event loop. A part is
       written, in a thread, when enough samples or bytes wait or the oldest one is old enough
       (`FlushPolicy`). Who fills a part waits until it is written, so memory is bounded
       however slow the store is. In the background parts are merged, so they stay few.
    3. `finish(header)` puts the parts together as the final file and removes them.

    A process that is killed loses at most the samples that were not yet in a part; killed
    while finishing it loses nothing: `recover_eval_log` makes a log of what it left.

    A store that fails does not stop the run: a part that it refuses goes to a local folder,
    which a warning names, and home when the store is back. `flush` and `finish` raise while
    it is not. Only if that folder cannot be written either, samples stay in memory, and the
    next `append` raises as well.

    Of the header's `eval.config` it obeys `log_samples` (False: samples are counted, not
    kept), `log_images`, `log_buffer`, `log_realtime` and `log_shared`.

    Work that can be stopped and gone on with: who gives a name to its `work` goes on with the
    parts that a writer of the same work has left in the same folder (by `leave`, or because it
    was killed). They are in the finished log, but where a sample and epoch is appended again.

    Shards: other processes write parts of the same log with a `shard` of their own and the
    parent's `location`. They `flush()` at their end; only the parent calls `finish`.
    """

    def __init__(  # noqa: PLR0913 - one log has that many independent settings
        self,
        header: EvalLog,
        log_dir: str | PurePath | None = None,
        *,
        shard: str = "0",
        score_columns: Sequence[str] = (),
        location: str | None = None,
        name: str | None = None,
        work: str | None = None,
        fs_options: Mapping[str, Any] | None = None,
        log_format: LogFormat = "parquet",
    ) -> None:
        """Prepare a writer; nothing is written yet.

        Args:
            header: The log without samples; its spec names the file.
            log_dir: Folder or URL; None: EVAL_LOG_DIR, else `./logs`.
            shard: Tells the writers of one log apart.
            score_columns: Names of the scorers that get a column. All writers of a log must
                agree on them.
            location: The log that a shard joins; None: a new one.
            name: Name of a new log's file, with the suffix of its format; None: as
                `log_format` and the header's spec have it.
            work: Tells what is done from everything else, if `start` is to go on with what was
                left of it. The same work has the same name, header and score columns.
            fs_options: Options of the store, as fsspec takes them.
            log_format: Format of the finished log, unless `location` names one. Until it is
                finished every log is in Parquet.
        """
        self._scorers = tuple(dict.fromkeys(score_columns))
        self._joins = location is not None
        folder = open_place(resolve_log_dir(log_dir), fs_options)
        name = name or log_file_name(header.eval, f".{log_format}")
        log = open_place(location, fs_options) if location else folder / name
        config = header.eval.config
        self._live = LiveLog(log, header, self._scorers, shard, work)
        self._keeps_samples = config.log_samples is not False
        self._keeps_images = config.log_images is not False
        self._policy = FlushPolicy.of(config, is_local=log.is_local)
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._lock = asyncio.Lock()
        self._merging = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._failure: LogError | None = None
        self._finished = False
        self.rows = 0
        """Samples appended so far."""
        self.resumed = False
        """Whether the log had samples that were left of the same work; since `start`."""

    @property
    def location(self) -> str:
        """Where the finished log will be; the log is read by this name from the start on.

        Settled by `start()`: an existing log is never overwritten, a new one of the same
        name is called `…-2.parquet`.
        """
        return self._live.log.url

    async def start(self) -> None:
        """Make the log visible: without samples, or with those that were left of the same work.

        Raises:
            PrerequisiteError: The log directory cannot be written; or somebody may be busy with
                the same work.
        """
        if self._joins:
            await asyncio.to_thread(self._live.join)
            return
        self.resumed = await asyncio.to_thread(self._live.resume)
        if not self.resumed:
            await asyncio.to_thread(self._live.create)

    async def append(self, sample: EvalSample) -> None:
        """Add a sample. It is on the store soon after the seconds of the `FlushPolicy`.

        Raises:
            LogError: A part could not be written anywhere. The sample is kept all the same.
        """
        if self._finished:
            raise LogError(f"The log {self.location!r} is finished; nothing can be added.")
        self.rows += 1
        if not self._keeps_samples:
            return
        row = sample_row(sample, self._scorers, log_images=self._keeps_images)
        self._pending.append(row)
        self._pending_bytes += sum([len(value) for value in row if isinstance(value, bytes)])
        self._raise_failure()
        if len(self._pending) >= self._policy.rows or self._pending_bytes >= FLUSH_BYTES:
            await asyncio.shield(self._spawn_write())
            self._raise_failure()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._policy.seconds, self._spawn_write)

    async def flush(self) -> None:
        """Write all samples that wait as a part; returns when all are on the store.

        Parts that are being merged are waited for. Cancelling the caller does not cancel the
        writing.

        Raises:
            LogError: Some samples could not be written to the store. They are kept, where the
                message says.
        """
        await asyncio.shield(self._spawn_write(insist=True))
        async with self._merging:
            pass
        self._raise_failure()
        if self._live.spilled is not None:
            raise self._live.spilled

    async def finish(self, header: EvalLog) -> str:
        """Make the final file with this header (status, results, reductions); return its place.

        Raises:
            LogError: It could not be written. All samples are kept, where the message says,
                and `finish` can be called again.
        """
        if self._finished:
            raise LogError(f"The log {self.location!r} is finished already.")
        self._live.stop_merging()
        await self.flush()
        await asyncio.shield(self._spawn(self._write_final(header)))
        return self.location

    async def leave(self) -> None:
        """Write what waits, and stop. The parts stay, and the log is unfinished.

        Raises:
            LogError: As `flush`.
        """
        self._live.stop_merging()
        self._finished = True
        try:
            await self.flush()
        finally:
            self._live.leave()

    async def discard(self) -> None:
        """Remove all that was written, as if there had never been a log; then it is finished.

        Raises:
            OSError: The store did not allow it, or does not answer.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._live.stop_merging()
        self._finished = True
        async with self._lock, self._merging:
            self._pending = []
            await asyncio.to_thread(self._live.discard)

    def _spawn_write(self, *, insist: bool = False) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._spawn(self._write_pending(insist))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        job = asyncio.create_task(work)
        self._jobs.add(job)  # the loop itself keeps only weak references
        job.add_done_callback(self._jobs.discard)
        return job

    async def _write_final(self, header: EvalLog) -> None:
        async with self._lock, self._merging:
            await asyncio.to_thread(self._live.finish, header)
            self._finished = True

    async def _write_pending(self, insist: bool) -> None:
        async with self._lock:
            rows, size = self._pending, self._pending_bytes
            if not rows and self._live.spilled is None:
                return
            self._pending, self._pending_bytes = [], 0
            try:
                await asyncio.to_thread(self._live.write_part, rows, insist=insist)
            except Exception as error:  # whatever it is, the rows are kept and it is raised later
                self._pending = rows + self._pending
                self._pending_bytes += size
                self._failure = LogError(
                    f"Samples could not be written to {self._live.folder.url!r} nor to a local "
                    f"folder ({error}). They are kept in memory."
                )
                self._failure.__cause__ = error
            else:
                self._failure = None
                merge = self._live.take_merge()
                if merge is not None:
                    self._spawn(self._merge(merge))

    async def _merge(self, merge: Merge) -> None:
        async with self._merging:  # first come, first served: merges build on each other
            await asyncio.to_thread(self._live.merge, merge)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
