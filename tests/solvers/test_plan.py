"""Plan and @plan: deprecated, and working."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest

from solvers import Generate, Plan, Solver, TaskState, plan, solver, user_message
from solvers.agents import Agent, AgentState, agent
from tasks_lib import Task
from tasks_lib._errors import ParameterError
from tasks_lib._util._params import plain_params
from tasks_lib._util._registry import registry_create, registry_info, registry_params
from tasks_lib.context import SampleContext, use_sample

NewState = Callable[..., TaskState]
Scripted = Callable[..., Any]


@solver
def plan_completing() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.completed = True
        return state

    return solve


@solver
def plan_failing() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        raise ZeroDivisionError("no")

    return solve


@agent
def plan_agent() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Do nothing."""
        return state

    return execute


def _texts(state: TaskState) -> list[str]:
    return [message.text for message in state.messages]


A, B, LAST = user_message("a"), user_message("b"), user_message("last")


@pytest.mark.parametrize(
    ("steps", "finish", "expected"),
    [
        pytest.param(A, None, ["question", "a"], id="one"),
        pytest.param([A, [B]], None, ["question", "a", "b"], id="several"),
        pytest.param([A], LAST, ["question", "a", "last"], id="with a last one"),
        pytest.param(
            [A, plan_completing(), B], LAST, ["question", "a", "last"], id="completed early"
        ),
        pytest.param([plan_agent(), A], plan_agent(), ["question", "a"], id="agents"),
    ],
)
async def test_steps(
    steps: Any, finish: Any, expected: list[str], new_state: NewState, scripted: Scripted
) -> None:
    seen: list[list[str]] = []

    async def cleanup(state: TaskState) -> None:
        seen.append(_texts(state))

    made = Plan(steps, finish, cleanup, internal=True)
    with use_sample(SampleContext()):
        state = await made(new_state(), scripted())

    assert _texts(state) == expected
    assert seen == [expected]


async def test_an_error_skips_the_last_one_but_not_the_cleanup(
    new_state: NewState, scripted: Scripted
) -> None:
    seen: list[list[str]] = []

    async def cleanup(state: TaskState) -> None:
        seen.append(_texts(state))

    made = Plan([A, plan_failing(), B], LAST, cleanup, internal=True)

    with pytest.raises(ZeroDivisionError):
        await made(new_state(), scripted())

    assert seen == [["question", "a"]]


async def test_an_error_of_the_cleanup_is_logged(
    new_state: NewState, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    async def cleanup(state: TaskState) -> None:
        raise ZeroDivisionError("no")

    made = Plan([A], None, cleanup, "mine", internal=True)
    with caplog.at_level(logging.WARNING):
        state = await made(new_state(), scripted())

    assert _texts(state) == ["question", "a"]
    assert [record.getMessage() for record in caplog.records] == [
        "The cleanup of the plan 'mine' failed."
    ]


def test_it_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match=r"Plan is deprecated: use chain") as plans:
        Plan([A])
    with pytest.warns(DeprecationWarning, match=r"@plan is deprecated: use @solver") as decorators:
        plan(name="plan_warned")(lambda: Plan([A], internal=True))

    assert [warning.filename for warning in (*plans, *decorators)] == [__file__, __file__]


def test_names() -> None:
    with pytest.warns(DeprecationWarning):

        @plan
        def plan_by_function(text: str = "x") -> Plan:
            return Plan([user_message(text)], LAST, internal=True)

        @plan(name="plan_by_name", version=2)
        def _other() -> Plan:
            return Plan(A, internal=True)

    made = plan_by_function(text="y")
    by_name = cast(Plan, registry_create("solver", "plan_by_name"))

    assert (made.name, registry_params(made)) == ("plan_by_function", {"text": "y"})
    assert (by_name.name, dict(registry_info(by_name).metadata)) == ("plan_by_name", {"version": 2})
    assert Plan(A, internal=True).name == "plan"
    assert Plan(A, name="mine", internal=True).name == "mine"


def test_a_task_takes_it_and_logs_say_what_it_is_made_of() -> None:
    made = Plan([A, B], LAST, internal=True)

    assert Task(solver=made).solver is made
    assert plain_params(registry_params(made)) == {
        "steps": [
            {"name": "user_message", "params": {"template": "a"}},
            {"name": "user_message", "params": {"template": "b"}},
        ],
        "finish": {"name": "user_message", "params": {"template": "last"}},
    }


async def test_every_step_has_a_span(new_state: NewState, scripted: Scripted) -> None:
    with use_sample(SampleContext()) as context:
        await Plan([A, plan_completing()], LAST, internal=True)(new_state(), scripted())

    spans = [event.name for event in context.transcript.events if event.event == "span_begin"]
    assert spans == ["user_message", "plan_completing", "user_message"]


@pytest.mark.parametrize(
    ("arguments", "error", "problem"),
    [
        pytest.param({"steps": [5]}, TypeError, "Plan: 5 is not a solver", id="step"),
        pytest.param({"steps": A, "finish": [B]}, TypeError, r"Plan: .* is not a solver",
                     id="a list at the end"),
        pytest.param({"steps": A, "cleanup": cast(Any, print)}, ParameterError,
                     "Plan: cleanup is .*, expected an async function", id="cleanup"),
    ],
)  # fmt: skip
def test_bad_plan(arguments: dict[str, Any], error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        Plan(**arguments, internal=True)


def test_a_plan_function_must_return_a_plan() -> None:
    with pytest.warns(DeprecationWarning):
        broken = plan(name="plan_broken")(cast(Callable[[], Plan], lambda: A))

    with pytest.raises(TypeError, match=r"@plan plan_broken returned .*, expected a Plan"):
        broken()
