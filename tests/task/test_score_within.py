"""`score`: the task's scorers judge what a sample has come to before its end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tasks_lib._errors import PrerequisiteError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    ChatMessageUser,
    ModelOutput,
    Score,
    ScoreEvent,
    Target,
)
from tasks_lib.task import Scorer, TaskState, score, use_scorers

MODEL = "mockllm/model"


async def is_target(state: TaskState, target: Target) -> Score | None:
    return Score(value=state.output.completion == target.text, answer=state.output.completion)


async def counts_messages(state: TaskState, target: Target) -> Score | None:
    return Score(value=len(state.messages))


async def abstains(state: TaskState, target: Target) -> Score | None:
    return None


SCORERS: list[tuple[str, Scorer]] = [
    ("is_target", is_target),
    ("abstains", abstains),
    ("counts", counts_messages),
]


def running() -> tuple[SampleContext, TaskState]:
    context = SampleContext()
    with use_sample(context):
        state = TaskState(
            model=ModelName(MODEL),
            sample_id=1,
            epoch=1,
            input="?",
            messages=[ChatMessageUser(content="?")],
            target=Target("yes"),
            output=ModelOutput.from_content(MODEL, "yes"),
        )
    context.state = state
    return context, state


async def test_the_state_of_the_sample_is_judged_by_each_scorer() -> None:
    context, state = running()
    with use_sample(context), use_scorers(SCORERS):
        verdicts = await score(state)

    assert [verdict.value for verdict in verdicts] == [True, 1]
    events = [event for event in context.transcript.events if isinstance(event, ScoreEvent)]
    assert [(e.score.value, e.target, e.intermediate) for e in events] == [
        (True, ["yes"], True),
        (1, ["yes"], True),
    ]
    assert state.scores is None


async def test_what_an_agent_says_is_judged_in_place_of_the_state() -> None:
    context, state = running()
    said = SimpleNamespace(
        messages=[*state.messages, ChatMessageUser(content="!")],
        output=ModelOutput.from_content(MODEL, "no"),
    )
    with use_sample(context), use_scorers(SCORERS):
        verdicts = await score(said)

    assert [verdict.value for verdict in verdicts] == [False, 2]
    assert (state.output.completion, len(state.messages)) == ("yes", 1)


@pytest.mark.parametrize(
    ("scorers", "in_sample"),
    [
        pytest.param([], True, id="a task without scorers"),
        pytest.param(SCORERS, False, id="outside of samples"),
    ],
)
async def test_nothing_can_judge(scorers: list[tuple[str, Scorer]], in_sample: bool) -> None:
    context, state = running()
    said = SimpleNamespace(messages=state.messages, output=state.output)
    with use_scorers(scorers), pytest.raises(PrerequisiteError, match="nothing can judge here"):
        if in_sample:
            with use_sample(context):
                await score(said)
        else:
            await score(said)
