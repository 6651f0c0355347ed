"""Step 4: the scorers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tasks_lib.context import SampleLimits, stall_guard
from tasks_lib.steps._judge import judge
from tasks_lib.steps._run import SampleRun


async def score(run: SampleRun) -> None:
    """Let every scorer judge the state; verdicts that solvers gave are kept beside theirs.

    A scorer that returns None has not scored the sample. Limits no longer count, except
    that scoring may take half the time limit, if it is not 0.

    Raises:
        TimeoutError: It took longer.
        SampleStalledError: Nothing happened for as long as `stall_timeout` allows.
        Exception: What a scorer raised.
    """
    if not run.plan.scorers and not run.state.scores:
        return
    given = dict(run.state.scores or {})
    scorers = [(plan.name, scorer) for plan, scorer in run.plan.scorers]
    time_limit = run.context.limits.time_limit
    run.context.limits.replace(SampleLimits())
    with stall_guard(run.context, run.stall_timeout):
        async with in_half(time_limit):
            await judge(run.state, run.sample.target, scorers, run.scores)
    for name, verdict in given.items():
        run.scores.setdefault(name, verdict)


@asynccontextmanager
async def in_half(time_limit: float | None) -> AsyncIterator[None]:
    """Give scoring, which the block does, half the time limit of the sample, if it has one.

    Raises:
        TimeoutError: The block took longer.
    """
    if not time_limit:
        yield
        return
    deadline = asyncio.timeout(time_limit / 2)
    try:
        async with deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise TimeoutError(
            f"Scoring took longer than {time_limit / 2:g} s, half the sample's time limit: "
            "raise time_limit if the scorers need more."
        ) from error
