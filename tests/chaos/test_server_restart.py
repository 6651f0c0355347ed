"""A Prefect server that stops while an eval set runs, and comes back."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient

from flows._server import SERVER_DEFAULTS
from tasks_lib.log import list_eval_logs, read_eval_log, read_eval_log_samples
from tests.flows._gated import DEADLINE_S, SAMPLES, reached

ROOT = Path(__file__).parents[2]
TASKS = ("first", "second", "third")


class Server:
    """`prefect server start`, which can be stopped and started again."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/api"
        self.environment = {
            **os.environ,
            **SERVER_DEFAULTS,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_UI_ENABLED": "0",
        }
        self._output = home / "server.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start"]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=output
            )
        deadline = time.monotonic() + DEADLINE_S
        while not self._is_healthy():
            assert time.monotonic() < deadline and self._process.poll() is None
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def flow_states(url: str) -> dict[str, list[str]]:
    """Return the states of the flow runs by their names."""
    states: dict[str, list[str]] = {}
    async with PrefectClient(url) as client:
        for run in await client.read_flow_runs():
            states.setdefault(run.name, []).append(run.state_name or "")
    return states


def rows(log_dir: Path) -> list[Any]:
    """Return what the logs say of each sample, without times and ids of the run."""
    return sorted(
        (info.task, sample.id, sample.output.completion, str(sample.scores), str(sample.error))
        for info in list_eval_logs(str(log_dir))
        if read_eval_log(info, header_only=True).status == "success"
        for sample in read_eval_log_samples(info)
    )


def output_says(output: Path, text: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while text not in output.read_text():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)


def test_server_restart(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    gates = [tmp_path / name for name in TASKS]
    with output.open("wb") as stream:
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.flows._gated", str(tmp_path / "logs"), *map(str, gates)],
            cwd=ROOT, env=server.environment, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        reached(gates[0])
        server.stop()
        gates[0].touch()
        reached(gates[1])
        gates[1].touch()  # its first attempt fails there, its second one does not
        reached(gates[2])
        server.start()
        output_says(output, "The Prefect server answers again.")
        gates[2].touch()
        assert program.wait(DEADLINE_S) == 0
    finally:
        program.kill()
        program.wait()

    lines = output.read_text().splitlines()
    assert lines[-1] == "result True success success success"
    warnings = [line for line in lines if "| WARNING |" in line or "| ERROR   | prefect" in line]
    assert [line.partition("The Prefect")[2] for line in warnings] == [
        f" server at {server.url} cannot be told how the evaluation goes (ConnectError: All "
        "connection attempts failed). It goes on all the same: its logs will have every sample, "
        "what Prefect shows may be incomplete."
    ]
    score = "{'match': Score(value='C'"
    assert [(task, id, score in scores, error) for task, id, _, scores, error in rows(
        tmp_path / "logs"
    )] == [(task, id, True, "None") for task in TASKS for id in range(1, SAMPLES + 1)]  # fmt: skip
    states = asyncio.run(flow_states(server.url))
    assert states == {
        "eval-set first, second, third": ["Completed"],
        "first on mockllm/model": ["Running"],  # its end could not be told
    }
