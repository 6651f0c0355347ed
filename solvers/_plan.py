"""`Plan` and `@plan`: the old way to put solvers together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import ParamSpec, overload

from solvers._chain import solver_step, solver_steps
from solvers.agents import Agent
from tasks_lib._errors import ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib._util._registry import (
    RegistryInfo,
    register_factory,
    registry_tag,
    unqualified_name,
)
from tasks_lib.task import Generate, Solver, TaskState, run_solver

P = ParamSpec("P")

logger = logging.getLogger(__name__)


class Plan:
    """Solvers one after the other, with one that always comes last. Deprecated: use `chain`.

    Attributes:
        steps: The solvers, run until one completes the state.
        finish: Runs after the steps, also when one of them completed the state; not after an
            exception (a limit is one).
        cleanup: Called with the latest state at the end, also after an exception.
    """

    def __init__(
        self,
        steps: Solver | Agent | Sequence[Solver | Agent],
        finish: Solver | Agent | None = None,
        cleanup: Callable[[TaskState], Awaitable[None]] | None = None,
        name: str | None = None,
        internal: bool = False,
    ) -> None:
        """Put solvers together.

        Args:
            steps: One or several solvers.
            finish: A solver that always comes last.
            cleanup: An async function of the state. Its errors are logged, they fail nothing.
            name: Name of the plan in logs.
            internal: Whether this is no use of a deprecated class, so that nobody is warned.

        Raises:
            TypeError: One of the steps, or `finish`, is not a solver.
            ParameterError: `cleanup` is not an async function.
        """
        if not internal:
            warnings.warn("Plan is deprecated: use chain(…).", DeprecationWarning, stacklevel=2)
        if cleanup is not None and not is_async_callable(cleanup):
            raise ParameterError("Plan", "cleanup", cleanup, "an async function of a TaskState")
        self.steps = list(solver_steps("Plan", [steps]))
        self.finish = None if finish is None else solver_step("Plan", finish)
        self.cleanup = cleanup
        self._name = name
        parts = {"steps": self.steps, "finish": self.finish}
        given = {key: value for key, value in parts.items() if value is not None}
        registry_tag(self, RegistryInfo("solver", name or "plan"), given)

    @property
    def name(self) -> str:
        """Its name; by default that of the `@plan` function that made it, else "plan"."""
        return self._name or unqualified_name(self)

    async def __call__(self, state: TaskState, generate: Generate) -> TaskState:
        """Run the solvers, each recorded in a span of its own."""
        try:
            for step in self.steps:
                state = await run_solver(step, state, generate)
                if state.completed:
                    break
            if self.finish is not None:
                state = await run_solver(self.finish, state, generate)
        finally:
            await self._clean_up(state)
        return state

    async def _clean_up(self, state: TaskState) -> None:
        if self.cleanup is None:
            return
        try:
            await self.cleanup(state)
        except Exception:
            logger.warning("The cleanup of the plan %r failed.", self.name, exc_info=True)


@overload
def plan(func: Callable[P, Plan], /) -> Callable[P, Plan]: ...


@overload
def plan(
    *, name: str | None = None, **attribs: object
) -> Callable[[Callable[P, Plan]], Callable[P, Plan]]: ...


def plan(
    func: Callable[P, Plan] | None = None, /, *, name: str | None = None, **attribs: object
) -> Callable[P, Plan] | Callable[[Callable[P, Plan]], Callable[P, Plan]]:
    """Register a function that makes a plan. Deprecated: use `@solver` and `chain`.

    Args:
        func: The function, when the decorator is used without brackets.
        name: Name of the plan; by default that of the function.
        **attribs: Kept with the registered name.

    Raises:
        TypeError: The function is called and returns something else than a `Plan`.
    """
    warnings.warn(
        "@plan is deprecated: use @solver, and return chain(…).", DeprecationWarning, stacklevel=2
    )

    def register(factory: Callable[P, Plan]) -> Callable[P, Plan]:
        def check(instance: Plan) -> Plan:
            if not isinstance(instance, Plan):
                raise TypeError(
                    f"@plan {name or factory.__name__} returned {instance!r}, expected a Plan."
                )
            return instance

        return register_factory("solver", factory, name, attribs, check=check)

    return register if func is None else register(func)
