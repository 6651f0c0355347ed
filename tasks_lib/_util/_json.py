"""JSON that loses nothing of untrusted content.

Fast for what is usual (orjson writes it), exact for what is not:

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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import orjson
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_jsonable_python

MAX_DEPTH = 150
"""Levels of nesting that are kept; JSON readers give up at about 200."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate: Python joins pairs of them."""
_BLOCK = 0x800
"""How many surrogates there are."""
_PRIVATE_BLOCKS = range(0xF0000, 0x110000 - _BLOCK, _BLOCK)
_NULL = re.compile(b"null")  # a quarter faster than `in`
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS

ENCODING_ERRORS = (
    PydanticSerializationError,
    UnicodeEncodeError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the fast way raises for content that JSON has no form for."""

Encoded = bytes | str
"""JSON: bytes of UTF-8, or text when it holds lone surrogates."""


def encode(value: object) -> Encoded:
    """Return `value` (a model, or plain data) as compact JSON, without null fields of models."""
    try:
        fast = encode_fast(value)
    except ENCODING_ERRORS:
        return encode_exactly(value)
    return encode_exactly(value) if may_hold_nan(fast) else fast


NULLABLE_EVENT_FIELDS: Mapping[object, str] = {"sample_init": "state", "info": "data"}
"""By kind of event, a field that it requires and that may be null, which is not written."""


def encode_fast(value: object, plain: Callable[[Any], object] | None = None) -> bytes:
    """Return `value` as JSON in which NaN and infinities became null.

    Args:
        value: Models, or plain data.
        plain: Returns what is written of a model; None: `plain_model`.

    Raises:
        ENCODING_ERRORS: It holds something for which JSON has no form.
    """
    return orjson.dumps(value, plain or plain_model, _OPTIONS)


def plain_model(model: Any) -> Any:
    """Return a model's fields that are not None as a dict, what is in them unchanged.

    Raises:
        TypeError: It is no model; only `encode_exactly` writes it.
    """
    optional, aliases = _shapes.get(type(model)) or _new_shape(type(model))
    if optional is None:
        return _plain_other(model)
    # Copying and deleting takes half the time of a comprehension.
    values: dict[str, object] = model.__dict__.copy()
    for name in optional:
        if values[name] is None:
            del values[name]
    if aliases:
        for name, alias in aliases:
            if name in values:
                values[alias] = values.pop(name)
    extra = model.__pydantic_extra__
    if extra:
        values.update(extra)
    return values


class _Shape(NamedTuple):
    """How a class of models is written."""

    optional: tuple[str, ...] | None
    """Fields that may be None; None: only pydantic knows how to write the class."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Fields with the names that they have in JSON."""


_shapes: dict[type, _Shape] = {}


def _new_shape(cls: type) -> _Shape:
    fields = cls.model_fields if issubclass(cls, BaseModel) else {}
    is_ours = fields and cls.__module__.startswith("tasks_lib.schema.")
    if not is_ours or any(field.exclude for field in fields.values()):
        shape = _Shape(None)
    else:
        optional = [name for name, field in fields.items() if _may_be_none(field.annotation)]
        aliases = [(name, field.alias) for name, field in fields.items() if field.alias]
        shape = _Shape(tuple(optional), tuple(aliases))
    _shapes[cls] = shape
    return shape


def _may_be_none(annotation: object) -> bool:
    """Whether a field of this type may be None; when in doubt (`Any`, aliases), it may."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(map(_may_be_none, get_args(annotation)))
    if isinstance(annotation, type):
        return annotation in (Any, NoneType)
    return origin not in (list, dict, tuple, Literal, Annotated) or (
        origin is Annotated and _may_be_none(get_args(annotation)[0])
    )


def _plain_other(value: Any) -> object:
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_python(
            value, mode="json", by_alias=True, exclude_none=True, warnings=False
        )
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(type(value).__name__)


def may_hold_nan(encoded: Encoded) -> bool:
    """Whether there is a null in what `encode_fast` wrote; it may be a NaN."""
    if isinstance(encoded, str) or _NULL.search(encoded) is None:
        return False
    return b":null" in encoded or b",null" in encoded or b"[null" in encoded or encoded == b"null"


def encode_exactly(value: object) -> Encoded:
    """Return what `encode` returns, slowly; never fails because of what `value` holds."""
    text = json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text


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
        return SURROGATE.sub("\ufffd", encoded).encode()
    return SURROGATE.sub(lambda found: chr(start + ord(found[0]) - 0xD800), encoded).encode()


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold the text: it has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_plain(value: object, depth: int = 0, above: tuple[int, ...] = ()) -> Any:
    """Return `value` as what JSON has forms for, models without their null fields."""
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if id(value) in above:
        return "<cycle>"
    if depth >= MAX_DEPTH:
        return "<nested too deep>"
    above = (*above, id(value))
    if isinstance(value, BaseModel):
        return {
            name: to_plain(item, depth + 1, above)
            for name, item in _model_items(value)
            if item is not None
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(getattr(value, f.name), depth + 1, above)
            for f in dataclass_fields(value)
        }
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
