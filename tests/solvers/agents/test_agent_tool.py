"""as_tool: agents that models ask something."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Any

import pytest

from solvers.agents import Agent, AgentState, agent, as_tool
from tasks_lib._errors import SampleTerminatedError
from tasks_lib.context import SampleContext, message_limit, use_sample
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentData,
    ContentImage,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ToolEvent,
)
from tasks_lib.tool import Tool, ToolDef, execute_tools, tool_def, tool_with
from tests.solvers.agents._agents import (
    call,
    echoing,
    output,
    rebuilding,
    said,
    spans,
    system,
    texts,
    user,
)


async def ask(
    tool: Tool | ToolDef, *, function: str | None = None, **arguments: Any
) -> ChatMessageTool:
    """Return what the model is told when it calls `tool`, in a conversation of its own."""
    name = function or (tool if isinstance(tool, ToolDef) else tool_def(tool)).name
    messages: list[ChatMessage] = [system("s"), user("u"), said("", call(name, **arguments))]
    [message] = (await execute_tools(messages, [tool])).messages
    assert isinstance(message, ChatMessageTool)
    return message


def test_what_the_model_is_told() -> None:
    made = as_tool(echoing())

    assert tool_def(made).info.model_dump(exclude_none=True) == {
        "name": "echoing",
        "description": "Repeat what was said last.",
        "parameters": {
            "type": "object",
            "properties": {
                "input": {
                    "type": "string",
                    "description": "What it should do or answer, with all that it needs to know.",
                },
                "times": {"type": "integer", "description": "How often.", "default": 1},
            },
            "required": ["input"],
            "additionalProperties": False,
        },
    }


def test_what_is_passed_the_model_is_not_told() -> None:
    info = tool_def(as_tool(echoing(), "Echoes.", times=2)).info

    assert (info.description, list(info.parameters.properties)) == ("Echoes.", ["input"])


@agent
def answering_with(content: str | list[Content] | None, said_before: bool = False) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Answer."""
        if said_before:
            state.messages.append(said("said"))
        if content is not None:
            message = ChatMessageAssistant(content=content)
            state.output = ModelOutput.model_validate(
                {"model": "m", "choices": [{"message": message, "stop_reason": "stop"}]}
            )
        return state

    return execute


IMAGE = ContentImage(image="data:image/png;base64,AA==")
THOUGHT = ContentReasoning(reasoning="hm")
ONE = ContentText(text="one")


@pytest.mark.parametrize(
    ("content", "said_before", "expected"),
    [
        pytest.param("text", False, "text", id="the output"),
        pytest.param("text", True, "text", id="the output, not what was said"),
        pytest.param(None, True, "said", id="no output: what was said"),
        pytest.param(None, False, "", id="nothing"),
        pytest.param([ONE, IMAGE], False, [ONE, IMAGE], id="parts"),
        pytest.param([THOUGHT, ONE, ContentData(data={})], False, "one", id="no thoughts"),
        pytest.param([THOUGHT, IMAGE], False, [IMAGE], id="no thoughts beside other parts"),
        pytest.param([THOUGHT], False, "", id="thoughts only"),
    ],
)
async def test_the_answer(
    content: str | list[Content] | None, said_before: bool, expected: str | list[Content]
) -> None:
    message = await ask(as_tool(answering_with(content, said_before)), input="hi")

    assert (message.content, message.error) == (expected, None)


async def test_the_agent_hears_only_the_input() -> None:
    heard: list[tuple[str, str]] = []
    sources: list[str | None] = []

    @agent
    def hearing() -> Agent:
        async def execute(state: AgentState, loud: bool, words: list[int]) -> AgentState:
            """Hear.

            Args:
                loud: Whether.
                words: Which.
            """
            heard.extend(texts(state.messages))
            sources.extend(message.source for message in state.messages)
            state.output = output(f"{loud} {words}")
            return state

        return execute

    message = await ask(as_tool(hearing(), loud=True), input="hi", words=[1])

    assert message.text == "True [1]"
    assert (heard, sources) == ([("user", "hi")], ["input"])


async def test_the_same_agent_may_be_asked_twice_at_once() -> None:
    barrier = asyncio.Barrier(2)

    @agent
    def meeting() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            """Meet."""
            await barrier.wait()
            return await echoing()(state)

        return execute

    calls = [call("meeting", str(n), input=f"hi {n}") for n in range(2)]
    async with asyncio.timeout(5):
        result = await execute_tools([said("", *calls)], [as_tool(meeting())])

    assert texts(result.messages) == [("tool", "hi 0"), ("tool", "hi 1")]


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("bound", [False, True])
async def test_types_are_those_of_the_agents_module(bound: bool) -> None:
    @agent
    def painting() -> Agent:
        async def execute(state: AgentState, colour: Colour) -> AgentState:
            """Paint.

            Args:
                colour: In which colour.
            """
            state.output = output(repr(colour))
            return state

        return execute

    made = as_tool(painting(), colour=Colour.RED) if bound else as_tool(painting())
    message = await ask(made, input="hi", **({} if bound else {"colour": "red"}))

    assert message.text == "<Colour.RED: 'red'>"


async def test_limits_are_told_and_count_anew() -> None:
    made = as_tool(rebuilding(), limits=[message_limit(3)])
    errors = [(await ask(made, input="hi", times=times)).error for times in (2, 3, 2)]

    assert [error and (error.type, error.message) for error in errors] == [
        None,
        ("limit", "The message limit of 3 was exceeded: 4."),
        None,
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError, SampleTerminatedError])
async def test_other_errors_of_the_agent_are_not_told(error: type[Exception]) -> None:
    @agent
    def raising() -> Agent:
        async def execute(state: AgentState) -> AgentState:
            """Raise."""
            raise error("on purpose")

        return execute

    with pytest.raises(error, match="on purpose"):
        await ask(as_tool(raising()), input="hi")


async def test_wrong_arguments_are_told() -> None:
    message = await ask(as_tool(echoing()), input="hi", times="often")

    assert message.error is not None
    assert message.error.type == "parsing"
    assert "times" in message.error.message


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        pytest.param(lambda made: ToolDef(made, name="other"), "other", id="ToolDef"),
        pytest.param(lambda made: ToolDef(made, name="other").as_tool(), "other", id="as_tool"),
        pytest.param(lambda made: tool_with(made, name="other"), "other", id="tool_with"),
    ],
)
async def test_known_otherwise(changed: Any, name: str) -> None:
    assert (await ask(changed(as_tool(echoing())), function=name, input="hi")).text == "hi"


async def test_transcript() -> None:
    with use_sample(SampleContext()) as context:
        await ask(as_tool(echoing()), input="hi")

    [event] = [event for event in context.transcript.events if isinstance(event, ToolEvent)]
    assert spans(context) == [("tool", "echoing"), ("agent", "echoing")]
    assert (event.function, event.result, event.agent) == ("echoing", "hi", None)
