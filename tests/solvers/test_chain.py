"""@solver, generate and chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from solvers import Generate, Solver, TaskState, chain, generate, solver, user_message
from solvers.agents import Agent, AgentState, agent, as_solver
from tasks_lib._errors import AgentDefinitionError, ParameterError
from tasks_lib._util._registry import (
    is_registered,
    registry_create,
    registry_info,
    registry_params,
)
from tasks_lib.context import SampleContext, SampleLimits, use_sample
from tasks_lib.schema import ChatMessageUser

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]


@solver
def completing() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.completed = True
        return state

    return solve


@solver("replacing_state")
def replacing(state_to_return: TaskState) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state_to_return

    return solve


@agent
def chain_agent(word: str = "hello") -> Agent:
    async def execute(state: AgentState, times: int = 1) -> AgentState:
        """Say a word."""
        state.messages.append(ChatMessageUser(content=word * times))
        return state

    return execute


@agent
def chain_agent_with_argument() -> Agent:
    async def execute(state: AgentState, word: str) -> AgentState:
        """Say a word."""
        return state

    return execute


@solver
def from_agent(word: str) -> Agent:
    return chain_agent(word)


def _texts(state: TaskState) -> list[str]:
    return [message.text for message in state.messages]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([], ["question"], id="nothing"),
        pytest.param([user_message("a")], ["question", "a"], id="one"),
        pytest.param(
            [user_message("a"), [user_message("b"), [user_message("c")]]],
            ["question", "a", "b", "c"],
            id="lists",
        ),
        pytest.param(
            [chain(user_message("a"), user_message("b")), user_message("c")],
            ["question", "a", "b", "c"],
            id="chains",
        ),
        pytest.param(
            [chain_agent(), [user_message("a"), chain_agent("b")]],
            ["question", "hello", "a", "b"],
            id="agents",
        ),
        pytest.param(
            [as_solver(chain_agent("c"), times=3)], ["question", "ccc"], id="an agent as a solver"
        ),
        pytest.param([from_agent("d")], ["question", "d"], id="a solver that is an agent"),
        pytest.param(
            [user_message("a"), completing(), user_message("b")],
            ["question", "a"],
            id="completed",
        ),
    ],
)
async def test_chain(
    steps: list[Any],
    expected: list[str],
    new_state: NewState,
    scripted: Scripted,
) -> None:
    state = await chain(*steps)(new_state(), scripted())

    assert _texts(state) == expected


async def test_chain_goes_on_with_a_replaced_state(new_state: NewState, scripted: Scripted) -> None:
    other = new_state(messages=[])

    state = await chain(replacing(other), user_message("a"))(new_state(), scripted())

    assert state is other
    assert _texts(state) == ["a"]


def test_chain_is_flat() -> None:
    steps = [user_message("a"), user_message("b"), user_message("c")]

    made = chain(steps[0], [chain(*steps[1:])])

    assert list(cast(Sequence[Solver], made)) == steps


async def test_an_agent_that_needs_arguments() -> None:
    with pytest.raises(AgentDefinitionError, match="word"):
        chain(chain_agent_with_argument())
    with pytest.raises(AgentDefinitionError, match="word"):
        solver("chain_wraps_agent")(chain_agent_with_argument)()


@pytest.mark.parametrize(
    "step", [5, "generate", None, generate, chain_agent, lambda state, generate: state]
)
def test_chain_of_something_else(step: Any) -> None:
    with pytest.raises(TypeError, match=r"chain: .* is not a solver"):
        chain(step)


@pytest.mark.parametrize(
    ("options", "call"),
    [
        pytest.param({}, {"tool_calls": "loop", "cache": False}, id="defaults"),
        pytest.param(
            {"tool_calls": "none", "cache": True, "temperature": 0.5, "max_tokens": 3},
            {"tool_calls": "none", "cache": True, "temperature": 0.5, "max_tokens": 3},
            id="options",
        ),
    ],
)
async def test_generate(
    options: dict[str, Any], call: dict[str, Any], new_state: NewState, scripted: Scripted
) -> None:
    model = scripted("the answer")

    state = await generate(**options)(new_state(), model)

    assert model.calls == [call]
    assert state.output.completion == "the answer"
    assert _texts(state) == ["question", "the answer"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"tool_calls": "twice"}, "tool_calls is 'twice', expected", id="tool_calls"),
        pytest.param({"temprature": 1}, "Did you mean 'temperature'", id="unknown option"),
    ],
)
def test_bad_generate_argument(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        generate(**options)


def test_names_and_params() -> None:
    made: list[Solver] = [completing(), replacing(cast(TaskState, None)), generate(max_tokens=3)]

    assert [registry_info(item).name for item in made] == [
        "completing",
        "replacing_state",
        "generate",
    ]
    assert registry_params(made[2]) == {"max_tokens": 3}
    assert is_registered(from_agent("d"), "solver")
    assert (registry_info(from_agent("d")).name, registry_params(from_agent("d"))) == (
        "from_agent",
        {"word": "d"},
    )
    assert registry_params(registry_create("solver", "generate", max_tokens=3)) == {"max_tokens": 3}


async def test_class_of_solvers(new_state: NewState, scripted: Scripted) -> None:
    @solver
    class Shouting:
        def __init__(self, text: str) -> None:
            self.text = text

        async def __call__(self, state: TaskState, generate: Generate) -> TaskState:
            return await user_message(self.text.upper())(state, generate)

    state = await Shouting("hey")(new_state(), scripted())

    assert _texts(state) == ["question", "HEY"]


def test_solver_must_be_async() -> None:
    @solver
    def blocking() -> Solver:
        def solve(state: TaskState, generate: Generate) -> TaskState:
            return state

        return cast(Solver, solve)

    with pytest.raises(TypeError, match=r"@solver blocking returned .* not an async callable"):
        blocking()


async def test_every_step_has_a_span(new_state: NewState, scripted: Scripted) -> None:
    context = SampleContext(7, 1, SampleLimits())
    with use_sample(context):
        await chain(user_message("a"), replacing(new_state()))(new_state(), scripted())

    spans = [event.name for event in context.transcript.events if event.event == "span_begin"]
    assert spans == ["user_message", "replacing_state"]
