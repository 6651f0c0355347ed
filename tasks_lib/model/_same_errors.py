"""Tells a request that fails in the same way again and again from one that may work later."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tenacity import RetryCallState
from tenacity.stop import stop_base

from tasks_lib.model._request_error import AttemptTimeoutError, RequestError, root_cause

SAME_ERRORS = 12
"""The same error so many times in a row is final, unless told. A request is attempted no more
often without `max_retries` either, so this matters to those that raise it."""

_COMPARED_CHARACTERS = 2000
_WORD = re.compile(r"[\w.:+-]+")
_DIGIT = re.compile(r"\d")
_ASKED_TO_WAIT = frozenset({429, 529})


class _Kind(NamedTuple):
    """What makes an error the same as another one."""

    type: str
    status: int | None
    text: str


class SameErrors(stop_base):
    """Stops after the same error came `most` times in a row; 0: never.

    Errors are the same that have one type, status and text, whatever is in the text of ids,
    times and other words with digits. Those that say nothing about the request neither count
    nor end a row: refused for their number (429, 529) or with a time to come back, a
    connection that broke, no answer in time.
    """

    def __init__(self, most: int, retry_after: Callable[[BaseException], float | None]) -> None:
        """Count.

        Args:
            most: How often in a row; 0: any number of times.
            retry_after: Tells the seconds that the provider asked to wait after an error.
        """
        self.most = most
        self._retry_after = retry_after
        self._count = 0
        self._last: _Kind | None = None

    def __call__(self, retry_state: RetryCallState) -> bool:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if error is not None and self._retry_after(error) is None and _is_telling(error):
            kind = _kind(error)
            self._count = self._count + 1 if kind == self._last else 1
            self._last = kind
        return self.reached

    @property
    def reached(self) -> bool:
        """Whether the same error came too often."""
        return 0 < self.most <= self._count

    @property
    def reason(self) -> str:
        """What to say of it, after a full sentence without its stop; "" if it is not reached."""
        if not self.reached:
            return ""
        return (
            f". The same error came {self._count} times in a row, which is taken for final: "
            "raise same_errors (0: no limit) to try on"
        )


def _is_telling(error: BaseException) -> bool:
    """Tell whether `error` says something about the request."""
    if isinstance(error, RequestError):
        return error.status is not None and error.status not in _ASKED_TO_WAIT
    # OSError: a TimeoutError and a ConnectionError are one, too.
    return not isinstance(error, AttemptTimeoutError) and not isinstance(root_cause(error), OSError)


def _kind(error: BaseException) -> _Kind:
    """Return what `error` has in common with those that are the same."""
    text = _WORD.sub(_without_digits, str(error)[:_COMPARED_CHARACTERS])
    return _Kind(type(error).__qualname__, getattr(error, "status", None), text)


def _without_digits(word: re.Match[str]) -> str:
    return "#" if _DIGIT.search(word[0]) else word[0]
