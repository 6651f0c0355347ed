"""What takes long or may fail, told to Python's logging step by step.

The records have the level `TRACE` and carry what they tell as fields; an evaluation writes
them to the file that the variable EVAL_TRACE_FILE names (`flows._trace_file`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tasks_lib._util._ids import short_uuid

TRACE = 13
"""Level of the records: above `debug`, below requests (`http`) and `info`."""

TRACE_FIELDS = "evals_trace"
"""Attribute of the records that has what they tell, as a dict."""

_CALL = 2
_BLOCK = 3  # between the block and ours is contextlib


@contextmanager
def trace_action(
    logger: logging.Logger, action: str, message: str, *args: object, **kwargs: object
) -> Iterator[None]:
    """Log when a block begins and how it ends: with which outcome, after how many seconds.

    Outcomes are `exit`, `cancel` (of the asyncio task, or Ctrl-C), `timeout` (TimeoutError)
    and `error`; exceptions go on. Costs next to nothing while nobody wants such records.

    Args:
        logger: Who logs.
        action: What kind of thing is done, such as "Subprocess".
        message: What is done, with %-placeholders for `args` or `kwargs`.
        *args: Values of the placeholders.
        **kwargs: Values of named placeholders.
    """
    if not logger.isEnabledFor(TRACE):
        yield
        return
    fields = {"action": action, "detail": _filled(message, args, kwargs), "trace_id": short_uuid()}
    began = time.perf_counter()
    _log(logger, {**fields, "event": "enter"}, _BLOCK)
    outcome: dict[str, object] = {"event": "exit"}
    try:
        yield
    except BaseException as error:
        outcome = _outcome(error)
        raise
    finally:
        seconds = round(time.perf_counter() - began, 6)
        _log(logger, {**fields, **outcome, "duration": seconds}, _BLOCK)


def trace_message(
    logger: logging.Logger, category: str, message: str, *args: object, **kwargs: object
) -> None:
    """Log one thing at the level `TRACE`.

    Args:
        logger: Who logs.
        category: What kind of thing it is about.
        message: What there is to say, with %-placeholders for `args` or `kwargs`.
        *args: Values of the placeholders.
        **kwargs: Values of named placeholders.
    """
    if logger.isEnabledFor(TRACE):
        detail = _filled(message, args, kwargs)
        _log(logger, {"action": category, "detail": detail, "event": "message"}, _CALL)


def _filled(message: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    if args:
        return message % args
    return message % kwargs if kwargs else message


def _outcome(error: BaseException) -> dict[str, object]:
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return {"event": "cancel"}
    event = "timeout" if isinstance(error, TimeoutError) else "error"
    return {"event": event, "error": f"{type(error).__name__}: {error}"}


def _log(logger: logging.Logger, fields: Mapping[str, object], depth: int) -> None:
    """Log `fields` as if it were done where our caller was called from, `depth` frames up."""
    text = f"{fields['action']}: {fields['detail']}"
    if fields["event"] != "message":
        text += f" ({fields['event']})"
    logger.log(TRACE, "%s", text, extra={TRACE_FIELDS: dict(fields)}, stacklevel=depth + 1)
