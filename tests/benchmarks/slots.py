"""How well connection slots are used, by one process and by several that share them.

    python -m tests.benchmarks.slots [--calls N] [--repeat N] [--no-kill]

Calls of 50 ms go to a server on loopback that counts them, each with one of 10 slots that a
real Prefect server shares out, from one process and from four together, each with its own part
of the calls. The time from the start to the end of the last call, taking the first slots
included, is compared with the ideal: all slots busy all the time, with calls that take as long
as the server really took for them (timers are late by up to a millisecond, more on a busy
machine). The limit exists, as it does after the first evaluation.

At last a process that holds all slots is killed, and it is measured when another one gets them:
Prefect accepts no leases below 60 s, and looks every 15 s for those that have ended. Nothing
here fails for being slow; the exit status is 1 if more calls were in flight than there are
slots, or some are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from flows._server import SERVER_DEFAULTS
from tests.benchmarks._report import markdown
from tests.benchmarks._slots_caller import CallerJob
from tests.benchmarks._slots_server import REPORT, Seen
from tests.benchmarks._surroundings import clean_environment

LIMIT = 10
LATENCY_S = 0.05
CALLERS = 100
"""Callers of all processes together."""
HEADINGS = (
    "processes", "calls", "ms a call", "seconds", "of the ideal", "slots busy", "most in flight"
)  # fmt: skip
MOST_RATIO = 1.05
LEAST_BUSY = 0.95
SERVER_START_S = 120


@dataclass(frozen=True)
class Round:
    """What one measurement found."""

    processes: int
    calls: int
    seconds: float
    """From the start to the end of the last call."""
    seen: Seen

    @property
    def ratio(self) -> float:
        """The time as a multiple of the ideal."""
        return self.seconds / (self.seen.busy_s / LIMIT)

    @property
    def call_ms(self) -> float:
        """How long the server took for a call."""
        return self.seen.busy_s / self.seen.calls * 1000

    @property
    def busy(self) -> float:
        """Share of the slots in use, from the first call that the server saw to the last."""
        return self.seen.busy_s / (LIMIT * (self.seen.last - self.seen.first))

    @property
    def exact(self) -> bool:
        """Whether every call was made, with never more at once than there are slots."""
        return self.seen.calls == self.calls and self.seen.most <= LIMIT


class Bench:
    """Makes measurements with processes of their own."""

    def __init__(self, api_url: str, environment: dict[str, str], port: int) -> None:
        self._api_url = api_url
        self._environment = environment
        self._port = port

    def measure(self, processes: int, calls: int) -> Round:
        """Let `processes` make `calls` together."""
        job = self._job(CALLERS // processes, calls // processes)
        with self._ready([job] * processes) as callers:
            begun = time.monotonic()
            ended = [_told(caller) for caller in _started(callers)]
            for caller in callers:
                # They give their slots back now.
                caller.wait()
        return Round(processes, job.calls * processes, max(ended) - begun, self._seen())

    def measure_recovery(self) -> float:
        """Return the seconds from the kill of who held all slots to the end of another's call."""
        endless = self._job(CALLERS, 10**9)
        other = CallerJob(**{**asdict(endless), "callers": 1, "calls": 1})
        with self._ready([endless, other]) as (holder, waiter):
            _started([holder])
            time.sleep(2)
            holder.kill()
            killed = time.monotonic()
            [waiter] = _started([waiter])
            recovered = _told(waiter) - killed
        self._seen()
        return recovered

    def _job(self, callers: int, calls: int) -> CallerJob:
        return CallerJob(self._api_url, "benchmark", LIMIT, callers, calls, self._port)

    @contextmanager
    def _ready(self, jobs: Sequence[CallerJob]) -> Iterator[list[subprocess.Popen[str]]]:
        """Start a process for each job; they wait to be told to begin, and are ended at last."""
        with ExitStack() as stack:
            callers = []
            for job in jobs:
                command = [sys.executable, "-m", "tests.benchmarks._slots_caller"]
                caller = stack.enter_context(
                    _running([*command, json.dumps(asdict(job))], self._environment)
                )
                callers.append(caller)
            for caller in callers:
                _line(caller)
            yield callers

    def _seen(self) -> Seen:
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
            connection.sendall(REPORT)
            return Seen(**json.loads(connection.makefile().readline()))


def _started(callers: Sequence[subprocess.Popen[str]]) -> Sequence[subprocess.Popen[str]]:
    for caller in callers:
        assert caller.stdin is not None
        caller.stdin.write("begin\n")
        caller.stdin.flush()
    return callers


def _told(caller: subprocess.Popen[str]) -> float:
    return float(_line(caller))


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")
    return line


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def prefect_server(environment: dict[str, str]) -> Iterator[str]:
    """Run a Prefect server on a free port; yields the URL of its API."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    command = [sys.executable, "-m", "prefect", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", port]
    settings = {**environment, **SERVER_DEFAULTS, "PREFECT_UI_ENABLED": "0"}
    output = Path(environment["PREFECT_HOME"], "server.txt")
    output.parent.mkdir(parents=True, exist_ok=True)
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, env=settings, stdout=stream, stderr=stream) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/api"
            _wait_until_healthy(url, process, output)
            yield url
        finally:
            process.terminate()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The Prefect server did not start:\n{output.read_text()}")


def table(rounds: Sequence[Round]) -> str:
    """Return the medians of each number of processes; the worst is what was in flight."""
    lines = [HEADINGS]
    for processes in dict.fromkeys(one.processes for one in rounds):
        same = [one for one in rounds if one.processes == processes]
        ratio, busy = median(one.ratio for one in same), median(one.busy for one in same)
        lines.append(
            (
                str(processes),
                f"{same[0].calls:,}",
                f"{median(one.call_ms for one in same):.1f}",
                f"{median(one.seconds for one in same):.2f}",
                f"{ratio:.3f} (goal: at most {MOST_RATIO:g}) {_verdict(ratio <= MOST_RATIO)}",
                f"{busy:.1%} (goal: at least {LEAST_BUSY:.0%}) {_verdict(busy >= LEAST_BUSY)}",
                f"{max(one.seen.most for one in same)} of {LIMIT} "
                f"{_verdict(all(one.exact for one in same))}",
            )
        )
    return markdown(lines)


def _verdict(reached: bool) -> str:
    return "✓" if reached else "✗"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls of a measurement")
    parser.add_argument("--repeat", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--no-kill", action="store_true", help="kill nothing: saves 75 s")
    args = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = clean_environment(folder / "prefect-home")
        url = stack.enter_context(prefect_server(environment))
        counter = [sys.executable, "-m", "tests.benchmarks._slots_server", str(LATENCY_S)]
        port = int(_line(stack.enter_context(_running(counter, environment))))
        bench = Bench(url, environment, port)
        print(f"Load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
        bench.measure(4, args.calls // 10)  # makes the limit, warms the servers up
        rounds = [bench.measure(n, args.calls) for _ in range(args.repeat) for n in (1, 4)]
        print(table(rounds), flush=True)
        if not args.no_kill:
            seconds = bench.measure_recovery()
            print(f"Slots of a killed process were free again after {seconds:.0f} s.")
    return 0 if all(one.exact for one in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
