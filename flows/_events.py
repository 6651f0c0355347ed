"""What Prefect's background threads do with events and log lines while the server is gone.

Task runs reach the server as events, which Prefect's client sends again and again, for eight
seconds each, one after another, before the process may end: 150 events are 20 minutes. Here
one that cannot be sent is kept until there is a connection again; as soon as the server is
known to be gone, events are dropped where they come from, and so are log lines for its UI,
also those on their way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.events.clients import NullEventsClient, PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler, APILogWorker

_LOGGERS = ("prefect.events.clients", "prefect._internal.concurrency")
"""Complain at length of each event that cannot be sent now. It is sent later, or we warn."""

_ATTEMPTS = 3
"""How often an event is sent again; the first three times without waiting. One that was not
taken is sent once more when there is a connection again."""


def api_url(client: PrefectClient) -> str:
    """Return where a client's server is."""
    return str(client.api_url).rstrip("/")


def send_events(client: PrefectClient, *, is_gone: bool = False) -> None:
    """Send events to the client's server from now on, or drop them because it is gone."""
    if client.server_type is ServerType.CLOUD:
        return
    if is_gone:
        EventsWorker.set_client_override(NullEventsClient)
        _drop_log_lines()
    else:
        EventsWorker.set_client_override(
            PrefectEventsClient, api_url=api_url(client), reconnection_attempts=_ATTEMPTS
        )


@contextmanager
def droppable(client: PrefectClient, is_silent: Callable[[], bool]) -> Iterator[None]:
    """Let events and log lines of this block be dropped while the server is gone.

    Prefect Cloud is sent its events as usual.

    Args:
        client: Goes to the server.
        is_silent: Tells whether it may be gone: then nobody else complains.
    """
    runs = logging.getLogger("prefect.flow_runs")  # the engine's tracebacks
    while_silent, always = _Dropping(is_silent), _Dropping(lambda: True)
    dropped: list[tuple[logging.Filterer, _Dropping]]
    dropped = [(logged, while_silent) for logged in (runs, *_api_handlers())]
    dropped += [(logging.getLogger(name), always) for name in _LOGGERS]
    with ExitStack() as stack:
        for logged, dropping in dropped:
            logged.addFilter(dropping)
            stack.callback(logged.removeFilter, dropping)
        send_events(client)
        stack.callback(EventsWorker.set_client_override, None)
        yield


def _drop_log_lines() -> None:
    """Give up log lines that are being sent: the process would wait for a minute with its end."""
    service: Any = APILogWorker
    with service._instance_cache_lock:
        workers = list(service._instances.values())
    for worker in workers:
        sending, loop = worker._task, worker._loop
        worker._stop(at_exit=True)
        if sending is not None and loop is not None:
            loop.call_soon_threadsafe(sending.cancel)


class _Dropping(logging.Filter):
    """Drops what is logged while a condition holds."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        super().__init__()
        self._condition = condition

    def filter(self, record: logging.LogRecord) -> bool:
        return not self._condition()


def _api_handlers() -> list[logging.Handler]:
    return [
        handler
        for name in ("prefect.extra", "prefect.flow_runs", "prefect.task_runs")
        for handler in logging.getLogger(name).handlers
        if isinstance(handler, APILogHandler)
    ]
