"""`chain`: several solvers, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from solvers._solver import solver
from solvers.agents import Agent, as_solver, is_agent
from tasks_lib._util._callables import is_async_callable
from tasks_lib.task import Solver, SolverList


@solver
def chain(*solvers: Solver | Agent | Sequence[Solver | Agent]) -> Solver:
    """Run solvers one after the other; stop early when one completes the state.

    Args:
        *solvers: Solvers, agents, lists of them and other chains. The chain is flat.

    Raises:
        TypeError: One of them is neither a solver nor an agent.
        AgentDefinitionError: An agent needs arguments: pass them to `as_solver`.
    """
    return SolverList(solver_steps("chain", solvers))


def solver_steps(function: str, solvers: Iterable[object]) -> Iterator[Solver]:
    """Yield the solvers that lists, chains, solvers and agents are made of, in order.

    Raises:
        TypeError: One is something else; `function` is who was given it.
    """
    for step in solvers:
        if isinstance(step, Sequence) and not isinstance(step, str):
            yield from solver_steps(function, step)
        else:
            yield solver_step(function, step)


def solver_step(function: str, step: object) -> Solver:
    """Return `step`, a solver, an agent or a chain, as a solver.

    Raises:
        TypeError: It is something else; `function` is who was given it.
    """
    if is_agent(step):
        return as_solver(step)
    if isinstance(step, Solver) and is_async_callable(step):
        return step
    raise TypeError(
        f"{function}: {step!r} is not a solver: pass what a @solver or @agent function returns."
    )
