"""`retry_on_error`: attempts at samples, in the log and in Prefect."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun

from flows._pool import same_in_a_row
from flows.eval import eval_async
from scorers import match
from solvers import Generate, Solver, TaskState, generate, solver
from tasks_lib import Task
from tasks_lib._errors import LimitExceededError
from tasks_lib.context import store, transcript
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import read_eval_log_table
from tasks_lib.model import Model, get_model
from tasks_lib.schema import (
    ChatMessageUser,
    EvalError,
    EvalLog,
    EvalSample,
    ModelOutput,
    ModelUsage,
    Sample,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")

PRICES = {"mockllm/retried": {"input": 1, "output": 1}}


class Flaky:
    """Makes solvers that fail a number of times for each sample, and what they found."""

    def __init__(
        self,
        failures: dict[int | str, int],
        *,
        numbered: Collection[int | str] = (),
        limited: Collection[int | str] = (),
    ) -> None:
        self.failures = failures
        self.numbered = numbered
        self.limited = limited
        self.attempts: Counter[int | str] = Counter()
        self.cleaned: list[int | str] = []
        self.found: list[tuple[object, ...]] = []

    def task(self, count: int) -> Task:
        samples = [
            Sample(id=i, input=f"q{i}", target="yes", metadata={"list": []})
            for i in range(1, count + 1)
        ]

        async def cleanup(state: TaskState) -> None:
            self.cleaned.append(state.sample_id)

        return Task(
            dataset=MemoryDataset(samples),
            setup=leaves_traces(self),
            solver=[generate(), fails_at_times(self)],
            cleanup=cleanup,
            scorer=match(),
            name="flaky",
        )


@solver
def leaves_traces(flaky: Flaky) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        kinds = [event.event for event in transcript().events]
        flaky.found.append((
            state.sample_id, len(state.messages), str(state.metadata), store().get("seen"),
            kinds.count("info"), state.output.completion,
        ))  # fmt: skip
        state.metadata["list"].append("touched")
        state.messages.append(ChatMessageUser(content="more"))
        store().set("seen", True)
        transcript().info("touched")
        return state

    return solve


@solver
def fails_at_times(flaky: Flaky) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        flaky.attempts[state.sample_id] += 1
        number = flaky.attempts[state.sample_id]
        if state.sample_id in flaky.limited:
            raise LimitExceededError("token", value=2, limit=1)
        if number <= flaky.failures.get(state.sample_id, 0):
            suffix = f" ({number})" if state.sample_id in flaky.numbered else ""
            raise ConnectionError(f"try again{suffix}")
        return state

    return solve


def model_with_usage() -> Model:
    def answer(*request: object) -> ModelOutput:
        output = ModelOutput.from_content("retried", "yes")
        output.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
        return output

    return get_model("mockllm/retried", custom_outputs=answer)


async def attempt(flaky: Flaky, log_dir: str, *, count: int = 3, **options: Any) -> EvalLog:
    settings = {"fail_on_error": False, "max_samples": 1, "display": "none", **options}
    [log] = await eval_async(flaky.task(count), model_with_usage(), log_dir=log_dir, **settings)
    return log


def samples_of(log: EvalLog) -> list[EvalSample]:
    assert log.samples is not None
    return log.samples


async def runs_of(client: PrefectClient, log: EvalLog, expected: int) -> list[TaskRun]:
    """Return the recorded task runs of a log's flow run; they arrive with a delay."""
    assert log.eval.flow_run_id is not None
    flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(log.eval.flow_run_id)]))
    for _ in range(100):
        runs = await client.read_task_runs(flow_run_filter=flow_run, limit=200)
        if len(runs) >= expected and all(run.state and run.state.is_final() for run in runs):
            return runs
        await asyncio.sleep(0.1)
    raise AssertionError(f"{sorted(run.name for run in runs)}, not {expected} task runs")


STAGES = ["setup", "solver", "scorer"]
TASK_RUNS = {
    "stage": {
        "1": ("Completed", 1), "2": ("Completed", 3), "3": ("Failed", 3),
        **{f"{stage} 1": ("Completed", 1) for stage in STAGES},
        **{f"setup {label}": ("Completed", 1) for label in (
            "2", "2, attempt 2", "2, attempt 3", "3", "3, attempt 2", "3, attempt 3",
        )},
        **{f"solver {label}": ("Failed", 1) for label in (
            "2", "2, attempt 2", "3", "3, attempt 2", "3, attempt 3",
        )},
        "solver 2, attempt 3": ("Completed", 1),
        "scorer 2, attempt 3": ("Completed", 1),
    },
    "sample": {"1": ("Completed", 1), "2": ("Completed", 3), "3": ("Failed", 3)},
    "shard": {
        "samples 1-3": ("Completed", 1),
        "2, attempt 2": ("Completed", 2), "3, attempt 2": ("Failed", 2),
    },
}  # fmt: skip
STATES = {
    "stage": ("2", ["Pending", "Running", "Retrying", "Retrying", "Completed"]),
    "sample": ("3", ["Pending", "Running", "Retrying", "Retrying", "Failed"]),
    "shard": ("2, attempt 2", ["Pending", "Running", "Retrying", "Completed"]),
}


@pytest.mark.parametrize("kind", ["stage", "sample", "shard"])
async def test_attempts_are_logged_and_are_retries_in_prefect(kind: Any, log_dir: str) -> None:
    flaky = Flaky({2: 2, 3: 9})

    log = await attempt(flaky, log_dir, retry_on_error=2, task_runs=kind, model_cost_config=PRICES)

    # The log: all attempts with their errors and usage.
    assert log.status == "success"
    assert flaky.attempts == {1: 1, 2: 3, 3: 3}
    error = "ConnectionError: try again"
    assert [
        (sample.error and sample.error.message, [e.message for e in sample.error_retries or []])
        for sample in samples_of(log)
    ] == [(None, []), (None, [error, error]), (error, [error, error])]
    first = (samples_of(log)[1].error_retries or [])[0]
    assert first.model_usage is not None
    assert first.model_usage["mockllm/retried"].total_tokens == 10
    assert first.started_at is not None
    assert 0 < (first.working_time or 0) <= (first.total_time or 0)
    assert "fails_at_times" not in first.message
    assert "raise ConnectionError" in first.traceback
    assert log.stats.model_usage["mockllm/retried"].total_tokens == 70
    # Each attempt starts from scratch, and only the last one is the sample's.
    assert [found[1:] for found in flaky.found] == [(1, "{'list': []}", None, 0, "")] * 7
    assert flaky.cleaned == [found[0] for found in flaky.found]
    assert [sample.metadata for sample in samples_of(log)] == [{"list": ["touched"]}] * 3
    assert [
        [event.event for event in sample.events if event.event in ("info", "error")]
        for sample in samples_of(log)
    ] == [["info"], ["info"], ["info", "error"]]
    columns = ["sample_id", "total_tokens", "retries", "retry_tokens", "retry_cost"]
    assert read_eval_log_table(log.location, columns).to_pylist() == [
        {"sample_id": name, "total_tokens": 10, "retries": retries, "retry_tokens": tokens,
         "retry_cost": cost}
        for name, retries, tokens, cost in
        [("1", 0, None, None), ("2", 2, 20, 2e-5), ("3", 2, 20, 2e-5)]
    ]  # fmt: skip
    # Prefect: task runs with as many runs as attempts.
    async with get_client() as client:
        runs = await runs_of(client, log, len(TASK_RUNS[kind]))
        assert {r.name: (r.state and r.state.name, r.run_count) for r in runs} == TASK_RUNS[kind]
        name, names = STATES[kind]
        [run] = [run for run in runs if run.name == name]
        states = await client.read_task_run_states(run.id)
        assert [state.name for state in states] == names


async def test_which_errors_are_tried_again(log_dir: str) -> None:
    flaky = Flaky({1: 9, 2: 3}, numbered={2}, limited={3})

    log = await attempt(
        flaky, log_dir, retry_on_error=5, same_errors=2, task_runs="shard", max_samples=3
    )

    assert flaky.attempts == {1: 2, 2: 4, 3: 1}
    same, different, limited = samples_of(log)
    assert [e.message for e in same.error_retries or []] == ["ConnectionError: try again"]
    assert same.error is not None
    assert [e.message for e in different.error_retries or []] == [
        f"ConnectionError: try again ({number})" for number in (1, 2, 3)
    ]
    assert different.error is None
    assert (limited.limit and limited.limit.type, limited.error_retries) == ("token", [])


async def test_only_the_last_error_of_a_sample_counts(log_dir: str) -> None:
    flaky = Flaky({1: 1, 2: 2, 3: 2})

    log = await attempt(
        flaky, log_dir, count=4, retry_on_error=1, fail_on_error=2, task_runs="sample"
    )

    assert flaky.attempts == {1: 2, 2: 2, 3: 2}
    assert log.status == "error"
    assert log.error is not None
    assert log.error.message == (
        "2 of 4 samples failed, the last one (3) with 'ConnectionError: try again'"
    )


@pytest.mark.parametrize(
    ("messages", "most", "alike"),
    [
        pytest.param("", 1, False, id="no attempt"),
        pytest.param("a", 1, True, id="one is enough"),
        pytest.param("a", 2, False, id="one is too few"),
        pytest.param("aa", 2, True, id="two"),
        pytest.param("baa", 2, True, id="two after another"),
        pytest.param("aaa", 2, True, id="more than enough"),
        pytest.param("aab", 2, False, id="another since"),
        pytest.param("aba", 2, False, id="not in a row"),
        pytest.param("aaaaaa", 0, False, id="never"),
    ],
)
def test_same_in_a_row(messages: str, most: int, alike: bool) -> None:
    attempts = [EvalError(message=message, traceback=str(i)) for i, message in enumerate(messages)]

    assert same_in_a_row(attempts, most) is alike
