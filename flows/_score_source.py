"""The logs that are to be scored: in memory, as files, or a folder of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import PurePosixPath
from typing import TypeAlias

from tasks_lib._errors import MissingFileError, ParameterError, PrerequisiteError
from tasks_lib.log import (
    EvalLogInfo,
    LogFile,
    list_eval_logs,
    open_place,
    read_eval_log,
    read_eval_log_samples,
)
from tasks_lib.schema import EvalLog, EvalSample

logger = logging.getLogger(__name__)

LogsArg: TypeAlias = "EvalLog | LogFile | Sequence[EvalLog | LogFile]"
"""A log, its path or URL, a folder of logs, an entry of a listing, or several of these."""

_SCORED = re.compile(r"-scored(-\d+)?$")


class Source:
    """A log that is to be scored."""

    def __init__(self, log: EvalLog) -> None:
        """Take a log: with its samples, or as a header that knows where they are."""
        self.header = log
        """The log; its samples are only there if it was passed with them."""

    @property
    def is_memory(self) -> bool:
        """Whether the samples are in memory, and the scored log is to be there, too."""
        return self.header.samples is not None

    @property
    def label(self) -> str:
        """How messages name the log."""
        spec = self.header.eval
        return repr(self.header.location) if self.header.location else f"the log of {spec.task!r}"

    @property
    def total(self) -> int:
        """Samples, once per epoch, that were to be evaluated."""
        header = self.header
        if header.results is not None:
            return header.results.total_samples
        if header.samples is not None:
            return len(header.samples)
        dataset = header.eval.dataset
        selected = len(dataset.sample_ids) if dataset.sample_ids else dataset.samples or 0
        return selected * (header.eval.config.epochs or 1)

    @property
    def score_names(self) -> set[str]:
        """The names that have scores in the log."""
        header = self.header
        names = {scorer.name for scorer in header.eval.scorers or ()}
        names |= {score.scorer for score in header.results.scores} if header.results else set()
        return names | {name for sample in header.samples or () for name in sample.scores or ()}

    @property
    def folder(self) -> str:
        """Where the log's file is."""
        return open_place(self.header.location).parent.url

    @property
    def scored_name(self) -> str:
        """What the file of the scored log is called: `<name>-scored` with the same suffix."""
        name = PurePosixPath(open_place(self.header.location).name)
        return f"{_SCORED.sub('', name.stem)}-scored{name.suffix}"

    def samples(self) -> Iterator[EvalSample]:
        """Yield the samples; those in memory as copies, which scorers may change."""
        if self.header.samples is not None:
            for sample in self.header.samples:
                yield sample.model_copy(deep=True)
            return
        yield from read_eval_log_samples(self.header.location, all_samples_required=False)


def find_sources(logs: LogsArg) -> list[Source]:
    """Return what is to be scored; of files only the headers are read.

    In a folder, logs that are not finished are left out with a warning, and so are those
    that `score` has written beside the log that they came from.

    Raises:
        MissingFileError: There is no such log or folder.
        PrerequisiteError: A log is not finished, or has no samples; a folder has no log.
        LogFormatError: A file is no log, or damaged.
    """
    if isinstance(logs, EvalLog | EvalLogInfo | str | PathLike):
        return _sources(logs)
    sources = [source for log in logs for source in _sources(log)]
    if not sources:
        raise ParameterError("score", "log", logs, "at least one log")
    return sources


def is_single(logs: LogsArg) -> bool:
    """Whether this names one log, and not a folder or several."""
    if isinstance(logs, str | PathLike):
        return not _is_folder(fspath(logs))
    return isinstance(logs, EvalLog | EvalLogInfo)


def _sources(log: EvalLog | LogFile) -> list[Source]:
    if isinstance(log, EvalLog):
        return [_checked(Source(log))]
    if not isinstance(log, EvalLogInfo) and _is_folder(fspath(log)):
        return _in_folder(fspath(log))
    return [_checked(_source(log))]


def _source(log: LogFile) -> Source:
    try:
        return Source(read_eval_log(log, header_only=True))
    except FileNotFoundError as error:
        path = log.name if isinstance(log, EvalLogInfo) else fspath(log)
        raise MissingFileError("log", path) from error


def _checked(source: Source) -> Source:
    header = source.header
    if header.samples is None and not header.location:
        raise ParameterError(
            "score", "log", source.label, "a log with its samples, or with the place of its file"
        )
    if header.status == "started":
        raise PrerequisiteError(
            f"score: {source.label} is not finished. Wait for its end; if its run was killed, "
            f"`evals log recover` finishes it."
        )
    if header.samples == [] or (header.samples is None and not _first_sample(source)):
        raise ParameterError("score", "log", source.label, "a log that has samples")
    return source


def _first_sample(source: Source) -> bool:
    return next(source.samples(), None) is not None


def _is_folder(path: str) -> bool:
    place = open_place(path)
    return place.fs.isdir(place.path) and place.parent.name != ".live"


def _in_folder(folder: str) -> list[Source]:
    found = {info.name: info for info in list_eval_logs(folder)}
    sources: list[Source] = []
    for name, info in sorted(found.items()):
        if _original(name) in found:
            continue
        if info.type == "live":
            logger.warning("%r is not scored: it is not finished.", name)
        else:
            sources.append(_checked(_source(info)))
    if not sources:
        raise PrerequisiteError(f"score: there is no finished log in {folder!r}.")
    return sources


def _original(name: str) -> str | None:
    """Return the name of the log that a scored one came from; None if it is none."""
    path = PurePosixPath(name)
    stem = _SCORED.sub("", path.stem)
    return None if stem == path.stem else name[: len(name) - len(path.name)] + stem + path.suffix
