"""Who wins where the task and the call both say something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flows._options import read_options
from flows._plan import make_plan
from scorers import exact, match
from solvers import Generate, Solver, TaskState, generate, solver, system_message
from tasks_lib import Epochs, Task, task
from tasks_lib.approval import ApprovalPolicy, auto_approver
from tasks_lib.model import get_model
from tasks_lib.schema import GenerateConfig, Sample
from tasks_lib.task import RunPlan, load_tasks


@solver
def precedence_setup() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


async def clean(state: TaskState) -> None:
    """Do nothing."""


def plan(of_task: dict[str, Any], of_call: dict[str, Any]) -> RunPlan:
    made = Task([Sample(input="a"), Sample(input="b")], **({"scorer": match()} | of_task))
    options = read_options("eval", of_call)
    return make_plan(made, get_model("mockllm/called"), options, "run", "logs")


def steps(made: RunPlan) -> list[str]:
    return [step.solver for step in made.header.plan.steps]


def policy(tools: str) -> list[ApprovalPolicy]:
    return [ApprovalPolicy(auto_approver(), tools)]


def config(name: str) -> Any:
    return lambda made: getattr(made.header.eval.config, name)


def limit(name: str) -> list[Any]:
    return [
        pytest.param({name: 5}, {name: 7}, config(name), 7, id=f"{name}: the call"),
        pytest.param({name: 5}, {}, config(name), 5, id=f"{name}: else the task"),
        pytest.param({}, {}, config(name), None, id=f"{name}: else none"),
    ]


@pytest.mark.parametrize(
    ("of_task", "of_call", "read", "expected"),
    [
        pytest.param({"model": "mockllm/own"}, {}, lambda p: p.header.eval.model, "mockllm/own",
                     id="model: the task"),
        pytest.param({}, {}, lambda p: p.header.eval.model, "mockllm/called",
                     id="model: else the call"),
        pytest.param(
            {"model_roles": {"grader": "mockllm/t", "judge": "mockllm/t"}},
            {"model_roles": {"grader": "mockllm/c", "critic": "mockllm/c"}},
            lambda p: {role: str(model) for role, model in p.roles.items()},
            {"grader": "mockllm/t", "judge": "mockllm/t", "critic": "mockllm/c"},
            id="roles: by name, the task",
        ),
        pytest.param(
            {"config": GenerateConfig(temperature=0.1, max_tokens=5)}, {"temperature": 0.9},
            lambda p: (p.config.temperature, p.config.max_tokens), (0.9, 5),
            id="generate options: by name, the call",
        ),
        pytest.param(
            dict[str, Any](solver=generate(), setup=precedence_setup(), cleanup=clean),
            {"solver": [system_message("x"), generate()]},
            lambda p: (steps(p), p.setup is not None, p.cleanup),
            (["system_message", "generate"], True, clean),
            id="solver: the call; setup and cleanup stay the task's",
        ),
        pytest.param({"solver": system_message("x")}, {}, steps, ["system_message"],
                     id="solver: else the task"),
        pytest.param({}, {}, steps, ["generate"], id="solver: else generate"),
        pytest.param({}, {"scorer": exact()}, lambda p: [s.name for s, _ in p.scorers], ["exact"],
                     id="scorer: the call"),
        pytest.param({}, {}, lambda p: [s.name for s, _ in p.scorers], ["match"],
                     id="scorer: else the task"),
        pytest.param({}, {"scorer": exact(), "score": False}, lambda p: p.scorers, [],
                     id="scorer: none with score=False"),
        pytest.param({"approval": policy("a*")}, {"approval": policy("b*")},
                     lambda p: p.header.eval.config.approval["approvers"][0]["tools"], "b*",
                     id="approval: the call"),
        pytest.param({"approval": policy("a*")}, {},
                     lambda p: p.header.eval.config.approval["approvers"][0]["tools"], "a*",
                     id="approval: else the task"),
        pytest.param({"epochs": Epochs(2, "max")}, {"epochs": 3},
                     lambda p: (p.epochs, list(p.reducers)), (3, ["max"]),
                     id="epochs: the call's number, the task's reducer"),
        pytest.param({"epochs": Epochs(2, "max")}, {"epochs": Epochs(3, ["mode", "mean"])},
                     lambda p: (p.epochs, list(p.reducers)), (3, ["mode", "mean"]),
                     id="epochs: the call's reducer, if it has one"),
        pytest.param({"epochs": Epochs(2, "max")}, {}, lambda p: (p.epochs, list(p.reducers)),
                     (2, ["max"]), id="epochs: else the task"),
        pytest.param({}, {}, lambda p: (p.epochs, list(p.reducers)), (1, ["mean"]),
                     id="epochs: else one"),
        *limit("message_limit"), *limit("token_limit"), *limit("time_limit"),
        *limit("working_limit"),
        pytest.param({"fail_on_error": 0.5}, {"fail_on_error": False}, config("fail_on_error"),
                     False, id="fail_on_error: the call"),
        pytest.param({"fail_on_error": 0.5}, {}, config("fail_on_error"), 0.5,
                     id="fail_on_error: else the task"),
        pytest.param({}, {}, config("fail_on_error"), True, id="fail_on_error: else the first"),
        pytest.param({"metadata": {"a": "t", "b": "t"}}, {"metadata": {"a": "c", "d": "c"}},
                     lambda p: p.header.eval.metadata, {"a": "t", "b": "t", "d": "c"},
                     id="metadata: by key, the task"),
        pytest.param({}, {"tags": ["x"]}, lambda p: p.header.eval.tags, ["x"], id="tags: the call"),
    ],
)  # fmt: skip
def test_who_wins(
    of_task: dict[str, Any], of_call: dict[str, Any], read: Any, expected: object
) -> None:
    assert read(plan(of_task, of_call)) == expected


def test_a_model_that_was_asked_for_and_is_not_used_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan({"model": "mockllm/own", "name": "with_own"}, {})

    assert caplog.messages == [
        "The task 'with_own' runs on its own model, mockllm/own, not on mockllm/called."
    ]


@task
def precedence_args(count: int = 1, kind: str = "a") -> Task:
    return Task([Sample(input=kind)] * 1, scorer=match())


def test_arguments_are_for_functions_not_for_tasks_that_are_made() -> None:
    made: list[Task | Callable[..., Task]] = [precedence_args(2), precedence_args]

    loaded = load_tasks(made, {"kind": "b"})

    assert [t.task_args_passed for t in loaded] == [{"count": 2}, {"kind": "b"}]
