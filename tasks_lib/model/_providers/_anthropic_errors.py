"""What a failed request of the Anthropic SDK means."""

from __future__ import annotations

from typing import TypeAlias

import aiohttp
import anthropic
import httpx2

from tasks_lib.model._request_error import (
    RequestError,
    broken_connection,
    is_passing,
    retry_after_s,
    without_secret,
)

Failure: TypeAlias = anthropic.APIError | httpx2.HTTPError | aiohttp.ClientError
"""What the SDK raises: its own exceptions, those of the transport while a stream is read, and
what comes through it where an answer is no HTTP."""

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    # Those of Amazon Bedrock.
    "validationException": 400,
    "throttlingException": 429,
    "serviceUnavailableException": 503,
}
"""Types of errors by the status that they have where they come with one."""


def request_error(model: str, error: Failure, secret: str) -> RequestError:
    """Return what `error` means; `secret` is kept out of it."""
    if not isinstance(error, anthropic.APIStatusError):
        return broken_connection(model, error, secret)
    status = error.status_code
    if status == 200:
        # Within a stream, where only the type says what it is.
        status = status_of(error.type)
    elif error.type == "overloaded_error":
        status = _STATUS["overloaded_error"]
    text = f"{model}: status {status}: {error_text(error)}"
    return RequestError(
        without_secret(text, secret),
        status=status,
        passing=is_passing(status),
        retry_after_s=retry_after_s(error.response.headers),
    )


def error_text(error: anthropic.APIStatusError) -> str:
    """Return what the provider said."""
    body = error.body
    if isinstance(body, dict):
        # Amazon Bedrock's errors have the message at the top.
        return str(error.api_message or body.get("message") or body)
    return str(body or error.message)


def status_of(error_type: object) -> int:
    """Return the status of an error that came without one; 500 if its type says nothing."""
    return _STATUS.get(str(error_type), 500)
