"""Steps 2 to 5 for one sample, stage by stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tasks_lib._errors import DatasetError
from tasks_lib._util._models import build
from tasks_lib.context import use_sample
from tasks_lib.dataset import sample_digest, with_images
from tasks_lib.schema import EvalError, EvalRetryError, EvalSample, Sample
from tasks_lib.steps._prepare import prepare, set_up
from tasks_lib.steps._record import record
from tasks_lib.steps._run import SampleRun
from tasks_lib.steps._sandbox import close_sandboxes
from tasks_lib.steps._score import score
from tasks_lib.steps._solve import clean_up, solve
from tasks_lib.task import RunPlan


class Stage(NamedTuple):
    """A part of a sample's way that can be a Prefect task run of its own."""

    name: str
    run: Callable[[SampleRun], Awaitable[None]]


SETUP = Stage("setup", set_up)
SOLVER = Stage("solver", solve)
SCORER = Stage("scorer", score)

StageCall = Callable[[Stage, SampleRun], Awaitable[None]]
"""Runs a stage; raises what the stage raises."""


async def call_stage(stage: Stage, run: SampleRun) -> None:
    """Run a stage right here."""
    await stage.run(run)


async def run_sample(
    plan: RunPlan,
    sample: Sample,
    epoch: int,
    call: StageCall = call_stage,
    retries: Sequence[EvalRetryError] = (),
) -> tuple[EvalSample, Exception | None]:
    """Run a sample through setup, solvers and scorers, from a state that nobody has touched.

    An error of a solver or scorer becomes part of the record and is returned beside it;
    whether it fails the task, or the sample is run again, is decided by the caller.
    Cancellation is not caught.

    Args:
        plan: The task on its model.
        sample: The sample; the run changes nothing of it.
        epoch: From 1.
        call: How a stage is run: here, or as a Prefect task run.
        retries: The attempts before this one, which failed; see `failed_attempt`.
    """
    digest = sample_digest(sample)
    sample, unreadable = await _with_images(plan, sample)
    run = prepare(plan, sample, epoch)
    run.digest = digest
    run.retries = list(retries)
    with use_sample(run.context):
        try:
            if unreadable is not None:
                raise unreadable
            try:
                await call(SETUP, run)
                await call(SOLVER, run)
            finally:
                await clean_up(run)
            await call(SCORER, run)
        except Exception as error:
            run.fail(error)
        finally:
            await close_sandboxes(run)
    return record(run), run.exception


def failed_attempt(sample: EvalSample, error: Exception) -> EvalRetryError:
    """Return what is kept of an attempt at a sample that ended with `error`."""
    logged = sample.error or EvalError(message=repr(error), traceback="")
    return build(
        EvalRetryError,
        message=logged.message,
        traceback=logged.traceback,
        started_at=sample.started_at,
        total_time=sample.total_time,
        working_time=sample.working_time,
        model_usage=sample.model_usage,
    )


async def _with_images(plan: RunPlan, sample: Sample) -> tuple[Sample, DatasetError | None]:
    """Return the sample as it is logged: what it shows the model must not change later."""
    if not plan.header.eval.config.log_images:
        return sample, None
    try:
        return await with_images(sample), None
    except DatasetError as error:  # the sample's own error, like any other
        return sample, error
