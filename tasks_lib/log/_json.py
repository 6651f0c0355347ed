"""JSON that loses nothing of untrusted content.

Fast for what is usual (pydantic-core writes it), exact for what is not:

- NaN and infinities are written as the constants that Python, DuckDB and jiter read.
- What JSON has no form for (bytes, unknown objects, cycles) becomes text that says so.
- Lone surrogates, which neither UTF-8 nor most JSON readers accept, make `encode` return
  text instead of bytes. `shift_surrogates` moves them to private characters that the text
  does not use; `decode` moves them back.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

_MAX_DEPTH = 150
"""Levels of nesting that are kept; JSON readers give up at about 200."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_BLOCK = 0x800
"""How many surrogates there are."""
_PRIVATE_BLOCKS = range(0xF0000, 0x110000 - _BLOCK, _BLOCK)

ENCODING_ERRORS = (PydanticSerializationError, UnicodeEncodeError, RecursionError, ValueError)
"""What pydantic-core raises for content that JSON has no form for."""

Encoded = bytes | str
"""JSON: bytes of UTF-8, or text when it holds lone surrogates."""


def encode(value: object) -> Encoded:
    """Return `value` (a model, or plain data) as compact JSON, without null fields of models."""
    try:
        fast = encode_fast(value) if isinstance(value, BaseModel) else _encode_data(value)
    except ENCODING_ERRORS:
        return encode_exactly(value)
    return encode_exactly(value) if may_hold_nan(fast) else fast


def encode_fast(model: BaseModel, exclude: Any = None) -> bytes:
    """Return a model as JSON, without the fields in `exclude`, where NaN becomes null.

    Raises:
        ENCODING_ERRORS: It holds something for which JSON has no form.
    """
    text: bytes = model.__pydantic_serializer__.to_json(
        model,
        by_alias=True,
        exclude=exclude,
        exclude_none=True,
        fallback=_stand_in,
        warnings=False,
    )
    return text


def may_hold_nan(encoded: Encoded) -> bool:
    """Whether there is a null in what `encode_fast` wrote; it may be a NaN."""
    if isinstance(encoded, str) or b"null" not in encoded:
        return False
    return b":null" in encoded or b",null" in encoded or b"[null" in encoded


def encode_exactly(value: object, exclude: Iterable[str] | None = None) -> Encoded:
    """Return what `encode` returns, slowly; never fails because of what `value` holds."""
    plain = to_plain(value)
    if exclude and isinstance(plain, dict):
        plain = {name: item for name, item in plain.items() if name not in set(exclude)}
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text


def _encode_data(value: object) -> bytes:
    return to_json(value, by_alias=True, exclude_none=True, fallback=_stand_in)


def join(parts: list[Encoded]) -> Encoded:
    """Return a JSON array of these JSON texts."""
    if all(isinstance(part, bytes) for part in parts):
        return b"[" + b",".join(parts) + b"]"  # type: ignore[arg-type]  # just checked
    return "[" + ",".join(as_text(part) for part in parts) + "]"


def as_text(encoded: Encoded) -> str:
    """Return JSON as text."""
    return encoded if isinstance(encoded, str) else encoded.decode()


def decode(text: str | bytes, surrogates: int | None = None) -> Any:
    """Return the data in JSON that `encode` wrote.

    Args:
        text: The JSON.
        surrogates: Where `shift_surrogates` moved lone surrogates to, None if it didn't.

    Raises:
        ValueError: It is not JSON.
    """
    if surrogates is not None:
        text = text if isinstance(text, str) else text.decode()
        back = {surrogates + i: 0xD800 + i for i in range(_BLOCK)}
        return json.loads(text.translate(back))
    try:
        return from_json(text)
    except ValueError:  # deeper than jiter goes, or with escaped surrogates
        return json.loads(text)


def shift_surrogates(texts: Iterable[Encoded]) -> int | None:
    """Return the first character of a private block that no text uses.

    None if all are in use: then nothing can stand for a lone surrogate.
    """
    used = "".join(as_text(text) for text in texts)
    for start in _PRIVATE_BLOCKS:
        if not re.search(f"[{chr(start)}-{chr(start + _BLOCK - 1)}]", used):
            return start
    return None


def without_surrogates(encoded: Encoded, start: int | None) -> bytes:
    """Return UTF-8 with lone surrogates moved to the block at `start`, or replaced if None."""
    if isinstance(encoded, bytes):
        return encoded
    if start is None:
        return _SURROGATE.sub("\ufffd", encoded).encode()
    return _SURROGATE.sub(lambda found: chr(start + ord(found[0]) - 0xD800), encoded).encode()


def to_plain(value: object, depth: int = 0, above: tuple[int, ...] = ()) -> Any:
    """Return `value` as what JSON has forms for, models without their null fields."""
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if id(value) in above:
        return "<cycle>"
    if depth >= _MAX_DEPTH:
        return "<nested too deep>"
    above = (*above, id(value))
    if isinstance(value, BaseModel):
        return {
            name: to_plain(item, depth + 1, above)
            for name, item in _model_items(value)
            if item is not None
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name), depth + 1, above) for f in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): to_plain(item, depth + 1, above) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item, depth + 1, above) for item in value]
    return _scalar(value)


def _model_items(model: BaseModel) -> Iterable[tuple[str, object]]:
    for name, field in type(model).model_fields.items():
        yield field.serialization_alias or field.alias or name, getattr(model, name, None)
    yield from (model.model_extra or {}).items()


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(key.value if isinstance(key, Enum) else key)


def _scalar(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return f"data:application/octet-stream;base64,{b64encode(value).decode()}"
    try:
        return to_jsonable_python(value, inf_nan_mode="constants", fallback=_stand_in)
    except ENCODING_ERRORS:
        return _stand_in(value)


def _stand_in(value: object) -> object:
    """Return numbers of any type as ours; of the rest the type, never a `repr`.

    A `repr` may hold secrets.
    """
    for method in ("tolist", "__index__", "__float__"):  # NumPy; other numbers
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            return convert()
    return f"<{type(value).__module__}.{type(value).__qualname__}>"
