"""How Prefect runs for us: defaults of the temporary server, and a quiet terminal."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import MappingProxyType, MethodType
from typing import TYPE_CHECKING, Any, TypedDict

import prefect
from prefect.context import refresh_global_settings_context
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    get_current_settings,
)

if TYPE_CHECKING:
    from prefect.server.api.server import SubprocessASGIServer


class FlowOptions(TypedDict):
    """Arguments of `@flow`."""

    persist_result: bool
    result_storage: Path


SERVER_DEFAULTS = MappingProxyType(
    {
        # A task run costs the server 17 ms of CPU when it is inserted alone, 5 ms in batches.
        # The interval must be whole seconds: the server cuts it to an integer.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
        # Leases in memory die with the server while their slots stay taken in its database.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        # The first start migrates a new database, 25 s on two busy cores; Prefect allows 20.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Events wait in the client. If the server goes away they must not fill the memory.
        "PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE": "10000",
        # An INFO line per task run is a request to the server per task run.
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
    }
)
"""Environment variables of Prefect that we prefer, and why."""

TEMPORARY_SERVER_DEFAULTS = MappingProxyType(
    {
        # A quarter of what a task run costs the server goes into its event feed, which nobody
        # reads on a server that ends with the run. Runs, logs and artifacts are kept.
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    }
)
"""What we prefer besides for a temporary server."""

FLOW_OPTIONS: FlowOptions = {
    "persist_result": False,
    # Nothing is stored. Without it Prefect asks the server where to, blocking the event loop,
    # and leaves the socket open.
    "result_storage": Path(tempfile.gettempdir()) / "prefect-evals-results",
}
"""What every flow of ours is decorated with."""

MESSAGE_LENGTH = 2000
"""Characters of a state's message; the logs have the rest."""

_ENGINE_MODULES = frozenset({"flow_engine", "task_engine"})
_SENDERS = frozenset({"APILogWorker", "EventsWorker"})
"""Loggers of Prefect's background threads, which are not below `prefect`."""


def server_defaults() -> None:
    """Apply `SERVER_DEFAULTS` to this process and to the processes it starts.

    What the user has set in any way that Prefect reads (environment, profile, prefect.toml)
    stays. May be called at any time and again; a server that runs already isn't changed.
    """
    _set_missing(SERVER_DEFAULTS)


def _set_missing(defaults: Mapping[str, str]) -> None:
    explicit = get_current_settings().to_environment_variables(exclude_unset=True)
    missing = {
        name: value
        for name, value in defaults.items()
        if name not in explicit and name not in os.environ
    }
    if missing:
        os.environ.update(missing)
        refresh_global_settings_context()
        setup_logging()


def start_temporary_server() -> str | None:
    """Start Prefect's temporary server unless an API is configured; returns its URL.

    None when `PREFECT_API_URL` is set (or temporary servers are switched off). Prefect would
    start it by itself, but then Ctrl-C on the terminal ends it together with us, before our
    last states and slots are given back. Blocks until the server is healthy: some 5 s, the
    first time up to half a minute. It is stopped when the process ends.
    """
    if PREFECT_API_URL.value() or not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        return None
    _set_missing(TEMPORARY_SERVER_DEFAULTS)
    # Importing the server takes 2 s of CPU, for nothing if an API is configured.
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server._run_uvicorn_command = MethodType(run_uvicorn, server)  # type: ignore[method-assign]
    # In a thread: the caller stays open to Ctrl-C while the server starts.
    executor = ThreadPoolExecutor(1, thread_name_prefix="temporary-server")
    try:
        executor.submit(copy_context().run, without_interrupts, server.start).result()
    finally:
        executor.shutdown(wait=False)
    return server.api_url


def server_command(module: str, *arguments: str) -> list[str]:
    """Return how a module that is a Prefect server is run; see `_server_process`."""
    program = Path(__file__).with_name("_server_process.py")
    return [sys.executable, "-P", str(program), module, *arguments]


def run_uvicorn(server: SubprocessASGIServer) -> subprocess.Popen[Any]:
    """Start the process of a temporary server, as Prefect does but for `server_command`."""
    command = server_command(
        "uvicorn", "--app-dir", str(prefect.__module_path__.parent), "--factory",
        "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(server.port),
        "--log-level", "error", "--lifespan", "on",
    )  # fmt: skip
    environment = {
        **os.environ,
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        **get_current_settings().to_environment_variables(exclude_unset=True),
    }
    return subprocess.Popen(command, env=environment)


def without_interrupts(start: Callable[[], None]) -> None:
    """Call `start`; processes that it starts don't get the Ctrl-C of our terminal.

    Blocks SIGINT in this thread for good, as children inherit it: call it in one of its own.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    start()


def quiet_prefect_logging() -> None:
    """Keep Prefect's routine lines and the tracebacks of failed runs off this terminal.

    For commands that show progress and report failures themselves. The lines still reach
    the API, so the UI shows them. Does nothing if the user has set a logging level.
    """
    explicit = get_current_settings().to_environment_variables(exclude_unset=True)
    if "PREFECT_LOGGING_LEVEL" in explicit:
        return
    for handler in _console_handlers():
        if not any(isinstance(known, _TerminalFilter) for known in handler.filters):
            handler.addFilter(_TerminalFilter())


def _console_handlers() -> list[logging.Handler]:
    loggers = [logging.getLogger(), *map(logging.getLogger, ("prefect", "uvicorn", "fastapi"))]
    found = {
        handler: None
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, PrefectConsoleHandler)
    }
    return list(found)


class _TerminalFilter(logging.Filter):
    """Drops what is routine, what the engine says of a failed run, and repeated overflows."""

    def __init__(self) -> None:
        super().__init__()
        self._overflow_shown = False

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name in _SENDERS:
            return self._is_news(record)
        if record.name.partition(".")[0] != "prefect":
            return True
        return record.levelno >= logging.WARNING and record.module not in _ENGINE_MODULES

    def _is_news(self, record: logging.LogRecord) -> bool:
        message = str(record.msg)
        if "queue is full" in message:
            # One line for each dropped event: thousands when the server is gone.
            shown, self._overflow_shown = self._overflow_shown, True
            return not shown
        return "Still processing items" not in message
