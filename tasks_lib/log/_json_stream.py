"""A JSON object of any size, read member by member with one value in memory at a time.

The standard library's scanner parses the values: it is in C, and unlike stricter parsers it
reads the constants NaN and Infinity, escaped lone surrogates and integers of any size, all
of which logs hold.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import IO, Any

_CHUNK = 1 << 18
"""Bytes that are read at a time, at first; twice as many whenever a value needs more."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER_REST = re.compile(r"[0-9.eE+-]*")
"""What follows a number at the end of the text read so far, when the number may go on."""
_DECODER = json.JSONDecoder()


class JsonStream:
    """Reads one JSON object from a file.

    ```
    for key in stream.members():
        if key == "samples":
            for sample in stream.items(): ...
        else:
            value = stream.value()
    ```
    Each key's value must be taken, by `value` or by all of `items`, before the next key.
    Everything raises ValueError where the file is no JSON object.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._decode = getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._ended = False

    def members(self) -> Iterator[str]:
        """Yield the keys of the object's members, in order."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
        else:
            yield self._key()
            while self._separator("}"):
                yield self._key()
        if self._peek():
            raise ValueError("there is more after the end of the JSON object")

    def value(self) -> Any:
        """Return the value of the current key."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise ValueError("the JSON is nested too deep") from error
            except ValueError:
                if self._ended:
                    raise
            else:
                if self._ended or not _NUMBER_REST.fullmatch(self._text, end):
                    self._at = end
                    return value
            self._fill()

    def items(self) -> Iterator[Any]:
        """Yield the items of the current key's array, one at a time; of null there are none."""
        if self._peek() == "n" and self.value() is None:
            return
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        yield self._item()
        while self._separator("]"):
            yield self._item()

    def _key(self) -> str:
        key = self._item()
        if not isinstance(key, str):
            raise ValueError(f"{key!r:.50} stands where the JSON needs a key")
        self._expect(":")
        self._peek()
        return key

    def _item(self) -> Any:
        self._peek()
        return self.value()

    def _separator(self, end: str) -> bool:
        """Pass a comma or `end`; return whether it was a comma."""
        found = self._peek()
        if found not in (",", end) or not found:
            raise ValueError(_unexpected(found, f"',' or {end!r}"))
        self._at += 1
        return found == ","

    def _expect(self, wanted: str) -> None:
        found = self._peek()
        if found != wanted:
            raise ValueError(_unexpected(found, repr(wanted)))
        self._at += 1

    def _peek(self) -> str:
        """Return the next character that is no space, "" at the end of the file."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._fill()

    def _fill(self) -> None:
        content = self._source.read(max(_CHUNK, len(self._text) - self._at))
        self._ended = not content
        self._text = self._text[self._at :] + self._decode(content, self._ended)
        self._at = 0


def _unexpected(found: str, wanted: str) -> str:
    return f"the JSON has {found!r} where it needs {wanted}" if found else "the JSON is cut off"
