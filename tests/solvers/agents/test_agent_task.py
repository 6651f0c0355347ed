"""Agents that solve a task together: with tools, as a tool, and by handing over."""

from __future__ import annotations

from collections.abc import Sequence

from flows._options import read_options
from flows._plan import make_plan
from scorers import includes
from solvers import system_message
from solvers.agents import Agent, AgentState, agent, as_tool, handoff
from tasks_lib import Task
from tasks_lib.dataset import MemoryDataset, Sample
from tasks_lib.model import execute_tools, get_model, use_active_model
from tasks_lib.schema import (
    ChatCompletionChoice,
    EvalSample,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    SpanBeginEvent,
    ToolCall,
    ToolEvent,
)
from tasks_lib.steps import run_sample
from tasks_lib.tool import Tool, tool
from tests.solvers.agents._agents import MODEL, call, output, said, texts


@tool
def times_at_the_till() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Multiply.

        Args:
            x: One number.
            y: Another one.
        """
        return x * y

    return execute


@tool
def plus_at_the_till() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Add.

        Args:
            x: One number.
            y: Another one.
        """
        return x + y

    return execute


async def work(state: AgentState, tools: Sequence[Tool]) -> AgentState:
    """Ask the evaluated model until it calls no tool."""
    model = get_model()
    while True:
        state.output = await model.generate(state.messages, tools=tools)
        state.messages.append(state.output.message)
        if not state.output.message.tool_calls:
            return state
        done = await execute_tools(state.messages, tools)
        state.messages.extend(done.messages)
        state.output = done.output or state.output


@agent(description="Adds whatever it is told to add.")
def adding_up() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        return await work(state, [plus_at_the_till()])

    return execute


@agent(description="Takes a discount off.")
def discounting() -> Agent:
    async def execute(state: AgentState, percent: int) -> AgentState:
        """Discount.

        Args:
            percent: How much.
        """
        return await work(state, [times_at_the_till()])

    return execute


@agent
def cashier() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        tools = [times_at_the_till(), as_tool(adding_up()), handoff(discounting())]
        return await work(state, tools)

    return execute


def calls(*asked: ToolCall) -> ModelOutput:
    choice = ChatCompletionChoice(message=said("", *asked), stop_reason="tool_calls")
    return ModelOutput(model=MODEL, choices=[choice])


def used(output: ModelOutput) -> ModelOutput:
    """Return `output` as one that took ten tokens."""
    return output.model_copy(update={"usage": ModelUsage(total_tokens=10)})


SCRIPT = [
    calls(call("times_at_the_till", "1", x=3, y=4), call("times_at_the_till", "2", x=2, y=5)),
    calls(call("adding_up", "3", input="Add 12 and 10.")),
    calls(call("plus_at_the_till", "4", x=12, y=10)),
    output("It is 22."),
    calls(call("transfer_to_discounting", "5", percent=10)),
    calls(call("times_at_the_till", "6", x=22, y=90)),
    output("90 % of 22 are 19.8."),
    output("It costs 19.8."),
]


async def solved(token_limit: int | None = None) -> EvalSample:
    task = Task(
        dataset=MemoryDataset(
            [Sample(input="3 apples at 4, 2 pears at 5, 10 % off?", target="19.8")]
        ),
        solver=[system_message("You are a cashier."), cashier()],
        scorer=includes(),
        name="shop",
    )
    plan = make_plan(
        task,
        get_model(MODEL, custom_outputs=[used(output) for output in SCRIPT]),
        read_options("eval_set", {"token_limit": token_limit}),
        "run",
        "logs",
    )
    assert [step.solver for step in plan.header.plan.steps] == ["system_message", "cashier"]
    with use_active_model(plan.model, plan.config, plan.roles):
        sample, error = await run_sample(plan, plan.samples[0], 1)
    assert error is None
    return sample


async def test_agents_solve_a_task_together() -> None:
    sample = await solved()

    assert texts(sample.messages)[2:] == [
        ("assistant", ""),
        ("tool", "12"),
        ("tool", "10"),
        ("assistant", ""),
        ("tool", "It is 22."),
        ("assistant", ""),
        ("tool", "Now discounting goes on with the conversation."),
        ("assistant", ""),
        ("tool", "1980"),
        ("assistant", "[discounting] 90 % of 22 are 19.8."),
        ("user", "discounting is done. Go on from here."),
        ("assistant", "It costs 19.8."),
    ]
    assert sample.output.completion == "It costs 19.8."
    assert sample.scores is not None
    assert [(name, score.value) for name, score in sample.scores.items()] == [("includes", "C")]


async def test_the_transcript_tells_who_did_what() -> None:
    sample = await solved()

    begun = {event.id: event for event in sample.events if isinstance(event, SpanBeginEvent)}

    def agent_of(span: str | None) -> str | None:
        while span is not None:
            if begun[span].type == "agent":
                return begun[span].name
            span = begun[span].parent_id
        return None

    done = [
        (agent_of(event.span_id), event.function, event.result)
        for event in sample.events
        if isinstance(event, ToolEvent)
    ]
    assert done == [
        ("cashier", "times_at_the_till", "12"),
        ("cashier", "times_at_the_till", "10"),
        ("cashier", "adding_up", "It is 22."),
        ("adding_up", "plus_at_the_till", "22"),
        ("cashier", "transfer_to_discounting", "Now discounting goes on with the conversation."),
        ("discounting", "times_at_the_till", "1980"),
    ]
    asked = [agent_of(event.span_id) for event in sample.events if isinstance(event, ModelEvent)]
    assert asked == [
        *["cashier"] * 2,
        *["adding_up"] * 2,
        "cashier",
        *["discounting"] * 2,
        "cashier",
    ]


async def test_a_limit_of_the_sample_in_a_handoff_keeps_what_was_said() -> None:
    sample = await solved(token_limit=65)

    assert sample.limit is not None
    assert (sample.limit.type, sample.limit.limit) == ("token", 65)
    assert texts(sample.messages)[-4:] == [
        ("tool", "Now discounting goes on with the conversation."),
        ("assistant", ""),
        ("tool", "1980"),
        ("user", "discounting was stopped before it was done, by its token limit of 65."),
    ]
