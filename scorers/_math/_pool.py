"""The processes in which formulas are compared: a few, kept between samples.

Each is served by a thread, so that nobody waits in an event loop, and any number of event
loops may ask. They are started when they are needed, and end with the program or when a
question costs too much. A process that is forked from this one starts its own.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import ClassVar

from scorers._math._worker import ENDED, FAILED, READY, TARGETS_READ, TOO_MUCH, Question, Verdict
from tasks_lib._errors import PrerequisiteError

_MOST_WORKERS = 4
_START_S = 120.0
"""Seconds after which a process that does not start is given up, on the slowest machine."""
_PATIENCE = 10.0
"""Wall time that a question may take over its processor time, of at least a second: on a busy
machine the former is longer."""
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables that the processes see; keys of providers are none of them."""
# The package itself is not imported there: what is not needed would take half a second.
_BOOT = """
import json, sys, types
sys.path[:] = json.loads(sys.argv[1])
package = types.ModuleType("scorers")
package.__path__ = [sys.argv[2]]
sys.modules["scorers"] = package
from scorers._math._worker import main
main()
"""


class Failure(Enum):
    """Why there is no verdict."""

    TARGET = "target"
    """A target takes too long, or too much memory, to be read."""
    ANSWER = "answer"
    """The answer takes too long, or too much memory, to be read or compared."""
    MACHINE = "machine"
    """The process got no processor time, or was ended from outside."""


async def ask(question: Question) -> Verdict | Failure:
    """Have a question judged. Does not block the event loop.

    Raises:
        PrerequisiteError: The process for it cannot be started.
    """
    return await asyncio.wrap_future(_pool().executor.submit(_ask, question))


class _Worker:
    """One process."""

    def __init__(self) -> None:
        package = str(Path(__file__).parents[1])
        self._process = Popen(
            [sys.executable, "-I", "-c", _BOOT, json.dumps(sys.path), package],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_environment(os.environ),
            start_new_session=True,  # Ctrl+C is for us: the question at hand ends soon
        )
        self.process_id = self._process.pid
        """Also the number of its group, to which its fork belongs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._verdicts = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def start(self) -> None:
        """Wait until questions can be asked; end the process if it fails to start."""
        try:
            first = self._receive(_START_S)
        except OSError as error:
            self.end()
            raise _start_error(f"it ended with status {self._process.returncode}") from error
        if first != READY:
            self.end()
            raise _start_error(first.removeprefix(FAILED).decode().strip().splitlines()[-1])

    def ask(self, question: Question) -> Verdict | Failure:
        """Return the verdict, or why there is none. After an OSError this cannot be used."""
        self._questions.send_bytes(json.dumps(question).encode())
        blamed = Failure.TARGET
        message = self._receive(_PATIENCE * max(question["cpu_s"], 1.0))
        if message == TARGETS_READ:
            blamed = Failure.ANSWER
            message = self._receive(_PATIENCE * max(question["cpu_s"], 1.0))
        if message == TOO_MUCH:
            return blamed
        if message == ENDED:
            raise ConnectionResetError
        verdict: Verdict = json.loads(message)
        return verdict

    def end(self) -> None:
        """End the process and its fork."""
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(self.process_id, signal.SIGKILL)
        self._process.wait()
        self._questions.close()
        self._verdicts.close()

    def _receive(self, wall_s: float) -> bytes:
        """Return the next message. Raises OSError if there is none in time, or ever."""
        if not self._verdicts.poll(wall_s):
            raise TimeoutError
        try:
            return self._verdicts.recv_bytes()
        except EOFError as error:
            raise ConnectionResetError from error


def _start_error(reason: str) -> PrerequisiteError:
    return PrerequisiteError(
        f"The process in which the scorer 'math' compares formulas does not start: {reason}. "
        "Reinstall what it needs: pip install --force-reinstall 'prefect-evals[math]'."
    )


class _Pool:
    """Threads with a process each."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_WORKERS), "math")
        self.workers: dict[int, _Worker] = {}
        """By thread."""
        self._process_id = os.getpid()

    def end(self) -> None:
        """End the processes, unless they are those of the process that this was forked from."""
        if os.getpid() != self._process_id:
            return
        self.executor.shutdown(cancel_futures=True)
        while self.workers:
            self.workers.popitem()[1].end()


class _Shared:
    """The pool of this process."""

    lock = threading.Lock()
    pool: _Pool | None = None
    of_parents: ClassVar[list[_Pool | None]] = []
    """Pools of the processes that this was forked from; kept, as to drop one would warn of
    processes that still run."""


def _pool() -> _Pool:
    with _Shared.lock:
        if _Shared.pool is None:
            _Shared.pool = _Pool()
            atexit.register(_Shared.pool.end)
        return _Shared.pool


def _start_anew() -> None:
    _Shared.lock = threading.Lock()
    _Shared.of_parents.append(_Shared.pool)
    _Shared.pool = None


os.register_at_fork(after_in_child=_start_anew)


def _ask(question: Question) -> Verdict | Failure:
    """Ask the process of this thread, and another if that one is lost."""
    result = _ask_once(question)
    return _ask_once(question) if result is Failure.MACHINE else result


def _ask_once(question: Question) -> Verdict | Failure:
    workers, thread = _pool().workers, threading.get_ident()
    worker = workers.get(thread)
    if worker is None:
        worker = _Worker()
        worker.start()
        workers[thread] = worker
    try:
        return worker.ask(question)
    except OSError:  # it was ended from outside, or got no processor time
        del workers[thread]
        worker.end()
        return Failure.MACHINE


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in _ENVIRONMENT if name in variables}
