"""Records as lines of a local file, read once from its beginning and then in any order."""

from __future__ import annotations

import codecs
import json
import os
import tempfile
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, Protocol
from zlib import crc32

from tasks_lib._errors import DatasetError
from tasks_lib.dataset._records import Record, json_reader, read_json_array
from tasks_lib.dataset._source import Source

SPOOL_BYTES = 16 * 2**20
"""Text up to this stays in memory: most datasets have less and need no file."""

_IN_PLACE = {"utf-8", "ascii", "iso8859-1"}
"""Encodings in which a byte that means a line's end is never part of another character."""


class Place(NamedTuple):
    """Where the text of a record is."""

    start: int
    """Its first byte, from 0."""
    length: int
    """In bytes."""
    line: int
    """Line or row of the dataset's own file, from 1."""
    check: int
    """CRC-32 of its bytes."""


class Lines(Protocol):
    """Records of which each can be read again."""

    def records(self) -> Generator[tuple[Record, Place]]:
        """Yield all, once."""

    def read(self, place: Place) -> Record:
        """Read the record at `place` again. Raises DatasetError if it isn't there anymore."""


def json_lines(source: Source, encoding: str, reader_kwargs: Mapping[str, Any]) -> Lines:
    """Return the objects of a JSON-lines file; empty lines are skipped."""
    parse = json_reader(source.location, encoding, reader_kwargs)
    if source.is_plain and _codec(encoding) in _IN_PLACE:
        return _LinesInPlace(source, encoding, parse)
    return SpooledLines(_text_lines(source, encoding, parse), parse)


def json_array(source: Source, encoding: str, reader_kwargs: Mapping[str, Any]) -> Lines:
    """Return the objects of a file that is a JSON array."""
    parse = json_reader(source.location, encoding, reader_kwargs)
    return SpooledLines(read_json_array(source, encoding, reader_kwargs), parse)


def spooled_values(records: Generator[Record], location: str) -> SpooledLines:
    """Return records whose values are such that JSON gives them back as they were."""

    def parse(text: str, line: int) -> Record:
        return Record(json.loads(text), location, line)

    def with_text() -> Generator[tuple[Record, str]]:
        with closing(records):
            for record in records:
                yield record, json.dumps(record.values, ensure_ascii=False)

    return SpooledLines(with_text(), parse)


class _LinesInPlace:
    """The lines of a local file, which must stay as it is while it is used."""

    def __init__(self, source: Source, encoding: str, parse: Callable[[str, int], Record]) -> None:
        self._source = source
        self._encoding = encoding
        self._parse = parse
        self._file = -1

    def records(self) -> Generator[tuple[Record, Place]]:
        """Yield the object on each line."""
        with self._source.open_bytes() as file:
            # One of our own: a file that is replaced by another keeps its content for us.
            self._file = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._file)
            for start, number, line in _split(file, has_mark=_codec(self._encoding) == "utf-8"):
                text = self._decoded(line)
                if not text.isspace():
                    place = Place(start, len(line), number, crc32(line))
                    yield self._parse(text, number), place

    def read(self, place: Place) -> Record:
        """Read the line at `place` again."""
        line = os.pread(self._file, place.length, place.start)
        if crc32(line) != place.check:
            raise DatasetError(
                "the line is another one than when the dataset was loaded. Leave the file as it "
                "is while it is evaluated, or write the new one beside it and rename it.",
                location=self._source.location,
                line=place.line,
            )
        return self._parse(self._decoded(line), place.line)

    def _decoded(self, line: bytes) -> str:
        # What doesn't fit becomes surrogates, which `parse` complains about.
        return line.decode(self._encoding, "surrogateescape")


class SpooledLines:
    """Records, read once from wherever they are, and then from a temporary file.

    The file is in memory up to `SPOOL_BYTES`, then in the folder for temporary files
    (TMPDIR). It goes with this object.
    """

    def __init__(
        self, records: Generator[tuple[Record, str]], parse: Callable[[str, int], Record]
    ) -> None:
        """Take records with the text from which `parse` makes them again."""
        self._records = records
        self._parse = parse
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._lock = Lock()

    def records(self) -> Generator[tuple[Record, Place]]:
        """Yield the records as they come in."""
        start = 0
        with closing(self._records) as records:
            try:
                for record, text in records:
                    line = text.encode()
                    self._write(line, record)
                    yield record, Place(start, len(line), record.line, 0)
                    start += len(line)
            finally:
                self._file.flush()

    def read(self, place: Place) -> Record:
        """Read the record at `place` from the temporary file."""
        with self._lock:  # what is still in memory goes to the folder now
            file = self._file.fileno()
        return self._parse(os.pread(file, place.length, place.start).decode(), place.line)

    def _write(self, line: bytes, record: Record) -> None:
        try:
            self._file.write(line)
        except OSError as error:
            raise record.error(
                f"the temporary folder {tempfile.gettempdir()!r} cannot take the text of the "
                f"dataset: {error}. Set TMPDIR to a folder with room for all of it."
            ) from error


def _text_lines(
    source: Source, encoding: str, parse: Callable[[str, int], Record]
) -> Generator[tuple[Record, str]]:
    with source.open_text(encoding) as file:
        for number, line in enumerate(file, start=1):
            if not line.isspace():
                yield parse(line, number), line


def _split(file: BinaryIO, *, has_mark: bool) -> Iterator[tuple[int, int, bytes]]:
    """Yield each line with its first byte, from 0, and its number, from 1.

    Lines end as in text files: with a line feed, a carriage return, or both. With `has_mark`
    a byte order mark of UTF-8 is left out.
    """
    start, number = 0, 0
    for chunk in file:
        if has_mark and start == 0 and chunk.startswith(codecs.BOM_UTF8):
            start = len(codecs.BOM_UTF8)
            chunk = chunk[start:]
        end = len(chunk) - 2 if chunk.endswith(b"\r\n") else len(chunk)
        for line in [chunk] if chunk.find(b"\r", 0, end) < 0 else chunk.splitlines(keepends=True):
            number += 1
            yield start, number, line
            start += len(line)


def _codec(encoding: str) -> str:
    """Return Python's name for an encoding, "" if it has none."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
