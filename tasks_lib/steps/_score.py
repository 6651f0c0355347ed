"""Step 4: the scorers."""

from __future__ import annotations

import asyncio

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._models import build
from tasks_lib.context import SampleLimits, span
from tasks_lib.schema import Score, ScoreEvent, utc_now
from tasks_lib.steps._run import SampleRun
from tasks_lib.task import TaskState


async def score(run: SampleRun) -> None:
    """Let every scorer judge the state; verdicts that solvers gave are kept beside theirs.

    A scorer that returns None has not scored the sample. Limits no longer count, except
    that scoring may take half the time limit; taking longer is an error of the sample.
    """
    if not run.plan.scorers and not run.state.scores:
        return
    time_limit = run.context.limits.time_limit
    run.context.limits.replace(SampleLimits())
    async with asyncio.timeout(time_limit / 2 if time_limit else None):
        with span("scorers"):
            await _score_all(run, run.state)


async def _score_all(run: SampleRun, state: TaskState) -> None:
    given = dict(state.scores or {})
    for plan, scorer in run.plan.scorers:
        name = plan.name
        with span(name, type="scorer"):
            verdict = await scorer(state, state.target)
            if verdict is None:
                continue
            if not isinstance(verdict, Score):
                raise PrerequisiteError(
                    f"The scorer {name!r} returned {type(verdict).__name__}, expected a Score "
                    "or None."
                )
            run.context.transcript.record(
                build(ScoreEvent, timestamp=utc_now(), score=verdict, target=run.sample.target)
            )
            run.scores[name] = verdict
            state.scores = {**(state.scores or {}), name: verdict}
    for name, verdict in given.items():
        run.scores.setdefault(name, verdict)
