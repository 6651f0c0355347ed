"""`fork`: several solvers, each on a copy of the state."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import overload

from solvers._chain import solver_step
from solvers.agents import Agent
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import is_registered, registry_params, unqualified_name
from tasks_lib.context import collect, subtask
from tasks_lib.task import (
    Generate,
    Solver,
    SolverList,
    TaskState,
    run_solver,
    running_generate,
    use_branch,
)


@overload
async def fork(state: TaskState, solvers: Solver | Agent) -> TaskState: ...


@overload
async def fork(state: TaskState, solvers: Sequence[Solver | Agent]) -> list[TaskState]: ...


async def fork(
    state: TaskState, solvers: Solver | Agent | Sequence[Solver | Agent]
) -> TaskState | list[TaskState]:
    """Let solvers work on copies of the state, at the same time.

    Each has a conversation, metadata and store of its own; tools are shared. What they use
    counts for the sample, and its limits hold for all of them together, except that each
    conversation is measured against the message limit on its own. The first error ends all.

    `state` and its store stay what they were. If the solver that forks returns one of the
    copies, that is the sample's state from then on, and its store the sample's.

    Args:
        state: The state that is copied.
        solvers: One solver (a chain is one), or a list of them.

    Returns:
        The state of the solver, or those of the solvers in their order.

    Raises:
        RuntimeError: No sample is running here.
        TypeError: Something is not a solver.
    """
    generate = running_generate()
    if generate is None:
        raise RuntimeError("fork works within an evaluation only: call it in a solver.")
    if isinstance(solvers, Sequence) and not isinstance(solvers, SolverList):
        steps = [solver_step("fork", solver) for solver in solvers]
        copies = [deepcopy(state) for _ in steps]
        return await collect(
            *[_run(*branch, generate) for branch in zip(steps, copies, strict=True)]
        )
    return await _run(solver_step("fork", solvers), deepcopy(state), generate)


async def _run(solver: Solver, branch: TaskState, generate: Generate) -> TaskState:
    """Let `solver` work on `branch`, as a subtask; return the state that it returned."""
    name = unqualified_name(solver) if is_registered(solver) else type(solver).__name__
    returned = branch

    @subtask(
        name=name,
        store=branch.store,
        type="fork",
        input=plain_params(registry_params(solver)),
    )
    async def work() -> str:
        nonlocal returned
        with use_branch(branch):
            returned = await run_solver(solver, branch, generate)
        return returned.output.completion

    await work()
    return returned
