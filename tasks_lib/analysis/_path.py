"""JSONPath, with a short cut for plain dotted paths.

`eval.model` is walked through models and dicts as they are. Anything else is left to
jsonpath-ng, on the record as plain data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from tasks_lib._errors import MissingPackageError, ParameterError, nearest_hint

if TYPE_CHECKING:
    from jsonpath_ng import JSONPath

_DOTTED = re.compile(r"(?:\$\.)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_ONE_FIELD = re.compile(r"(?:\$\.)?([A-Za-z_]\w*)(?:\.[A-Za-z_*]\w*|\[[-\d:*]+\])*")


class Path:
    """A JSONPath."""

    def __init__(self, text: str) -> None:
        """Describe a path. Raises ParameterError if it is not JSONPath."""
        self.text = text
        dotted = _DOTTED.fullmatch(text)
        first = _ONE_FIELD.fullmatch(text)
        self.keys: tuple[str, ...] | None = tuple(dotted[1].split(".")) if dotted else None
        """The names in a dotted path."""
        self.field: str | None = first[1] if first else None
        """The field of the record that the path leads through; None: perhaps several."""
        if not dotted:
            _ = self._expression  # a wrong path is found before anything is read

    def find(self, record: object) -> Any:
        """Return the first match in `record`, a model or plain data; None: nothing."""
        if self.keys is None:
            found = self._expression.find(_plain(record))
            return found[0].value if found else None
        value: Any = record
        for key in self.keys:
            if isinstance(value, BaseModel):
                value = getattr(value, key, None) if _has_field(value, key) else None
            elif isinstance(value, dict):
                value = value.get(key)
            else:
                return None
        return value

    def unknown_in(self, record: type[BaseModel]) -> str | None:
        """Return why a dotted path can lead nowhere in a `record`; None: it may lead."""
        places: list[Any] = [record]
        for key in self.keys or ():
            inside = [step for place in places for step in _steps(place, key)]
            if not inside:
                names = {name for place in places for name in _field_names(place)}
                return f"there is no field {key!r}. {nearest_hint(key, names)}"
            places = inside
        return None

    @cached_property
    def _expression(self) -> JSONPath:
        try:
            from jsonpath_ng.exceptions import JSONPathError
            from jsonpath_ng.ext.parser import parse
        except ImportError as error:
            raise MissingPackageError(
                f"The path {self.text!r}", "jsonpath-ng", "analysis"
            ) from error
        try:
            expression: JSONPath = parse(self.text)
        except JSONPathError as error:
            raise ParameterError("Column", "path", self.text, f"JSONPath ({error})") from error
        return expression


def parse_path(path: str | JSONPath) -> Path:
    """Return a path of text, or of an expression that jsonpath-ng parsed.

    Raises:
        ParameterError: It is not JSONPath.
    """
    return Path(path if isinstance(path, str) else str(path))


def _plain(record: object) -> object:
    if isinstance(record, BaseModel):
        return record.model_dump(mode="json", exclude_none=True, fallback=str)
    return record


def _has_field(model: BaseModel, key: str) -> bool:
    known = key in type(model).model_fields or key in (model.model_extra or {})
    return known or isinstance(getattr(type(model), key, None), property)


def _steps(place: Any, key: str) -> Sequence[Any]:
    """Return the types that `key` can lead to from a place of type `place`."""
    origin = get_origin(place)
    if place is Any:
        return [Any]
    if origin is Annotated:
        return _steps(get_args(place)[0], key)
    if origin in (Union, UnionType):
        return [step for branch in get_args(place) for step in _steps(branch, key)]
    if isinstance(place, type) and issubclass(place, BaseModel):
        field = place.model_fields.get(key)
        if field is None:
            return [Any] if isinstance(getattr(place, key, None), property) else []
        return [field.annotation]
    if origin is dict:
        return [get_args(place)[1]]
    closed = origin in (list, tuple) or place in (str, int, float, bool, type(None))
    return [] if closed or isinstance(place, type) else [Any]


def _field_names(place: Any) -> set[str]:
    if isinstance(place, type) and issubclass(place, BaseModel):
        return set(place.model_fields)
    return {name for branch in get_args(place) for name in _field_names(branch)}
