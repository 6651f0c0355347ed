"""Pydantic models of parts that are known to be valid, without the cost of checking them."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def build(cls: type[M], **fields: Any) -> M:
    """Return a `cls` of exactly these parts: neither checked nor copied.

    What `model_construct` does in a tenth of its time (it walks all fields in Python), for
    the few models that are made per sample. Fields that are left out have their default.
    """
    model = cls.__new__(cls)
    object.__setattr__(model, "__dict__", {**_defaults(cls), **fields})
    object.__setattr__(model, "__pydantic_fields_set__", set(fields))
    object.__setattr__(model, "__pydantic_extra__", None)
    object.__setattr__(model, "__pydantic_private__", None)
    return model


@cache
def _defaults(cls: type[BaseModel]) -> dict[str, Any]:
    """Return the defaults that are the same object for every model; others must be given."""
    return {
        name: field.default
        for name, field in cls.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
