"""A sample's sandboxes: made before its setup, removed after its scorers."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Container
from contextlib import AbstractAsyncContextManager, nullcontext

from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib.context import span
from tasks_lib.sandbox import (
    SampleSandboxes,
    fill_sandboxes,
    make_sandboxes,
    task_sandboxes,
)
from tasks_lib.steps._load import SampleKey, load
from tasks_lib.steps._run import SampleRun
from tasks_lib.task import RunPlan

logger = logging.getLogger(__name__)


def prepare_sandboxes(
    plan: RunPlan, done: Container[SampleKey]
) -> AbstractAsyncContextManager[None]:
    """Return a block in which samples of `plan` that are not `done` can have their sandboxes.

    It begins with what they need in common, and ends with what is left of them. Raises what
    the type of sandbox raises when it begins.
    """
    if plan.sandboxes is None:
        return nullcontext()
    return task_sandboxes(plan.sandboxes, (sample for sample, _ in load(plan, done)))


async def open_sandboxes(run: SampleRun) -> None:
    """Make the sample's sandboxes, with its files, and run its setup script.

    The time that this takes is none of the sample's.
    """
    plan = run.plan.sandboxes
    spec = plan.of(run.sample) if plan is not None else None
    if plan is None or spec is None:
        return
    with run.context.clock.stopped(), span("sandbox"):
        made = await make_sandboxes(plan, spec, run.sample)
        run.context.sandboxes = SampleSandboxes(made)
        await fill_sandboxes(plan, made, run.sample)


async def close_sandboxes(run: SampleRun) -> None:
    """Remove the sample's sandboxes. Errors are logged, they fail nothing.

    Call it where a `finally` begins: sandboxes are told whether the sample is cancelled.
    """
    sandboxes = run.context.sandboxes
    if not isinstance(sandboxes, SampleSandboxes) or sandboxes.made.cleanup is None:
        return
    interrupted = isinstance(sys.exception(), asyncio.CancelledError)
    run.context.sandboxes = None
    with run.context.clock.stopped():
        try:
            await finish_despite_cancel(sandboxes.made.cleanup(interrupted))
        except Exception:
            logger.warning("Sandboxes of sample %r could not be removed.", run.id, exc_info=True)
