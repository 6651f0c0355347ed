"""What one measurement is told and what it finds out, the same for us and for the peer.

Standard library only: it also runs in the peer's environment.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

WARM_UP_SAMPLES = 20
"""Samples of a first, unmeasured evaluation: imports, connections, the Prefect server."""

QUESTION = "What is twice {number}? Say what you always say."
ANSWER = "Default output from mockllm/model"
SYSTEM_MESSAGE = "You answer short questions."
HTTP_MODEL = "gpt-4o-mini"


@dataclass(frozen=True)
class Job:
    """One measurement, made in a process of its own."""

    samples: int
    log_dir: str
    result_file: str
    task_runs: str = "shard"
    """Granularity; for us only."""
    base_url: str | None = None
    """An OpenAI server; None: the mock model."""
    connections: int = 10
    aiohttp: bool = True
    """Whether the bare loop over the SDK uses aiohttp, as we do, or the SDK's own transport."""


@dataclass(frozen=True)
class Result:
    """What one measurement found out."""

    samples: int
    wall_s: float
    cpu_s: float
    """CPU time of the process itself, user and system."""
    children_cpu_s: float
    """CPU time of its child processes: for us, Prefect's temporary server."""
    peak_mb: float
    children_peak_mb: float
    log_bytes: int
    recorded: int | None = None
    """Completed task runs that Prefect's API counts; for us only."""


def measure(
    run: Callable[[int, str], None], count_task_runs: Callable[[], int] | None = None
) -> None:
    """Measure `run(samples, log_dir)` by the job in the arguments; write the result file."""
    job = read_job()
    run(WARM_UP_SAMPLES, str(Path(job.log_dir, "warm-up")))
    recorded_before = count_task_runs() if count_task_runs else 0
    log_dir = Path(job.log_dir, "measured")
    wall, cpu, children_cpu = time.perf_counter(), time.process_time(), _children_cpu_s()
    run(job.samples, str(log_dir))
    result = Result(
        samples=job.samples,
        wall_s=time.perf_counter() - wall,
        cpu_s=time.process_time() - cpu,
        children_cpu_s=_children_cpu_s() - children_cpu,
        peak_mb=_peak_mb(os.getpid()),
        children_peak_mb=sum(_peak_mb(pid) for pid in _descendants(os.getpid())),
        log_bytes=sum(file.stat().st_size for file in log_dir.rglob("*") if file.is_file()),
        recorded=count_task_runs() - recorded_before if count_task_runs else None,
    )
    Path(job.result_file).write_text(json.dumps(asdict(result)))


def read_job() -> Job:
    """Return the job that the first argument of the process holds as JSON."""
    return Job(**json.loads(sys.argv[1]))


def _children_cpu_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(_cpu_s, _descendants(os.getpid())))


def _descendants(pid: int) -> list[int]:
    """Return the living processes below `pid`; none where there is no /proc."""
    parents = dict(_parents())
    found, level = list[int](), {pid}
    while level := {child for child, parent in parents.items() if parent in level}:
        found += level
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _stat_fields(int(folder.name)):
            yield int(folder.name), int(fields[1])


def _cpu_s(pid: int) -> float:
    fields = _stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; none when it has ended."""
    try:
        # The name before them is in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _peak_mb(pid: int) -> float:
    """Return the most memory that the process has had resident."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        if pid != os.getpid():
            return 0.0
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak[0]) / 1024 if peak else 0.0
