"""Making a log of what a run left that was killed before it had finished its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from tasks_lib._errors import EvalsError, LogError, LogFormatError, MissingFileError
from tasks_lib._util._json import decode
from tasks_lib.log._arrow import columns_of_scorers
from tasks_lib.log._documents import document_format
from tasks_lib.log._files import Place, open_place, store_errors
from tasks_lib.log._final import write_final
from tasks_lib.log._header import read_header, read_score_columns
from tasks_lib.log._log_file import FsOptions, LogFile, location_of, read_log_header
from tasks_lib.log._parquet import reading
from tasks_lib.log._parts import last_attempts
from tasks_lib.log._paths import live_folder
from tasks_lib.log._remains import (
    Remains,
    check_ended,
    find_remains,
    holds_all,
    remove_remains,
    set_damaged_apart,
)
from tasks_lib.log._write_log import write_eval_log
from tasks_lib.schema import (
    EvalError,
    EvalLog,
    EvalResults,
    EvalStats,
    ModelUsage,
    Score,
    add_usage,
)

_TALLY_COLUMNS = ("error", "limit", "scores", "model_usage", "started_at", "total_time")
_MESSAGE = "The run ended without finishing its log, which was recovered from its parts."


def recover_eval_log(
    log_file: LogFile, *, force: bool = False, fs_options: FsOptions = None
) -> EvalLog:
    """Finish the log of a run that was killed, or could not write it, and return its header.

    All samples that the parts hold get into the log, and the parts are removed. Its status is
    `error`; the results count the samples but have no metrics (retry the evaluation to
    get them: it continues after the samples that are there), and the tokens are those of the
    samples. What a call of `score` has left becomes such a log, too, of the samples that it had
    scored; to go on with it make the same call instead. A log that is finished already is left
    as it is, unless parts hold samples that it lacks.

    Args:
        log_file: Where the log should be, its folder of parts, a folder of spilled parts (as
            the error of the run named it) or an entry of a listing. Spilled parts of the log
            on this machine are found in any case.
        force: Whether a run that may still be going on is no obstacle. A process that still
            writes cannot finish this log any more: what it has is spilled.
        fs_options: Options of the log's store, as fsspec takes them.

    Raises:
        MissingFileError: There is neither a log nor a part of one.
        PrerequisiteError: The run may still be going on.
        LogFormatError: Some parts are damaged and stay where they are; everything else is in
            the log.
        LogError: The log could not be written, or its store does not answer; the parts stay.
    """
    location = location_of(log_file)
    try:
        remains = find_remains(location, fs_options)
        url = remains.log.url
        header = read_log_header(url, fs_options=fs_options) if remains.log.is_file() else None
        if not remains.parts and not remains.damaged and header is None:
            raise MissingFileError("log", location)
        if remains.parts and not force:
            check_ended(remains)
        remains = set_damaged_apart(remains)
        if remains.parts and not (header is not None and holds_all(remains)):
            header = _write(remains, header)
        remove_remains(remains)
    except EvalsError:
        raise
    except Exception as error:  # of the store, too, whose library has its own exceptions
        raise LogError(
            f"The log {location!r} could not be recovered ({error}). Its parts stay."
        ) from error
    if remains.damaged or header is None:
        raise LogFormatError(_damage(remains, header))
    return header


def _write(remains: Remains, finished: EvalLog | None) -> EvalLog:
    """Write the log, of its parts and what is in it already; return its header.

    `finished` is the header of what is there already.
    """
    names = {name: None for part in remains.metadata for name in read_score_columns(part)}
    folder = live_folder(remains.log)
    with ExitStack() as stack:
        files = remains.parts
        if finished is not None:
            files = [_as_parquet(remains.log, finished, stack), *files]
        header = _ended(finished or _first_header(remains), _Tally(files))
        with store_errors():
            folder.fs.makedirs(folder.path, exist_ok=True)
        write_final(remains.log, header, columns_of_scorers(names), files, beside=folder)
    header.location = remains.log.url
    return header


def _as_parquet(log: Place, header: EvalLog, stack: ExitStack) -> Place:
    """Return a finished log as a file of rows."""
    document = document_format(log.name)
    if document is None:
        return log
    copy = Path(stack.enter_context(TemporaryDirectory(prefix="evals-log-"))) / "log.parquet"
    samples = [*document.read_samples(log)]
    write_eval_log(header.model_copy(update={"samples": samples}), copy, "parquet")
    return open_place(copy)


def _first_header(remains: Remains) -> EvalLog:
    """Return the header of the first part, which knows the ids of the samples, too."""
    with reading(remains.parts[0]):
        return read_header(remains.metadata[0])


def _ended(header: EvalLog, tally: _Tally) -> EvalLog:
    dataset, epochs = header.eval.dataset, header.eval.config.epochs or 1
    found = tally.completed + tally.errored
    selected = len(dataset.sample_ids) if dataset.sample_ids else dataset.samples or 0
    total = max(selected * epochs, found)
    header.status = "error"
    header.error = EvalError(message=_MESSAGE, traceback="")
    header.results = EvalResults(
        total_samples=total,
        completed_samples=tally.completed,
        errored_samples=tally.errored,
        scored_samples=tally.scored,
        unscored_samples=tally.completed - tally.scored,
        limited_samples=tally.limited,
        missing_samples=total - found,
    )
    started_at = header.stats.started_at
    header.stats = EvalStats(
        started_at=started_at,
        completed_at=tally.last.isoformat(timespec="seconds") if tally.last else started_at,
        model_usage=tally.usage,
    )
    return header


class _Tally:
    """What the rows of a log say in sum."""

    def __init__(self, files: Sequence[Place]) -> None:
        self.completed = 0
        self.errored = 0
        self.scored = 0
        self.limited = 0
        self.usage: dict[str, ModelUsage] = {}
        self.last: datetime | None = None
        """When the last sample ended."""
        for batch in last_attempts([*files], _TALLY_COLUMNS):
            self._add(batch)

    def _add(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist():
            if row["error"] is None:
                self.completed += 1
                self.limited += row["limit"] is not None
                self.scored += _is_scored(row["scores"])
            else:
                self.errored += 1
            usages: Mapping[str, Any] = decode(row["model_usage"]) if row["model_usage"] else {}
            add_usage(self.usage, {m: ModelUsage.model_validate(u) for m, u in usages.items()})
            if row["started_at"] is not None:
                ended = row["started_at"] + timedelta(seconds=row["total_time"] or 0)
                self.last = max(self.last or ended, ended)


def _is_scored(scores: str | bytes | None) -> bool:
    given = decode(scores).values() if scores else ()
    return any(not Score.model_validate(score).is_unscored for score in given)


def _damage(remains: Remains, header: EvalLog | None) -> str:
    names = ", ".join(repr(part.url) for part in remains.damaged)
    rest = f"All others are in the log {remains.log.url!r}." if header else "There are no others."
    return f"These parts of a log are damaged and stay where they are: {names}. {rest}"
