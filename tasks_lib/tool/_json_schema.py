"""JSON Schema of Python types, and values of these types from JSON.

Pydantic does both. Here its schemas are brought into the form that providers understand:
one object without references.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    Any,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from typing_extensions import TypedDict

from tasks_lib._errors import ParameterError
from tasks_lib.schema import JSONSchema

_DROPPED = ("title", "discriminator", "uniqueItems")
"""What says nothing to a model (`title`) or refuses what can be read (a set's duplicates)."""

TYPE_ERRORS = (PydanticUserError, PydanticUndefinedAnnotation)
"""What pydantic raises for types that it cannot use; both have a `message`."""

_TYPE_NAMES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


def json_schema(type: Any) -> JSONSchema:
    """Return the JSON Schema of a Python type.

    For text, numbers, bool and None; datetime, date, time and the like; list, tuple, set and
    dict; Union, Optional, Literal and Enum; dataclasses, TypedDict, pydantic models; all
    combinations of these, `Annotated` ones too. Objects have no other fields than those
    named. `Any` gives an empty schema. A type that contains itself is described once; within
    itself only its JSON type is named.

    Raises:
        ParameterError: JSON cannot hold values of the type.
    """
    try:
        schema = _plain_schema(type) if _has_no_hash(type) else _kept_schema(type)
    except TYPE_ERRORS as error:
        expected = f"a type that JSON can hold ({error.message.splitlines()[0]})"
        raise ParameterError("json_schema", "type", type, expected) from error
    return JSONSchema.model_validate(schema)


def read_value(type: Any, value: object) -> Any:
    """Return `value`, as JSON holds it, as a value of a Python type.

    Raises:
        ValidationError: It is none; pydantic says why.
    """
    # Not strict even where a model asks for it: JSON has neither dates nor sets.
    return type_adapter(type).validate_python(value, strict=False)


def type_adapter(type: Any) -> TypeAdapter[Any]:
    """Return pydantic's adapter of a type; those of the last thousand types are kept.

    Raises:
        TYPE_ERRORS: Pydantic does not know what to do with the type.
    """
    return TypeAdapter(_portable(type)) if _has_no_hash(type) else _kept_adapter(type)


@lru_cache(maxsize=1024)
def _kept_adapter(type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_portable(type))


@lru_cache(maxsize=1024)
def _kept_schema(type: Any) -> dict[str, Any]:
    return _plain_schema(type)


def _has_no_hash(type: Any) -> bool:
    """Tell whether something in an `Annotated` or `Literal` keeps a type from being looked up."""
    try:
        hash(type)
    except TypeError:
        return True
    return False


def _plain_schema(type: Any) -> dict[str, Any]:
    schema = type_adapter(type).json_schema(schema_generator=_Generator)
    return _inlined(schema, schema.pop("$defs", {}))


class _Generator(GenerateJsonSchema):
    """Pydantic's schemas. Defaults that JSON cannot hold are left out without a word."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Say nothing: the value is only left out of what the model is told."""


def _inlined(
    node: Mapping[str, Any], definitions: Mapping[str, Any], within: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a schema with its references replaced by what they refer to."""
    reference = node.get("$ref")
    if reference is not None:
        name = reference.removeprefix("#/$defs/")
        target = definitions[name]
        if name in within:
            target = {key: target[key] for key in ("type",) if key in target}
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _inlined({**target, **rest}, definitions, (*within, name))
    parts = {
        key: _inlined_part(key, value, definitions, within)
        for key, value in node.items()
        if key not in _DROPPED
    }
    return _plain(parts)


def _inlined_part(
    key: str, value: Any, definitions: Mapping[str, Any], within: tuple[str, ...]
) -> Any:
    def inlined(node: Mapping[str, Any]) -> dict[str, Any]:
        return _inlined(node, definitions, within)

    if key in ("properties", "patternProperties"):
        return {name: inlined(node) for name, node in value.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [inlined(node) for node in value]
    if key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
        return inlined(value)
    return value


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    """Say with the words of `JSONSchema` what pydantic says with others."""
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "enum" in node and "type" not in node:
        names = list(dict.fromkeys(_TYPE_NAMES.get(type(value)) for value in node["enum"]))
        if None not in names:
            node["type"] = names[0] if len(names) == 1 else names
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    if "prefixItems" in node:
        items: list[dict[str, Any]] = []
        items += (item for item in node.pop("prefixItems") if item not in items)
        node["items"] = items[0] if len(items) == 1 else {"anyOf": items}
    if "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


def _portable(annotation: Any, within: tuple[Any, ...] = ()) -> Any:
    """Return a type with `typing.TypedDict`s made anew, as pydantic needs before Python 3.12."""
    if is_typeddict(annotation):
        return dict[str, Any] if annotation in within else _typed_dict(annotation, within)
    origin, parts = get_origin(annotation), get_args(annotation)
    made = tuple(_portable(part, within) for part in parts)
    if made == parts:
        return annotation
    if origin in (Union, UnionType):
        return functools.reduce(operator.or_, made)
    if hasattr(annotation, "copy_with"):  # generics of `typing`, and `Annotated`
        return annotation.copy_with(made[:1] if hasattr(annotation, "__metadata__") else made)
    return origin[made]


def _typed_dict(annotation: Any, within: tuple[Any, ...]) -> Any:
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(annotation, include_extras=True).items():
        required = name in annotation.__required_keys__
        while get_origin(hint) in (Required, NotRequired):
            required = get_origin(hint) is Required
            hint = get_args(hint)[0]
        made = _portable(hint, (*within, annotation))
        fields[name] = Required[made] if required else NotRequired[made]
    typed_dict = TypedDict(annotation.__name__, fields)  # type: ignore[misc]  # made at run time
    typed_dict.__doc__ = annotation.__doc__
    return typed_dict
