"""Solvers one after another, as one solver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from tasks_lib.task._protocols import Generate, Solver
from tasks_lib.task._run_solver import run_solver
from tasks_lib.task._state import TaskState


class SolverList(Sequence[Solver]):
    """What a task makes of `solver=[…]`: runs each, and stops when the state is completed."""

    def __init__(self, solvers: Iterable[Solver]) -> None:
        self._solvers = tuple(solvers)

    @overload
    def __getitem__(self, index: int) -> Solver: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Solver]: ...

    def __getitem__(self, index: int | slice) -> Solver | Sequence[Solver]:
        return self._solvers[index]

    def __len__(self) -> int:
        return len(self._solvers)

    async def __call__(self, state: TaskState, generate: Generate) -> TaskState:
        """Run the solvers, each recorded in a span of its own."""
        for solver in self._solvers:
            state = await run_solver(solver, state, generate)
            if state.completed:
                break
        return state
