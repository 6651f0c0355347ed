"""Step 5: what is logged of a sample."""

from __future__ import annotations

from pydantic import JsonValue

from tasks_lib._util._models import build
from tasks_lib.sandbox import sandbox_json
from tasks_lib.schema import EvalSample
from tasks_lib.steps._run import SampleRun
from tasks_lib.task import TaskState


def record(run: SampleRun) -> EvalSample:
    """Return the log's record of a run, whether it ended well, at a limit or with an error.

    Nothing is validated or copied: all parts were validated when they were made.
    """
    sample, state, context = run.sample, run.state, run.context
    total = context.clock.total
    return build(
        EvalSample,
        id=run.id,
        epoch=run.epoch,
        input=sample.input,
        choices=sample.choices,
        chosen=_chosen(state),
        target=sample.target,
        sandbox=_sandbox(run),
        files=list(sample.files) if sample.files else None,
        setup=sample.setup,
        messages=list(state.messages),
        output=state.output,
        scores=run.scores if run.error is None else None,
        metadata=state.metadata,
        store=dict(context.store.items()),
        events=context.transcript.events,
        model_usage=context.model_usage,
        started_at=run.started_at.isoformat(),
        total_time=round(total, 6),
        working_time=round(total - context.clock.waited, 6),
        uuid=context.uuid,
        error=run.error,
        error_retries=run.retries,
        attachments={},
        limit=run.limit,
        attempt=run.plan.header.eval.attempt,
        digest=run.digest,
    )


def _sandbox(run: SampleRun) -> dict[str, JsonValue] | None:
    plan = run.plan.sandboxes
    spec = plan.of(run.sample) if plan is not None else None
    return sandbox_json(spec) if spec is not None else None


def _chosen(state: TaskState) -> list[int] | None:
    marked = [choice for choice in state.choices if choice.correct is not None]
    return (
        sorted(choice.original_position for choice in marked if choice.correct) if marked else None
    )
