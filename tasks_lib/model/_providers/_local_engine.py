"""llama.cpp in this process.

An engine runs as many single-threaded copies of llama.cpp as it may use processors, each
on one request at a time; the weights are mapped into memory once. A copy of SmolLM2-135M
reads about 140 and writes about 65 tokens per second of processor time, so that on idle
processors copies are as fast as one copy with as many threads. On busy ones they are far
faster: threads that compute a token together wait for the slowest at every layer. With
four other busy processes on two processors, two copies still answered at a third of their
speed, one copy with two threads at less than a tenth.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks_lib._errors import MissingPackageError, ModelError

try:
    import xllamacpp
except ImportError:  # an optional package, looked for when a model is made
    xllamacpp = None

if TYPE_CHECKING:
    from xllamacpp import Server

_QUIET = -1
"""llama.cpp's verbosity: it would write to the terminal's progress bars."""


class EngineSettings(NamedTuple):
    """What makes an engine; equal settings share one."""

    path: Path
    """The GGUF file."""
    copies: int
    """How many requests run at once, each on a processor of its own."""
    context_tokens: int
    """Tokens that a conversation and its answer may have together."""


class Engine:
    """A model that is loaded when it is first used."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self._threads = ThreadPoolExecutor(settings.copies, thread_name_prefix="local-model")
        self._idle: SimpleQueue[Server] = SimpleQueue()

    async def chat(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a chat completions request.

        A request whose caller is cancelled still runs to its end, in its own thread.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._chat, request)

    def close(self) -> None:
        """Wait for running requests and free the memory."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get()

    def _chat(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._take()
        try:
            response: dict[str, Any] = server.handle_chat_completions(request)
        finally:
            self._idle.put(server)
        return response

    def _take(self) -> Server:
        # There are as many threads as copies: without an idle one, one may be started.
        try:
            return self._idle.get_nowait()
        except Empty:
            return _start(self.settings)


_engines: dict[EngineSettings, Engine] = {}
_lock = Lock()


def shared_engine(settings: EngineSettings) -> Engine:
    """Return the engine of this process for `settings`; it lives until the process ends.

    Raises:
        MissingPackageError: llama.cpp is not installed.
    """
    if xllamacpp is None:
        raise MissingPackageError("The provider 'local'", "xllamacpp", "demo")
    with _lock:
        engine = _engines.get(settings)
        if engine is None:
            engine = _engines[settings] = Engine(settings)
        return engine


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(settings: EngineSettings) -> Server:
    params = xllamacpp.CommonParams()
    params.model.path = str(settings.path)
    params.n_ctx = settings.context_tokens
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.verbosity = _QUIET
    # Keeps the states of earlier prompts, 8 GB of them by default.
    params.cache_ram_mib = 0
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelError(f"llama.cpp cannot load {settings.path.name!r}: {error}") from error


@atexit.register
def _close_all() -> None:
    with _lock:
        for engine in _engines.values():
            engine.close()
        _engines.clear()
