"""JSON as it goes to providers and comes back."""

from __future__ import annotations

from typing import Any, TypeAlias

from tasks_lib._errors import ModelError
from tasks_lib._util._models import build
from tasks_lib.schema import Content, ModelCall

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object of the wire format."""


def raw_call(request: JSONObject, response: JSONObject, seconds: float) -> ModelCall:
    """Return an exchange for the log.

    Both are JSON already: checking them again would cost as much as the request.
    """
    return build(ModelCall, request=request, response=response, time=seconds)


def unsendable(part: Content, interface: str, takes: str) -> ModelError:
    """Return the error that says that `part` cannot be sent, and what can."""
    return ModelError(
        f"Content of type {part.type!r} cannot be sent in this message: {interface} takes {takes}."
    )
