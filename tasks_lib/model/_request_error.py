"""What a failed request means, whatever the SDK."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from tasks_lib._errors import ModelError

_PASSING_STATUS = frozenset({408, 429})
_OVERLOADED_STATUS = frozenset({429, 503, 529})
_SHOWN_CHARACTERS = 500


class RequestError(ModelError):
    """A request failed; the text never contains the key."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        passing: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status, None if there was no response."""
        self.passing = passing
        """Whether the same request may work later."""
        self.retry_after_s = retry_after_s
        """Seconds that the provider asked to wait."""

    @property
    def overloaded(self) -> bool:
        """Whether the provider gets too many requests at once."""
        return self.status in _OVERLOADED_STATUS


class AttemptTimeoutError(ModelError):
    """An attempt took longer than `attempt_timeout`; the next one may be faster."""


def broken_connection(model: str, error: BaseException, secret: str) -> RequestError:
    """Return the error of a request that got no response, which may pass.

    SDKs say "Request timed out." of a refused connection too: it tells the cause.
    """
    cause = root_cause(error)
    text = f"{model}: {type(cause).__name__}: {cause}"
    return RequestError(without_secret(text, secret), passing=True)


def is_passing(status: int, code: str | None = None) -> bool:
    """Tell whether a request that got this status may work later.

    An account without credit also gets 429, but waiting does not fill it.
    """
    return (status in _PASSING_STATUS or status >= 500) and code != "insufficient_quota"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that response headers ask to wait: a number, or until a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    asked = headers.get("retry-after")
    seconds = _number(asked)
    if seconds is None and asked:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            return None
    return None if seconds is None else max(0.0, seconds)


def without_secret(text: str, secret: str) -> str:
    """Return `text` with the key blacked out, cut to a readable length."""
    text = blacked_out(text, secret)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def blacked_out(text: str, secret: str) -> str:
    """Return the whole `text`, with `[key]` for the key; "" stands for no key."""
    return text.replace(secret, "[key]") if secret else text


def blacked_out_json(value: Any, secret: str) -> Any:
    """Return a JSON value with the key blacked out in all of its texts.

    After decoding: JSON can write the same character in several ways.
    """
    if isinstance(value, str):
        return blacked_out(value, secret)
    if isinstance(value, dict):
        return {name: blacked_out_json(item, secret) for name, item in value.items()}
    if isinstance(value, list):
        return [blacked_out_json(item, secret) for item in value]
    return value


def root_cause(error: BaseException) -> BaseException:
    """Return the exception that `error` goes back to."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
