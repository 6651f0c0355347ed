"""Lines that a solver logs, and the events that they become."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tasks_lib.schema import Event, LoggerEvent

DEBUG = ("debug", "some.library", "details")
INFO = ("info", "some.library", "sample 1")
WARNING = ("warning", "some.library", "careful")
HTTP = ("http", "httpx", "HTTP Request: GET /")


def log_lines() -> None:
    logger = logging.getLogger("some.library")
    logger.debug("details")
    logger.info("sample %s", 1)
    logger.warning("careful")
    logging.getLogger("httpx").info("HTTP Request: GET /")
    logging.getLogger("prefect.engine").warning("of Prefect")


def logged(events: Sequence[Event]) -> list[tuple[str, str | None, str]]:
    messages = [event.message for event in events if isinstance(event, LoggerEvent)]
    return [(message.level, message.name, message.message) for message in messages]
