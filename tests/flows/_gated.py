"""Tasks that wait until a file is there, so that a test knows where an evaluation is.

Also a program: `_gated.py LOG_DIR NAME…` runs an eval set of such tasks, one after another.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from flows.eval_set import eval_set
from scorers import match
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Task, task
from tasks_lib.schema import Sample

GATED = 3
"""The sample that waits, of ids from 1 on."""
SAMPLES = 6
DEADLINE_S = 120
"""For what takes seconds on a machine that is idle."""


@solver
def waits_at_gate(gate: str, failures: int = 0) -> Solver:
    """Say with a file that the gate is reached, and wait for another one that opens it.

    With `failures`, so many times after that it fails.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id != GATED:
            return state
        earlier = await pass_gate(gate)
        if earlier < failures:
            raise ValueError(f"failure {earlier + 1}")
        return state

    return solve


async def pass_gate(gate: str) -> int:
    """Note that the gate is reached, and wait for it; return how often it was reached before."""
    earlier = arrive(gate)
    while True:
        if exists(gate):
            return earlier
        await asyncio.sleep(0.02)


def arrive(gate: str) -> int:
    """Note that the gate is reached; return how often it was before."""
    earlier = len(list(Path(gate).parent.glob(f"{Path(gate).name}.reached*")))
    Path(f"{gate}.reached{earlier}").touch()
    return earlier


def exists(path: str) -> bool:
    return Path(path).exists()


@task
def gated(gate: str, failures: int = 0) -> Task:
    """Six samples, one of which waits at a gate."""
    samples = [
        Sample(id=number, input=f"{gate}{number}", target="Default output from mockllm/model")
        for number in range(1, SAMPLES + 1)
    ]
    return Task(
        dataset=samples,
        solver=[waits_at_gate(gate, failures), generate()],
        scorer=match(),
        name=Path(gate).name,
    )


def reached(gate: Path | str, count: int = 1) -> None:
    """Wait until a task is at its gate for the `count`th time."""
    deadline = time.monotonic() + DEADLINE_S
    while not Path(f"{gate}.reached{count - 1}").exists():
        assert time.monotonic() < deadline, f"Nobody came to {gate}."
        time.sleep(0.02)


def main() -> None:
    log_dir, *gates = sys.argv[1:]
    tasks = [gated(gate, 1 if "second" in gate else 0) for gate in gates]
    success, logs = eval_set(
        tasks, log_dir, "mockllm/model", max_tasks=1, retry_attempts=2, retry_wait=0.01,
        display="log", retry_cleanup=False, log_level="info",
    )  # fmt: skip
    print("result", success, *(log.status for log in logs))


if __name__ == "__main__":
    main()
