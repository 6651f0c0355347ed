"""Logs in the formats of JSON documents: one document, or a zip of them (`.eval`).

Parquet is not among them; it is read by columns and row groups (see `_parts` and `_parquet`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Literal, Protocol

from tasks_lib.log._eval_log import EVAL_LOG
from tasks_lib.log._files import Place
from tasks_lib.log._json_log import JSON_LOG
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary, LogFormat

ReadFormat = Literal["parquet", "json", "eval", "auto"]
"""Format of a log that is read; `auto` goes by the file's extension."""


class DocumentFormat(Protocol):
    """How a log of JSON documents is read from and written to one file.

    All that read raise FileNotFoundError when there is no file and LogFormatError when it is
    damaged, foreign or of a newer version.
    """

    def read_header(self, place: Place) -> EvalLog:
        """Return the log without its samples, with its reductions, its location not set."""
        ...

    def read_samples(self, place: Place) -> Iterator[EvalSample]:
        """Yield the samples in the order of the file, few in memory at a time."""
        ...

    def read_sample(self, place: Place, id: int | str, epoch: int) -> EvalSample | None:
        """Return one sample; None if there is none. The ids 1 and "1" are different."""
        ...

    def read_summaries(self, place: Place) -> list[EvalSampleSummary]:
        """Return a summary of each sample, in the order of the file."""
        ...

    def write(self, place: Place, header: EvalLog, samples: Iterable[EvalSample]) -> None:
        """Write a log, which appears whole, with few samples in memory at a time.

        Raises:
            OSError: The store refused it. What was there stays.
        """
        ...


def document_format(location: str | PurePath, format: ReadFormat = "auto") -> DocumentFormat | None:
    """Return what reads and writes the log at `location`; None: it is a Parquet file.

    With `auto` the extension decides: `.json`, `.eval`; anything else is Parquet.
    """
    if format == "auto":
        format = format_of_name(str(location))
    if format == "json":
        return JSON_LOG
    if format == "eval":
        return EVAL_LOG
    return None


def format_of_name(name: str) -> LogFormat:
    """Return the format that a file of this name has."""
    if name.endswith(".json"):
        return "json"
    return "eval" if name.endswith(".eval") else "parquet"
