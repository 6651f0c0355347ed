"""How fast text scorers judge, beside those of inspect_ai.

    python -m tests.benchmarks.scoring [--repeat N] [--peer-env FOLDER]

Both engines score the same outputs of about 400 characters, one after another in one thread,
in a process of its own; they take turns, and medians are printed. A score per second is one
of processor time, so that what else runs on the machine counts little. Both must come to the
same verdicts, else the exit status is 1. Only ratios within one run mean anything, but for
the goal: 50,000 scores a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks._peer_env import prepare_peer
from tests.benchmarks._report import markdown
from tests.benchmarks._scoring_measure import CASES, Found
from tests.benchmarks._surroundings import PEER, clean_environment, peer_version

ROOT = Path(__file__).parents[2]
GOAL = 50_000
"""Scores per second."""
WITH_GOAL = ("match", "match, numeric", "includes", "pattern", "choice")
HEADINGS = ("", "scores/s", f"scores/s, {PEER}", "ratio", "goal")


def table(ours: Mapping[str, Sequence[float]], peers: Mapping[str, Sequence[float]]) -> str:
    """Return the table of both engines' rates by case; the figures are medians."""
    return markdown([HEADINGS, *(_line(name, ours[name], peers[name]) for name in ours)])


def _line(name: str, ours: Sequence[float], peers: Sequence[float]) -> tuple[str, ...]:
    here, beside = median(ours), median(peers)
    mark = "✓" if here >= GOAL else "✗"
    goal = f"≥ {GOAL:,} {mark}" if name in WITH_GOAL else ""
    return (name, f"{here:,.0f}", f"{beside:,.0f}", f"{here / beside:.2f}", goal)


def measure(python: Path, module: str, prefect_home: Path) -> dict[str, Found]:
    """Run one engine's measurements in a new process; return what was found by case."""
    done = subprocess.run(
        [python, "-m", f"tests.benchmarks.{module}"],
        cwd=ROOT,
        env=clean_environment(prefect_home),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {name: Found(**found) for name, found in json.loads(done.stdout).items()}


def disagreements(ours: Mapping[str, Found], peers: Mapping[str, Found]) -> list[str]:
    """Return the cases in which the verdicts differ; those that are rounded may, a little."""
    return [name for name in CASES if not _agree(ours[name].verdicts, peers[name].verdicts)]


def _agree(ours: Sequence[str | float], peers: Sequence[str | float]) -> bool:
    """Tell whether verdicts are the same; the peer's F1 has two decimals."""
    return [_rounded(value) for value in ours] == [_rounded(value) for value in peers]


def _rounded(value: str | float) -> str | float:
    return value if isinstance(value, str) else round(value, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scoring",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeat", type=int, default=5, help="of which medians are taken")
    parser.add_argument("--peer-env", type=Path, help="folder of the peer's environment, kept")
    args = parser.parse_args(arguments)
    ours: dict[str, list[float]] = {name: [] for name in CASES}
    peers: dict[str, list[float]] = {name: [] for name in CASES}
    different: list[str] = []
    with tempfile.TemporaryDirectory(prefix="scoring-") as folder:
        home = Path(folder, "prefect-home")
        peer_python = prepare_peer(args.peer_env or Path(folder, "peer-env")).absolute()
        for turn in range(args.repeat):
            print(f"  {turn + 1}/{args.repeat}", flush=True)
            here = measure(Path(sys.executable), "_scoring_ours", home)
            beside = measure(peer_python, "_scoring_peer", home)
            different = disagreements(here, beside)
            for name in CASES:
                ours[name].append(here[name].rate)
                peers[name].append(beside[name].rate)
        setting = (
            f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, inspect_ai "
            f"{peer_version(peer_python)}; medians of {args.repeat}."
        )
        print(f"\n{setting}\n\n{table(ours, peers)}")
    if different:
        print(f"The verdicts differ: {', '.join(different)}.", file=sys.stderr)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
