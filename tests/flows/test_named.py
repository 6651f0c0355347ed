"""Solvers, agents and scorers by name, with arguments: in eval-set files and in calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows._options import read_options
from flows._plan import make_plan
from flows.eval_set import requests_of_file
from scorers import match
from solvers import (
    Generate,
    Solver,
    SolverSpec,
    TaskState,
    basic_agent,
    generate,
    solver,
    use_tools,
)
from solvers.agents import (
    Agent,
    AgentAttempts,
    AgentPrompt,
    AgentState,
    agent,
    as_tool,
    handoff,
    last_message,
    react,
)
from tasks_lib import Task
from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.model import get_model
from tasks_lib.schema import EvalLog
from tasks_lib.tool import ToolDef, mcp_server_stdio, mcp_tools
from tasks_lib.util import token_limit


@agent
def named_agent(name: str = "nobody") -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Do nothing."""
        return state

    return execute


@solver
def unpassed() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


def header(task: Task | None = None, **options: Any) -> EvalLog:
    made = make_plan(
        task or Task(solver=unpassed(), scorer=match(), name="t"),
        get_model("mockllm/model"),
        read_options("eval_set", options),
        "run",
        "logs",
    )
    return made.header


def steps(log: EvalLog) -> list[tuple[str, dict[str, Any]]]:
    return [(step.solver, step.params) for step in log.plan.steps]


@pytest.mark.parametrize(
    ("asked", "expected", "recorded"),
    [
        pytest.param("generate", [("generate", {})], ("generate", {}), id="a name"),
        pytest.param(
            {"name": "system_message", "template": "Hi {x}", "x": 1},
            [("system_message", {"template": "Hi {x}", "x": 1})],
            ("system_message", {"template": "Hi {x}", "x": 1}),
            id="a name with arguments",
        ),
        pytest.param(
            [{"name": "generate", "max_tokens": 9}, "generate"],
            [("generate", {"max_tokens": 9}), ("generate", {})],
            ("chain", {}),
            id="a list of both",
        ),
        pytest.param(
            SolverSpec("generate", {"tool_calls": "none"}),
            [("generate", {"tool_calls": "none"})],
            ("generate", {"tool_calls": "none"}),
            id="SolverSpec",
        ),
        pytest.param(
            {"name": "named_agent", "args": {"name": "somebody"}},
            [("named_agent", {"name": "somebody"})],
            ("named_agent", {"name": "somebody"}),
            id="an agent, with an argument that is called name",
        ),
        pytest.param(
            named_agent(), [("named_agent", {})], ("named_agent", {}), id="an agent itself"
        ),
        pytest.param(None, [("unpassed", {})], (None, None), id="the task's own"),
    ],
)
def test_solver(asked: Any, expected: list[Any], recorded: tuple[Any, Any]) -> None:
    log = header(solver=asked)

    assert steps(log) == expected
    assert (log.eval.solver, log.eval.solver_args) == recorded


def test_agents_of_a_task_become_solvers() -> None:
    task = Task(solver=[generate(), named_agent("a")], setup=named_agent("b"), scorer=match())

    assert steps(header(task)) == [("generate", {}), ("named_agent", {"name": "a"})]


async def _plus(x: int) -> int:
    """Add one.

    Args:
        x: To what.
    """
    return x + 1


async def _goes_on(state: AgentState) -> bool:
    return True


def _agents() -> list[Solver | Agent]:
    server = mcp_server_stdio(command="python", args=["-m", "x"], env={"KEY": "secret"})
    checks = named_agent("a")
    react_ = react(
        prompt=AgentPrompt(instructions="Go."),
        tools=[
            ToolDef(_plus, name="plus"),
            server,
            mcp_tools(server, tools=["a*"]),
            as_tool(checks, description="Checks.", limits=[token_limit(5)]),
            handoff(checks, output_filter=last_message),
        ],
        attempts=AgentAttempts(2),
        on_continue=_goes_on,
        truncation="auto",
    )
    return [react_, basic_agent(tools=[ToolDef(_plus)]), use_tools(_plus, server)]


def test_what_is_logged_of_a_solver_is_the_same_in_every_process() -> None:
    """Else an eval set would not find what it has done before."""
    made = [steps(header(Task(solver=_agents(), scorer=match()))) for _ in range(2)]

    assert made[0] == made[1]
    assert "secret" not in str(made)
    assert " at 0x" not in str(made)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("includes", [("includes", None)], id="a name"),
        pytest.param(
            [{"name": "match", "numeric": True}, "includes"],
            [("match", {"numeric": True}), ("includes", None)],
            id="a list, one with arguments",
        ),
        pytest.param(match(), [("match", None)], id="itself"),
    ],
)
def test_scorer(asked: Any, expected: list[Any]) -> None:
    log = header(scorer=asked)

    assert [(s.name, s.options or None) for s in log.eval.scorers or []] == expected


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param(
            {"solver": "generat"}, PrerequisiteError, "No solver is named 'generat'. Did you mean",
            id="unknown solver",
        ),
        pytest.param(
            {"scorer": {"name": "matches"}}, PrerequisiteError, "No scorer is named 'matches'",
            id="unknown scorer",
        ),
        pytest.param(
            {"solver": {"name": "generate", "tool_call": "none"}}, ParameterError, "'tool_call'",
            id="unknown argument",
        ),
        pytest.param(
            {"solver": {"template": "x"}}, ParameterError, "solver is {'template': 'x'}, expected",
            id="no name",
        ),
        pytest.param(
            {"scorer": {"name": "match", "args": 1}}, ParameterError, "expected {name: …",
            id="args that are none",
        ),
        pytest.param({"scorer": 3}, ParameterError, "scorer is 3", id="no scorer at all"),
    ],
)  # fmt: skip
def test_what_is_refused(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        header(**options)

    assert message in str(raised.value)


def test_eval_set_files(tmp_path: Path) -> None:
    file = tmp_path / "set.yaml"
    file.write_text(
        "log_dir: logs\n"
        "model: mockllm/model\n"
        "solver: {name: system_message, template: Be brief.}\n"
        "tasks:\n"
        "  - some_task\n"
        "  - task: some_task\n"
        "    solver: [generate]\n"
        "    scorer: {name: match, location: any}\n"
    )
    first, second = requests_of_file(str(file), {})[0]
    logs = [
        make_plan(Task(scorer=match()), get_model("mockllm/model"), r.options, "run", "logs").header
        for r in (first, second)
    ]

    assert [steps(log) for log in logs] == [
        [("system_message", {"template": "Be brief."})],
        [("generate", {})],
    ]
    assert [[s.options or {} for s in log.eval.scorers or []] for log in logs] == [
        [{}],
        [{"location": "any"}],
    ]


def test_approval_policies_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").write_text("approvers: [{name: auto, tools: bash}]")
    file = tmp_path / "set.yaml"
    file.write_text(
        "log_dir: logs\n"
        "approval: policies.yaml\n"
        "tasks: [a, {task: a, approval: human}, {task: a, approval: {approvers: []}}]\n"
    )
    requests = requests_of_file(str(file), {})[0]

    asked = [request.options.approval for request in requests]
    assert [Path(asked[0]).resolve(), asked[1]] == [tmp_path / "policies.yaml", "human"]
    with pytest.raises(PrerequisiteError, match="approvers"):
        header(approval=asked[2])
    assert header(approval=asked[0]).eval.config.approval == {
        "approvers": [{"name": "auto", "tools": "bash", "params": {}}]
    }


def test_a_wrong_one_in_a_file_is_an_error_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "set.yaml"
    file.write_text("log_dir: logs\ntasks: [a]\nsolver: {template: x}\n")

    with pytest.raises(PrerequisiteError, match=r"set\.yaml.*3.*solver"):
        requests_of_file(str(file), {})
