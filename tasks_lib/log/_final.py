"""The file of a finished log, in any format, and the end of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from tasks_lib.log._arrow import sample_schema
from tasks_lib.log._documents import document_format
from tasks_lib.log._files import PARTIAL_SUFFIX, Place, open_place, publish_file, store_errors
from tasks_lib.log._header import header_metadata
from tasks_lib.log._parquet import write_groups
from tasks_lib.log._parts import last_attempts, part_samples
from tasks_lib.schema import EvalLog


def write_final(
    log: Place,
    header: EvalLog,
    columns: Mapping[str, str],
    files: Sequence[Place],
    *,
    beside: Place,
) -> None:
    """Write a finished log, in the format of its name, from files of rows.

    Args:
        log: Where to; it appears whole.
        header: Everything but the samples.
        columns: The column of each scorer.
        files: Parts, or a log in Parquet, in the order of writing. Of a sample and epoch only
            the last attempt is taken.
        beside: A folder on the same store; an unfinished local file is kept there.

    Raises:
        OSError, pyarrow.ArrowException: It could not be written.
        LogFormatError: A file is damaged.
    """
    document = document_format(log.name)
    if document is None:
        batches = last_attempts([*files])
        write_log_file(
            log,
            sample_schema(columns),
            batches,
            lambda: header_metadata(header, columns),
            beside=beside,
        )
    else:
        with _partial_file(beside, log.name) as path:
            document.write(open_place(path), header, part_samples([*files]))
            publish_file(path, log)


def remove_parts(folder: Place, parts: Sequence[Place]) -> None:
    """Remove parts that are in a finished log, and their live folder once nothing else is in it.

    Others stay, so that nobody's samples are lost who wrote meanwhile.

    Raises:
        OSError: They could not be removed.
    """
    if not folder.is_local:
        with suppress(FileNotFoundError), store_errors():
            folder.fs.rm([part.path for part in parts])
        return
    path = Path(folder.path)
    for place in parts:
        Path(place.path).unlink(missing_ok=True)
    for partial in path.glob(f"*{PARTIAL_SUFFIX}"):  # of a run that was killed
        partial.unlink(missing_ok=True)
    with suppress(OSError):  # others are there, or it is gone; the same for other logs
        path.rmdir()
        path.parent.rmdir()


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
