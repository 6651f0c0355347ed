"""Raw records of JSON, JSON-lines and CSV files, one by one, each with its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks_lib._errors import DatasetError, ParameterError
from tasks_lib.dataset._source import Source, check_decoded

_BLANK = re.compile(r"[ \t\r\n]*")
_LONGEST_CSV_FIELD = 2**31 - 1
"""The csv module refuses fields above 128 KB unless told otherwise; contexts are longer."""


@dataclass(slots=True)
class Record:
    """A raw record and where it came from."""

    values: dict[str, Any]
    location: str
    line: int
    """The line in the file, from 1, on which it begins."""

    def error(self, message: str, field: str | None = None) -> DatasetError:
        """Return an error that names the file and line of this record."""
        return DatasetError(message, location=self.location, line=self.line, field=field)


def json_reader(
    location: str, encoding: str, reader_kwargs: Mapping[str, Any]
) -> Callable[[str, int], Record]:
    """Return the function that makes a record of the text of an object and its line.

    Raises:
        ParameterError: `reader_kwargs` are no arguments of a JSON decoder.
    """
    decoder = _decoder(reader_kwargs)

    def read(text: str, line: int) -> Record:
        check_decoded(text, encoding, location, line)
        try:
            values = decoder.decode(text)
        except (ValueError, RecursionError) as error:
            raise _json_error(error, location, line - 1) from error
        return _record(values, location, line)

    return read


def read_json_array(
    source: Source, encoding: str, reader_kwargs: Mapping[str, Any]
) -> Generator[tuple[Record, str]]:
    """Yield the objects of a JSON array, each with its text.

    The text of the file is in memory, the objects are not.
    """
    decoder = _decoder(reader_kwargs)
    location = source.location
    with source.open_text(encoding) as file:
        text = file.read()
    check_decoded(text, encoding, location, 1)
    line, counted = 1, 0
    try:
        for position, end, values in _array_items(text, decoder, location):
            line += text.count("\n", counted, position)
            counted = position
            yield _record(values, location, line), text[position:end]
    except json.JSONDecodeError as error:
        raise _json_error(error, location, 0) from error


def read_csv(
    source: Source,
    encoding: str,
    dialect: str,
    delimiter: str | None,
    fieldnames: Sequence[str] | None,
) -> Generator[Record]:
    """Yield the rows of a CSV file as text fields; rows that are entirely blank are skipped.

    The first row names the fields, unless `fieldnames` does. A row that is shorter lacks the
    last fields.
    """
    if dialect not in csv.list_dialects():
        expected = f"one of {csv.list_dialects()}, or one registered with csv.register_dialect"
        raise ParameterError("csv_dataset", "dialect", dialect, expected)
    if delimiter is not None and len(delimiter) != 1:
        raise ParameterError("csv_dataset", "delimiter", delimiter, "one character")
    names = None if fieldnames is None else _given_names(fieldnames)
    for line, row in _csv_rows(source, encoding, dialect, delimiter):
        if not any(value.strip() for value in row):
            continue
        if names is None:
            names = _header(row, source.location, line)
            continue
        if len(row) > len(names):
            raise DatasetError(
                f"the row has {len(row)} fields, but there are only {len(names)} names: {names}. "
                "Put quotes around values that contain the delimiter.",
                location=source.location,
                line=line,
            )
        yield Record(dict(zip(names, row, strict=False)), source.location, line)
    if names is None:
        raise DatasetError(
            "the file is empty, expected a first row that names the fields",
            location=source.location,
        )


def _csv_rows(
    source: Source, encoding: str, dialect: str, delimiter: str | None
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line on which it begins."""
    with source.open_text(encoding, newline="") as file:
        # strict: a quote that is never closed would swallow the rest of the file in silence.
        if delimiter is None:
            reader = csv.reader(file, dialect, strict=True)
        else:
            reader = csv.reader(file, dialect, strict=True, delimiter=delimiter)
        while True:
            line = reader.line_num + 1
            try:
                row = _next_row(reader)
            except csv.Error as error:
                raise DatasetError(
                    f"not valid CSV: {error}. Quotes inside of a quoted value are doubled.",
                    location=source.location,
                    line=line,
                ) from error
            if row is None:
                return
            for value in row:
                check_decoded(value, encoding, source.location, line)
            yield line, row


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    # The limit is one of the process: it is lifted only while one row is read.
    usual = csv.field_size_limit(_LONGEST_CSV_FIELD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(usual)


def _given_names(fieldnames: Sequence[str]) -> list[str]:
    names = list(fieldnames)
    if isinstance(fieldnames, str) or not names or len(set(names)) < len(names):
        expected = "a list of names of columns, all different"
        raise ParameterError("csv_dataset", "fieldnames", fieldnames, expected)
    return names


def _header(row: list[str], location: str, line: int) -> list[str]:
    twice = sorted({name for name in row if row.count(name) > 1})
    if twice:
        raise DatasetError(
            f"several columns have the same name: {twice}", location=location, line=line
        )
    return row


def _array_items(
    text: str, decoder: json.JSONDecoder, location: str
) -> Iterator[tuple[int, int, object]]:
    """Yield the items of the array that `text` is, each with where it begins and ends.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        DatasetError: It is, but no array.
    """
    position = _skip(text, 0)
    if text[position : position + 1] != "[":
        value, _ = _decoded(decoder, text, position)
        raise DatasetError(
            f"expected a JSON array of objects, found {found(value)}. "
            "A file with one object per line must be named .jsonl.",
            location=location,
        )
    position = _skip(text, position + 1)
    while text[position : position + 1] != "]":
        value, end = _decoded(decoder, text, position)
        yield position, end, value
        end = _skip(text, end)
        if text[end : end + 1] == ",":
            position = _skip(text, end + 1)
            if text[position : position + 1] == "]":
                raise json.JSONDecodeError("Expecting value", text, position)
        elif text[end : end + 1] == "]":
            position = end
        else:
            raise json.JSONDecodeError("Expecting ',' or ']'", text, end)
    rest = _skip(text, position + 1)
    if rest < len(text):
        raise json.JSONDecodeError("Extra data after the array", text, rest)


def _decoded(decoder: json.JSONDecoder, text: str, position: int) -> tuple[object, int]:
    """Return the value at `position` and where it ends; all that may fail is a syntax error."""
    try:
        return decoder.raw_decode(text, position)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(_reason(error), text, position) from error


def _skip(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _decoder(reader_kwargs: Mapping[str, Any]) -> json.JSONDecoder:
    options = dict(reader_kwargs)
    decoder_class = options.pop("cls", json.JSONDecoder)
    try:
        decoder: json.JSONDecoder = decoder_class(**options)
    except TypeError as error:
        expected = f"arguments of {decoder_class.__name__} ({error})"
        raise ParameterError("json_dataset", "reader_kwargs", dict(reader_kwargs), expected) from (
            error
        )
    return decoder


def _record(values: object, location: str, line: int) -> Record:
    if not isinstance(values, dict):
        raise DatasetError(
            f"expected an object, found {found(values)}", location=location, line=line
        )
    return Record(values, location, line)


def _json_error(error: Exception, location: str, lines_before: int) -> DatasetError:
    if isinstance(error, json.JSONDecodeError):
        message = f"not valid JSON at column {error.colno}: {error.msg}"
        return DatasetError(message, location=location, line=lines_before + error.lineno)
    message = f"not usable JSON: {_reason(error)}"
    return DatasetError(message, location=location, line=lines_before + 1)


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def found(value: object, most: int = 60) -> str:
    """Describe a value of a wrong type: its type, and the beginning of it."""
    if value is None:
        return "null"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= most else text[:most] + '…'}"
