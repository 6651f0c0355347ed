"""A log as one JSON document, in the reference's layout: what its tools read, and back.

One member a line and one sample a line; readers stop at `samples`, which come last. Null
fields of models are left out. NaN and infinities are the constants that Python's JSON has for
them. In samples long texts that events repeat are attachments. What JSON has no form for
becomes text that says so (see `_json`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import SEEK_END
from typing import IO, Any

from pydantic import ValidationError

from tasks_lib._errors import LogFormatError
from tasks_lib.log._condense import condense_sample
from tasks_lib.log._eval_log_migrate import first_scorer
from tasks_lib.log._eval_log_parse import check_version, parse_header, parse_sample
from tasks_lib.log._files import Place
from tasks_lib.log._json_stream import JsonStream
from tasks_lib.log._json_write import write_json_log
from tasks_lib.log._whole_file import whole_file
from tasks_lib.schema import EvalLog, EvalSample, EvalSampleSummary

_HEAD_REQUIRED = {"version", "status", "eval", "plan", "stats"}
"""A document that has these before its samples has the members in the usual order."""
_HEAVY = ("messages", "events", "events_data", "output", "store", "attachments")
"""Fields of a sample that a summary does not need."""
_TAIL_WINDOWS = (1 << 16, 1 << 20, 1 << 24)
"""Bytes at the end of a file that are searched for what follows the samples."""
_TAIL_TRIES = 8
_LAST_MEMBER = b'"reductions"'


class JsonLog:
    """Reads and writes `.json` logs; see `DocumentFormat` for what its methods promise."""

    def read_header(self, place: Place) -> EvalLog:
        """Return the log without its samples, which are not parsed, with its reductions."""
        with place.fs.open(place.path, "rb") as source, _parsing(place):
            return parse_header(_header_members(source))

    def read_samples(self, place: Place) -> Iterator[EvalSample]:
        """Yield the samples in the order of the file; one is in memory at a time."""
        for plain, scorer in _plain_samples(place):
            with _parsing(place):
                sample = parse_sample(plain, scorer)
            yield sample

    def read_sample(self, place: Place, id: int | str, epoch: int) -> EvalSample | None:
        """Return one sample, None if there is none. What precedes it is parsed, not validated."""
        for plain, scorer in _plain_samples(place):
            if (plain.get("id"), plain.get("epoch")) == (id, epoch):
                with _parsing(place):
                    return parse_sample(plain, scorer)
        return None

    def read_summaries(self, place: Place) -> list[EvalSampleSummary]:
        """Return a summary of each sample, in the order of the file."""
        summaries = []
        for plain, scorer in _plain_samples(place):
            light = {name: value for name, value in plain.items() if name not in _HEAVY}
            with _parsing(place):
                summaries.append(parse_sample(light, scorer).summary())
        return summaries

    def write(self, place: Place, header: EvalLog, samples: Iterable[EvalSample]) -> None:
        """Write a log, which appears whole, with one sample in memory at a time."""
        with whole_file(place) as sink:
            write_json_log(sink, header, map(condense_sample, samples))


JSON_LOG = JsonLog()
"""The format of `.json` logs."""


def _header_members(source: IO[bytes]) -> dict[str, Any]:
    stream = JsonStream(source)
    members: dict[str, Any] = {}
    for key in stream.members():
        if key != "samples":
            members[key] = stream.value()
            continue
        if members.keys() >= _HEAD_REQUIRED:
            if "reductions" in members or not members.get("results"):
                break  # only reductions may follow, and only where there are results
            last = _last_members(source)
            if last is not None:
                return members | last
        for _ in stream.items():
            pass
    return members


def _last_members(source: IO[bytes]) -> dict[str, Any] | None:
    """Return the members from `reductions` to the end of the document, None if not found.

    What is at the end of a document and is, with a brace before it, an object, are members of
    the document itself: in an object further down one brace more would follow. The position
    in `source` stays.
    """
    position, size = source.tell(), source.seek(0, SEEK_END)
    try:
        for window in _TAIL_WINDOWS:
            source.seek(max(0, size - window))
            tail = source.read()
            at = len(tail)
            for _ in range(_TAIL_TRIES):
                at = tail.rfind(_LAST_MEMBER, 0, at)
                if at < 0:
                    break
                with suppress(ValueError):
                    if tail[at - 1 : at] != b"\\":
                        members: dict[str, Any] = json.loads(b"{" + tail[at:])
                        return members
        return None
    finally:
        source.seek(position)


def _plain_samples(place: Place) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the samples as plain data, each with the name for a score that has none."""
    before: dict[str, Any] = {}
    with place.fs.open(place.path, "rb") as source, _parsing(place):
        stream = JsonStream(source)
        for key in stream.members():
            if key != "samples":
                before[key] = stream.value()
                continue
            check_version(before)
            scorer = first_scorer(before)
            for plain in stream.items():
                if not isinstance(plain, dict):
                    raise ValueError(f"{plain!r:.50} stands where a sample is needed")
                yield plain, scorer
        check_version(before)


@contextmanager
def _parsing(place: Place) -> Iterator[None]:
    """Turn what is said of a document that is no log into a `LogFormatError`."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LogFormatError(
            f"{place.url!r} cannot be read as a JSON log: {_reason(error)}."
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, json.JSONDecodeError):
        return error.msg  # its position is that in what was just read
    return str(error) or type(error).__name__
