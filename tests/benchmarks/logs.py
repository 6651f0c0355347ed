"""What logs cost to write and to read, beside inspect_ai.

    python -m tests.benchmarks.logs [--samples N] [--repeat N] [--peer-env F] [--logs F]

Both engines evaluate the same task on a mock model: the same questions, system message,
answers, token counts and scorer, so that the logs hold the same conversations and scores;
each writes its log as by default (Parquet here, .eval there). The readings of both are one
program over the same functions, and must find the same, else the exit status is 1. The logs
for data frames are copies of one log of each engine, with ids and dates of their own.

Each reading is measured in a process of its own after it was done with a small log: what
takes under a second several times, of which the median counts. The readings take turns, and
medians of the repeats are printed. Files are in the system's cache, for both. What writing
costs is measured with conversations of 10 messages that the engine's steps make, without
Prefect. Only ratios within one run mean anything. Nothing here fails for being slow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks._logs_measure import Found, Job, read_found
from tests.benchmarks._logs_report import Goal, Line, table
from tests.benchmarks._peer_env import prepare_peer
from tests.benchmarks._surroundings import PEER, clean_environment, peer_version

ROOT = Path(__file__).parents[2]
OURS, PEERS, WRITING = "_logs_ours", "_logs_peer", "_logs_writing"
FRAME_LOGS, FRAME_SAMPLES = 50, 1000
APPEND_SAMPLES = 4000
MEMORY_SAMPLES = (1000, 20_000)


@dataclass(frozen=True)
class Reading:
    """A way to get something out of a log, ours beside the peer's."""

    name: str
    ours: str
    """Operation of ours."""
    peers: str
    goal: Goal | None = None
    copies: bool = False
    """Whether it reads the folder of many logs."""


READINGS = (
    Reading("all scores: SQL, by read_eval_log", "query", "whole", Goal("faster", 100)),
    Reading("all scores: SQL, by their summaries", "query", "summaries"),
    Reading("all scores by read_eval_log", "whole", "whole"),
    Reading("header", "header", "header", Goal("faster", 5)),
    Reading("one sample", "sample", "sample", Goal("faster", 5)),
    Reading("samples_df", "frame", "frame", Goal("faster", 20), copies=True),
)


class Logs(NamedTuple):
    """The logs that are read, of one engine."""

    single: Job
    """Makes the log of a long run."""
    many: Job
    """Makes the folder of many logs."""


class Bench:
    """Makes logs and measurements, each in a new process."""

    def __init__(self, folder: Path, peer_python: Path) -> None:
        self._folder = folder
        self._pythons = {PEERS: peer_python}
        self._made = 0
        self.failed = False
        """Whether any measurement failed to run, or found what it should not."""

    def prepare(self, module: str, logs: Path, samples: int) -> Logs:
        """Make the logs of one engine in `logs`, unless they are there."""
        single = Job("make", samples, "", str(logs / f"{module}-{samples}"))
        many = Job(
            "make", FRAME_SAMPLES, "", str(logs / f"{module}-{FRAME_LOGS}x{FRAME_SAMPLES}"),
            copies=FRAME_LOGS,
        )  # fmt: skip
        for job in (single, many):
            done = Path(job.folder, "made.json")
            if not done.exists():
                print(f"  making {job.folder}", flush=True)
                found = self.measure(module, job)
                if found is None:
                    raise SystemExit(f"No logs to measure with: {module} failed.")
                done.write_text(json.dumps(asdict(found)))
        return Logs(single, many)

    def measure(self, module: str, job: Job) -> Found | None:
        """Run one operation; None when it failed, which is said."""
        self._made += 1
        result_file = self._folder / f"{self._made}.json"
        told = {**asdict(job), "result_file": str(result_file)}
        python = self._pythons.get(module, Path(sys.executable))
        done = subprocess.run(
            [python, "-m", f"tests.benchmarks.{module}", json.dumps(told)],
            cwd=ROOT,
            env=clean_environment(self._folder / "prefect-home"),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            self.failed = True
            print(f"{module} {job.operation} failed:\n{done.stderr[-3000:]}", file=sys.stderr)
            return None
        return read_found(result_file)

    def read(self, ours: Logs, peers: Logs, repeat: int) -> list[Line]:
        """Measure all readings in turn, `repeat` times."""
        found: dict[tuple[str, str], list[Found]] = {}
        for turn in range(repeat):
            for module, logs in ((OURS, ours), (PEERS, peers)):
                for operation, copies in _operations(module):
                    print(f"  {turn + 1}/{repeat} {module} {operation}", flush=True)
                    job = logs.many if copies else logs.single
                    told = Job(operation, job.samples, "", job.folder)
                    if (result := self.measure(module, told)) is not None:
                        found.setdefault((module, operation), []).append(result)
        return [self._line(reading, found) for reading in READINGS]

    def write(self, repeat: int) -> list[Line]:
        """Measure what writing costs, `repeat` times."""
        costs: list[Found] = []
        peaks: dict[int, list[Found]] = {samples: [] for samples in MEMORY_SAMPLES}
        for turn in range(repeat):
            print(f"  {turn + 1}/{repeat} append", flush=True)
            costs += self._write("append", APPEND_SAMPLES)
            for samples, results in peaks.items():
                print(f"  {turn + 1}/{repeat} memory of {samples:,} samples", flush=True)
                results += self._write("memory", samples)
        small, large = (peaks[samples] for samples in MEMORY_SAMPLES)
        few, many = MEMORY_SAMPLES
        append = Line(
            "append a sample of 10 messages, CPU", "ms", _figures(costs, "ms"),
            goal=Goal("value", 0.1),
        )  # fmt: skip
        memory = [
            Line(
                f"peak memory of {phase} {many:,} samples", "MB", _figures(large, phase),
                _figures(small, phase), f"{few:,}", Goal("ratio", 1.3),
            )
            for phase in ("writing", "finishing")
        ]  # fmt: skip
        return [append, *memory]

    def _write(self, operation: str, samples: int) -> list[Found]:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            result = self.measure(WRITING, Job(operation, samples, "", folder))
        return [result] if result is not None else []

    def _line(self, reading: Reading, found: Mapping[tuple[str, str], Sequence[Found]]) -> Line:
        here = found.get((OURS, reading.ours), [])
        beside = found.get((PEERS, reading.peers), [])
        answers = [result.answer for result in (*here, *beside)]
        if any(answer != answers[0] for answer in answers):
            self.failed = True
            print(f"{reading.name}: not all found the same: {answers}", file=sys.stderr)
        return Line(
            reading.name, "s", _figures(here, "seconds"), _figures(beside, "seconds"), PEER,
            reading.goal,
        )  # fmt: skip


def size_line(ours: Logs, peers: Logs) -> Line:
    """Return the line of the sizes of the two logs of the long run."""
    sizes = [read_found(Path(logs.single.folder, "made.json")) for logs in (ours, peers)]
    here, beside = ([size.figures["bytes"] / 1e6] for size in sizes)
    return Line("size of the file", "MB", here, beside, PEER, Goal("ratio", 0.3))


def main() -> int:
    """Measure, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.logs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", type=int, default=10_000, help="of the log that is read")
    parser.add_argument("--repeat", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--peer-env", type=Path, help="folder of the peer's environment, kept")
    parser.add_argument("--logs", type=Path, help="folder of the logs that are read, kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logs-") as name:
        folder = Path(name)
        peer_python = prepare_peer(args.peer_env or folder / "peer-env")
        bench = Bench(folder, peer_python)
        logs = (args.logs or folder / "logs").absolute()
        ours, peers = (bench.prepare(module, logs, args.samples) for module in (OURS, PEERS))
        lines = [*bench.read(ours, peers, args.repeat), size_line(ours, peers)]
        lines += bench.write(args.repeat)
        print(f"\n{_setting(peer_python, args)}\n\n{table(lines)}")
    return int(bench.failed)


def _operations(module: str) -> dict[tuple[str, bool], None]:
    """Return the operations of one engine, each once, with whether it reads many logs."""
    return dict.fromkeys(
        (reading.ours if module == OURS else reading.peers, reading.copies) for reading in READINGS
    )


def _figures(results: Sequence[Found], name: str) -> list[float]:
    return [result.figures[name] for result in results]


def _setting(peer_python: Path, args: argparse.Namespace) -> str:
    return (
        f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, pyarrow {version('pyarrow')}, "
        f"DuckDB {version('duckdb')}, inspect_ai {peer_version(peer_python)}; a log of "
        f"{args.samples:,} samples, for samples_df {FRAME_LOGS} logs of {FRAME_SAMPLES:,}; "
        f"medians of {args.repeat}."
    )


if __name__ == "__main__":
    sys.exit(main())
