"""Python's logging during an evaluation: what is shown, and what goes into transcripts."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Literal, cast

from flows._trace_file import open_trace_file, trace_file
from tasks_lib._errors import ParameterError
from tasks_lib._util._trace import TRACE
from tasks_lib.context import current_sample
from tasks_lib.schema import LoggerEvent, LoggingMessage

LevelName = Literal["debug", "trace", "http", "info", "warning", "error", "critical"]

HTTP = 15

_LEVELS: dict[str, int] = {
    "debug": logging.DEBUG,
    "trace": TRACE,
    "http": HTTP,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_ALIASES = {"sandbox": "trace", "tools": "trace"}
_DEFAULT_TRANSCRIPT_LEVEL = "info"

_HTTP_LOGGERS = ("httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "openai", "anthropic")
"""Loggers that write a line for each request: their routine lines count as `http`."""

_LEVEL_VARIABLES = ("EVAL_LOG_LEVEL", "INSPECT_LOG_LEVEL")
_TRANSCRIPT_VARIABLES = ("EVAL_LOG_LEVEL_TRANSCRIPT", "INSPECT_LOG_LEVEL_TRANSCRIPT")


def check_log_levels(log_level: str | None, log_level_transcript: str | None) -> None:
    """Check what says where log records go, before anything runs.

    Raises:
        ParameterError: One of the levels, or of their variables, is not known.
        PrerequisiteError: EVAL_TRACE_FILE names no file that could be written.
    """
    _level("log_level", log_level, _LEVEL_VARIABLES)
    _level("log_level_transcript", log_level_transcript, _TRANSCRIPT_VARIABLES)
    trace_file()


@contextmanager
def evaluation_logging(log_level: str | None, log_level_transcript: str | None) -> Iterator[None]:
    """Put log records of samples into their transcripts; show those that are to be shown.

    All loggers count but Prefect's own. What a program has configured stays: a logger with a
    level of its own keeps it, and handlers get what they would have got. All records from
    `trace` on are also written to the file that EVAL_TRACE_FILE names, if it is set.

    Args:
        log_level: From which level records are shown; None: EVAL_LOG_LEVEL, else as the
            program has configured it (by default `warning`).
        log_level_transcript: From which level records of a sample become events of its
            transcript; None: EVAL_LOG_LEVEL_TRANSCRIPT, else `info`.
    """
    shown = _level("log_level", log_level, _LEVEL_VARIABLES)
    recorded = _level("log_level_transcript", log_level_transcript, _TRANSCRIPT_VARIABLES)
    token = _transcript_level.set(recorded or _LEVELS[_DEFAULT_TRANSCRIPT_LEVEL])
    _capture.open(shown, _transcript_level.get())
    try:
        yield
    finally:
        _capture.close()
        _transcript_level.reset(token)


class _Capture:
    """What is changed of Python's logging while evaluations run; undone after the last one."""

    def __init__(self) -> None:
        self._evaluations = 0
        self._undo = ExitStack()
        self._http: list[logging.Logger] = []
        """Loggers of requests that have no level of their own."""

    def open(self, shown: int | None, recorded: int) -> None:
        """Begin for one more evaluation; of several at once, the first says what is shown."""
        root = logging.getLogger()
        if not self._evaluations:
            self._begin(root, shown or root.level, recorded)
        self._evaluations += 1
        root.setLevel(min(root.level, recorded))
        for logger in self._http:  # a record per request that nobody would see
            logger.setLevel(logging.WARNING if root.level > HTTP else logging.NOTSET)

    def close(self) -> None:
        """End for one evaluation."""
        self._evaluations -= 1
        if not self._evaluations:
            self._undo.close()

    def _begin(self, root: logging.Logger, shown: int, recorded: int) -> None:
        path = trace_file()
        traced = open_trace_file(path) if path is not None else None  # before all: it may fail
        self._show(root, shown)
        self._add(root, _TranscriptHandler())
        loggers = map(logging.getLogger, _HTTP_LOGGERS)
        self._http = [logger for logger in loggers if logger.level == logging.NOTSET]
        for logger in (root, *self._http):
            self._undo.callback(logger.setLevel, logger.level)
        root.setLevel(min(shown, recorded))
        if traced is not None:
            self._undo.callback(traced.close)
            self._add(root, traced)
            root.setLevel(min(root.level, TRACE))

    def _show(self, root: logging.Logger, level: int) -> None:
        if not root.handlers and logging.lastResort is not None:
            # Python shows warnings itself only as long as there is no handler.
            self._add(root, logging.lastResort)
        for handler in root.handlers:
            shown_only = _ShownOnly(level)
            handler.addFilter(shown_only)
            self._undo.callback(handler.removeFilter, shown_only)

    def _add(self, root: logging.Logger, handler: logging.Handler) -> None:
        root.addHandler(handler)
        self._undo.callback(root.removeHandler, handler)


_capture = _Capture()
_transcript_level: ContextVar[int] = ContextVar("transcript_level")


class _TranscriptHandler(logging.Handler):
    """Adds records to the transcript of the sample that they come from."""

    def emit(self, record: logging.LogRecord) -> None:
        sample = current_sample()
        if sample is None or record.name.partition(".")[0] == "prefect":
            return
        level = _level_of(record)
        if level < _transcript_level.get(logging.CRITICAL + 1):
            return
        try:
            message = record.getMessage()
        except Exception:  # wrong arguments; logging prints the traceback, as it always does
            self.handleError(record)
            return
        sample.transcript.record(
            LoggerEvent(
                message=LoggingMessage(
                    name=record.name,
                    level=_name_of(level),
                    message=message,
                    created=record.created,
                    filename=record.filename,
                    module=record.module,
                    lineno=record.lineno,
                )
            )
        )


class _ShownOnly(logging.Filter):
    """Passes the records that a handler of the root logger would get without us."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the level is reached, or the logger has a level of its own."""
        return _level_of(record) >= self._level or _has_own_level(record.name)


def _has_own_level(name: str) -> bool:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        if logger.level:
            return True
        logger = logger.parent
    return False


def _level_of(record: logging.LogRecord) -> int:
    if record.levelno == logging.INFO and record.name.partition(".")[0] in _HTTP_LOGGERS:
        return HTTP
    return record.levelno


def _name_of(level: int) -> LevelName:
    """Return the name of the highest level that `level` reaches."""
    names = [name for name, number in _LEVELS.items() if number <= level]
    return cast(LevelName, names[-1] if names else "debug")


def _level(argument: str, name: str | None, variables: tuple[str, ...]) -> int | None:
    for variable in variables:
        if name is None and os.environ.get(variable):
            argument, name = variable, os.environ[variable]
    if name is None:
        return None
    known = name.lower()
    number = _LEVELS.get(_ALIASES.get(known, known))
    if number is None:
        raise ParameterError("eval", argument, name, f"one of {', '.join(_LEVELS)}")
    return number
