"""A log while it is written: its folder of parts, and how it becomes one file."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event

import pyarrow as pa
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from tasks_lib._errors import LogError, PrerequisiteError
from tasks_lib._util._ids import short_uuid
from tasks_lib.log._arrow import columns_of_scorers, sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._compact import Merge, PartCounter
from tasks_lib.log._files import UPLOAD_ATTEMPTS, Place, create_file, store_errors, write_whole
from tasks_lib.log._final import remove_parts, write_final, write_log_file
from tasks_lib.log._header import header_metadata
from tasks_lib.log._origin import Origin, leave_parts
from tasks_lib.log._parquet import parquet_bytes
from tasks_lib.log._parts import all_rows, list_parts
from tasks_lib.log._paths import PartName, live_folder, part_name, split_log_name, unwritable
from tasks_lib.log._remains import left_parts
from tasks_lib.log._rows import Row
from tasks_lib.log._spill import Spill
from tasks_lib.schema import EvalLog

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 10
"""How long a store that refused a part is left alone, unless somebody waits for the part."""

_LOOKS = 5
"""How often the parts are listed anew when some vanish while they are read."""


class LiveLog:
    """The parts that one shard writes, and the final file. Blocking; use it in a thread.

    One thread at a time writes parts or finishes. Another may `merge` meanwhile.
    """

    def __init__(
        self,
        log: Place,
        header: EvalLog,
        scorers: Sequence[str],
        shard: str,
        work: str | None = None,
    ) -> None:
        self.log = log
        self._header = header
        self._writer = short_uuid()
        self._work = work
        self._columns = columns_of_scorers(scorers)
        self._schema = sample_schema(self._columns)
        self._shard = shard
        self._counter = PartCounter()
        self._written: set[int] = set()
        self._spill = Spill()
        self._refusal: OSError | None = None
        self._pause_until = 0.0
        self._stop_merging = Event()
        self._metadata: dict[bytes, bytes] = {}

    @property
    def folder(self) -> Place:
        """Where the parts are."""
        return live_folder(self.log)

    @property
    def spilled(self) -> LogError | None:
        """Why some parts are not where they belong, and where they are; None: all are."""
        if self._spill.folder is None:
            return None
        reason = (self._refusal and self._refusal.strerror) or self._refusal
        error = LogError(
            f"{self.folder.url!r} could not be written ({reason}). The samples that are "
            f"missing there are kept in {str(self._spill.folder)!r}: should this run end before "
            f"they are brought home, run `evals log recover {self._spill.folder}`."
        )
        error.__cause__ = self._refusal
        return error

    def create(self) -> None:
        """Make a new log visible: its folder, with a part that holds only the header.

        An existing log is never touched: the new one gets a name that is free.

        Raises:
            PrerequisiteError: The log directory cannot be written.
        """
        stem, suffix = split_log_name(self.log.name)
        folder, number = self.log.parent, 1
        try:
            while not self._claimed():
                number += 1
                self.log = folder / f"{stem}-{number}{suffix}"
        except OSError as error:
            raise unwritable(folder, error) from error
        self._written.add(self._counter.add())

    def resume(self) -> bool:
        """Go on with the parts that another writer has left of the same work, if there are any.

        They may be those of a log with a number in its name, as `create` gives them.

        Raises:
            PrerequisiteError: That writer may still be writing; the store does not answer.
        """
        try:
            return self._work is not None and any(map(self._took_over, self._live_logs()))
        except OSError as error:
            raise unwritable(self.log.parent, error) from error

    def join(self) -> None:
        """Continue after the parts that this shard has written before, if any.

        Raises:
            PrerequisiteError: The store does not answer.
        """
        try:
            parts = list_parts(self.folder)
        except OSError as error:
            raise unwritable(self.log.parent, error) from error
        self._continue_after(parts)

    def write_part(self, rows: Sequence[Row], *, insist: bool = False) -> None:
        """Write rows as the next part: to the store, or if it refuses, to a local folder.

        Args:
            rows: Of `sample_row`. If there are none, only parts that were refused before are
                tried again.
            insist: Whether a store that has just refused is asked again at once.

        Raises:
            OSError, pyarrow.ArrowException: The rows could not be written anywhere.
        """
        home = self._bring_home(insist)
        if not rows:
            return
        name = self._part(self._counter.next)
        content = self._part_bytes(rows)
        if not home or not self._stored(name, content):
            self._keep(name, content)
        self._written.add(self._counter.add())

    def take_merge(self) -> Merge | None:
        """Return which parts are to be merged by `merge`; None: none."""
        return None if self._spill.folder else self._counter.take_merge()

    def merge(self, merge: Merge) -> None:
        """Make one part of several, which are removed then. Holds a row group in memory.

        If it cannot be done the parts stay as they are, which a warning says.
        """
        # An earlier merge may have failed: what it should have made is not there.
        inputs = [number for number in merge.inputs if number in self._written]
        if len(inputs) < 2:
            return
        places = [self.folder / self._part(number) for number in inputs]
        try:
            write_log_file(
                self.folder / self._part(merge.output),
                self._schema,
                self._until_stopped(all_rows(places)),
                lambda: self._metadata,
                beside=self.folder,
            )
            self._written.add(merge.output)
            for number, place in zip(inputs, places, strict=True):
                self._written.discard(number)
                with store_errors():
                    place.fs.rm_file(place.path)
        except CancelledError:
            return
        except Exception as error:  # of the store, too, whose library has its own exceptions
            logger.warning(
                "%d parts in %r could not be merged (%s). No sample is lost by that.",
                len(inputs),
                self.folder.url,
                error,
            )

    def stop_merging(self) -> None:
        """Let a merge that goes on end soon, without effect."""
        self._stop_merging.set()

    def finish(self, header: EvalLog) -> None:
        """Put all parts together as the final file and remove them.

        Holds few samples in memory. Until the file is complete, the parts stay as they are.

        Raises:
            LogError: The file could not be written, or a part could not be read.
        """
        try:
            for attempt in _looks():
                with attempt:
                    parts = self._all_parts()
                    write_final(self.log, header, self._columns, parts, beside=self.folder)
        except Exception as error:  # of the store, too, whose library has its own exceptions
            raise LogError(
                f"The log {self.log.url!r} could not be finished ({error}). What was written is "
                f"safe in {self.folder.url!r} and is read from there; "
                f"`evals log recover {self.log.url}` makes a log of it."
            ) from error
        try:
            remove_parts(self.folder, parts)
        except OSError as error:
            logger.warning(
                "The log %r is complete, but its parts could not be removed (%s): run "
                "`evals log recover %s`.",
                self.log.url,
                error,
                self.log.url,
            )

    def leave(self) -> None:
        """Let others go on with the parts, or make a log of them; nothing is written any more."""
        leave_parts(self._writer)

    def discard(self) -> None:
        """Remove all parts, also those that the store had refused.

        Raises:
            OSError: They could not be removed.
        """
        remove_parts(self.folder, [self.folder / self._part(i) for i in sorted(self._written)])
        self._spill.drop()

    def _part(self, number: int) -> str:
        return str(PartName(number, self._shard))

    def _part_metadata(self, *, with_ids: bool = False) -> dict[bytes, bytes]:
        # The ids of a large dataset would outweigh the samples of a part.
        metadata = header_metadata(self._header, self._columns, with_ids=with_ids)
        origin = Origin.here(self.log.url, self._writer, self._work)
        return {**metadata, **origin.metadata()}

    def _part_bytes(self, rows: Sequence[Row]) -> bytes:
        return parquet_bytes(sample_batch(rows, self._header.eval, self._schema), self._metadata)

    def _continue_after(self, parts: Sequence[Place]) -> None:
        names = [part_name(part.name) for part in parts]
        self._written = {name.number for name in names if name and name.shard == self._shard}
        self._counter = PartCounter(self._written)
        self._metadata = self._part_metadata()

    def _live_logs(self) -> list[Place]:
        """Return the logs that `create` may have made for the same name and that are unfinished."""
        stem, suffix = split_log_name(self.log.name)
        alike = re.compile(rf"{re.escape(stem)}(-\d+)?{re.escape(suffix)}")
        live = self.folder.parent
        live.fs.invalidate_cache(live.path)
        try:
            with store_errors():
                names = [Place(live.fs, path).name for path in live.fs.ls(live.path, detail=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [self.log.parent / name for name in sorted(names) if alike.fullmatch(name)]

    def _took_over(self, log: Place) -> bool:
        """Go on with the parts of `log`, if they are left of the same work."""
        assert self._work is not None
        parts = left_parts(log, self._work)
        if not parts:
            return False
        self.log = log
        self._continue_after(parts)
        # A part without rows shows others that somebody goes on; of several only one writes it.
        batch = sample_batch([], self._header.eval, self._schema)
        name = self._part(self._counter.next)
        if not create_file(self.folder / name, parquet_bytes(batch, self._metadata)):
            raise PrerequisiteError(f"Somebody else has just gone on with the log {log.url!r}.")
        self._written.add(self._counter.add())
        return True

    def _claimed(self) -> bool:
        """Write the first part of `self.log`, unless there is a log of that name."""
        self._metadata = self._part_metadata()
        batch = sample_batch([], self._header.eval, self._schema)
        content = parquet_bytes(batch, self._part_metadata(with_ids=True))
        first = self.folder / self._part(self._counter.next)
        if not self.log.is_local:
            if self.log.exists() or self.folder.exists():
                return False
            with store_errors():
                self.folder.fs.makedirs(self.folder.path, exist_ok=True)
                if not create_file(first, content):
                    return False
                if self.log.exists():  # a whole run has come and gone between two looks
                    first.fs.rm_file(first.path)
                    return False
            return True
        folder = Path(self.folder.path)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()  # atomic: of two runs only one makes it
        except FileExistsError:
            return False
        try:
            if not self.log.exists():
                write_whole(first, content)
                return True
        except OSError:
            folder.rmdir()
            raise
        folder.rmdir()
        return False

    def _bring_home(self, insist: bool) -> bool:
        """Bring parts to the store that it had refused; False: it still does."""
        if self._spill.folder is None:
            return True
        if not insist and time.monotonic() < self._pause_until:
            return False
        try:
            self._spill.bring_home(self.folder, attempts=UPLOAD_ATTEMPTS if insist else 1)
        except OSError as error:
            self._refuse(error)
            return False
        logger.warning("All samples that were kept elsewhere are in %r now.", self.folder.url)
        return True

    def _stored(self, name: str, content: bytes) -> bool:
        try:
            write_whole(self.folder / name, content)
        except OSError as error:
            self._refuse(error)
            return False
        return True

    def _refuse(self, error: OSError) -> None:
        self._refusal = error
        self._pause_until = time.monotonic() + _PAUSE_SECONDS

    def _keep(self, name: str, content: bytes) -> None:
        known = self._spill.folder
        self._spill.keep(name, content)
        if known is None:
            logger.warning("%s", self.spilled)

    def _all_parts(self) -> list[Place]:
        parts = list_parts(self.folder)
        missing = {self._part(number) for number in self._written} - {part.name for part in parts}
        if missing:
            raise LogError(f"its parts {', '.join(sorted(missing))} are gone")
        return parts

    def _until_stopped(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self._stop_merging.is_set():
                raise CancelledError
            yield batch


def _looks() -> Retrying:
    """Return attempts at reading parts: another shard may just be merging its own."""
    return Retrying(
        retry=retry_if_exception_type(FileNotFoundError),
        stop=stop_after_attempt(_LOOKS),
        reraise=True,
    )
