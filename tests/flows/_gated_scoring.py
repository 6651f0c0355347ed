"""A scorer that waits until a file is there.

Also a program: `_gated_scoring.py FOLDER GATE COUNT` writes so many logs of a sample and scores
them with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from flows.score import score
from scorers import Score, Scorer, Target, accuracy, scorer
from solvers import TaskState
from tests.flows._gated import pass_gate
from tests.flows._scored import log_with, one_sample, write


@scorer(metrics=[accuracy()])
def scored_at_gate(gate: str) -> Scorer:
    """Say with a file that the gate is reached, and wait for another one that opens it."""

    async def score(state: TaskState, target: Target) -> Score:
        await pass_gate(gate)
        return Score(value="C")

    return score


def main() -> None:
    folder, gate, count = sys.argv[1:]
    Path(folder).mkdir()
    names = [f"2026-11-21T12-00-0{number}+00-00_log-{number}_id" for number in range(int(count))]
    paths = [write(log_with([one_sample(1)]), Path(folder), f"{name}.parquet") for name in names]
    logs = score(paths, scored_at_gate(gate), display="log")
    assert isinstance(logs, list)
    print("result", *(log.status for log in logs))


if __name__ == "__main__":
    main()
