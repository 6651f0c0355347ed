"""A log while it is written: its folder of parts, and how it becomes one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from tasks_lib._errors import LogError
from tasks_lib.log._arrow import BASE_SCHEMA, RUN_COLUMNS, columns_of_scorers, sample_schema
from tasks_lib.log._files import PARTIAL_SUFFIX, Place, publish_file, remove_folder, write_whole
from tasks_lib.log._header import header_metadata
from tasks_lib.log._parquet import parquet_bytes, write_groups
from tasks_lib.log._parts import last_attempts, list_parts
from tasks_lib.log._paths import LOG_SUFFIX, PartName, live_folder, part_name, unwritable
from tasks_lib.log._rows import SAMPLE_COLUMNS, Row
from tasks_lib.schema import EvalLog, EvalSpec


class LiveLog:
    """The parts that one shard writes, and the final file. Blocking; use it in a thread."""

    def __init__(self, log: Place, header: EvalLog, scorers: Sequence[str], shard: str) -> None:
        self.log = log
        self._header = header
        self._columns = columns_of_scorers(scorers)
        self._schema = sample_schema(self._columns)
        self._shard = shard
        self._next_part = 0

    @property
    def folder(self) -> Place:
        """Where the parts are."""
        return live_folder(self.log)

    def create(self) -> None:
        """Make a new log visible: its folder, with a part that holds only the header.

        An existing log is never touched: the new one gets a name that is free.

        Raises:
            PrerequisiteError: The log directory cannot be written.
        """
        try:
            self.log = _claim(self.log)
            self.write_part([])
        except OSError as error:
            raise unwritable(self.log.parent, error) from error

    def join(self) -> None:
        """Continue after the parts that this shard has written before, if any."""
        names = (part_name(part.name) for part in list_parts(self.folder))
        own = [name.number for name in names if name and name.shard == self._shard]
        self._next_part = max(own, default=-1) + 1

    def write_part(self, rows: Sequence[Row]) -> None:
        """Write rows as the next part. Raises OSError or pyarrow's errors; then nothing is."""
        name = PartName(self._next_part, self._shard)
        # The ids of a large dataset would outweigh the samples of a part.
        metadata = header_metadata(self._header, self._columns, with_ids=name.number == 0)
        content = parquet_bytes(sample_batch(rows, self._header.eval, self._schema), metadata)
        write_whole(self.folder / str(name), content)
        self._next_part += 1

    def finish(self, header: EvalLog) -> int:
        """Put all parts together as the final file, remove them, return the number of rows.

        Holds one row group of the samples in memory. Until the file is complete, the parts
        stay as they are.

        Raises:
            LogError: The file could not be written, or a part could not be read.
        """
        try:
            rows = write_log_file(
                self.log,
                self._schema,
                last_attempts(list_parts(self.folder)),
                lambda: header_metadata(header, self._columns),
                beside=self.folder,
            )
        except (OSError, pa.ArrowException) as error:
            raise LogError(
                f"The log {self.log.url!r} could not be finished ({error}). Its samples are "
                f"safe in {self.folder.url!r} and are read from there."
            ) from error
        remove_folder(self.folder)
        if self.log.is_local:
            with suppress(OSError):  # other logs are being written
                Path(self.folder.parent.path).rmdir()
        return rows


def sample_batch(rows: Sequence[Row], spec: EvalSpec, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows of `sample_row` as a batch of this schema, with the columns of the run."""
    scores = [name for name in schema.names if name not in BASE_SCHEMA.names]
    names = (*SAMPLE_COLUMNS, *scores)
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    arrays = {
        name: pa.array(column, schema.field(name).type)
        for name, column in zip(names, columns, strict=True)
    }
    for name in RUN_COLUMNS:
        text = str(getattr(spec, name)).encode("utf-8", "replace").decode()
        arrays[name] = pa.repeat(pa.scalar(text, pa.string()), len(rows))
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


def write_log_file(
    log: Place,
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    metadata: Callable[[], Mapping[bytes, bytes]],
    *,
    beside: Place,
) -> int:
    """Write a finished log, which appears whole, and return the number of rows.

    `beside` is a folder on the same store; an unfinished local file is kept there.
    """
    with _partial_file(beside, log.name) as path:
        with path.open("wb") as sink:
            rows = write_groups(sink, schema, batches, metadata)
        publish_file(path, log)
    pa.default_memory_pool().release_unused()
    return rows


@contextmanager
def _partial_file(folder: Place, name: str) -> Iterator[Path]:
    if not folder.is_local:
        with TemporaryDirectory(prefix="evals-log-") as temporary:
            yield Path(temporary) / f"{name}{PARTIAL_SUFFIX}"
        return
    path = Path(folder.path) / f"{name}{PARTIAL_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _claim(log: Place) -> Place:
    """Return `log`, or the first of `…-2`, `…-3` that does not exist, with its live folder."""
    stem, number = log.name.removesuffix(LOG_SUFFIX), 1
    while not _claimed(log):
        number += 1
        log = log.parent / f"{stem}-{number}{LOG_SUFFIX}"
    return log


def _claimed(log: Place) -> bool:
    folder = live_folder(log)
    if log.exists():
        return False
    if not log.is_local:
        return not folder.exists()
    Path(folder.parent.path).mkdir(parents=True, exist_ok=True)
    try:
        Path(folder.path).mkdir()  # atomic: of two runs only one makes it
    except FileExistsError:
        return False
    return True
