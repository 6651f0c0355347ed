"""react: when it goes on, conversations that are too long, and who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from solvers.agents import (
    AgentAttempts,
    AgentState,
    agent,
    react,
    remove_tools,
    run,
)
from tasks_lib.context import current_sample
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageUser,
    InfoEvent,
    ModelOutput,
)
from tasks_lib.tool import Tool
from tests.solvers.agents._scripts import (
    MODEL,
    Script,
    echo,
    is_target,
    lines,
    running,
    says,
    submits,
)
from tests.tool._mcp_processes import is_running, raw_server

GO_ON = "user: Go on with whatever you think is the best next step."
REMINDER = " If the task is done, report your answer with submit()."


def deciding(*decisions: object) -> Callable[[AgentState], Any]:
    """Return a function that decides so, turn by turn."""
    remaining = iter(decisions)

    async def decide(state: AgentState) -> Any:
        return next(remaining)

    return decide


TOOL = says("", ("echo", {"text": "hi"}))
CALLED = ["assistant:  [echo]", "tool: hi"]
ANSWER = "assistant: 42"


@pytest.mark.parametrize(
    ("replies", "options", "expected"),
    [
        pytest.param(
            [says("Hm."), submits("42")],
            {"on_continue": "Call {submit}, {x}!"},
            ["assistant: Hm.", "user: Call submit, {x}!", ANSWER],
            id="a text",
        ),
        pytest.param(
            [TOOL, submits("42")], {"on_continue": "Go!"}, [*CALLED, ANSWER], id="a text, called"
        ),
        pytest.param(
            [says("Hm."), submits("42")],
            {"on_continue": deciding(True)},
            ["assistant: Hm.", GO_ON + REMINDER, ANSWER],
            id="go on",
        ),
        pytest.param(
            [TOOL, submits("42")],
            {"on_continue": deciding(True)},
            [*CALLED, ANSWER],
            id="go on, called",
        ),
        pytest.param(
            [says("Hm."), submits("42")],
            {"on_continue": deciding("Call {submit}!")},
            ["assistant: Hm.", "user: Call submit!", ANSWER],
            id="go on with a text",
        ),
        pytest.param(
            [TOOL, submits("42")],
            {"on_continue": deciding("Call {submit}!")},
            [*CALLED, ANSWER],
            id="go on with a text, called",
        ),
        pytest.param(
            [says("Hm.")], {"on_continue": deciding(False)}, ["assistant: Hm."], id="stop"
        ),
        pytest.param([TOOL], {"on_continue": deciding(False)}, CALLED, id="stop, called"),
        pytest.param(
            [submits("1"), TOOL],
            {"on_continue": deciding(True, False), "attempts": 3},
            ["assistant: 1", "user: No.", *CALLED],
            id="asked after a wrong answer too",
        ),
        pytest.param(
            [says("Hm."), TOOL, says("End.")],
            {"on_continue": deciding(True, True, False), "submit": False},
            ["assistant: Hm.", GO_ON, *CALLED, "assistant: End."],
            id="without a submission",
        ),
        pytest.param(
            [says("Hm."), says("End.")],
            {"on_continue": deciding("{submit}?", False), "submit": False},
            ["assistant: Hm.", "user: {submit}?", "assistant: End."],
            id="without a submission, with a text",
        ),
    ],
)
async def test_going_on(
    replies: list[ModelOutput], options: dict[str, Any], expected: list[str]
) -> None:
    script = Script(*replies)
    if "attempts" in options:
        options = {**options, "attempts": AgentAttempts(options["attempts"], "No.")}

    with running(script, [is_target]):
        state = await run(react(prompt=None, tools=[echo], **options), "?")

    assert lines(state.messages) == ["user: ?", *expected]
    assert len(script.asked) == len(replies)


async def test_a_decision_that_is_none() -> None:
    with running(Script(says("Hm."))), pytest.raises(TypeError, match=r"on_continue returned None"):
        await run(react(on_continue=deciding(None)), "?")


async def last_two(messages: list[ChatMessage]) -> list[ChatMessage]:
    return messages[-2:]


async def shorter_texts(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [message.model_copy(update={"content": message.text[:1]}) for message in messages]


async def unchanged(messages: list[ChatMessage]) -> list[ChatMessage]:
    return messages


FULL = says("Too long.", stop="model_length")
TURNS = [says(f"Turn {turn}.") for turn in range(4)]
TOLD = [line for turn in range(4) for line in (f"assistant: Turn {turn}.", "user: Go!")]


@pytest.mark.parametrize(
    ("truncation", "after", "noted"),
    [
        pytest.param(
            "disabled",
            None,
            "The conversation is too long for the model: the agent ends.",
            id="disabled",
        ),
        pytest.param(
            "auto",
            ["user: ?", *TOLD[2:]],
            "The conversation was shortened from 9 to 7 messages.",
            id="auto",
        ),
        pytest.param(
            last_two,
            ["assistant: Turn 3.", "user: Go!"],
            "The conversation was shortened from 9 to 2 messages.",
            id="a filter",
        ),
        pytest.param(
            shorter_texts,
            ["user: ?", *["assistant: T", "user: G"] * 4],
            "The conversation was shortened from 9 to 9 messages.",
            id="a filter of texts",
        ),
        pytest.param(
            unchanged,
            None,
            "The conversation is too long for the model and got no shorter: the agent ends.",
            id="a filter without effect",
        ),
    ],
)
async def test_a_conversation_that_is_too_long(
    truncation: Any, after: list[str] | None, noted: str
) -> None:
    script = Script(*TURNS, FULL, submits("42"))

    with running(script):
        agent = react(prompt=None, on_continue="Go!", truncation=truncation)
        state = await run(agent, "?")
        context = current_sample()

    if after is None:
        assert lines(state.messages)[-2:] == ["user: Go!", "assistant: Too long."]
        assert state.output.stop_reason == "model_length"
    else:
        assert script.asked[-1].messages == after
        assert state.output.completion == "42"
    assert context is not None
    infos = [event for event in context.transcript.events if isinstance(event, InfoEvent)]
    assert [(info.source, info.data) for info in infos] == [("react", noted)]


async def test_a_conversation_that_cannot_be_shortened_for_ever() -> None:
    script = Script(FULL, submits("42"))

    with running(script):
        state = await run(react(prompt=None, truncation="auto"), "?")

    assert lines(state.messages) == ["user: ?", "assistant: Too long."]
    assert len(script.asked) == 1


async def test_a_model_of_its_own() -> None:
    evaluated, own = Script(), Script(submits("42"))

    with running(evaluated):
        state = await run(react(model=own.model()), "?")

    assert state.output.completion == "42"


async def test_a_model_by_name() -> None:
    with running(Script()):
        state = await run(react(model=MODEL, submit=False), "?")

    assert state.output.completion == "Default output from mockllm/model"


@agent
def react_voice(copies: bool = False) -> Any:
    async def execute(state: AgentState, tools: list[Tool]) -> AgentState:
        output = await get_model().generate([*state.messages, NUDGE], tools)
        said = AgentState(messages=[*state.messages, output.message])
        said.output = output.model_copy(deep=True) if copies else output
        return said

    return execute


NUDGE = ChatMessageUser(content="Nudge.")


@pytest.mark.parametrize("copies", [False, True])
async def test_an_agent_as_the_model(copies: bool) -> None:
    script = Script(TOOL, submits("42", "So:"))

    with running(script):
        state = await run(react(prompt=None, model=react_voice(copies), tools=[echo]), "?")

    assert script.asked[1].messages == ["user: ?", *CALLED, "user: Nudge."]
    assert script.asked[1].tools == ["echo", "submit"]
    assert lines(state.messages) == ["user: ?", *CALLED, "assistant: So:\n\n42"]
    assert state.output.completion == "So:\n\n42"


@agent
def react_mute(added: list[ChatMessage]) -> Any:
    async def execute(state: AgentState, tools: list[Tool]) -> AgentState:
        state.messages.extend(added)
        return state

    return execute


@pytest.mark.parametrize(
    ("messages", "added"),
    [
        pytest.param([], [], id="no message"),
        pytest.param([NUDGE], [], id="one of the user"),
        pytest.param([TOOL.message], [], id="one of the model that calls a tool"),
        pytest.param([TOOL.message], [NUDGE], id="one of the user is added"),
    ],
)
async def test_an_agent_as_the_model_that_says_nothing(
    messages: list[ChatMessage], added: list[ChatMessage]
) -> None:
    state = AgentState(messages=messages)

    with running(Script()):
        await react(prompt=None, model=react_mute(added), submit=False, tools=[echo])(state)

    assert state.messages == [*messages, *added]


async def test_remove_tools_as_truncation() -> None:
    script = Script(TOOL, FULL, submits("42"))

    with running(script):
        await run(react(prompt=None, tools=[echo], truncation=remove_tools), "?")

    assert script.asked[-1].messages == ["user: ?", "assistant: "]


async def test_sessions_with_mcp_servers_last_as_long_as_it_runs() -> None:
    call = says("", ("do", {"text": "hi"}))

    with running(Script(call, call, submits("done"))):
        state = await run(react(prompt=None, tools=[raw_server()]), "?")

    process, *_ = state.messages[2].text.partition(":")
    assert lines(state.messages)[2:5:2] == [f"tool: {process}: 1 hi", f"tool: {process}: 2 hi"]
    assert not is_running(int(process))
