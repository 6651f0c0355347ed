"""Which exceptions of tools the model is told of; all others fail the sample."""

from __future__ import annotations

from tasks_lib._errors import (
    LimitExceededError,
    OutputLimitExceededError,
    ToolApprovalError,
    ToolError,
    ToolParsingError,
)
from tasks_lib.schema import ToolCallError, ToolErrorType

_KINDS: tuple[tuple[type[Exception], ToolErrorType], ...] = (
    (TimeoutError, "timeout"),
    (UnicodeDecodeError, "unicode_decode"),
    (PermissionError, "permission"),
    (FileNotFoundError, "file_not_found"),
    (IsADirectoryError, "is_a_directory"),
    (OutputLimitExceededError, "limit"),
    (LimitExceededError, "limit"),
    (ToolParsingError, "parsing"),
    (ToolApprovalError, "approval"),
    (ToolError, "unknown"),
)
"""From exceptions to the kinds of errors that models are told of; the first that fits counts."""


def innermost_error(error: Exception) -> Exception:
    """Return the first exception that is in a group, however deep; others as they are."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def tool_call_error(error: Exception) -> ToolCallError | None:
    """Return what the model is told of an exception; None if it fails the sample."""
    kind = next((kind for cause, kind in _KINDS if isinstance(error, cause)), None)
    return None if kind is None else ToolCallError(type=kind, message=_message(error))


def _message(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"The output is not text in {error.encoding}: {error.reason}."
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename!r}" if error.filename is not None else ""
        return f"{error.strerror}{place}."
    if isinstance(error, TimeoutError) and not str(error):
        return "It took too long and was stopped."
    return str(error) or type(error).__name__
