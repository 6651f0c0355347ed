"""Scoring within a sample, for agents that want to know whether they are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy

from tasks_lib._errors import PrerequisiteError
from tasks_lib._util._models import build
from tasks_lib.context import span, transcript
from tasks_lib.model import ModelConversation
from tasks_lib.schema import Score, ScoreEvent, utc_now
from tasks_lib.task._branch import sample_state
from tasks_lib.task._protocols import Scorer
from tasks_lib.task._state import TaskState

_scorers: ContextVar[Sequence[tuple[str, Scorer]]] = ContextVar("scorers", default=())


@contextmanager
def use_scorers(scorers: Sequence[tuple[str, Scorer]]) -> Iterator[None]:
    """Let `score` use these scorers, each with its name, within this context."""
    token = _scorers.set(scorers)
    try:
        yield
    finally:
        _scorers.reset(token)


async def score(conversation: ModelConversation) -> list[Score]:
    """Let the task's scorers judge what a sample has come to so far.

    The verdicts are recorded as intermediate ones; they are not the sample's scores.

    Args:
        conversation: The state of the sample, or that of an agent that works on it.

    Returns:
        A verdict of each scorer that gave one, in their order.

    Raises:
        PrerequisiteError: No sample of a task with scorers is running here.
    """
    scorers = _scorers.get()
    state = conversation if isinstance(conversation, TaskState) else _with(conversation)
    if not scorers or state is None:
        raise PrerequisiteError(
            "score: nothing can judge here: it needs a running sample of a task with scorers "
            "(Task(scorer=…), evaluated with score=True)."
        )
    verdicts: list[Score] = []
    for name, scorer in scorers:
        async with span(name, type="scorer"):
            verdict = await scorer(state, state.target)
            if verdict is None:
                continue
            transcript().record(
                build(
                    ScoreEvent,
                    timestamp=utc_now(),
                    score=verdict,
                    target=list(state.target),
                    intermediate=True,
                )
            )
            verdicts.append(verdict)
    return verdicts


def _with(conversation: ModelConversation) -> TaskState | None:
    """Return the sample's state with the messages and the output of an agent."""
    running = sample_state()
    if running is None:
        return None
    state = copy(running)
    state.messages = conversation.messages
    state.output = conversation.output
    return state
