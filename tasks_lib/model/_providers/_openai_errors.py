"""What a failed request of the OpenAI SDK means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai

from tasks_lib.model._request_error import (
    RequestError,
    broken_connection,
    is_passing,
    retry_after_s,
    without_secret,
)

_PASSING_CODES = frozenset(
    {"rate_limit_exceeded", "server_error", "vector_store_timeout", "overloaded_error"}
)


def request_error(model: str, error: Exception, secret: str) -> RequestError:
    """Return what `error` means; `secret` is kept out of it."""
    if not isinstance(error, openai.APIStatusError):
        return broken_connection(model, error, secret)
    status = error.status_code
    return RequestError(
        without_secret(f"{model}: status {status}: {_text(error)}", secret),
        status=status,
        passing=is_passing(status, error.code),
        retry_after_s=retry_after_s(error.response.headers),
    )


def error_in_answer(model: str, data: Mapping[str, Any], secret: str) -> RequestError | None:
    """Return the error that came with status 200, as gateways and failed responses have it."""
    error = data.get("error")
    if not error or data.get("choices"):
        return None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str):
        status, passing = None, code in _PASSING_CODES
    else:
        status = code or 500
        passing = is_passing(status)
    text = without_secret(f"{model}: status 200 with an error: {error}", secret)
    return RequestError(text, status=status, passing=passing)


def _text(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return error.response.text or error.message
