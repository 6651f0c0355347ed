"""The `generate` that solvers get: what it does with the tools that the model calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tasks_lib._errors import LimitExceededError, ToolDefinitionError
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import Model, ModelName, get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ModelEvent,
    ModelOutput,
    ToolCall,
    ToolChoice,
    ToolFunction,
)
from tasks_lib.steps import generate_with
from tasks_lib.task import TaskState
from tasks_lib.tool import ExecuteToolsResult, Tool, ToolDef, tool

MODEL = "mockllm/model"


@tool
def plus_for_loops() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Add.

        Args:
            x: One number.
            y: Another one.
        """
        return x + y

    return execute


def asks(name: str = "plus_for_loops") -> ModelOutput:
    arguments = {"x": 1, "y": 2} if name == "plus_for_loops" else {}
    return ModelOutput.for_tool_call(MODEL, name, arguments, content="Wait.")


def says(text: str) -> ModelOutput:
    return ModelOutput.from_content(MODEL, text)


def scripted(*outputs: ModelOutput, config: GenerateConfig | None = None) -> Model:
    return get_model(MODEL, config=config or GenerateConfig(), custom_outputs=list(outputs))


def new_state(*tools: Tool | ToolDef, tool_choice: ToolChoice | None = None) -> TaskState:
    state = TaskState(
        model=ModelName(MODEL),
        sample_id=1,
        epoch=1,
        input="Add.",
        messages=[ChatMessageUser(content="Add.")],
    )
    state.tools = tools or [plus_for_loops()]
    state.tool_choice = tool_choice
    return state


def heard(state: TaskState) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in state.messages[1:]]


ROUND = [("assistant", "Wait."), ("tool", "3")]


@pytest.mark.parametrize(
    ("tool_calls", "outputs", "expected", "completion"),
    [
        pytest.param(
            "loop",
            [asks(), asks(), says("3")],
            [*ROUND, *ROUND, ("assistant", "3")],
            "3",
            id="loop: until there are no calls",
        ),
        pytest.param(
            "single", [asks(), says("3")], ROUND, ROUND[0][1], id="single: answered, not asked"
        ),
        pytest.param(
            "none", [asks(), says("3")], ROUND[:1], ROUND[0][1], id="none: left as they are"
        ),
        pytest.param("loop", [says("3")], [("assistant", "3")], "3", id="no calls"),
        pytest.param(
            "loop",
            [asks("minus"), says("3")],
            [("assistant", "Wait."), ("tool", ""), ("assistant", "3")],
            "3",
            id="an unknown tool is told, not raised",
        ),
    ],
)
async def test_tool_calls(
    tool_calls: Any,
    outputs: list[ModelOutput],
    expected: list[tuple[str, str]],
    completion: str,
) -> None:
    state = await generate_with(scripted(*outputs))(new_state(), tool_calls=tool_calls)

    assert heard(state) == expected
    assert state.output.completion == completion


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param("any", ["any", "auto"], id="any: once, or it would never end"),
        pytest.param(
            ToolFunction("plus_for_loops"),
            [ToolFunction("plus_for_loops"), "auto"],
            id="one tool: once",
        ),
        pytest.param("auto", ["auto", "auto"], id="auto"),
        pytest.param(None, ["auto", "auto"], id="nothing said"),
        pytest.param("none", ["none", "none"], id="none stays none"),
    ],
)
async def test_tool_choice_of_later_turns(
    choice: ToolChoice | None, expected: list[ToolChoice]
) -> None:
    context = SampleContext()
    with use_sample(context):
        state = new_state(tool_choice=choice)
        state = await generate_with(scripted(asks(), says("3")))(state)

    events = [event for event in context.transcript.events if isinstance(event, ModelEvent)]
    assert [event.tool_choice for event in events] == expected
    assert state.tool_choice == choice


async def test_a_tool_that_completes_the_sample_ends_the_loop() -> None:
    state = new_state()

    async def finish() -> str:
        """Finish."""
        state.completed = True
        return "done"

    state.tools = [ToolDef(finish).as_tool()]
    state = await generate_with(scripted(asks("finish"), says("more")))(state)

    assert heard(state) == [("assistant", "Wait."), ("tool", "done")]


class Takes:
    """A tool that says something in the model's place."""

    agent = "other"

    async def __call__(self) -> str:
        """Take over."""
        raise AssertionError("called instead of being handed over to")

    async def take_over(
        self, call: ToolCall, messages: Sequence[ChatMessage], arguments: Mapping[str, Any]
    ) -> ExecuteToolsResult:
        answer = ChatMessageTool(content="taken", tool_call_id=call.id, function=call.function)
        output = says("by another")
        return ExecuteToolsResult([answer, output.message], output)


async def test_the_output_of_a_tool_that_takes_over_becomes_that_of_the_state() -> None:
    state = new_state(ToolDef(Takes(), name="takes"))
    state = await generate_with(scripted(asks("takes")))(state, tool_calls="single")

    assert state.output.completion == "by another"
    assert [m.text for m in state.messages[2:]] == ["taken", "by another"]


async def test_an_empty_output_ends_the_loop() -> None:
    state = await generate_with(scripted(ModelOutput(model=MODEL)))(new_state())

    assert heard(state) == []
    assert state.output.empty


async def long() -> str:
    """Say much."""
    return "x" * 100


@pytest.mark.parametrize(
    ("of_model", "of_call"),
    [
        pytest.param(GenerateConfig(max_tool_output=10), {}, id="the model's option"),
        pytest.param(GenerateConfig(max_tool_output=50), {"max_tool_output": 10}, id="the call's"),
    ],
)
async def test_max_tool_output(of_model: GenerateConfig, of_call: Any) -> None:
    model = scripted(asks("long"), says("so much"), config=of_model)
    state = await generate_with(model)(new_state(ToolDef(long)), **of_call)

    assert state.messages[2].text.count("x") == 10


async def test_the_message_limit_ends_a_model_that_calls_for_ever() -> None:
    context = SampleContext()
    context.limits.message_limit = 4
    with use_sample(context):
        state = new_state()
        with pytest.raises(LimitExceededError, match="message limit of 4"):
            await generate_with(scripted(*[asks() for _ in range(9)]))(state)

    assert [message.role for message in state.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_what_is_no_tool_is_refused_when_it_is_set() -> None:
    state = new_state()

    with pytest.raises(ToolDefinitionError, match="is no tool"):
        state.tools = ["plus"]  # type: ignore[list-item]


def test_tools_can_be_set_to_themselves() -> None:
    state = new_state()
    before = list(state.tools)
    state.tools = state.tools

    assert state.tools == before != []


async def test_calls_of_one_message_are_answered_in_order() -> None:
    calls = [
        ToolCall(id=str(n), function="plus_for_loops", arguments={"x": n, "y": n}) for n in (1, 2)
    ]
    asked = says("")
    asked.choices[0].message = ChatMessageAssistant(content="", tool_calls=calls)
    state = await generate_with(scripted(asked, says("both")))(new_state())

    assert heard(state) == [("assistant", ""), ("tool", "2"), ("tool", "4"), ("assistant", "both")]
