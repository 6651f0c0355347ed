"""@solver, generate and chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from solvers import Generate, Solver, TaskState, chain, generate, solver, user_message
from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import registry_create, registry_info, registry_params
from tasks_lib.context import SampleContext, SampleLimits, use_sample

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
            [user_message("a"), completing(), user_message("b")],
            ["question", "a"],
            id="completed",
        ),
    ],
)
async def test_chain(
    steps: list[Solver | Sequence[Solver]],
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


@pytest.mark.parametrize("step", [5, "generate", generate, lambda state, generate: state])
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
