"""Step 4: the scorers."""

from __future__ import annotations

import asyncio

from tasks_lib.context import SampleLimits
from tasks_lib.steps._judge import judge
from tasks_lib.steps._run import SampleRun


async def score(run: SampleRun) -> None:
    """Let every scorer judge the state; verdicts that solvers gave are kept beside theirs.

    A scorer that returns None has not scored the sample. Limits no longer count, except
    that scoring may take half the time limit; taking longer is an error of the sample.
    """
    if not run.plan.scorers and not run.state.scores:
        return
    given = dict(run.state.scores or {})
    scorers = [(plan.name, scorer) for plan, scorer in run.plan.scorers]
    time_limit = run.context.limits.time_limit
    run.context.limits.replace(SampleLimits())
    async with asyncio.timeout(time_limit / 2 if time_limit else None):
        await judge(run.state, run.sample.target, scorers, run.scores)
    for name, verdict in given.items():
        run.scores.setdefault(name, verdict)
