"""One measurement of the log benchmark: what it is told, and what it finds out.

Standard library only: it also runs in the peer's environment.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

WARM_UP_SAMPLES = 20
"""Samples of the log that each measurement does first, unmeasured: imports, code paths."""

_ENOUGH_S = 1.0
_MOST_TURNS = 25


@dataclass(frozen=True)
class Job:
    """One measurement, made in a process of its own."""

    operation: str
    """Which one."""
    samples: int
    """Of the log that is measured, or to be made."""
    result_file: str
    folder: str = ""
    """Where logs are, or are made."""
    copies: int = 0
    """How often the log is copied, with ids of its own each time."""

    @property
    def warm_up(self) -> str:
        """Folder of the log of `WARM_UP_SAMPLES`."""
        return str(Path(self.folder, "warm-up"))

    @property
    def measured(self) -> str:
        """Folder of the log of `samples`."""
        return str(Path(self.folder, "measured"))


@dataclass(frozen=True)
class Found:
    """What a measurement found out."""

    figures: Mapping[str, float]
    """By name; seconds, bytes or whatever the operation measures."""
    answer: object = None
    """What the operation returned, as JSON: ours and the peer's must be equal."""


Operation = Callable[[Job], Found]


def main(operations: Mapping[str, Operation]) -> None:
    """Make the measurement that the first argument names as JSON; write its result file."""
    job = Job(**json.loads(sys.argv[1]))
    found = operations[job.operation](job)
    Path(job.result_file).write_text(
        json.dumps({"figures": dict(found.figures), "answer": found.answer})
    )


def read_found(file: Path) -> Found:
    """Return what `main` wrote."""
    return Found(**json.loads(file.read_text()))


def timed(act: Callable[[str, int], Any], job: Job, suffix: str) -> Found:
    """Measure `act(log, turn)`; quick ones several times, of which the median is taken.

    Args:
        act: Does it with the log at a path; turns count from 0.
        job: Says which logs.
        suffix: Of the log files.
    """
    small, large = find_log(job.warm_up, suffix), find_log(job.measured, suffix)
    act(small, 0)
    return _timed(lambda turn: act(large, turn))


def timed_folder(act: Callable[[str], Any], job: Job) -> Found:
    """Measure `act(folder)` once, after doing it with the folder of the small log."""
    act(job.warm_up)
    return _timed(lambda _: act(job.measured), most=1)


def find_log(folder: str, suffix: str) -> str:
    """Return the path of the only log in a folder."""
    [path] = Path(folder).glob(f"*{suffix}")
    return str(path)


def memory_mb() -> float:
    """Return the memory that this process has resident now. Linux only."""
    return _status("VmRSS")


def peak_memory_mb() -> float:
    """Return the most that this process had resident since `reset_peak_memory`. Linux only."""
    return _status("VmHWM")


def reset_peak_memory() -> None:
    """Let the peak begin anew, where the system can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _timed(act: Callable[[int], Any], most: int = _MOST_TURNS) -> Found:
    gc.collect()
    seconds: list[float] = []
    answer: object = None
    while len(seconds) < most and sum(seconds) < _ENOUGH_S:
        turn = len(seconds)
        began = time.perf_counter()
        returned = act(turn)
        seconds.append(time.perf_counter() - began)
        answer = returned if turn == 0 else answer
    return Found({"seconds": median(seconds)}, answer)


def _status(name: str) -> float:
    lines: Sequence[str] = Path("/proc/self/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kilobytes) / 1024
