"""Scorers over a sample of a log: the state is rebuilt, the verdicts join the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy

from tasks_lib.context import SampleContext, Transcript, stall_guard, use_sample
from tasks_lib.log import resolve_sample_attachments
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    Choices,
    ErrorEvent,
    EvalLog,
    EvalSample,
    ModelUsage,
    Score,
    SpanBeginEvent,
    Target,
    add_usage,
)
from tasks_lib.steps._judge import judge
from tasks_lib.steps._run import logged_error
from tasks_lib.steps._score import in_half
from tasks_lib.task import Scorer, TaskState

CallScorers = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs the scorers of a sample; raises what they raise."""


class Rescoring:
    """What the samples of a log are scored with. A plain class on purpose, as `RunPlan` is."""

    __slots__ = ("header", "keeps_scores", "scorers")

    def __init__(
        self, header: EvalLog, scorers: Sequence[tuple[str, Scorer]], *, keeps_scores: bool
    ) -> None:
        self.header = header
        """The log without its samples."""
        self.scorers = scorers
        """In order, each with the name that its scores get."""
        self.keeps_scores = keeps_scores
        """Whether the scores that a sample has stay beside the new ones."""


class Rescored:
    """A sample with its new scores. A plain class on purpose, as `RunPlan` is."""

    __slots__ = ("error", "sample", "scores", "usage")

    def __init__(
        self,
        sample: EvalSample,
        scores: Mapping[str, Score],
        usage: Mapping[str, ModelUsage],
        error: Exception | None = None,
    ) -> None:
        self.sample = sample
        """As it is to be logged."""
        self.scores = scores
        """The new scores only."""
        self.usage = usage
        """What the scorers used."""
        self.error = error
        """What a scorer raised."""


async def call_scorers(work: Callable[[], Awaitable[None]]) -> None:
    """Run the scorers of a sample right here."""
    await work()


def state_of(sample: EvalSample, header: EvalLog) -> TaskState:
    """Return the state that a logged sample ended in, as its scorers saw it.

    It has the messages, output, target, choices (with those that the model chose), metadata,
    store and scores of the sample, and is completed. Tools and limits are not logged. Nothing
    that a scorer changes in place in metadata, store or choices reaches `sample`.

    Args:
        sample: Without references to attachments; see `resolve_sample_attachments`.
        header: The log that it is from.
    """
    state = TaskState(
        model=ModelName(header.eval.model),
        sample_id=sample.id,
        epoch=sample.epoch,
        input=sample.input,
        messages=sample.messages,
        target=Target(sample.target),
        choices=_choices(sample),
        output=sample.output,
        completed=True,
        metadata=deepcopy(sample.metadata),
    )
    for key, value in sample.store.items():
        state.store.set(key, deepcopy(value))
    state.scores = dict(sample.scores) if sample.scores else None
    return state


async def rescore(
    sample: EvalSample, plan: Rescoring, call: CallScorers = call_scorers
) -> Rescored:
    """Let scorers judge a sample of a log, and return it with their verdicts.

    A sample that ended with an error before it was scored has nothing to be judged: it is
    returned as it is. One whose scorers failed then is scored now, and is no longer an error.
    What happens is appended to its events, and what the scorers use is added to its usage;
    its times stay those of the evaluation. Scorers have half the sample's time limit, as in
    an evaluation; other limits don't count.

    When a scorer raises, it and those after it are logged as unscored, with the error as
    their explanation, and the error is returned beside the sample. Cancellation is not caught.

    Args:
        sample: As it was read. It is not changed.
        plan: What it is scored with.
        call: How the scorers are run: here, or as a Prefect task run.
    """
    if sample.error is not None and not _was_being_scored(sample):
        return Rescored(sample, {}, {})
    began = sum(isinstance(event, SpanBeginEvent) for event in sample.events)
    context = SampleContext(sample.id, sample.epoch)
    context.same_errors = plan.header.eval.config.same_errors
    context.transcript = Transcript(context.clock, spans=began)
    context.uuid = sample.uuid or context.uuid
    scores: dict[str, Score] = {}
    failed: Exception | None = None
    with use_sample(context):
        state = state_of(_resolved(sample), plan.header)
        if not plan.keeps_scores:
            state.scores = None
        context.state = state
        try:
            await call(lambda: _judge_in_time(context, state, sample, plan, scores))
        except Exception as error:
            failed = error
            logged = logged_error(error)
            context.transcript.record(ErrorEvent(error=logged))
            _note_unscored(plan, scores, logged.message)
    return Rescored(
        _with_scores(sample, plan, scores, context), scores, context.model_usage, failed
    )


def scorers_failed(sample: EvalSample) -> bool:
    """Whether a scorer raised when `rescore` made this sample."""
    return (
        sample.error is None and bool(sample.events) and isinstance(sample.events[-1], ErrorEvent)
    )


async def _judge_in_time(
    context: SampleContext,
    state: TaskState,
    sample: EvalSample,
    plan: Rescoring,
    scores: dict[str, Score],
) -> None:
    config = plan.header.eval.config
    with stall_guard(context, config.stall_timeout):
        async with in_half(config.time_limit):
            await judge(state, sample.target, plan.scorers, scores)


def _with_scores(
    sample: EvalSample, plan: Rescoring, scores: Mapping[str, Score], context: SampleContext
) -> EvalSample:
    usage = dict(sample.model_usage)
    add_usage(usage, context.model_usage)
    for event in context.transcript.events:
        # Counted from the start of the sample, as that of all its events.
        event.working_start = round(event.working_start + (sample.working_time or 0), 6)
    kept = sample.scores or {} if plan.keeps_scores else {}
    return sample.model_copy(
        update={
            "scores": {**kept, **scores},
            "events": [*sample.events, *context.transcript.events],
            "model_usage": usage,
            "error": None,
        }
    )


def _note_unscored(plan: Rescoring, scores: dict[str, Score], message: str) -> None:
    for name, _ in plan.scorers:
        if name not in scores:
            text = f"The scorers of this sample failed: {message}"
            scores[name] = Score.unscored(explanation=text, metadata={"error": message})


def _was_being_scored(sample: EvalSample) -> bool:
    """Whether the solvers had ended, so that the error is one of scoring."""
    return any(
        isinstance(event, SpanBeginEvent) and event.name == event.type == "scorers"
        for event in sample.events
    )


def _choices(sample: EvalSample) -> Choices:
    choices = Choices(sample.choices or ())
    chosen = sample.chosen
    if chosen is None and sample.limit is not None:
        chosen = []  # it ended before the model was asked
    if chosen is not None:
        for position in range(len(choices)):
            choices.mark_choice(position, position in chosen)
    return choices


def _resolved(sample: EvalSample) -> EvalSample:
    return resolve_sample_attachments(sample) if sample.attachments else sample
