"""handoff: agents that go on with the conversation of another."""

from __future__ import annotations

import asyncio

import pytest

from solvers.agents import (
    Agent,
    AgentState,
    MessageFilter,
    agent,
    handoff,
    last_message,
    remove_tools,
)
from tasks_lib.context import (
    SampleContext,
    SampleLimits,
    message_limit,
    time_limit,
    use_sample,
)
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ContentImage,
    ContentReasoning,
    ContentText,
    ModelOutput,
)
from tasks_lib.tool import (
    execute_tools,
    tool_def,
)
from tests.solvers.agents._agents import (
    call,
    echoing,
    output,
    rebuilding,
    said,
    system,
    texts,
    user,
)
from tests.solvers.agents._handoffs import DONE, NOW, conversation, hand, helping, plus_for_handoffs


@agent
def hearing_all(heard: list[ChatMessage]) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Hear."""
        heard.extend(message.model_copy() for message in state.messages)
        for message in state.messages:
            message.text = "scribble"
        return state

    return execute


def test_what_the_model_is_told() -> None:
    definition = tool_def(handoff(echoing()))

    assert definition.parallel is False
    assert definition.info.model_dump(exclude_none=True) == {
        "name": "transfer_to_echoing",
        "description": "Repeat what was said last.",
        "parameters": {
            "type": "object",
            "properties": {"times": {"type": "integer", "description": "How often.", "default": 1}},
            "required": [],
            "additionalProperties": False,
        },
    }


def test_what_is_passed_the_model_is_not_told() -> None:
    info = tool_def(handoff(echoing(), "Echoes.", tool_name="echo", times=2)).info

    assert (info.name, info.description, info.parameters.properties) == ("echo", "Echoes.", {})


HEARD = [("user", "hi"), ("assistant", "over")]


async def only_users(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [message for message in messages if message.role in ("user", "system")]


@pytest.mark.parametrize(
    ("input_filter", "expected"),
    [
        pytest.param(
            None,
            [*HEARD, ("tool", "Now hearing_all goes on with the conversation.")],
            id="all but the system's",
        ),
        pytest.param(remove_tools, HEARD, id="remove_tools"),
        pytest.param(
            last_message,
            [("tool", "Now hearing_all goes on with the conversation.")],
            id="last_message",
        ),
        pytest.param(only_users, HEARD[:1], id="the system's are removed after the filter"),
    ],
)
async def test_what_the_agent_hears(
    input_filter: MessageFilter | None, expected: list[tuple[str, str]]
) -> None:
    heard: list[ChatMessage] = []

    await hand(hearing_all(heard), "hearing_all", input_filter=input_filter)

    assert texts(heard) == expected


async def test_the_agent_sees_its_call_only_and_changes_nothing_of_others() -> None:
    heard: list[ChatMessage] = []
    calls = [call("plus_for_handoffs", "1", x=1, y=2), call("transfer_to_hearing_all", "2")]
    messages: list[ChatMessage] = [user("hi"), said("both", *calls)]
    tools = [plus_for_handoffs(), handoff(hearing_all(heard))]
    result = await execute_tools(messages, tools)

    asking = heard[1]
    assert isinstance(asking, ChatMessageAssistant)
    assert asking.tool_calls == calls[1:]
    answer = heard[2]
    assert isinstance(answer, ChatMessageTool)
    assert (answer.tool_call_id, answer.function) == ("2", "transfer_to_hearing_all")
    assert len(heard) == 3
    assert texts(messages) == [("user", "hi"), ("assistant", "both")]
    assert messages[1] == said("both", *calls).model_copy(update={"id": messages[1].id})
    assert texts(result.messages) == [
        ("tool", "3"),
        ("tool", "Now hearing_all goes on with the conversation."),
        ("user", "hearing_all is done. Go on from here."),
    ]


PARTS = ChatMessageAssistant(
    content=[
        ContentReasoning(reasoning="hm"),
        ContentImage(image="data:image/png;base64,AA=="),
        ContentText(text="one"),
        ContentText(text="two"),
    ]
)


@pytest.mark.parametrize(
    ("says", "added"),
    [
        pytest.param([], [DONE], id="nothing"),
        pytest.param([said("a")], [("assistant", "[helping] a"), DONE], id="the last word"),
        pytest.param(
            [said("a"), user("b")],
            [("assistant", "[helping] a"), ("user", "b")],
            id="a user has the last word",
        ),
        pytest.param([system("a"), user("b")], [("user", "b")], id="the system's are left out"),
        pytest.param([said("")], [("assistant", ""), DONE], id="no text"),
        pytest.param([PARTS], [("assistant", "[helping] one\ntwo"), DONE], id="parts"),
        pytest.param(
            [said("", call("f", "9")), ChatMessageTool(content="9", tool_call_id="9")],
            [("assistant", ""), ("tool", "9")],
            id="calls that were answered",
        ),
        pytest.param([said("", call("f", "9"))], [DONE], id="calls alone that nobody answered"),
        pytest.param(
            [said("a", call("f", "9"))], [("assistant", "[helping] a"), DONE], id="and with text"
        ),
    ],
)
async def test_what_is_added(says: list[ChatMessage], added: list[tuple[str, str]]) -> None:
    before = [message.model_copy(deep=True) for message in says]
    result = await hand(helping(*says))

    assert texts(result.messages) == [NOW, *added]
    assert says == before


async def test_only_calls_that_were_answered_are_added() -> None:
    calls = [call("f", "8"), call("f", "9")]
    answer = ChatMessageTool(content="8", tool_call_id="8")
    result = await hand(helping(said("a", *calls), answer))

    asking = result.messages[1]
    assert isinstance(asking, ChatMessageAssistant)
    assert asking.tool_calls == calls[:1]


async def test_the_prefix_stands_before_the_first_text() -> None:
    result = await hand(helping(PARTS))
    content = result.messages[1].content

    assert content[:2] == PARTS.content[:2]
    assert [part.text for part in content if isinstance(part, ContentText)] == [
        "[helping] one",
        "two",
    ]


async def test_output_filter() -> None:
    seen: list[tuple[str, str]] = []

    async def nothing(messages: list[ChatMessage]) -> list[ChatMessage]:
        seen.extend(texts(messages))
        return []

    result = await hand(helping(system("s"), said("a"), user("b")), output_filter=nothing)

    assert seen == [("assistant", "[helping] a"), ("user", "b")]
    assert texts(result.messages) == [NOW, DONE]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(helping(said("a")), "a", id="what was said, without the name"),
        pytest.param(helping(said("a"), out=output("b")), "b", id="what was set"),
        pytest.param(helping(user("a")), None, id="none"),
        pytest.param(helping(out=ModelOutput()), None, id="an empty one"),
    ],
)
async def test_output(made: Agent, expected: str | None) -> None:
    result = await hand(made)

    assert (result.output.completion if result.output else None) == expected


async def test_arguments_of_both() -> None:
    result = await hand(echoing(shout=True), "echoing", times=2)

    assert (
        texts(result.messages)[1:3]
        == [("assistant", "[echoing] NOW ECHOING GOES ON WITH THE CONVERSATION.")] * 2
    )


async def test_a_state_of_the_agents_own() -> None:
    result = await hand(rebuilding(), "rebuilding", {"times": 2})

    assert texts(result.messages)[1:] == [
        ("assistant", "[rebuilding] step 0"),
        ("assistant", "[rebuilding] step 1"),
        ("user", "rebuilding is done. Go on from here."),
    ]


@pytest.mark.parametrize(
    ("own", "of_sample", "stopped"),
    [
        pytest.param(5, None, "message limit of 5", id="its own"),
        pytest.param(None, 5, "message limit of 5", id="the sample's"),
    ],
)
async def test_limits(own: int | None, of_sample: int | None, stopped: str) -> None:
    limits = [message_limit(own)] if own else []
    made = handoff(rebuilding(), limits=limits)
    for _ in range(2):  # limits count anew
        with use_sample(SampleContext(limits=SampleLimits(message_limit=of_sample))):
            result = await execute_tools(conversation("rebuilding", times=9), [made])

        assert texts(result.messages) == [
            ("tool", "Now rebuilding goes on with the conversation."),
            ("assistant", "[rebuilding] step 0"),
            ("assistant", "[rebuilding] step 1"),
            ("user", f"rebuilding was stopped before it was done, by its {stopped}."),
        ]
        assert result.output is not None
        assert result.output.completion == "step 1"


async def test_limits_cut_off_what_is_awaited() -> None:
    result = await hand(waiting_in_call(), "waiting_in_call", limits=[time_limit(0.01)])

    assert texts(result.messages)[1:] == [
        (
            "user",
            "waiting_in_call was stopped before it was done, by its time limit of 0.01.",
        )
    ]


@agent
def waiting_in_call() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Call what never answers."""
        state.messages.append(said("", call("f")))
        await asyncio.Event().wait()
        return state

    return execute


async def test_no_room_for_the_conversation() -> None:
    with use_sample(SampleContext(limits=SampleLimits(message_limit=2))):
        result = await hand(helping(said("a")))

    [message] = result.messages
    assert isinstance(message, ChatMessageTool)
    assert message.error is not None
    assert message.error.type == "limit"


async def test_an_error_of_the_agent_is_not_told() -> None:
    @agent
    def breaking() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            """Break."""
            raise ZeroDivisionError("on purpose")

        return execute

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        await hand(breaking(), "breaking")
