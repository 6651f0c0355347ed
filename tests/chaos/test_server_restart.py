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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient

from flows._server import SERVER_DEFAULTS, server_command
from flows.score import LOGS_AT_ONCE
from tasks_lib.log import list_eval_logs, read_eval_log, read_eval_log_samples
from tests.flows._gated import DEADLINE_S, SAMPLES, reached

ROOT = Path(__file__).parents[2]
Program = subprocess.Popen[bytes]
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
        options = ["--host", "127.0.0.1", "--port", str(self._port)]
        command = server_command("prefect", "server", "start", *options)
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


@contextmanager
def running(server: Server, output: Path, module: str, *arguments: object) -> Iterator[Program]:
    """Run a program of the tests on the server; it is ended with the block."""
    command = [sys.executable, "-m", f"tests.flows.{module}", *map(str, arguments)]
    with output.open("wb") as stream:
        program = Program(command, cwd=ROOT, env=server.environment, stdout=stream, stderr=stream)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def warns_once(server: Server, output: Path) -> None:
    """Check that the program has warned once, and of nothing else."""
    lines = output.read_text().splitlines()
    warnings = [line for line in lines if "| WARNING |" in line or "| ERROR   | prefect" in line]
    assert [line.partition("The Prefect")[2] for line in warnings] == [
        f" server at {server.url} cannot be told how the evaluation goes (ConnectError: All "
        "connection attempts failed). It goes on all the same: its logs will have every sample, "
        "what Prefect shows may be incomplete."
    ]


def test_server_restart(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    gates = [tmp_path / name for name in TASKS]
    with running(server, output, "_gated", tmp_path / "logs", *gates) as program:
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

    assert output.read_text().splitlines()[-1] == "result True success success success"
    warns_once(server, output)
    score = "{'match': Score(value='C'"
    assert [(task, id, score in scores, error) for task, id, _, scores, error in rows(
        tmp_path / "logs"
    )] == [(task, id, True, "None") for task in TASKS for id in range(1, SAMPLES + 1)]  # fmt: skip
    states = asyncio.run(flow_states(server.url))
    assert states == {
        "eval-set first, second, third": ["Completed"],
        "first on mockllm/model": ["Running"],  # its end could not be told
    }


def test_server_that_stops_while_logs_are_scored(server: Server, tmp_path: Path) -> None:
    """One of them only begins when it has stopped."""
    output, gate, count = tmp_path / "output.txt", tmp_path / "gate", LOGS_AT_ONCE + 1
    with running(server, output, "_gated_scoring", tmp_path / "logs", gate, count) as program:
        reached(gate, LOGS_AT_ONCE)
        server.stop()
        gate.touch()
        assert program.wait(DEADLINE_S) == 0

    assert output.read_text().splitlines()[-1] == " ".join(["result", *["success"] * count])
    warns_once(server, output)
    scored = [
        sample.scores
        for info in list_eval_logs(str(tmp_path / "logs"))
        if "-scored" in info.name
        for sample in read_eval_log_samples(info)
    ]
    assert [sorted(scores or ()) for scores in scored] == [["match", "scored_at_gate"]] * count
