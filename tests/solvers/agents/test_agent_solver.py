"""as_solver: agents that work on samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from solvers.agents import Agent, AgentState, agent, as_solver
from tasks_lib._errors import LimitExceededError
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import registry_info, registry_params
from tasks_lib.context import (
    Limit,
    SampleContext,
    SampleLimits,
    message_limit,
    use_sample,
)
from tasks_lib.schema import ChatMessage, ModelOutput
from tasks_lib.task import Generate, TaskState, run_solver
from tests.solvers.agents._agents import (
    MODEL,
    echoing,
    output,
    rebuilding,
    said,
    spans,
    task_state,
    texts,
    user,
)

NO_GENERATE = cast(Generate, None)


@agent
def answering(text: str = "answer") -> Agent:
    async def execute(state: AgentState) -> AgentState:
        state.output = output(text)
        return state

    return execute


@agent
def idle() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        return state

    return execute


@agent
def reading() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Say what the output was."""
        state.messages.append(said(f"{state.output.completion} in {state.output.time}"))
        return state

    return execute


@pytest.mark.parametrize(
    ("make", "arguments", "messages", "completion"),
    [
        pytest.param(echoing, {}, ["question", "question"], "question", id="changed"),
        pytest.param(
            rebuilding, {"times": 2}, ["question", "step 0", "step 1"], "step 1", id="replaced"
        ),
        pytest.param(answering, {}, ["question"], "answer", id="an output alone"),
        pytest.param(idle, {}, ["question"], "", id="nothing"),
    ],
)
async def test_the_conversation_is_the_samples(
    make: Callable[[], Agent], arguments: dict[str, Any], messages: list[str], completion: str
) -> None:
    given = task_state()
    state = await as_solver(make(), **arguments)(given, NO_GENERATE)

    assert state is given
    assert [message.text for message in state.messages] == messages
    assert state.output.completion == completion


def asked_before() -> TaskState:
    """Return a state in which a model, of which more is known, answered already."""
    state = task_state()
    state.output = ModelOutput.from_content("gpt", "before")
    state.output.time = 7.0
    state.messages.append(state.output.message)
    return state


@agent
def timing() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Say how long the last answer took."""
        state.output = state.output.model_copy(update={"time": 8.0})
        return state

    return execute


@pytest.mark.parametrize(
    ("make", "completion", "time"),
    [
        pytest.param(idle, "before", 7.0, id="kept when nothing is said"),
        pytest.param(reading, "before in 7.0", None, id="known to the agent"),
        pytest.param(answering, "answer", None, id="replaced"),
        pytest.param(timing, "before", 8.0, id="replaced, with the same message"),
    ],
)
async def test_an_earlier_output(
    make: Callable[[], Agent], completion: str, time: float | None
) -> None:
    state = await as_solver(make())(asked_before(), NO_GENERATE)

    assert (state.output.completion, state.output.time) == (completion, time)


async def test_an_empty_output_keeps_its_model() -> None:
    state = await as_solver(idle())(task_state([]), NO_GENERATE)

    assert state.output.model == MODEL


@agent
def failing_after(rebuild: bool) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        await (rebuilding() if rebuild else echoing())(state)
        raise ZeroDivisionError

    return execute


@pytest.mark.parametrize(
    ("rebuild", "text"), [pytest.param(False, "question", id="changed"), (True, "step 0")]
)
async def test_what_was_said_before_an_error_is_kept(rebuild: bool, text: str) -> None:
    state = task_state()
    with pytest.raises(ZeroDivisionError):
        await as_solver(failing_after(rebuild))(state, NO_GENERATE)

    assert texts(state.messages) == [("user", "question"), ("assistant", text)]
    assert state.output.completion == text


LIMITS: dict[str, tuple[Agent, Limit, int | None]] = {
    "its own": (echoing(), message_limit(3), None),
    "its own, with states of its own": (rebuilding(), message_limit(3), None),
    "that of the sample": (echoing(), message_limit(3), 2),
    "that of the sample, less than its own": (rebuilding(), message_limit(3), 2),
}


@pytest.mark.parametrize(("made", "limit", "of_sample"), LIMITS.values(), ids=LIMITS)
async def test_a_limit_ends_the_sample_and_keeps_what_was_said(
    made: Agent, limit: Limit, of_sample: int | None
) -> None:
    with use_sample(SampleContext(limits=SampleLimits(message_limit=of_sample))):
        state = task_state()
        with pytest.raises(LimitExceededError, match="message limit of 3 was exceeded"):
            await as_solver(made, [limit], times=9)(state, NO_GENERATE)

    assert len(state.messages) == 3
    assert state.output.completion == state.messages[-1].text


async def test_limits_count_anew_for_each_sample() -> None:
    solver = as_solver(echoing(), [message_limit(2)])
    for _ in range(2):
        state = await solver(task_state(), NO_GENERATE)
        assert len(state.messages) == 2


async def test_the_sample_sees_what_the_agent_says_at_once() -> None:
    seen: list[int] = []

    @agent
    def looking() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            state.messages.append(said("one"))
            seen.append(len(sample.messages))
            return state

        return execute

    sample = task_state()
    await as_solver(looking())(sample, NO_GENERATE)

    assert seen == [2]


async def test_names() -> None:
    solver = as_solver(echoing(shout=True), [message_limit(9)], times=2)
    with use_sample(SampleContext()) as context:
        await run_solver(solver, task_state(), NO_GENERATE)

    info = registry_info(solver)
    assert (info.type, info.name) == ("solver", "echoing")
    assert plain_params(registry_params(solver)) == {
        "shout": True,
        "times": 2,
        "limits": ["message_limit(9)"],
    }
    assert spans(context) == [("solver", "echoing"), ("agent", "echoing")]


async def test_messages_that_are_no_list_of_ours() -> None:
    messages: list[ChatMessage] = [user("a")]
    state = task_state(messages)
    await as_solver(echoing())(state, NO_GENERATE)

    assert texts(state.messages) == [("user", "a"), ("assistant", "a")]
    assert len(messages) == 1
