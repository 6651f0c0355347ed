"""The file that EVAL_TRACE_FILE names: what an evaluation did, as JSON lines."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._trace import TRACE, TRACE_FIELDS
from tasks_lib.context import current_sample

TRACE_FILE_VARIABLE = "EVAL_TRACE_FILE"


def trace_file() -> Path | None:
    """Return the file that the environment names, None if it names none.

    Raises:
        PrerequisiteError: It cannot be a file: it is a folder, or its folder is missing.
    """
    name = os.environ.get(TRACE_FILE_VARIABLE)
    if not name:
        return None
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        raise PrerequisiteError(
            f"{TRACE_FILE_VARIABLE} is {name!r}, which cannot be written: name a file in a "
            "folder that exists."
        )
    return path


def open_trace_file(path: Path) -> logging.Handler:
    """Return a handler that appends each record from the level `trace` on as a line of JSON.

    A line has `timestamp` (UTC), `level`, `logger` and `message`; `sample_id` and `epoch` in a
    sample; and for records of `trace_action` and `trace_message` `action`, `detail`, `event`,
    and as far as they have them `trace_id`, `duration` (seconds) and `error`.

    Raises:
        PrerequisiteError: The file cannot be opened.
    """
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise PrerequisiteError(
            f"{TRACE_FILE_VARIABLE} is {str(path)!r}, which cannot be written: {error}."
        ) from error
    handler.setLevel(TRACE)
    handler.setFormatter(_JsonLine())
    return handler


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, without its end."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower() if record.levelno != TRACE else "trace",
            "logger": record.name,
            "message": record.getMessage(),
        }
        sample = current_sample()
        if sample is not None:
            line |= {"sample_id": sample.sample_id, "epoch": sample.epoch}
        line |= getattr(record, TRACE_FIELDS, {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
