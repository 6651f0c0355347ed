"""Step 2: a sample gets its state, and the task's setup runs."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from tasks_lib._util._models import build
from tasks_lib.context import SampleContext, SampleLimits, span, use_sample
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageUser,
    Sample,
    SampleInitEvent,
    Target,
    utc_now,
)
from tasks_lib.steps._run import SampleRun
from tasks_lib.steps._sandbox import open_sandboxes
from tasks_lib.steps._solve import run_limited
from tasks_lib.task import RunPlan, TaskState


def prepare(plan: RunPlan, sample: Sample, epoch: int) -> SampleRun:
    """Return a run of `sample` with a fresh state, nothing of it shared with other runs.

    A conversation that is longer than the message limit from the start ends the sample
    with that limit, and no solver runs.
    """
    config = plan.header.eval.config
    context = SampleContext(_id_of(sample), epoch)
    context.same_errors = config.same_errors
    with use_sample(context):
        state = TaskState(
            model=ModelName(plan.model),
            sample_id=_id_of(sample),
            epoch=epoch,
            input=sample.input,
            messages=_messages(sample.input),
            target=Target(sample.target),
            choices=sample.choices,
            metadata=deepcopy(sample.metadata) if sample.metadata else {},
        )
        context.state = state
        with span("init"):
            picture = {"messages": context.transcript.snapshot(state.messages)}
            context.transcript.record(
                build(SampleInitEvent, timestamp=utc_now(), sample=sample, state=picture)
            )
    limits = SampleLimits(
        message_limit=config.message_limit,
        token_limit=config.token_limit,
        time_limit=config.time_limit,
        working_limit=config.working_limit,
    )
    context.limits.replace(limits)
    return SampleRun(plan, sample, epoch, context, state)


async def set_up(run: SampleRun) -> None:
    """Make the sandboxes, then run the task's setup solver within the sample's limits."""
    await open_sandboxes(run)
    setup = run.plan.setup
    if setup is not None:
        await run_limited(run, "setup", [setup])


def _id_of(sample: Sample) -> int | str:
    if sample.id is None:
        raise ValueError("A sample without an id cannot be run: number the dataset first.")
    return sample.id


def _messages(value: str | list[ChatMessage]) -> Iterable[ChatMessage]:
    if isinstance(value, str):
        return [ChatMessageUser(content=value, source="input")]
    return [message.model_copy(deep=True, update={"source": "input"}) for message in value]
