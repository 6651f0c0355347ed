"""Evaluations that are stopped from outside: in Prefect, by Ctrl-C, by SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelling

from flows._cancel import CancelWatch
from flows.eval import eval_async
from flows.eval_set import eval_set
from flows.score import score
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.schema import EvalLog
from tests.flows._flow_runs import runs_named
from tests.flows._gated import SAMPLES, gated, reached
from tests.flows._gated_scoring import scored_at_gate
from tests.flows._scored import log_with, one_sample, score_values, write

ROOT = Path(__file__).parents[2]


async def run_of(client: PrefectClient, name: str) -> FlowRun:
    [run] = await runs_named(client, name)
    return run


async def cancel(name: str) -> None:
    """Do what the UI and `prefect flow-run cancel` do."""
    async with get_client() as client:
        await client.set_flow_run_state((await run_of(client, name)).id, Cancelling())


async def states(*names: str) -> list[str | None]:
    async with get_client() as client:
        return [(await run_of(client, name)).state_name for name in names]


async def has_state(name: str, state: str) -> None:
    """Wait until a flow run has a state."""
    async with asyncio.timeout(60):
        while True:
            if await states(name) == [state]:
                return
            await asyncio.sleep(0.2)


def finished(log: EvalLog) -> int:
    """Return how many samples of a log have ended."""
    return len(read_eval_log(log.location).samples or [])


async def test_work_that_two_cancel_is_brought_to_its_end() -> None:
    """As a worker does it: it sends SIGTERM while we see ourselves that the run is cancelled."""
    begun, go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await go.wait()
            ended.set()

    watch = CancelWatch(get_client())
    running = asyncio.ensure_future(watch.run(None, work()))
    await begun.wait()
    for _ in range(2):
        running.cancel()
        await asyncio.sleep(0.01)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert ended.is_set()


@pytest.mark.parametrize("result", ["done", ValueError("failed")])
async def test_what_comes_of_work_that_nobody_cancels(result: object) -> None:
    async def work() -> object:
        if isinstance(result, Exception):
            raise result
        return result

    [came] = await asyncio.gather(
        CancelWatch(get_client()).run(None, work()), return_exceptions=True
    )

    assert came is result


async def test_a_task_that_is_cancelled_in_prefect(prefect_harness: Path, tmp_path: Path) -> None:
    gates = [tmp_path / name for name in ("cancelled-alone", "goes-on")]
    run = asyncio.ensure_future(
        eval_async(
            [gated(str(gate)) for gate in gates],
            "mockllm/model",
            max_tasks=2,
            log_dir=str(tmp_path / "logs"),
            display="none",
        )
    )
    for gate in gates:
        await asyncio.to_thread(reached, gate)
    await cancel("cancelled-alone on mockllm/model")
    await has_state("cancelled-alone on mockllm/model", "Cancelled")
    gates[1].touch()
    logs = await run

    assert [(log.status, finished(log)) for log in logs] == [
        ("cancelled", SAMPLES - 1),
        ("success", SAMPLES),
    ]
    assert await states(
        "cancelled-alone on mockllm/model", "goes-on on mockllm/model",
        "eval cancelled-alone, goes-on",
    ) == ["Cancelled", "Completed", "Failed"]  # fmt: skip


async def test_a_set_that_is_cancelled_in_prefect(prefect_harness: Path, tmp_path: Path) -> None:
    gate = tmp_path / "cancelled-set"

    def run() -> tuple[bool, list[EvalLog]]:
        return eval_set(
            [gated(str(gate)), gated(str(tmp_path / "after"))], str(tmp_path / "logs"),
            "mockllm/model", max_tasks=1, retry_wait=0.01, display="none",
        )  # fmt: skip

    first = asyncio.ensure_future(asyncio.to_thread(_interrupted, run))
    await asyncio.to_thread(reached, gate)
    await cancel("eval-set cancelled-set, after")
    assert await first
    [info] = list_eval_logs(str(tmp_path / "logs"))
    assert (read_eval_log(info).status, info.task) == ("cancelled", "cancelled-set")
    assert await states("eval-set cancelled-set, after", "cancelled-set on mockllm/model") == [
        "Cancelled", "Cancelled",
    ]  # fmt: skip

    gate.touch()
    (tmp_path / "after").touch()
    success, logs = await asyncio.to_thread(run)
    assert (success, [log.stats.reused_samples for log in logs]) == (True, [SAMPLES - 1, 0])


async def test_a_scoring_that_is_cancelled_in_prefect(
    prefect_harness: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    path = write(log_with([one_sample(1)], task="cancelled-scoring"), tmp_path)

    def run() -> Any:
        return score(path, scored_at_gate(str(gate)), display="none")

    first = asyncio.ensure_future(asyncio.to_thread(_interrupted, run))
    await asyncio.to_thread(reached, gate)
    await cancel("score cancelled-scoring")
    assert await first
    assert await states("score cancelled-scoring", "cancelled-scoring on openai/m") == [
        "Cancelled", "Cancelled",
    ]  # fmt: skip

    gate.touch()
    log = await asyncio.to_thread(run)
    assert score_values(read_eval_log(log.location)) == [{"match": "C", "scored_at_gate": "C"}]


def _interrupted(run: Any) -> bool:
    """Whether a call ends with KeyboardInterrupt, which must not reach a future."""
    try:
        run()
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    ],
)
async def test_signals(
    number: signal.Signals, status: int, harness_url: str, prefect_harness: Path, tmp_path: Path
) -> None:
    gate = tmp_path / f"stopped-by-{number.name}"
    command = [sys.executable, "-m", "flows.cli", "eval", f"{ROOT}/tests/flows/_gated.py@gated"]
    command += ["-T", f"gate={gate}", "--model", "mockllm/model", "--log-dir", "logs"]
    environment = {
        **os.environ,
        "PREFECT_API_URL": harness_url,
        "PREFECT_HOME": str(prefect_harness),
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        await asyncio.to_thread(reached, gate)
        process.send_signal(number)
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert (process.returncode, b"Traceback" in output) == (status, False), output.decode()
    [info] = list_eval_logs(str(tmp_path / "logs"))
    log = read_eval_log(info)
    assert (log.status, len(log.samples or [])) == ("cancelled", SAMPLES - 1)
    assert log.eval.flow_run_id is not None
    async with get_client() as client:
        run = await client.read_flow_run(UUID(log.eval.flow_run_id))
    assert run.state_name == "Cancelled"
