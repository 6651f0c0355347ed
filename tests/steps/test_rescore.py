"""A logged sample's way through scorers: the state that they see, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_lib.context import record_usage, store
from tasks_lib.log import sample_row
from tasks_lib.model import ModelName, ModelUsage
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageUser,
    ContentImage,
    ContentText,
    ErrorEvent,
    EvalConfig,
    EvalError,
    EvalLog,
    EvalSample,
    EvalSpec,
    Event,
    ModelOutput,
    Score,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
    Target,
)
from tasks_lib.steps import Rescored, Rescoring, rescore, scorers_failed, state_of
from tasks_lib.task import Scorer, TaskState

IMAGE = "data:image/png;base64,iVBORw0KGgo="
OLD = Score(value="I", answer="4", explanation="four")


def header(**config: Any) -> EvalLog:
    spec = EvalSpec(
        created="2026-11-21T12:00:00+00:00",
        task="sums",
        model="mockllm/model",
        config=EvalConfig(**config),
    )
    return EvalLog(status="success", eval=spec)


def events(*, scoring: bool = True) -> list[Event]:
    spans: list[Event] = [SpanBeginEvent(id="span-1", name="solvers", type="solvers")]
    spans.append(SpanEndEvent(id="span-1"))
    if scoring:
        spans.append(SpanBeginEvent(id="span-2", name="scorers", type="scorers"))
        spans.append(ScoreEvent(score=OLD, target="5"))
    return spans


def logged(**fields: Any) -> EvalSample:
    user = ChatMessageUser(content="2+3?")
    assistant = ChatMessageAssistant(content="4")
    values: dict[str, Any] = {
        "id": "a",
        "epoch": 2,
        "input": "2+3?",
        "choices": ["4", "5", "6"],
        "chosen": [0, 2],
        "target": ["5", "five"],
        "messages": [user, assistant],
        "output": ModelOutput.from_content("mockllm/model", "4"),
        "scores": {"match": OLD},
        "metadata": {"level": [1]},
        "store": {"tries": [7]},
        "events": events(),
        "model_usage": {"mockllm/model": ModelUsage(input_tokens=1, total_tokens=1)},
        "working_time": 10.0,
        "uuid": "uuid-of-a",
    }
    return EvalSample.model_validate(values | fields)


def judging(**scores: Any) -> list[tuple[str, Scorer]]:
    """Return scorers by name that give a value, or None, or raise."""

    def scorer(value: Any) -> Scorer:
        async def score(state: TaskState, target: Target) -> Score | None:
            if isinstance(value, Exception):
                raise value
            return None if value is None else Score(value=value)

        return score

    return [(name, scorer(value)) for name, value in scores.items()]


async def rescored(
    sample: EvalSample, scorers: list[tuple[str, Scorer]], *, keeps: bool = True, **config: Any
) -> Rescored:
    return await rescore(sample, Rescoring(header(**config), scorers, keeps_scores=keeps))


def values(sample: EvalSample) -> dict[str, Any] | None:
    return None if sample.scores is None else {n: s.value for n, s in sample.scores.items()}


def test_state_is_that_of_the_end_of_the_sample() -> None:
    sample = logged()
    state = state_of(sample, header())

    assert (state.model, state.sample_id, state.epoch) == (ModelName("mockllm/model"), "a", 2)
    assert (state.input, state.messages, state.output) == (
        "2+3?",
        sample.messages,
        sample.output,
    )
    assert (state.target, state.metadata, dict(state.store.items())) == (
        Target(["5", "five"]),
        {"level": [1]},
        {"tries": [7]},
    )
    assert [choice.correct for choice in state.choices] == [True, False, True]
    assert (state.completed, state.scores) == (True, {"match": OLD})


def test_choices_that_nobody_was_asked_about_are_not_marked() -> None:
    state = state_of(logged(chosen=None), header())

    assert [choice.correct for choice in state.choices] == [None, None, None]


async def test_what_a_scorer_changes_stays_with_it() -> None:
    async def meddles(state: TaskState, target: Target) -> Score:
        state.metadata["level"].append(2)
        store().get("tries").append(8)
        state.messages.append(ChatMessageUser(content="more"))
        assert state.uuid == "uuid-of-a"
        return Score(value=len(state.messages))

    sample = logged()
    result = await rescored(sample, [("meddles", meddles)])

    assert sample == logged(messages=sample.messages, events=sample.events, output=sample.output)
    assert (result.sample.metadata, result.sample.store) == (sample.metadata, sample.store)
    assert (result.sample.messages, values(result.sample)) == (
        sample.messages,
        {"match": "I", "meddles": 3},
    )


async def test_scorers_see_what_attachments_hold() -> None:
    async def seen(state: TaskState, target: Target) -> Score:
        content = state.messages[0].content
        assert isinstance(content[0], ContentImage)
        return Score(value=content[0].image)

    message = ChatMessageUser(content=[ContentImage(image="attachment://k"), ContentText(text="?")])
    sample = logged(messages=[message], attachments={"k": IMAGE})
    result = await rescored(sample, [("seen", seen)])

    assert result.scores["seen"].value == IMAGE
    assert (result.sample.messages, result.sample.attachments) == ([message], {"k": IMAGE})


@pytest.mark.parametrize(
    ("keeps", "seen", "expected"),
    [
        pytest.param(True, ["match", "one"], {"match": "I", "one": 1, "names": 2}, id="append"),
        pytest.param(False, ["one"], {"one": 1, "names": 1}, id="overwrite"),
    ],
)
async def test_scores(keeps: bool, seen: list[str], expected: dict[str, Any]) -> None:
    found: list[str] = []

    async def names(state: TaskState, target: Target) -> Score:
        found.extend(state.scores or ())
        return Score(value=len(found))

    sample = logged()
    result = await rescored(sample, [*judging(one=1, none=None), ("names", names)], keeps=keeps)

    assert (found, values(result.sample)) == (seen, expected)
    assert values(sample) == {"match": "I"}


async def test_events_follow_those_of_the_sample() -> None:
    sample = logged()
    result = await rescored(sample, judging(one=1))
    before, new = result.sample.events[:4], result.sample.events[4:]

    assert before == sample.events
    assert not scorers_failed(result.sample)
    assert [(event.event, event.span_id) for event in new] == [
        ("span_begin", "span-3"),
        ("span_begin", "span-4"),
        ("score", "span-4"),
        ("span_end", "span-4"),
        ("span_end", "span-3"),
    ]
    assert all(10 <= event.working_start < 20 for event in new)
    score = new[2]
    assert isinstance(score, ScoreEvent) and score.target == ["5", "five"]
    assert result.sample.scores is not None and score.score is result.sample.scores["one"]


async def test_old_score_events_keep_their_scores_when_these_are_replaced() -> None:
    sample = logged()
    result = await rescored(sample, judging(match="C"), keeps=False)
    [written] = [
        value
        for value in sample_row(result.sample)
        if isinstance(value, bytes) and b"span_begin" in value
    ]

    assert [event.score.value for event in result.sample.events if event.event == "score"] == [
        "I",
        "C",
    ]
    assert written.count(b'"$ref":"#/scores/match"') == 1


@pytest.mark.parametrize("keeps", [True, False], ids=["append", "overwrite"])
async def test_scorer_that_raises(keeps: bool) -> None:
    sample = logged()
    scorers = judging(first=1, broken=ValueError("no grade"), last=1)
    result = await rescored(sample, scorers, keeps=keeps)
    reason = "The scorers of this sample failed: ValueError: no grade"

    assert isinstance(result.error, ValueError)
    assert (result.sample.error, list(result.sample.scores or ())) == (
        None,
        [*(["match"] if keeps else []), "first", "broken", "last"],
    )
    assert result.scores["first"] == Score(value=1)
    for name in ("broken", "last"):
        score = result.scores[name]
        assert (score.is_unscored, score.explanation, score.metadata) == (
            True,
            reason,
            {"error": "ValueError: no grade"},
        )
    assert scorers_failed(result.sample)
    last = result.sample.events[-1]
    assert isinstance(last, ErrorEvent) and "raise value" in last.error.traceback


async def test_scorer_that_returns_no_score() -> None:
    async def wrong(state: TaskState, target: Target) -> Any:
        return "C"

    result = await rescored(logged(), [("wrong", wrong)])

    assert str(result.error) == "The scorer 'wrong' returned str, expected a Score or None."


async def test_scorers_have_half_the_time_limit() -> None:
    async def hangs(state: TaskState, target: Target) -> Score:
        await asyncio.sleep(600)
        return Score(value=1)

    async with asyncio.timeout(10):
        result = await rescored(logged(), [("hangs", hangs)], time_limit=1)
        assert isinstance(result.error, TimeoutError)


async def test_message_and_token_limits_do_not_count() -> None:
    async def talks(state: TaskState, target: Target) -> Score:
        state.messages.append(ChatMessageUser(content="more"))
        return Score(value=len(state.messages))

    result = await rescored(logged(), [("talks", talks)], message_limit=1, token_limit=1)

    assert (result.error, values(result.sample)) == (None, {"match": "I", "talks": 3})


async def test_sample_that_failed_in_a_solver_is_left_alone() -> None:
    error = EvalError(message="x", traceback="")
    told = [*events(scoring=False), ErrorEvent(error=error)]
    failed = logged(error=error, events=told, scores=None)
    result = await rescored(failed, judging(one=1))

    assert result.sample is failed
    assert not scorers_failed(result.sample)
    assert (result.scores, result.usage, result.error) == ({}, {}, None)


async def test_sample_whose_scorers_had_failed_is_scored() -> None:
    failed = logged(error=EvalError(message="x", traceback=""), scores=None)
    result = await rescored(failed, judging(one=1))

    assert (result.sample.error, values(result.sample)) == (None, {"one": 1})


async def test_usage_adds_up() -> None:
    async def asks(state: TaskState, target: Target) -> Score:
        for model in ("mockllm/model", "mockllm/grader"):
            record_usage(model, ModelUsage(input_tokens=2, total_tokens=2))
        return Score(value=1)

    result = await rescored(logged(), [("asks", asks)])
    two = ModelUsage(input_tokens=2, total_tokens=2)

    assert result.usage == {"mockllm/model": two, "mockllm/grader": two}
    assert result.sample.model_usage == {
        "mockllm/model": ModelUsage(input_tokens=3, total_tokens=3),
        "mockllm/grader": two,
    }
