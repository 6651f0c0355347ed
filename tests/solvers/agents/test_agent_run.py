"""run: an agent on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from solvers.agents import Agent, AgentState, agent, as_tool, handoff, run
from tasks_lib._errors import AgentDefinitionError, LimitExceededError
from tasks_lib.context import (
    Limit,
    SampleContext,
    SampleLimits,
    message_limit,
    time_limit,
    use_sample,
)
from tasks_lib.schema import ChatMessage, ChatMessageUser
from tasks_lib.tool import execute_tools
from tests.solvers.agents._agents import call, echoing, output, rebuilding, said, spans, texts, user


@pytest.mark.parametrize(
    ("given", "sources"),
    [
        pytest.param("hi", ["input", None], id="text"),
        pytest.param([said("x"), user("hi")], ["input", "input", None], id="messages"),
        pytest.param(AgentState(messages=[user("hi")]), [None, None], id="a state"),
    ],
)
async def test_input(
    given: str | list[ChatMessage] | AgentState, sources: list[str | None]
) -> None:
    state = await run(echoing(), given)

    assert state.output.completion == "hi"
    assert [message.source for message in state.messages] == sources


@pytest.mark.parametrize("as_state", [False, True])
async def test_the_input_is_copied(as_state: bool) -> None:
    @agent
    def scribbling() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            state.messages[0].text = "scribble"
            assert state.messages[0].metadata is not None
            state.messages[0].metadata["seen"] = True
            state.messages.append(said("more"))
            return state

        return execute

    messages: list[ChatMessage] = [ChatMessageUser(content="hi", metadata={})]
    given = AgentState(messages=messages) if as_state else messages
    state = await run(scribbling(), given)

    assert texts(state.messages) == [("user", "scribble"), ("assistant", "more")]
    assert texts(given.messages if isinstance(given, AgentState) else given) == [("user", "hi")]
    assert (messages[0].source, messages[0].metadata) == (None, {})
    assert state.messages[0].id == messages[0].id


class MoreState(AgentState):
    note = ""


async def test_a_state_of_another_class_stays_one() -> None:
    given = MoreState(messages=[user("hi")])
    given.note = "kept"
    state = await run(echoing(), given)

    assert isinstance(state, MoreState)
    assert (state.note, state is given) == ("kept", False)


async def test_arguments_and_span() -> None:
    with use_sample(SampleContext()) as context:
        state = await run(echoing(shout=True), "hi", times=2)
        await run(echoing(), "hi", name="again")

    assert texts(state.messages) == [("user", "hi"), ("assistant", "HI"), ("assistant", "HI")]
    assert spans(context) == [("agent", "echoing"), ("agent", "again")]


async def test_without_a_limit_that_is_reached_there_is_no_error() -> None:
    state, error = await run(echoing(), "hi", [message_limit(2)])

    assert (state.output.completion, error) == ("hi", None)


@agent
def waiting_after(steps: int, *, rebuild: bool) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        state = await (rebuilding() if rebuild else echoing())(state, steps)
        await asyncio.Event().wait()
        return state

    return execute


@agent
def setting_output() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Answer at once, and go on with another state."""
        state.output = output("answered")
        await rebuilding()(state, 9)
        return state

    return execute


@agent
def branching() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Work on the state, and try something else beside it."""
        state.messages.append(said("mine"))
        await rebuilding()(AgentState(messages=[user("beside")]), 9)
        return state

    return execute


@agent
def nesting() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        return await run(rebuilding(), state, times=9)

    return execute


@agent
def apart() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Work on something that has nothing to do with the state."""
        await rebuilding()(AgentState(messages=[user("else")]), 9)
        return state

    return execute


STEPS = [("assistant", "step 0"), ("assistant", "step 1")]

REACHED: dict[
    str, tuple[Callable[[], Agent], dict[str, Any], Limit, list[tuple[str, str]], str]
] = {
    "changed": (echoing, {"times": 9}, message_limit(2), [("assistant", "hi")], "hi"),
    "replaced": (rebuilding, {"times": 9}, message_limit(3), STEPS, "step 1"),
    "nothing was done": (rebuilding, {"times": 9}, message_limit(1), [], ""),
    "cancelled, changed": (
        lambda: waiting_after(1, rebuild=False),
        {},
        time_limit(0.01),
        [("assistant", "hi")],
        "hi",
    ),
    "cancelled, replaced": (
        lambda: waiting_after(2, rebuild=True),
        {},
        time_limit(0.01),
        STEPS,
        "step 1",
    ),
    "an output alone": (setting_output, {}, message_limit(2), [], "answered"),
    "a conversation beside": (branching, {}, message_limit(3), [("assistant", "mine")], "mine"),
    "another conversation": (apart, {}, message_limit(3), [], ""),
    "by a run in the run": (nesting, {}, message_limit(3), STEPS, "step 1"),
}


@pytest.mark.parametrize(
    ("make", "arguments", "limit", "added", "completion"), REACHED.values(), ids=REACHED
)
async def test_when_a_limit_is_reached_the_latest_state_is_returned(
    make: Callable[[], Agent],
    arguments: dict[str, Any],
    limit: Limit,
    added: list[tuple[str, str]],
    completion: str,
) -> None:
    state, error = await run(make(), "hi", [limit], **arguments)

    assert error is not None
    assert error.source is limit
    assert texts(state.messages) == [("user", "hi"), *added]
    assert state.output.completion == completion


async def test_a_conversation_that_begins_with_nothing() -> None:
    state, error = await run(rebuilding(), [], [message_limit(2)], times=9)

    assert error is not None
    assert texts(state.messages) == STEPS


async def test_the_state_that_is_returned_counts() -> None:
    @agent
    def choosing() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            """Try twice, and take the first."""
            first = await rebuilding()(state)
            await rebuilding()(state, 2)
            return first

        return execute

    state = await run(choosing(), "hi")

    assert texts(state.messages) == [("user", "hi"), ("assistant", "step 0")]


async def test_a_conversation_that_is_handed_over_is_not_the_state() -> None:
    @agent
    def handing() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            asking = said("over", call("transfer_to_rebuilding", times=2))
            state = AgentState(messages=[*state.messages, asking])
            await execute_tools(state.messages, [handoff(rebuilding())])
            state.messages.append(said("mine"))
            state.messages.append(said("too much"))
            return state

        return execute

    state, error = await run(handing(), "hi", [message_limit(3)])

    assert error is not None
    assert texts(state.messages) == [("user", "hi"), ("assistant", "over"), ("assistant", "mine")]


async def test_what_others_are_asked_is_not_the_state() -> None:
    reached = message_limit(9)

    @agent
    def delegating() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            asking = said("", call("rebuilding", input="hi", times=1))
            await execute_tools([asking], [as_tool(rebuilding())])
            raise LimitExceededError("message", value=10, limit=9, source=reached)

        return execute

    state, error = await run(delegating(), [], [reached])

    assert error is not None
    assert state.messages == []


async def test_other_limits_are_not_caught() -> None:
    own = message_limit(9)
    with use_sample(SampleContext(limits=SampleLimits(message_limit=2))), message_limit(3) as outer:
        with pytest.raises(LimitExceededError, match="message limit of 3") as caught:
            await run(nesting(), "hi", [time_limit(9)])
        with pytest.raises(LimitExceededError, match="message limit of 9") as inner:
            await run(nesting_with_limit(own), "hi", [time_limit(9)])

    assert caught.value.source is outer
    assert inner.value.source is own


@agent
def nesting_with_limit(limit: Limit) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        with limit:
            return await run(rebuilding(), state, times=19)

    return execute


async def test_a_limit_serves_one_run() -> None:
    limits = [message_limit(9)]
    await run(echoing(), "hi", limits)

    with pytest.raises(RuntimeError, match="serves one block"):
        await run(echoing(), "hi", limits)


async def test_runs_at_the_same_time_know_their_own_states() -> None:
    async def limited(text: str) -> list[tuple[str, str]]:
        state, _ = await run(slow_rebuilding(), text, [message_limit(4)])
        return texts(state.messages)

    @agent
    def slow_rebuilding() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            while True:
                await asyncio.sleep(0)
                state = AgentState(messages=[*state.messages, said(state.messages[0].text)])

        return execute

    heard = await asyncio.gather(*[limited(str(n)) for n in range(8)])

    assert heard == [[("user", str(n)), *[("assistant", str(n))] * 3] for n in range(8)]


@agent
def forgetful() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        return cast(AgentState, None)

    return execute


@agent
def failing() -> Agent:
    async def execute(state: AgentState, words: int) -> AgentState:
        raise ZeroDivisionError("on purpose")

    return execute


@pytest.mark.parametrize(
    ("make", "arguments", "error", "message"),
    [
        pytest.param(forgetful, {}, TypeError, "'forgetful' returned None: agents", id="no state"),
        pytest.param(failing, {"words": 1}, ZeroDivisionError, "on purpose", id="an error"),
        pytest.param(failing, {}, AgentDefinitionError, "needs 'words'", id="missing"),
        pytest.param(
            failing, {"word": 1}, AgentDefinitionError, "Did you mean 'words'", id="unknown"
        ),
    ],
)
async def test_errors(
    make: Callable[[], Agent], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await run(make(), "hi", [message_limit(9)], **arguments)


async def test_only_agents_run() -> None:
    async def other(state: AgentState) -> AgentState:
        return state

    with pytest.raises(AgentDefinitionError, match="'other' was not made by an @agent function"):
        await run(other, "hi")
