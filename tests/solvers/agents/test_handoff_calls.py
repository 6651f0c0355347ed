"""Handoffs among other calls, as tools of all kinds, and what filters keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from solvers import use_tools
from solvers.agents import (
    Agent,
    AgentState,
    MessageFilter,
    agent,
    as_tool,
    handoff,
    last_message,
    react,
    remove_tools,
    run,
)
from tasks_lib._errors import AgentDefinitionError, ParameterError
from tasks_lib.context import (
    SampleContext,
    use_sample,
)
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ModelOutput,
    SpanBeginEvent,
    ToolEvent,
)
from tasks_lib.steps import generate_with
from tasks_lib.tool import (
    ExecuteToolsResult,
    TakesOver,
    Tool,
    ToolDef,
    execute_tools,
    tool_def,
    tool_with,
)
from tests.solvers.agents._agents import (
    MODEL,
    call,
    echoing,
    output,
    said,
    system,
    task_state,
    texts,
    user,
)
from tests.solvers.agents._handoffs import DONE, NOW, hand, helping, plus_for_handoffs


async def test_calls_of_the_same_message_are_answered_first() -> None:
    calls = [
        call("plus_for_handoffs", "1", x=1, y=2),
        call("transfer_to_helping", "2"),
        call("plus_for_handoffs", "3", x=3, y=4),
        call("transfer_to_echoing", "4", times=2),
        call("transfer_to_echoing", "5", times="x"),
    ]
    tools = [plus_for_handoffs(), handoff(helping(said("a"))), handoff(echoing())]
    result = await execute_tools([user("hi"), said("", *calls)], tools)

    echo = ("assistant", "[echoing] Now echoing goes on with the conversation.")
    assert texts(result.messages) == [
        ("tool", "3"),
        NOW,
        ("tool", "7"),
        ("tool", "Now echoing goes on with the conversation."),
        ("tool", ""),
        ("assistant", "[helping] a"),
        DONE,
        echo,
        echo,
        ("user", "echoing is done. Go on from here."),
    ]
    answers = result.messages[:5]
    assert [m.tool_call_id for m in answers if isinstance(m, ChatMessageTool)] == list("12345")
    assert result.output is not None
    assert result.output.completion == "Now echoing goes on with the conversation."


def as_given(made: Tool) -> Tool:
    return made


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        pytest.param(as_given, "transfer_to_helping", id="itself"),
        pytest.param(ToolDef, "transfer_to_helping", id="ToolDef"),
        pytest.param(lambda made: ToolDef(made).as_tool(), "transfer_to_helping", id="as_tool"),
        pytest.param(lambda made: ToolDef(made, name="x").as_tool(), "x", id="another name"),
        pytest.param(lambda made: tool_with(made, name="x"), "x", id="tool_with"),
        pytest.param(
            lambda made: ToolDef(tool_with(made, description="d"), name="x").as_tool(),
            "x",
            id="both",
        ),
    ],
)
async def test_known_otherwise(changed: Any, name: str) -> None:
    made = changed(handoff(helping(said("a"))))
    result = await execute_tools([user("hi"), said("", call(name))], [made])

    assert texts(result.messages) == [NOW, ("assistant", "[helping] a"), DONE]
    definition = made if isinstance(made, ToolDef) else tool_def(made)
    assert isinstance(definition.tool, TakesOver)
    assert definition.tool.agent == "helping"
    assert definition.name == name


class Taking:
    """An object that takes over."""

    agent = "somebody"

    async def __call__(self) -> str:
        """Take over."""
        raise AssertionError

    async def take_over(
        self, call: object, messages: Sequence[ChatMessage], arguments: object
    ) -> ExecuteToolsResult:
        return ExecuteToolsResult([ChatMessageTool(content="taken")])


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(ToolDef(Taking(), name="take"), id="ToolDef"),
        pytest.param(ToolDef(Taking(), name="take").as_tool(), id="as_tool"),
    ],
)
async def test_objects_that_take_over(made: Tool | ToolDef) -> None:
    result = await execute_tools([said("", call("take"))], [made])

    assert texts(result.messages) == [("tool", "taken")]


async def test_transcript() -> None:
    with use_sample(SampleContext()) as context:
        await hand(helping(said("a")))

    begun = [event for event in context.transcript.events if isinstance(event, SpanBeginEvent)]
    ids = {event.id: event.name for event in begun}
    assert [(event.type, event.name, ids.get(event.parent_id or "")) for event in begun] == [
        ("handoff", "helping", None),
        ("tool", "transfer_to_helping", "helping"),
        ("agent", "helping", "transfer_to_helping"),
    ]
    [event] = [event for event in context.transcript.events if isinstance(event, ToolEvent)]
    assert ids[event.span_id or ""] == "transfer_to_helping"
    assert (event.function, event.agent, event.result, event.pending) == (
        "transfer_to_helping",
        "helping",
        NOW[1],
        None,
    )


async def test_a_handoff_is_no_function() -> None:
    with pytest.raises(RuntimeError, match="The handoff to 'echoing' was called as a function"):
        await handoff(echoing())(times=1)


def keep(messages: list[ChatMessage]) -> list[ChatMessage]:
    return messages


BROKEN = cast(MessageFilter, keep)


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        pytest.param(lambda: handoff(echoing(), input_filter=BROKEN), "input_filter", id="input"),
        pytest.param(
            lambda: handoff(echoing(), output_filter=BROKEN), "output_filter", id="output"
        ),
    ],
)
def test_filters_are_async(make: Callable[[], Tool], parameter: str) -> None:
    with pytest.raises(ParameterError, match=rf"handoff: {parameter} is .* an async function"):
        make()


async def test_the_agent_at_work_cannot_hand_over_to_itself() -> None:
    @agent
    def narcissus() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            """Look."""
            handoff(echoing())
            handoff(execute)
            return state

        return execute

    made = narcissus()
    handoff(made)
    with pytest.raises(AgentDefinitionError, match="'narcissus' cannot hand over to itself"):
        await run(made, "hi")


def test_an_agent_that_is_made_with_a_handoff_to_its_own_name() -> None:
    inner = react(name="planner", description="Plans.")
    react(name="boss", tools=[handoff(inner), as_tool(inner)])

    with pytest.raises(
        AgentDefinitionError, match="'planner' cannot hand over to itself, as 'tran"
    ):
        react(name="planner", tools=[handoff(inner)])


async def test_handoff_of_a_solver() -> None:
    model = get_model(
        MODEL,
        custom_outputs=[
            ModelOutput.for_tool_call(MODEL, "transfer_to_helping", {}, content="over"),
            output("thanks"),
        ],
    )
    generate = generate_with(model)
    state = await use_tools(handoff(helping(said("a"))))(task_state(), generate)
    state = await generate(state)

    assert texts(state.messages)[1:] == [
        ("assistant", "over"),
        NOW,
        ("assistant", "[helping] a"),
        DONE,
        ("assistant", "thanks"),
    ]
    assert state.output.completion == "thanks"


CALLING = said("both", call("f"))


@pytest.mark.parametrize(
    ("keep", "messages", "expected"),
    [
        pytest.param(remove_tools, [], [], id="remove_tools: nothing"),
        pytest.param(
            remove_tools,
            [system("s"), user("u"), CALLING, ChatMessageTool(content="t"), said("a")],
            [("system", "s"), ("user", "u"), ("assistant", "both"), ("assistant", "a")],
            id="remove_tools",
        ),
        pytest.param(last_message, [], [], id="last_message: nothing"),
        pytest.param(last_message, [user("u"), said("a")], [("assistant", "a")], id="last_message"),
    ],
)
async def test_filters(
    keep: MessageFilter, messages: list[ChatMessage], expected: list[tuple[str, str]]
) -> None:
    before = [message.model_copy(deep=True) for message in messages]
    kept = await keep(messages)

    assert texts(kept) == expected
    assert not any(isinstance(m, ChatMessageAssistant) and m.tool_calls for m in kept)
    assert messages == before
