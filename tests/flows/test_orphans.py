"""Flow runs of killed processes are marked, and no others."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.states import Paused, Running

from flows._orphans import labels_of, mark_orphans
from flows.eval_set import eval_set
from tests.flows._flow_runs import runs_named
from tests.flows._gated import gated, reached

ROOT = Path(__file__).parents[2]


async def below(client: PrefectClient, run: FlowRun) -> list[FlowRun]:
    parent = FlowRunFilterParentFlowRunId(any_=[run.id])
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id=parent))


async def read(client: PrefectClient, *runs: FlowRun) -> list[FlowRun]:
    return [await client.read_flow_run(run.id) for run in runs]


def dead_pid() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        pytest.param({"evals.pid": "dead"}, "eval-set", "Crashed", id="process gone"),
        pytest.param({"evals.began": "1"}, "eval-set", "Crashed", id="pid used again"),
        pytest.param({}, "eval-set", "Running", id="alive"),
        pytest.param(
            {"evals.pid": "dead", "evals.folders": "all"},
            "eval-set",
            "Crashed",
            id="several",
        ),
        pytest.param(
            {"evals.pid": "dead", "evals.host": "elsewhere"}, "eval-set", "Running", id="host"
        ),
        pytest.param(
            {"evals.pid": "dead", "evals.folders": "other"}, "eval-set", "Running", id="folder"
        ),
        pytest.param({"evals.pid": "dead"}, "not-ours", "Running", id="another flow"),
        pytest.param(None, "eval-set", "Running", id="no labels"),
    ],
)
async def test_which_runs_are_marked(
    changes: dict[str, str] | None, name: str, state: str, prefect_harness: Path
) -> None:
    folder = f"/logs/{uuid4()}"

    @flow(name=name)
    def ours() -> None: ...

    async with get_client() as client:
        run = await client.create_flow_run(ours, state=Running())
        if changes is not None:
            labels = {**labels_of([folder]), **changes}
            if changes.get("evals.folders") == "all":
                labels["evals.folders"] = labels_of([folder, "/logs/another"])["evals.folders"]
            if changes.get("evals.pid") == "dead":
                labels["evals.pid"] = dead_pid()
            await client.update_flow_run_labels(run.id, labels)
        count = await mark_orphans(client, "the next one", [folder])
        again = await mark_orphans(client, "the one after", [folder])
        [found] = await read(client, run)

    assert (found.state_name, count, again) == (state, int(state == "Crashed"), 0)
    assert found.state is not None
    if state == "Crashed":
        assert str(found.state.message).endswith("Its work is taken over by 'the next one'.")


async def test_what_is_below_a_killed_run(prefect_harness: Path, tmp_path: Path) -> None:
    """A set that is killed with SIGKILL, with a question below its task, then runs again."""
    log_dir, gate = str(tmp_path / "logs"), tmp_path / "killed"
    async with get_client() as client:
        environment = {
            **os.environ,
            "PREFECT_API_URL": str(client.api_url),
            "PREFECT_HOME": str(prefect_harness),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.flows._gated", log_dir, str(gate),
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.to_thread(reached, gate)
            [top] = await runs_named(client, "eval-set killed")
            [inner] = await below(client, top)
            await runs_in(client, inner, "solver 3")
        finally:
            process.kill()
            await process.wait()
        question = await asked(client, inner)
        before = [run.state_name for run in await read(client, top, inner, question)]

        gate.touch()
        success, _ = await asyncio.to_thread(
            eval_set, gated(str(gate)), log_dir, "mockllm/model", display="none"
        )
        after = [run.state_name for run in await read(client, top, inner, question)]
        tasks = await client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[top.id, inner.id]))
        )

    assert success
    assert (before, after) == (["Running", "Running", "Paused"], ["Crashed"] * 3)
    assert {run.state_name for run in tasks} == {"Completed", "Crashed"}


async def runs_in(client: PrefectClient, run: FlowRun, name: str) -> None:
    """Wait until the server knows that a task run is running: it learns it late."""
    async with asyncio.timeout(60):
        while True:
            found = await client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
            )
            if "Running" in [task_run.state_name for task_run in found if task_run.name == name]:
                return
            await asyncio.sleep(0.1)


async def asked(client: PrefectClient, parent: FlowRun) -> FlowRun:
    """Return a paused flow run below `parent`, as a question to a person is."""

    @flow(name="approve-tool-call")
    def question() -> None: ...

    @task(cache_policy=NO_CACHE)
    def stands_for_it() -> None: ...

    tracking = await client.create_task_run(
        stands_for_it, flow_run_id=parent.id, dynamic_key="question", state=Running()
    )
    return await client.create_flow_run(
        question, parent_task_run_id=tracking.id, state=Paused(timeout_seconds=600)
    )
