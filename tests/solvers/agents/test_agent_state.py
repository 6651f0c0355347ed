"""AgentState."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from solvers.agents import AgentState
from tasks_lib._errors import LimitExceededError
from tasks_lib.context import SampleContext, SampleLimits, message_limit, use_sample
from tasks_lib.schema import ChatMessage, ChatMessageAssistant, ModelOutput
from tests.solvers.agents._agents import call, output, said, user


@pytest.mark.parametrize(
    ("messages", "completion", "stop_reason"),
    [
        pytest.param([], "", "unknown", id="nothing was said"),
        pytest.param([user("q")], "", "unknown", id="the model said nothing"),
        pytest.param([said("one"), said("two"), user("q")], "two", "stop", id="the last, not one"),
        pytest.param([said("one", call("f"))], "one", "tool_calls", id="a call"),
    ],
)
def test_output_is_the_last_assistant_message(
    messages: list[ChatMessage], completion: str, stop_reason: str
) -> None:
    state = AgentState(messages=messages)

    assert (state.output.completion, state.output.stop_reason) == (completion, stop_reason)
    assert state.output.empty == (stop_reason == "unknown")


def test_output_is_of_the_model_that_said_it() -> None:
    message = ChatMessageAssistant(content="x", model="gpt")
    state = AgentState(messages=[message])

    assert state.output.model == "gpt"
    assert state.output.message is message


def test_output_follows_the_conversation_until_it_is_set() -> None:
    state = AgentState(messages=[said("one")])
    first = state.output
    assert state.output is first
    state.messages.append(said("two"))
    followed = state.output.completion
    state.output = output("set")
    state.messages.append(said("three"))

    assert followed == "two"
    assert state.output.completion == "set"


def test_what_is_written_into_the_output_stays() -> None:
    of_message = AgentState(messages=[said("one")])
    of_message.output.completion = "other"
    of_nothing = AgentState(messages=[])
    of_nothing.output.completion = "new"

    assert of_message.messages[0].text == "other"
    assert of_nothing.output.completion == "new"


def test_the_list_that_it_begins_with_is_not_changed() -> None:
    messages: list[ChatMessage] = [user("q")]
    state = AgentState(messages=messages)
    state.messages.append(said("a"))

    assert len(messages) == 1


GROWTH: dict[str, Callable[[AgentState], object]] = {
    "append": lambda state: state.messages.append(user("2")),
    "extend": lambda state: state.messages.extend([user("2")]),
    "insert": lambda state: state.messages.insert(0, user("2")),
    "replace": lambda state: setattr(state, "messages", [user("1"), user("2")]),
    "another state": lambda state: AgentState(messages=[*state.messages, user("2")]),
}


@pytest.mark.parametrize("grow", GROWTH.values(), ids=GROWTH)
def test_messages_keep_to_the_limit(grow: Callable[[AgentState], object]) -> None:
    with use_sample(SampleContext(limits=SampleLimits(message_limit=1))):
        state = AgentState(messages=[user("1")])
        with pytest.raises(LimitExceededError, match="message limit of 1 was exceeded: 2"):
            grow(state)
        with message_limit(2):
            grow(state)


def test_a_deep_copy_has_messages_and_an_output_of_its_own() -> None:
    state = AgentState(messages=[said("one")])
    state.output.completion = "read"
    copied = deepcopy(state)
    copied.output.completion = "changed"
    copied.messages.append(said("two"))

    assert [message.text for message in state.messages] == ["read"]
    assert [message.text for message in copied.messages] == ["changed", "two"]
    assert isinstance(copied.output, ModelOutput)
