"""How fast samples go through this engine, beside inspect_ai and a bare loop over the SDK.

    python -m tests.benchmarks.throughput [--samples N] [--repeat N] [--peer-env FOLDER]

The same task (system message, one model call, match) runs with a mock model and against an
OpenAI server on loopback, each measurement in a process of its own, after a warm-up in it;
the measurements take turns, and medians are printed. Only ratios within one run mean
anything. Nothing here fails for being slow; the exit status is 1 if something failed to run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from flows._work_pool import SHARD_SAMPLES
from tests.benchmarks._measure import Job, Result
from tests.benchmarks._peer_env import prepare_peer
from tests.benchmarks._report import Goal, Row, memory_table, throughput_table
from tests.benchmarks._surroundings import PEER, clean_environment, peer_version

ROOT = Path(__file__).parents[2]
LATENCY_S = 0.05
HTTP_CONNECTIONS = 100
HTTP_SETTING = f"OpenAI server, {LATENCY_S * 1000:g} ms, {HTTP_CONNECTIONS} connections"
STAGES = 3
"""Task runs of a sample at granularity "stage": setup, solver, scorer."""
MOST_MEMORY = 1.3
SDK = "openai SDK"
"""As people use it."""
SDK_AIOHTTP = "openai SDK on aiohttp"
"""With the faster transport that we use, too."""


@dataclass(frozen=True)
class Case:
    """A measurement that is repeated: which program with which job."""

    name: str
    module: str
    samples: int
    goals: Sequence[Goal] = ()
    task_runs: str = "shard"
    http: bool = False
    by_peer: bool = False
    counts_task_runs: bool = False
    aiohttp: bool = True

    @property
    def expected_task_runs(self) -> int | None:
        """Task runs that Prefect should know afterwards; the subflow counts as one."""
        if not self.counts_task_runs:
            return None
        runs = {"stage": STAGES * self.samples, "sample": self.samples}
        return 1 + runs.get(self.task_runs, -(-self.samples // SHARD_SAMPLES))


def mock_cases(samples: int) -> list[Case]:
    """Return the measurements with the mock model; faster ones get more samples."""
    ours = Case("", "_ours", samples, counts_task_runs=True)
    return [
        Case(PEER, "_peer", samples, by_peer=True),
        replace(ours, name="stage", task_runs="stage", goals=[Goal(PEER, 0.6)]),
        replace(ours, name="sample", task_runs="sample", goals=[Goal(PEER, 1.2)]),
        replace(ours, name="shard", samples=20 * samples, goals=[Goal(PEER, 10)]),
    ]


def http_cases(samples: int) -> list[Case]:
    """Return the measurements against the server on loopback."""
    goals = [Goal(PEER, 6), Goal(PEER, 6, cpu=True), Goal(SDK, 0.8), Goal(SDK_AIOHTTP, 0.8)]
    return [
        Case(PEER, "_peer", samples, by_peer=True, http=True),
        Case(SDK, "_sdk_loop", 10 * samples, http=True, aiohttp=False),
        Case(SDK_AIOHTTP, "_sdk_loop", 10 * samples, http=True),
        Case("shard", "_ours", 10 * samples, goals, http=True, counts_task_runs=True),
    ]


def memory_cases(samples: int) -> list[Case]:
    """Return the measurements of memory: ten times the samples should hardly need more."""
    return [
        Case("shard", "_ours", number, counts_task_runs=True) for number in (samples, 10 * samples)
    ]


class Bench:
    """Makes measurements, each in a new process."""

    def __init__(self, folder: Path, peer_python: Path, base_url: str) -> None:
        self._folder = folder
        self._peer_python = peer_python
        self._base_url = base_url
        self._prefect_home = folder / "prefect-home"
        self._made = 0
        self.failed = False
        """Whether any measurement failed to run."""
        self._run(
            [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
            self._prefect_home,
        )

    def rows(self, cases: Sequence[Case], repeat: int) -> list[Row]:
        """Measure all cases in turn, `repeat` times."""
        results: list[list[Result]] = [[] for _ in cases]
        for turn in range(repeat):
            for case, found in zip(cases, results, strict=True):
                print(f"  {turn + 1}/{repeat} {case.name}, {case.samples:,} samples", flush=True)
                if (result := self._measure(case)) is not None:
                    found.append(result)
        return [
            Row(case.name, found, case.goals, case.expected_task_runs)
            for case, found in zip(cases, results, strict=True)
        ]

    def _measure(self, case: Case) -> Result | None:
        self._made += 1
        folder = self._folder / f"{self._made}"
        folder.mkdir()
        job = Job(
            samples=case.samples,
            log_dir=str(folder / "logs"),
            result_file=str(folder / "result.json"),
            task_runs=case.task_runs,
            base_url=self._base_url if case.http else None,
            connections=HTTP_CONNECTIONS if case.http else Job.connections,
            aiohttp=case.aiohttp,
        )
        python = self._peer_python if case.by_peer else Path(sys.executable)
        home = folder / "prefect-home"
        shutil.copytree(self._prefect_home, home)
        program = [str(python), "-m", f"tests.benchmarks.{case.module}", json.dumps(asdict(job))]
        try:
            if not self._run(program, home):
                return None
            return Result(**json.loads(Path(job.result_file).read_text()))
        finally:
            shutil.rmtree(folder)

    def _run(self, program: Sequence[str], prefect_home: Path) -> bool:
        done = subprocess.run(
            program, cwd=ROOT, env=clean_environment(prefect_home), capture_output=True, text=True
        )
        if done.returncode:
            self.failed = True
            print(f"{program[2]} failed:\n{done.stderr[-3000:]}", file=sys.stderr, flush=True)
        return done.returncode == 0


def main() -> int:
    """Measure, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", type=int, default=500, help="of the slowest measurement")
    parser.add_argument("--memory-samples", type=int, default=1000, help="and ten times as many")
    parser.add_argument("--repeat", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--peer-env", type=Path, help="folder of the peer's environment, kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder, openai_server() as url:
        peer_python = prepare_peer(args.peer_env or Path(folder, "peer-env"))
        bench = Bench(Path(folder), peer_python, url)
        mock = bench.rows(mock_cases(args.samples), args.repeat)
        http = bench.rows(http_cases(args.samples), args.repeat)
        small, large = bench.rows(memory_cases(args.memory_samples), args.repeat)
        print(f"\n{setting(peer_python, args.repeat)}\n\nMock model:\n")
        print(throughput_table(mock))
        print(f"\n{HTTP_SETTING}:\n")
        print(throughput_table(http))
        print("\nPeak memory:\n")
        print(memory_table(small, large, MOST_MEMORY))
    return int(bench.failed)


@contextmanager
def openai_server() -> Iterator[str]:
    """Run the server on loopback and yield its base URL."""
    program = [sys.executable, "-m", "tests.benchmarks._openai_server", "--latency", str(LATENCY_S)]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.terminate()


def setting(peer_python: Path, repeat: int) -> str:
    """Return a line on where and with what was measured."""
    return (
        f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, "
        f"Prefect {version('prefect')}, inspect_ai {peer_version(peer_python)}; "
        f"medians of {repeat}; CPU time and log bytes per sample."
    )


if __name__ == "__main__":
    sys.exit(main())
