"""`@solver`: gives the function that makes a solver a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, cast, overload

from solvers.agents import Agent, as_solver, is_agent
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import register_factory
from tasks_lib.task import Solver

P = ParamSpec("P")


@overload
def solver(name: str) -> Callable[[Callable[P, Solver | Agent]], Callable[P, Solver]]: ...


@overload
def solver(name: Callable[P, Solver | Agent]) -> Callable[P, Solver]: ...


def solver(
    name: str | Callable[P, Solver | Agent],
) -> Callable[[Callable[P, Solver | Agent]], Callable[P, Solver]] | Callable[P, Solver]:
    """Register a function that makes a solver or an agent, or a class of solvers.

    Logs name the solver with the arguments it was made with, and eval-set files ask for it
    by name. An agent becomes a solver, see `as_solver`.

    Args:
        name: Its name, as in `@solver("name")`; by default (`@solver`) that of the function.

    Raises:
        TypeError: The function is called and returns something that is not an async callable.
        AgentDefinitionError: The function is called and returns an agent that needs arguments.
    """
    if isinstance(name, str):
        return lambda factory: _register(factory, name)
    return _register(name, None)


def _register(factory: Callable[P, Solver | Agent], name: str | None) -> Callable[P, Solver]:
    def check(instance: Solver | Agent) -> Solver | Agent:
        if is_agent(instance):
            return as_solver(instance)
        if not is_async_callable(instance):
            raise TypeError(
                f"@solver {name or factory.__name__} returned {instance!r}, which is not an async "
                "callable: return `async def solve(state: TaskState, generate: Generate)`."
            )
        return instance

    # `check` leaves no agent.
    return cast(Callable[P, Solver], register_factory("solver", factory, name, check=check))
