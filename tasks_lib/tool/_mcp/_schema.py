"""What a server says of a tool, as a model is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_lib.schema import ToolParams

_SCHEMAS_BY_NAME = ("properties", "$defs", "definitions", "patternProperties")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf")


def tool_params(schema: Mapping[str, Any]) -> ToolParams:
    """Return the parameters that a server's schema describes.

    What the schema does not say stays unsaid: a server that allows more arguments than it
    names gets them. Parameters without a description are described by their name.
    """
    plain = _plain(schema)
    properties = {
        name: {**described, "description": described.get("description") or name}
        for name, described in (plain.get("properties") or {}).items()
    }
    fields = {**plain, "type": "object", "properties": properties}
    fields.setdefault("additionalProperties", None)
    return ToolParams.model_validate(fields)


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with all within it as objects, where JSON Schema allows more."""
    plain = dict(schema)
    for key in _SCHEMAS_BY_NAME:
        if isinstance(plain.get(key), Mapping):
            plain[key] = {name: _sub_schema(sub) for name, sub in plain[key].items()}
    for key in _LISTS_OF_SCHEMAS:
        if isinstance(plain.get(key), list):
            plain[key] = [_sub_schema(sub) for sub in plain[key]]
    items = plain.get("items")
    if isinstance(items, list):  # one for each place, as newer versions call it:
        plain["prefixItems"] = [_sub_schema(sub) for sub in plain.pop("items")]
    elif items is not None:
        plain["items"] = _sub_schema(items)
    if isinstance(plain.get("additionalProperties"), Mapping):
        plain["additionalProperties"] = _plain(plain["additionalProperties"])
    return plain


def _sub_schema(schema: object) -> dict[str, Any]:
    """Return a schema within another: `true` allows everything, `false` nothing."""
    if isinstance(schema, Mapping):
        return _plain(schema)
    return {} if schema else {"not": {}}
