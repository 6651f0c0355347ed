"""The deployment `eval-set/nightly` on a real server, run by a real process worker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    TaskRunFilter,
)
from prefect.client.schemas.filters import FlowRunFilterId as FlowRunId
from prefect.client.schemas.objects import FlowRun, TaskRun

from tasks_lib.log import list_eval_logs, read_eval_log
from tests.flows._gated import SAMPLES, reached

ROOT = Path(__file__).parents[2]
PREFECT_FILE = "deployments/prefect.yaml"
RUN_SECONDS = 120


@pytest.fixture
def environment(prefect_server: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
    }


def prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def deployed(environment: dict[str, str]) -> str:
    """Deploy what prefect.yaml says; returns the name of its work pool."""
    pool = yaml.safe_load((ROOT / PREFECT_FILE).read_text())["deployments"][0]["work_pool"]["name"]
    prefect(environment, "work-pool", "create", pool, "--type", "process", "--overwrite")
    prefect(environment, "deploy", "--prefect-file", PREFECT_FILE, "--all")
    return str(pool)


@pytest.fixture
def worker(environment: dict[str, str], deployed: str, tmp_path: Path) -> Iterator[Path]:
    """Run a process worker; yields the file with its output."""
    output = tmp_path / "worker.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", deployed],
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    try:
        yield output
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def said(worker: Path) -> str:
    return worker.read_text()


def started_run(environment: dict[str, str], **parameters: Any) -> str:
    """Run the deployment with parameters; returns the flow run's id."""
    options = [f"--param={name}={json.dumps(value)}" for name, value in parameters.items()]
    output = prefect(environment, "deployment", "run", "eval-set/nightly", *options)
    [run_id] = re.findall(r"UUID: (\S+)", output)
    return str(run_id)


async def finished_run(client: PrefectClient, run_id: str) -> FlowRun | None:
    for _ in range(RUN_SECONDS * 4):
        run = await client.read_flow_run(UUID(run_id))
        if run.state is not None and run.state.is_final():
            return run
        await asyncio.sleep(0.25)
    return None


async def recorded(client: PrefectClient, runs: list[FlowRun], expected: int) -> list[TaskRun]:
    """Return the task runs of flow runs; the server records them with a delay."""
    ids = FlowRunFilter(id=FlowRunId(any_=[run.id for run in runs]))
    found: list[TaskRun] = []
    for _ in range(120):
        found = await client.read_task_runs(
            flow_run_filter=ids, task_run_filter=TaskRunFilter(), limit=200
        )
        if len(found) >= expected and all(run.state and run.state.is_final() for run in found):
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"{len(found)} of {expected} task runs were recorded")


async def test_nightly(
    environment: dict[str, str], prefect_server: str, worker: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    overrides: dict[str, Any] = {"model": "mockllm/model", "limit": 2, "log_dir": str(logs)}

    run_id = started_run(environment, overrides=overrides)

    async with PrefectClient(prefect_server) as client:
        run = await finished_run(client, run_id)
        assert run is not None, said(worker)
        assert run.state is not None
        assert run.state.name == "Completed", run.state.message
        children = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id])
            )
        )
        names = {"hellaswag", "truthfulqa", "gsm8k"}
        assert {child.name for child in children} == {f"{n} on mockllm/model" for n in names}
        assert {child.state_name for child in children} == {"Completed"}
        task_runs = await recorded(client, children, 3 * 2 * 3)
        assert len(task_runs) == 18  # tasks x samples x stages
        assert {task_run.state_name for task_run in task_runs} == {"Completed"}
        deployment = await client.read_deployment_by_name("eval-set/nightly")
        assert [getattr(s.schedule, "cron", None) for s in deployment.schedules] == ["0 3 * * *"]

    with duckdb.connect() as database:
        rows = database.execute(
            f"SELECT task, model, count(*) FROM read_parquet('{logs}/*.parquet', "
            "union_by_name = true) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert rows == [(name, "mockllm/model", 2) for name in sorted(names)]


async def test_a_run_of_a_worker_that_is_cancelled(
    environment: dict[str, str], prefect_server: str, worker: Path, tmp_path: Path
) -> None:
    gate, logs = tmp_path / "cancelled-at-night", tmp_path / "logs"
    task = {"task": f"{ROOT}/tests/flows/_gated.py@gated", "args": {"gate": str(gate)}}
    eval_set = tmp_path / "set.yaml"
    content = {"tasks": [task], "model": "mockllm/model", "log_dir": str(logs)}
    eval_set.write_text(yaml.safe_dump(content))
    run_id = started_run(environment, eval_set=str(eval_set))
    await asyncio.to_thread(reached, gate)

    prefect(environment, "flow-run", "cancel", run_id)

    async with PrefectClient(prefect_server) as client:
        run = await finished_run(client, run_id)
        assert run is not None, said(worker)
        assert run.state_name == "Cancelled"
        [child] = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id])
            )
        )
        assert child.state_name == "Cancelled"
    [info] = list_eval_logs(str(logs))
    log = read_eval_log(info)
    assert (log.status, len(log.samples or ())) == ("cancelled", SAMPLES - 1)
