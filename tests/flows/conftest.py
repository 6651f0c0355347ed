"""Prefect servers for the tests: one harness for flows, one real server."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.context import refresh_global_settings_context
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from flows._server import SERVER_DEFAULTS, run_uvicorn, server_command, server_defaults
from flows.eval import eval as run_eval
from tasks_lib.schema import EvalLog

SERVER_START_S = 120


@pytest.fixture(scope="session")
def prefect_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run flows of this process against a temporary server; yields its PREFECT_HOME."""
    home = tmp_path_factory.mktemp("prefect-harness")
    with _environment(PREFECT_HOME=str(home)), pytest.MonkeyPatch.context() as patch:
        server_defaults()
        patch.setattr(SubprocessASGIServer, "_run_uvicorn_command", run_uvicorn)
        with prefect_test_harness(server_startup_timeout=SERVER_START_S):
            yield home


@pytest.fixture
def harness_url(prefect_harness: Path) -> str:
    """Return the API's URL of the harness."""
    return str(PREFECT_API_URL.value())


@pytest.fixture
def own_environment() -> Iterator[None]:
    """Put back what a test changes of the environment, and Prefect's settings with it."""
    with _environment():
        yield


@pytest.fixture(scope="session")
def prefect_server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the PREFECT_HOME of the real server."""
    return tmp_path_factory.mktemp("prefect-server")


@pytest.fixture(scope="session")
def prefect_server(prefect_server_home: Path) -> Iterator[str]:
    """Run `prefect server start` on a free port; yields the URL of its API."""
    port = _free_port()
    environment = {
        **os.environ,
        **SERVER_DEFAULTS,
        "PREFECT_HOME": str(prefect_server_home),
        "PREFECT_UI_ENABLED": "0",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
    }
    options = ["--host", "127.0.0.1", "--port", str(port)]
    command = server_command("prefect", "server", "start", *options)
    output = prefect_server_home / "server.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait_until_healthy(url, process, output)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables that Prefect's settings see, and put everything back after."""
    before = dict(os.environ)
    os.environ.update(variables)
    refresh_global_settings_context()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        refresh_global_settings_context()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The Prefect server did not start:\n{output.read_text()}")


@pytest.fixture
def log_dir(tmp_path: Path) -> str:
    return str(tmp_path / "logs")


@pytest.fixture
def run(log_dir: str) -> Any:
    def call(tasks: Any, model: Any = "mockllm/model", **options: Any) -> EvalLog:
        logs = run_eval(tasks, model, log_dir=log_dir, display="none", **options)
        assert len(logs) == 1
        return logs[0]

    return call


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a new folder, without anybody's variables for logs."""
    monkeypatch.chdir(tmp_path)
    for name in ("EVAL_LOG_DIR", "INSPECT_LOG_DIR", "EVAL_LOG_FILE_PATTERN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
