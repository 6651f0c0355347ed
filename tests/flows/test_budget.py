"""`budget`: what a run may use up, how it ends then, and how the next one goes on."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from flows.eval import eval, eval_async
from flows.eval_set import eval_set
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib._errors import ParameterError
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import list_eval_logs
from tasks_lib.model import Model, get_model
from tasks_lib.schema import EvalLog, ModelOutput, ModelUsage, Sample

pytestmark = pytest.mark.usefixtures("prefect_harness")

PRICES = {"mockllm/spends": {"input": 1, "output": 1}}


class Spender:
    """Makes tasks whose samples each ask for 10 tokens, and counts the calls."""

    def __init__(self, failing: int | None = None) -> None:
        self.failing = failing
        self.calls: Counter[str] = Counter()

    def task(self, count: int = 6, name: str = "spends") -> Task:
        samples = [Sample(id=i, input=f"q{i}", target="yes") for i in range(1, count + 1)]
        return Task(dataset=MemoryDataset(samples), solver=spend(self), scorer=match(), name=name)

    def model(self, name: str = "spends") -> Model:
        def answer(*request: object) -> ModelOutput:
            output = ModelOutput.from_content(name, "yes")
            output.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
            return output

        return get_model(f"mockllm/{name}", custom_outputs=answer)


@solver
def spend(spender: Spender) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        spender.calls[f"{state.model.name} {state.sample_id}"] += 1
        state = await generate(state)
        if state.sample_id == spender.failing:
            raise ConnectionError("try again")
        return state

    return solve


def counts(log: EvalLog) -> tuple[str, str | None, int, int, int | None]:
    """Return status, reason, and how many samples completed, failed and are missing."""
    assert log.results is not None
    assert log.results.scores == [] or log.status == "success"
    return (
        log.status,
        log.incomplete.reason if log.incomplete else None,
        log.results.completed_samples,
        log.results.errored_samples or 0,
        log.results.missing_samples,
    )


async def flow_runs(log: EvalLog) -> list[FlowRun]:
    """Return the flow run of a log and the one that it is part of."""
    assert log.eval.flow_run_id is not None
    async with get_client() as client:
        run = await client.read_flow_run(UUID(log.eval.flow_run_id))
        assert run.parent_task_run_id is not None
        parent = await client.read_task_run(run.parent_task_run_id)
        assert parent.flow_run_id is not None
        return [run, await client.read_flow_run(parent.flow_run_id)]


@pytest.mark.parametrize("kind", ["sample", "shard"])
async def test_nothing_starts_when_it_is_used_up(kind: Any, log_dir: str) -> None:
    spender = Spender()

    capped, never = await eval_async(
        [spender.task(), spender.task(name="never")], spender.model(), budget={"tokens": 25},
        max_samples=1, max_tasks=1, task_runs=kind, log_dir=log_dir, display="none",
    )  # fmt: skip

    message = (
        "The budget is used up: 30 of 25 tokens are used. "
        "Run it again to go on, with a budget anew."
    )
    assert spender.calls == {f"spends {i}": 1 for i in (1, 2, 3)}
    assert counts(capped) == ("cancelled", "budget", 3, 0, 3)
    assert [s.scores and s.scores["match"].value for s in capped.samples or []] == ["C"] * 3
    assert capped.eval.config.budget == {"tokens": 25}
    assert (never.status, never.incomplete, never.location) == ("cancelled", capped.incomplete, "")
    assert capped.incomplete is not None
    assert capped.incomplete.message == message
    assert len(list_eval_logs(log_dir)) == 1
    states = [run.state for run in await flow_runs(capped)]
    assert [state and (state.type.value, state.name, state.message) for state in states] == [
        ("CANCELLED", "Incomplete", message)
    ] * 2


def test_the_next_run_of_a_set_goes_on(tmp_path: Path) -> None:
    spender = Spender()

    def run(**options: Any) -> tuple[bool, list[EvalLog]]:
        models = [spender.model("one"), spender.model("two")]
        settings = {"display": "none", "retry_wait": 0, "max_samples": 1, "max_tasks": 1}
        return eval_set(spender.task(3), str(tmp_path), models, **{**settings, **options})

    success, logs = run(budget={"tokens": 35, "time": 3600})
    assert not success
    assert [log.status for log in logs] == ["success", "cancelled"]
    assert counts(logs[1]) == ("cancelled", "budget", 1, 0, 2)

    success, logs = run(budget={"tokens": 20})
    assert success  # all samples had finished when it was used up
    assert [counts(log)[:3] for log in logs] == [("success", None, 3)] * 2
    assert logs[1].stats.reused_samples == 1
    assert logs[1].stats.model_usage["mockllm/two"].total_tokens == 20
    assert spender.calls == {f"{name} {i}": 1 for name in ("one", "two") for i in (1, 2, 3)}


def test_no_sample_is_tried_again(tmp_path: Path) -> None:
    spender = Spender(failing=2)

    success, [log] = eval_set(
        spender.task(4), str(tmp_path), spender.model(), budget={"cost": 2e-5},
        model_cost_config=PRICES, retry_on_error=5, max_samples=1, retry_wait=0, display="none",
    )  # fmt: skip

    assert not success
    assert spender.calls == {"spends 1": 1, "spends 2": 1}
    # It might have succeeded: the task has not failed, it is incomplete.
    assert counts(log) == ("cancelled", "budget", 1, 1, 2)
    assert log.error is None


def test_no_task_is_tried_again(tmp_path: Path) -> None:
    spender = Spender(failing=1)

    success, [log] = eval_set(
        spender.task(1), str(tmp_path), spender.model(), budget={"tokens": 10},
        retry_wait=0, display="none",
    )  # fmt: skip

    assert not success
    assert spender.calls == {"spends 1": 1}
    assert counts(log) == ("error", None, 0, 1, 0)
    assert log.location


def test_nobody_waits_for_an_attempt_that_cannot_start(tmp_path: Path) -> None:
    spender = Spender(failing=1)
    began = time.monotonic()

    success, [log] = eval_set(
        spender.task(1), str(tmp_path), spender.model(), budget={"time": 600},
        retry_wait=700, display="none",
    )  # fmt: skip

    assert time.monotonic() - began < 300
    assert (success, spender.calls) == (False, {"spends 1": 1})
    assert counts(log) == ("error", None, 0, 1, 0)


def test_time_passes(log_dir: str) -> None:
    spender = Spender()

    [log] = eval(
        spender.task(1), spender.model(), budget={"time": 1e-3}, log_dir=log_dir, display="none"
    )

    assert (log.status, spender.calls) == ("cancelled", {})
    assert log.incomplete is not None
    assert " s have passed." in log.incomplete.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"budget": {}}, "budget is {}.*at least one of", id="no bound"),
        pytest.param({"budget": {"tokens": None}}, "budget.*at least one of", id="None"),
        pytest.param({"budget": {"tokens": 0}}, r"budget\.tokens is 0.*greater than 0", id="0"),
        pytest.param({"budget": {"time": -1}}, r"budget\.time is -1", id="negative"),
        pytest.param({"budget": {"cost": float("inf")}}, r"budget\.cost is inf", id="infinite"),
        pytest.param({"budget": {"token": 9}}, r"budget\.token is 9", id="unknown"),
        pytest.param({"budget": 9}, "budget is 9", id="no dict"),
        pytest.param(
            {"budget": {"cost": 1}},
            "budget is {'cost': 1.0}.*mockllm/asked, mockllm/judge have none in model_cost_config",
            id="no prices",
        ),
        pytest.param(
            {"budget": {"cost": 1}, "model_cost_config": {"asked": {"input": 1, "output": 1}}},
            "budget is {'cost': 1.0}.*mockllm/judge has none in model_cost_config",
            id="no price of a role",
        ),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str, log_dir: str) -> None:
    task = Spender().task(1)

    with pytest.raises(ParameterError, match=f"^eval: {message}"):
        eval(
            task, "mockllm/asked", model_roles={"grader": "mockllm/judge"}, log_dir=log_dir,
            display="none", **options,
        )  # fmt: skip

    assert not Path(log_dir).exists()
