"""Step 3: the solvers, within the sample's limits."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Sequence

from tasks_lib._errors import LimitExceededError, SampleTerminatedError
from tasks_lib.context import span, stall_guard
from tasks_lib.steps._run import SampleRun
from tasks_lib.task import Solver, TaskState, run_solver

logger = logging.getLogger(__name__)


async def solve(run: SampleRun) -> None:
    """Run the solvers in order until one completes the sample or a limit ends it."""
    await run_limited(run, "solvers", run.plan.solvers)
    run.state.completed = True


async def run_limited(run: SampleRun, name: str, solvers: Sequence[Solver]) -> None:
    """Run `solvers` in a span called `name`; a limit that is reached ends them.

    The state is then the last one that a solver returned or was working on.

    Raises:
        SampleStalledError: Nothing happened for as long as `stall_timeout` allows.
        Exception: What a solver raised that is no limit.
    """
    if run.limit is not None:
        return
    began = time.perf_counter()
    left = _time_left(run)
    try:
        with stall_guard(run.context, run.stall_timeout):
            async with asyncio.timeout(left) as timeout:
                with run.context.within_working_limit(), span(name):
                    await _run_all(run, solvers)
    except (LimitExceededError, SampleTerminatedError, ExceptionGroup) as error:
        ended = _ending(error)
        if ended is None:
            raise
        run.end_solving(ended)
    except TimeoutError:
        if left is None or not timeout.expired():
            raise
        run.end_solving(_time_limit(run))
    finally:
        run.solving_s += time.perf_counter() - began
        if isinstance(run.context.state, TaskState):
            run.state = run.context.state


async def clean_up(run: SampleRun) -> None:
    """Call the task's cleanup, if it has one. Its errors are logged, they fail nothing."""
    cleanup = run.plan.cleanup
    if cleanup is None:
        return
    try:
        result = cleanup(run.state)
        if inspect.isawaitable(result):
            with stall_guard(run.context, run.stall_timeout):
                await result
    except Exception:
        logger.warning("The cleanup of sample %r failed.", run.sample.id, exc_info=True)


async def _run_all(run: SampleRun, solvers: Sequence[Solver]) -> None:
    run.context.limits.check_messages(len(run.state.messages))
    state = run.state
    for solver in solvers:
        if state.completed:
            break
        state = await run_solver(solver, state, run.plan.generate)


def _ending(error: Exception) -> LimitExceededError | SampleTerminatedError | None:
    """Return what ends the solvers without failing the sample, if `error` is nothing else.

    Solvers that run several things at once may raise it in a group.
    """
    if isinstance(error, LimitExceededError | SampleTerminatedError):
        return error
    if not isinstance(error, ExceptionGroup):
        return None
    parts = [_ending(part) for part in error.exceptions]
    return None if None in parts else parts[0]


def _time_left(run: SampleRun) -> float | None:
    limit = run.context.limits.time_limit
    return None if limit is None else max(0.0, limit - run.solving_s)


def _time_limit(run: SampleRun) -> LimitExceededError:
    limit = run.context.limits.time_limit or 0.0
    return LimitExceededError("time", value=limit, limit=limit)
