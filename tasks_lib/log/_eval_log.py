"""Logs as the reference writes them: zip files of JSON documents (`.eval`).

```
_journal/start.json              version, eval, plan
_journal/summaries/<n>.json      summaries of the samples of each flush, while it runs
samples/<id>_epoch_<n>.json      a sample
summaries.json  reductions.json  header.json     when it has ended
```
Members are packed with deflate, which every version of the reference reads, or with
Zstandard, as newer ones write. We write deflate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from pydantic import ValidationError

from tasks_lib._errors import LogFormatError
from tasks_lib._util._json import decode
from tasks_lib.log._condense import condense_sample
from tasks_lib.log._eval_log_document import (
    header_document,
    reductions_document,
    sample_document,
    start_document,
    summary_document,
)
from tasks_lib.log._eval_log_migrate import first_scorer
from tasks_lib.log._eval_log_names import (
    SAMPLES_FOLDER,
    free_name,
    other_name,
    sample_name,
)
from tasks_lib.log._eval_log_parse import (
    check_version,
    parse_header,
    parse_sample,
    parse_summary,
)
from tasks_lib.log._eval_log_zip import ZIP_ERRORS, ZipReader, open_zip
from tasks_lib.log._files import Place
from tasks_lib.log._whole_file import whole_file
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary

_START = "_journal/start.json"
_HEADER = "header.json"
_REDUCTIONS = "reductions.json"
_SUMMARIES = "summaries.json"
_JOURNAL = re.compile(r"_journal/summaries/(\d{1,9})\.json")
_CONFIG_JOURNAL = re.compile(r"_journal/config_updates/(\d{1,9})\.json")
_CHUNKED_SAMPLE = re.compile(r"samples/.*_epoch_\d+/sample\.json", re.DOTALL)
"""A sample in a folder of its own, in pieces: a layout that no reader of the reference reads."""

_CONTENT_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What JSON of an unexpected form ends in."""


class EvalFileLog:
    """Reads and writes `.eval` logs; see `DocumentFormat` for what its methods promise."""

    def read_header(self, place: Place) -> EvalLog:
        """Return the log without its samples, with its reductions."""
        with _reading(place), open_zip(place) as archive:
            header = _header(archive)
            if _REDUCTIONS in archive:
                header["reductions"] = _json(archive, _REDUCTIONS)
            return parse_header(header)

    def read_samples(self, place: Place) -> Iterator[EvalSample]:
        """Yield the samples in the order of the file; one is in memory at a time."""
        with _open(place) as (archive, scorer):
            with _reading(place):
                names = _sample_names(archive)
            for name in names:
                with _reading(place, name):
                    sample = parse_sample(_json(archive, name), scorer)
                yield sample

    def read_sample(self, place: Place, id: int | str, epoch: int) -> EvalSample | None:
        """Return one sample, None if there is none; no other is read."""
        with _open(place) as (archive, scorer):
            for name in (sample_name(id, epoch), other_name(id, epoch)):
                if name not in archive:
                    continue
                with _reading(place, name):
                    plain = _json(archive, name)
                    same_id = type(plain["id"]) is type(id) and plain["id"] == id
                    if same_id and plain["epoch"] == epoch:
                        return parse_sample(plain, scorer)
        return None

    def read_summaries(self, place: Place) -> list[EvalSampleSummary]:
        """Return a summary of each sample, in the order of the file.

        Of a log that has not ended these are all that were written so far.
        """
        with _open(place) as (archive, _):
            names = [_SUMMARIES] if _SUMMARIES in archive else _numbered(archive, _JOURNAL)
            if not names:
                return [sample.summary() for sample in self.read_samples(place)]
            found: dict[tuple[type, int | str, int], EvalSampleSummary] = {}
            for name in names:
                with _reading(place, name):
                    for plain in _json(archive, name):
                        summary = parse_summary(plain)
                        found[type(summary.id), summary.id, summary.epoch] = summary
        return list(found.values())

    def write(self, place: Place, header: EvalLog, samples: Iterable[EvalSample]) -> None:
        """Write a log, which appears whole, with one sample in memory at a time."""
        with (
            whole_file(place) as sink,
            ZipFile(sink, "w", ZIP_DEFLATED) as archive,
            TemporaryFile() as summaries,
        ):
            archive.writestr(_START, start_document(header))
            ids = _write_samples(archive, samples, summaries)
            summaries.seek(0)
            with archive.open(_SUMMARIES, "w", force_zip64=True) as member:
                while chunk := summaries.read(1 << 20):
                    member.write(chunk)
            if header.reductions is not None:
                archive.writestr(_REDUCTIONS, reductions_document(header))
            archive.writestr(_HEADER, header_document(header, ids))


EVAL_LOG = EvalFileLog()
"""The format of `.eval` logs."""


def _write_samples(
    archive: ZipFile, samples: Iterable[EvalSample], summaries: IO[bytes]
) -> list[int | str]:
    """Write each sample, and all their summaries as one JSON document; return the ids."""
    taken: set[str] = set()
    ids: dict[tuple[type, int | str], int | str] = {}
    summaries.write(b"[")
    for sample in samples:
        summaries.write(b"," if taken else b"")
        summaries.write(summary_document(sample))
        name = free_name(sample.id, sample.epoch, taken)
        taken.add(name)
        ids[type(sample.id), sample.id] = sample.id
        archive.writestr(name, sample_document(condense_sample(sample)))
    summaries.write(b"]")
    return list(ids.values())


def _header(archive: ZipReader) -> dict[str, Any]:
    """Return a log's header as JSON; of one that has not ended, what it began with."""
    if _HEADER in archive:
        return _object(archive, _HEADER)
    if _START not in archive:
        raise BadZipFile("it is a zip file but not a log")
    header = {**_object(archive, _START), "status": "started"}
    changes = [_json(archive, name) for name in _numbered(archive, _CONFIG_JOURNAL)]
    return {**header, "config_updates": changes} if changes else header


def _sample_names(archive: ZipReader) -> list[str]:
    names = [n for n in archive.names if n.startswith(SAMPLES_FOLDER) and n.endswith(".json")]
    for name in names:
        if _CHUNKED_SAMPLE.fullmatch(name):
            raise LogFormatError(f"{name!r} is stored in pieces, which is not supported")
    return names


def _numbered(archive: ZipReader, pattern: re.Pattern[str]) -> list[str]:
    """Return the names of members that a pattern numbers, in the order of their numbers."""
    found = filter(None, map(pattern.fullmatch, archive.names))
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def _json(archive: ZipReader, name: str) -> Any:
    return decode(archive.read(name))


def _object(archive: ZipReader, name: str) -> dict[str, Any]:
    value = _json(archive, name)
    if not isinstance(value, dict):
        raise ValueError(f"its member {name!r} is no JSON object")
    return value


@contextmanager
def _open(place: Place) -> Iterator[tuple[ZipReader, str]]:
    """Open a log that is no newer than we are; yields the name of its first scorer, too."""
    with ExitStack() as stack:
        with _reading(place):
            archive = stack.enter_context(open_zip(place))
            header = _header(archive)
            check_version(header)
            scorer = first_scorer(header)
        yield archive, scorer


@contextmanager
def _reading(place: Place, member: str | None = None) -> Iterator[None]:
    """Turn what is wrong with a file into LogFormatError, which names it."""
    try:
        yield
    except (*ZIP_ERRORS, *_CONTENT_ERRORS) as error:
        where = f"{place.url!r} ({member!r})" if member else repr(place.url)
        raise LogFormatError(f"The log {where} cannot be read: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    """Return what is wrong in one line, without the content that is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
