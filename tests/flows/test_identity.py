"""Which runs are the same: what counts, what does not, and that it never changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows._identity import (
    changed_parts,
    check_distinct,
    known_identities,
    task_identity,
    task_key,
)
from flows._identity_v1 import task_identity_v1
from flows._options import read_options
from flows._plan import make_plans
from scorers import match, mean
from solvers import Generate, Solver, TaskState, basic_agent, generate, self_critique, solver
from solvers.agents import Agent, AgentState, agent, as_solver
from tasks_lib import Task, Tasks, task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.dataset import dataset_digest, sample_digest
from tasks_lib.log import read_eval_log, write_eval_log
from tasks_lib.model import Model, get_model
from tasks_lib.schema import EvalLog, EvalModelConfig, EvalSpec, GenerateConfig, Sample
from tasks_lib.tool import Tool, tool

GOLDEN = Path(__file__).parent / "golden_identity"
GOLDEN_CALL: dict[str, Any] = {
    "task_args": {"largest": 7},
    "limit": 2,
    "message_limit": 20,
    "time_limit": 600,
    "approval": "auto",
    "top_p": 0.9,
}
"""What the golden logs were made with."""
GOLDEN_PLAIN = "v1:449472dc9905e2a99f92d79a2686d38d0bb23e59dc9860565f8de5ab5ea4fb78"
"""The identity of a task without any options, as version 1 made it."""


@solver
def identity_step(word: str = "a", times: int = 1, tools: Any = None) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


@tool
def identity_tool(limit: int | None = None) -> Tool:
    async def execute() -> str:
        """Do nothing."""
        return ""

    return execute


@agent
def identity_agent(word: str = "a") -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Do nothing."""
        return state

    return execute


@task
def identity_task(size: int = 2, unit: str | None = None, **changes: Any) -> Task:
    given: dict[str, Any] = {
        "dataset": [Sample(input=f"q{i}", target="x") for i in range(size)],
        "solver": identity_step(),
        "scorer": match(),
    }
    return Task(**{**given, **changes})


def header_of(tasks: Tasks, model: Model | None = None, **arguments: Any) -> EvalLog:
    options = read_options("eval_set", arguments)
    models = [model or get_model("mockllm/model")]
    plans = make_plans("eval_set", tasks, models, options, run_id="run", log_dir="logs")
    assert len(plans) == 1
    return plans[0].header


def golden_header(folder: Path) -> EvalLog:
    judge_config = GenerateConfig(temperature=0.0, max_connections=2)  # version 1 counted both
    judge = get_model("mockllm/judge", config=judge_config)
    model = get_model("mockllm/model", config=GenerateConfig(top_p=0.9))
    file = str(folder / "sums_of_golden.py")
    return header_of(file, model, model_roles={"grader": judge}, **GOLDEN_CALL)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_identity_of_a_golden_log_never_changes(version: str) -> None:
    log = EvalLog.model_validate(json.loads((GOLDEN / f"{version}.json").read_text()))

    assert (log.eval.task_identity or "")[:3] == f"{version}:"
    assert log.eval.task_identity in known_identities(log)


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        pytest.param(None, GOLDEN_PLAIN, id="nothing but a model"),
        pytest.param({"type": "local"}, None, id="what version 1 did not know"),
    ],
)
def test_the_first_version(sandbox: Any, expected: str | None) -> None:
    spec = EvalSpec(created="2026-01-01T00:00:00+00:00", task="t", model="m/a", sandbox=sandbox)

    assert task_identity_v1(EvalLog(eval=spec)) == expected


def test_a_run_today_is_found_in_golden_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    header = golden_header(GOLDEN)
    golden = [json.loads((GOLDEN / f"{v}.json").read_text())["eval"] for v in ("v1", "v2")]

    assert known_identities(header) == {spec["task_identity"] for spec in golden}
    assert header.eval.task_identity == golden[1]["task_identity"]


def test_the_working_folder_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GOLDEN)
    here = golden_header(GOLDEN)
    monkeypatch.chdir(tmp_path)
    there = golden_header(GOLDEN)

    assert here.eval.task_file != there.eval.task_file
    assert here.eval.task_identity == there.eval.task_identity


def with_model(**options: Any) -> dict[str, Any]:
    return {"model": get_model("mockllm/model", **options)}


def with_role(name: str = "mockllm/judge", **config: Any) -> dict[str, Any]:
    return {"model_roles": {"grader": get_model(name, config=GenerateConfig(**config))}}


@pytest.mark.parametrize(
    ("task_changes", "arguments", "parts"),
    [
        pytest.param({"size": 3}, {}, ["task", "samples"], id="an argument of the task"),
        pytest.param({"name": "other"}, {}, ["task"], id="name"),
        pytest.param({"version": 2}, {}, ["task", "version"], id="version"),
        pytest.param({}, {"limit": 1}, ["samples"], id="fewer samples"),
        pytest.param({}, {"solver": identity_step("b")}, ["solvers"], id="argument of a solver"),
        pytest.param({}, {"solver": [identity_step(), generate()]}, ["solvers"], id="solvers"),
        pytest.param({}, {"scorer": match(numeric=True)}, ["scorers"], id="argument of a scorer"),
        pytest.param({}, {"score": False}, ["scorers"], id="no scorer"),
        pytest.param({}, {"temperature": 0.5}, ["config"], id="generate options"),
        pytest.param({}, {"max_tool_output": 1}, ["config"], id="output of tools"),
        pytest.param({}, {"message_limit": 5}, ["limits"], id="message limit"),
        pytest.param({}, {"token_limit": 0}, ["limits"], id="token limit of 0"),
        pytest.param({}, {"time_limit": 5}, ["limits"], id="time limit"),
        pytest.param({}, {"working_limit": 5}, ["limits"], id="working limit"),
        pytest.param({}, {"approval": "auto"}, ["approval"], id="approval"),
        pytest.param({}, {"sandbox": "local"}, ["sandbox"], id="sandbox"),
        pytest.param({}, {"model": get_model("mockllm/other")}, ["model"], id="model"),
        pytest.param({}, with_model(base_url="http://x"), ["model"], id="URL of the model"),
        pytest.param({}, with_model(config=GenerateConfig(seed=1)), ["config"], id="its options"),
        pytest.param({}, with_role(), ["roles"], id="role"),
    ],
)
def test_what_makes_another_run(
    task_changes: dict[str, Any], arguments: dict[str, Any], parts: list[str]
) -> None:
    plain = header_of(identity_task())
    other = header_of(identity_task(**task_changes), **arguments)

    assert sorted(set(changed_parts(other, plain)) - {"task"}) == sorted(set(parts) - {"task"})
    assert ("task" in changed_parts(other, plain)) == ("task" in parts)
    assert other.eval.task_identity != plain.eval.task_identity


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"epochs": 3}, id="epochs"),
        pytest.param({"tags": ["a"], "metadata": {"b": 1}}, id="tags and metadata"),
        pytest.param({"max_retries": 2, "timeout": 9, "attempt_timeout": 5}, id="retries"),
        pytest.param({"max_connections": 2, "max_samples": 2, "max_tasks": 2}, id="at once"),
        pytest.param(
            {"fail_on_error": False, "retry_on_error": 2, "errors_as_incorrect": True}, id="errors"
        ),
        pytest.param({"stall_timeout": 9, "same_errors": 3, "budget": {"tokens": 9}}, id="ends"),
        pytest.param({"log_images": False, "log_buffer": 2, "task_runs": "shard"}, id="logs"),
        pytest.param(
            with_model(config=GenerateConfig(max_connections=7)), id="model's connections"
        ),
    ],
)
def test_what_makes_no_other_run(arguments: dict[str, Any]) -> None:
    plain = header_of(identity_task())
    same = header_of(identity_task(), **arguments)

    assert (changed_parts(same, plain), same.eval.task_identity) == ([], plain.eval.task_identity)


def test_connections_of_a_role_make_no_other_run() -> None:
    one, two = (header_of(identity_task(), **with_role(max_connections=n)) for n in (1, 2))

    assert one.eval.task_identity == two.eval.task_identity
    hot = header_of(identity_task(), **with_role(temperature=1))
    assert changed_parts(hot, one) == ["roles"]


def test_metrics_make_no_other_run() -> None:
    one, two = (header_of(identity_task(metrics=metrics)) for metrics in (None, [mean()]))
    one.eval.task_args = two.eval.task_args = {}

    assert task_identity(one) == task_identity(two)


@pytest.mark.parametrize(
    ("passed", "left_out"),
    [
        pytest.param(lambda: {"task": {"size": 2}}, lambda: {}, id="argument of a task"),
        pytest.param(lambda: {"task": {"unit": None}}, lambda: {}, id="None"),
        pytest.param(lambda: {"solver": identity_step("a", 1)}, lambda: {}, id="of a solver"),
        pytest.param(
            lambda: {"scorer": match(location="end", numeric=False)}, lambda: {}, id="of a scorer"
        ),
        pytest.param(
            lambda: {"solver": identity_step(tools=[identity_tool(limit=None)])},
            lambda: {"solver": identity_step(tools=[identity_tool()])},
            id="None for a tool of a solver",
        ),
        pytest.param(
            lambda: {"solver": as_solver(identity_agent("a"))},
            lambda: {"solver": as_solver(identity_agent())},
            id="of an agent",
        ),
        pytest.param(
            lambda: {"solver": self_critique(model=None)},
            lambda: {"solver": self_critique()},
            id="of a solver that ships",
        ),
    ],
)
def test_arguments_equal_the_defaults_that_they_repeat(
    passed: Callable[[], dict[str, Any]], left_out: Callable[[], dict[str, Any]]
) -> None:
    first, second = passed(), left_out()
    explicit = header_of(identity_task(**first.pop("task", {})), **first)
    implicit = header_of(identity_task(**second.pop("task", {})), **second)

    assert changed_parts(explicit, implicit) == []
    assert explicit.eval.task_identity == implicit.eval.task_identity


def test_another_default_makes_another_run() -> None:
    header = header_of(identity_task())
    [step] = header.plan.steps
    assert (step.params, step.defaults) == ({}, {"word": "a", "times": 1})
    before = task_identity(header)
    step.defaults = {"word": "a", "times": 2}

    assert task_identity(header) != before


def test_a_chain_of_agents_has_an_identity() -> None:
    header = header_of(identity_task(), solver=basic_agent(tools=[identity_tool()]))

    assert task_identity(header) == header.eval.task_identity


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["name", "params", "x", "é"]), PLAIN, max_size=3)
CONFIGS = st.builds(
    GenerateConfig,
    temperature=st.none() | st.floats(0, 2),
    logit_bias=st.none() | st.dictionaries(st.integers(0, 20), st.floats(-9, 9), max_size=2),
    stop_seqs=st.none() | st.lists(st.text(max_size=3), max_size=2),
    extra_body=st.none() | st.just({"a": {"b": [1, None]}}),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.tuples(*[ARGUMENTS] * 5), configs=st.tuples(*[CONFIGS] * 3), limit=PLAIN)
def test_a_log_has_the_identity_of_its_run(
    tmp_path: Path, arguments: Any, configs: Any, limit: Any
) -> None:
    header = header_of(identity_task(), message_limit=3)
    spec, step = header.eval, header.plan.steps[0]
    spec.task_args, spec.model_args, step.params, step.defaults, options = arguments
    assert spec.scorers is not None
    spec.scorers[0].options = options
    spec.config.approval = limit if limit not in (None, [], {}) else "auto"
    spec.model_generate_config, header.plan.config = configs[:2]
    spec.model_roles = {"critic": EvalModelConfig(model="m/x", config=configs[2])}
    before = task_identity(header)

    for name in ("log.parquet", "log.json"):
        write_eval_log(header.model_copy(update={"samples": []}), str(tmp_path / name))
        read = read_eval_log(str(tmp_path / name), header_only=True)
        assert (name, task_identity(read)) == (name, before)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"files": {"a.txt": "text"}}, id="files"),
        pytest.param({"setup": "echo"}, id="setup"),
        pytest.param({"sandbox": "local"}, id="sandbox"),
    ],
)
def test_what_the_sandbox_of_a_sample_gets_counts(fields: dict[str, Any]) -> None:
    plain, other = Sample(input="q", target="x"), Sample(input="q", target="x", **fields)

    assert sample_digest(plain) != sample_digest(other)
    assert dataset_digest([plain]) != dataset_digest([other])


def test_fields_that_are_added_change_nothing() -> None:
    header = header_of(identity_task())
    before = task_identity(header)
    newer = header.model_dump()
    for part in (newer["eval"], newer["eval"]["config"], newer["plan"]["steps"][0]):
        part["brand_new"] = None
    newer["eval"]["scorers"][0]["brand_new"] = {"a": 1}

    assert task_identity(EvalLog.model_validate(newer)) == before


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({"solver": identity_step("b")}, True, id="solver"),
        pytest.param({"limit": 1, "temperature": 1}, True, id="samples and options"),
        pytest.param(with_role(temperature=1), False, id="a role more"),
        pytest.param({"model": get_model("mockllm/other")}, False, id="model"),
    ],
)
def test_which_task_a_log_is_of(changes: dict[str, Any], same: bool) -> None:
    plain, other = header_of(identity_task()), header_of(identity_task(), **changes)

    assert (task_key(plain) == task_key(other)) is same


def test_options_of_a_role_make_no_other_task() -> None:
    one, two = (header_of(identity_task(), **with_role(temperature=t)) for t in (0, 1))

    assert task_key(one) == task_key(two)


def test_the_same_run_twice_is_refused() -> None:
    header = header_of(identity_task())

    check_distinct([header, header_of(identity_task(), limit=1)])
    with pytest.raises(PrerequisiteError, match="same run twice: identity_task on mockllm/model"):
        check_distinct([header, header_of(identity_task(), epochs=2)])
