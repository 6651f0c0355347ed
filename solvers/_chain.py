"""`chain`: several solvers, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from solvers._solver import solver
from tasks_lib._util._callables import is_async_callable
from tasks_lib.task import Solver, SolverList


@solver
def chain(*solvers: Solver | Sequence[Solver]) -> Solver:
    """Run solvers one after the other; stop early when one completes the state.

    Args:
        *solvers: Solvers, lists of them and other chains. The chain is flat.

    Raises:
        TypeError: One of them is not a solver.
    """
    return SolverList(_flat(solvers))


def _flat(solvers: Iterable[Solver | Sequence[Solver]]) -> Iterator[Solver]:
    for step in solvers:
        if isinstance(step, Sequence) and not isinstance(step, str):
            yield from _flat(step)
        elif is_async_callable(step):
            yield step
        else:
            raise TypeError(
                f"chain: {step!r} is not a solver: pass what a @solver function returns."
            )
