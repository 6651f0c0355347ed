"""Arguments of registered objects as a log can hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from pydantic import BaseModel, JsonValue

from tasks_lib._util._registry import is_registered, registry_name, registry_params


def plain_params(params: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return `params` as JSON values.

    Registered objects become `name` or, when they were made with arguments,
    `{"name": …, "params": …}`; other functions their name; pydantic models a dict; sets a
    list in a fixed order; whatever is left its text, without addresses in memory: the same
    arguments are the same in every process.
    """
    return {key: plain_value(value) for key, value in params.items()}


def plain_defaults(defaults: Mapping[str, object]) -> dict[str, JsonValue] | None:
    """Return defaults as JSON values, those that are None left out; None if none is left."""
    return plain_params({k: v for k, v in defaults.items() if v is not None}) or None


def plain_value(value: object) -> JsonValue:
    """Return one value as a JSON value; see `plain_params`."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if is_registered(value):
        params = registry_params(value)
        name = registry_name(value)
        return {"name": name, "params": plain_params(params)} if params else name
    if isinstance(value, BaseModel):
        dumped: JsonValue = value.model_dump(mode="json", exclude_none=True)
        return dumped
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, Set):
        return [plain_value(item) for item in sorted(value, key=repr)]
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain_value(item) for item in value]
    function = getattr(value, "__qualname__", None)
    return function if isinstance(function, str) else _ADDRESS.sub("", str(value))


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+\b")
