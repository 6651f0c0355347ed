"""How Prefect runs for us: its defaults, a server of our own, and a quiet terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows._server import (
    SERVER_DEFAULTS,
    server_command,
    start_temporary_server,
    without_interrupts,
)

BATCH = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"
SETTINGS = """
import os
from flows._server import server_defaults
server_defaults()
from prefect.settings import get_current_settings
print(get_current_settings().server.services.task_run_recorder.batch_size)
print(os.environ.get("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"))
"""
FAILING = """
import asyncio
from flows._server import quiet_prefect_logging, server_defaults
server_defaults()
quiet_prefect_logging()
from prefect import flow, get_run_logger, task

@task
async def sample():
    raise ValueError("broken")

@flow
async def set_of_tasks():
    get_run_logger().warning("from the author")
    await sample(return_state=True)

asyncio.run(set_of_tasks(return_state=True))
"""
SERVER = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: exit(2))
signal.signal(signal.SIGTERM, lambda *_: exit(3))
print("ready", flush=True)
time.sleep(60)
"""


def _run(script: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")
    }
    environment |= {"PREFECT_HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.mark.parametrize(
    ("variables", "profile", "expected"),
    [
        pytest.param({}, "", ["100", "100"], id="our default"),
        pytest.param({BATCH: "7"}, "", ["7", "7"], id="the user's environment wins"),
        pytest.param({}, f'{BATCH} = "9"', ["9", "None"], id="the user's profile wins"),
    ],
)
def test_server_defaults(
    variables: dict[str, str], profile: str, expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / "profiles.toml").write_text(f'active = "mine"\n[profiles.mine]\n{profile}\n')

    assert _run(SETTINGS, tmp_path, **variables).stdout.split() == expected


def test_the_terminal_shows_only_what_the_author_logs(harness_url: str, tmp_path: Path) -> None:
    done = _run(FAILING, tmp_path, PREFECT_API_URL=harness_url)

    assert [line.split(" - ")[-1] for line in (done.stdout + done.stderr).splitlines()] == [
        "from the author"
    ]


def test_the_user_may_see_everything(harness_url: str, tmp_path: Path) -> None:
    done = _run(FAILING, tmp_path, PREFECT_API_URL=harness_url, PREFECT_LOGGING_LEVEL="INFO")

    assert "Beginning flow run" in done.stderr
    assert "Traceback" in done.stderr


def test_ctrl_c_leaves_the_temporary_server_to_us() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [sys.executable, "-c", SERVER]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))

    with ThreadPoolExecutor(1) as executor:
        executor.submit(without_interrupts, start).result()
    with started[0] as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
        process.terminate()

    assert process.returncode == 3


def test_garbage_does_not_stop_the_server(tmp_path: Path) -> None:
    """Without the thread the event loop waits for a lock that it holds itself."""
    process = subprocess.run(
        server_command("tests.flows._locked_database", str(tmp_path / "database")),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.stdout, process.stderr) == ("both went on\n", "")


@pytest.mark.usefixtures("own_environment")
def test_how_a_temporary_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    def process(command: list[str], env: dict[str, str]) -> None:
        started.append((command, env))

    def start(server: Any) -> None:
        server._run_uvicorn_command()

    monkeypatch.setattr(subprocess, "Popen", process)
    monkeypatch.setattr(SubprocessASGIServer, "_instances", {})
    monkeypatch.setattr(SubprocessASGIServer, "start", start)
    monkeypatch.delattr(SubprocessASGIServer, "_run_uvicorn_command")  # of Prefect, or a fixture's
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        start_temporary_server()

    [(command, environment)] = started
    assert command[: len(server_command("uvicorn"))] == server_command("uvicorn")
    assert "prefect.server.api.server:create_app" in command
    assert environment["PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED"] == "false"


def test_a_configured_api_needs_no_temporary_server(harness_url: str) -> None:
    assert start_temporary_server() is None


def test_defaults_name_existing_settings() -> None:
    from prefect.settings import Settings

    known = set(Settings().to_environment_variables(include_aliases=True))
    logging_paths = {
        name for name in SERVER_DEFAULTS if name.startswith("PREFECT_LOGGING_LOGGERS_")
    }

    assert set(SERVER_DEFAULTS) - logging_paths - known == set()
