"""Keys and passwords are nowhere but in requests, however these fail."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

from flows.eval import eval
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.model import ModelAPI, modelapi
from tasks_lib.schema import EvalLog, ModelOutput, Sample
from tests.flows._fault_server import SOON, FaultServer, Reply, by_prompt, failure

KEY = "sk-Very/Secret+Key=0123456789"
PASSWORD = "hunter2-hunter2"
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
SECRETS = (KEY, KEY.replace("/", "\\/"), PASSWORD, BASIC)

SEEN = "seen-4711"
"""Is in everything that echoes a secret: where it is found, a secret would be found."""

ECHO = f"{SEEN}: you sent Bearer {KEY}"

ECHOES = {
    "401": failure(401, ECHO),
    "401 header": Reply(
        401, json.dumps({"error": {"message": SEEN}}), {"WWW-Authenticate": ECHO, "X-Echo": ECHO}
    ),
    "403 page": Reply(403, f"<p>{ECHO}</p>"),
    "400": failure(400, ECHO),
    "400 escaped": Reply(400, json.dumps({"error": {"message": ECHO}}).replace("/", "\\/")),
    "filter": failure(400, ECHO, "content_filter"),
    "overflow": failure(400, ECHO, "context_length_exceeded"),
    "429": failure(429, ECHO, headers={**SOON, "X-Echo": ECHO}),
    "500": Reply(500, ECHO, SOON),
    "error with 200": Reply(body=json.dumps({"error": {"message": ECHO, "code": 400}})),
    "filter with 200": Reply(
        body=json.dumps({"error": {"message": ECHO, "code": "content_filter"}})
    ),
}
"""Replies that are lasting failures, or ask to come back soon."""

BROKEN = {
    "no JSON": Reply(body=f'{{"choices": "{ECHO}'),
    "no choices": Reply(body=json.dumps({"echo": ECHO})),
    "wrong type": Reply(body=json.dumps({"choices": [{"message": {"refusal": [ECHO]}}]})),
    "cut": Reply(body=ECHO * 2, cut="in the body"),
}
"""Replies after which we wait for long if there is another attempt."""


TASK = """
from scorers import match
from tasks_lib import Task, task
from tasks_lib.schema import Sample


@task
def secrets():
    return Task(dataset=[Sample(input="401", target="yes")], scorer=match())
"""


def questions(prompts: Iterable[str]) -> Task:
    samples = [Sample(input=prompt, target="yes") for prompt in prompts]
    return Task(dataset=samples, scorer=match(), name="secrets")


def server_of(replies: Mapping[str, Reply]) -> FaultServer:
    return FaultServer(by_prompt({prompt: [reply] for prompt, reply in replies.items()}))


def seen_in(content: str) -> tuple[bool, list[str]]:
    """Return whether something that echoes a secret is there, and the secrets that are."""
    return SEEN in content, [secret for secret in SECRETS if secret in content]


NO_SECRET = (True, list[str]())


def log_content(log_dir: str) -> str:
    """Return all that is in the logs, as bytes and as what they mean."""
    texts = []
    for path in Path(log_dir).rglob("*"):
        if path.is_file():
            texts.append(path.read_bytes().decode(errors="replace"))
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            texts += [str(table.schema.metadata), str(table.to_pylist())]
    return "\n".join(texts)


def prefect_content(home: Path, flow_run: UUID | str | None) -> str:
    """Return all that Prefect keeps: the files of its home, and its database.

    The database as bytes and as rows, as soon as it holds the last event of `flow_run`.
    """
    APILogHandler().flush()
    EventsWorker.drain_all()
    url = PREFECT_SERVER_DATABASE_CONNECTION_URL.value()
    assert url is not None
    database = Path(str(url).partition("///")[2])
    deadline = time.monotonic() + 30
    while not _has_ended(database, flow_run):
        assert time.monotonic() < deadline, "Prefect has not stored the events."
        time.sleep(0.1)
    files = [file for file in home.rglob("*") if file.is_file()]
    texts = [
        file.read_bytes().decode(errors="replace") for file in (*files, *database.parent.glob("*"))
    ]
    tables = _rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")
    for (table,) in tables:
        texts += map(str, _rows(database, f'SELECT * FROM "{table}"'))
    return "\n".join(texts)


def _has_ended(database: Path, flow_run: UUID | str | None) -> bool:
    last = "event IN ('prefect.flow-run.Completed', 'prefect.flow-run.Failed')"
    found = _rows(database, f"SELECT resource_id FROM events WHERE {last}")
    return (f"prefect.flow-run.{flow_run}",) in found


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def fail(replies: Mapping[str, Reply], log_dir: str, **options: Any) -> EvalLog:
    """Evaluate with a server that gives `replies`, and show and log all that can be."""
    roles: dict[str, Any] = {"grader": {"model": "openai/g", "api_key": KEY}}
    with server_of(replies) as server:
        [log] = eval(
            questions(replies), "openai/m", model_base_url=server.url, model_roles=roles,
            log_dir=log_dir, log_level="debug", log_level_transcript="debug", display="log",
            **options,
        )  # fmt: skip
    again = options["max_retries"]
    passing = [prompt for prompt in replies if prompt in ("429", "500")]
    assert server.requests == {prompt: again if prompt in passing else 1 for prompt in replies}
    assert len(log.samples or []) == len(replies)
    return log


def test_failing_requests(
    log_dir: str,
    prefect_harness: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("EVAL_LOG_MODEL_API", "1")

    by_argument = fail(
        ECHOES, log_dir, model_args={"api_key": KEY}, max_retries=2, fail_on_error=False
    )
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    by_variable = fail(BROKEN, log_dir, max_retries=1, fail_on_error=len(BROKEN))

    assert (by_argument.status, by_variable.status) == ("success", "error")
    assert seen_in(repr(by_argument)) == seen_in(repr(by_variable)) == NO_SECRET
    assert seen_in(log_content(log_dir)) == NO_SECRET
    assert seen_in(prefect_content(prefect_harness, by_variable.eval.flow_run_id)) == NO_SECRET
    assert seen_in(caplog.text) == NO_SECRET
    assert seen_in("".join(capfd.readouterr()))[1] == []


@solver
def tells_a_secret() -> Solver:
    """Fail with what the environment has."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        raise ValueError(f"{SEEN}: {os.environ['EVALS_TEST_API_KEY']}")

    return solve


@pytest.mark.parametrize("task_runs", ["stage", "sample", "shard"])
def test_errors_of_attempts(
    task_runs: Any, log_dir: str, prefect_harness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of solvers, of each attempt: in the log, states, run names and the errors tables."""
    monkeypatch.setenv("EVALS_TEST_API_KEY", KEY)
    task = Task(dataset=[Sample(input="q")], solver=tells_a_secret(), name="secrets")

    [log] = eval(
        task, "mockllm/model", retry_on_error=1, task_runs=task_runs, log_dir=log_dir,
        display="none", fail_on_error=task_runs == "stage",
    )  # fmt: skip

    assert log.samples is not None
    assert len(log.samples[0].error_retries or []) == 1
    assert seen_in(repr(log)) == NO_SECRET
    assert seen_in(log_content(log_dir)) == NO_SECRET
    assert seen_in(prefect_content(prefect_harness, log.eval.flow_run_id)) == NO_SECRET


@pytest.fixture
def command(
    tmp_path: Path, harness_url: str, prefect_harness: Path
) -> Callable[..., CompletedProcess[str]]:
    """Run `evals eval` on a task, with the harness' server unless told."""
    (tmp_path / "tasks.py").write_text(TASK)

    def run(*arguments: str, **variables: str) -> CompletedProcess[str]:
        environment = {
            **os.environ,
            "PREFECT_API_URL": harness_url,
            "PREFECT_HOME": str(prefect_harness),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **variables,
        }
        environment.pop("OPENAI_API_KEY", None)
        call = [sys.executable, "-m", "flows.cli", "eval", "tasks.py@secrets", *arguments]
        return subprocess.run(
            call, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


def test_command(tmp_path: Path, command: Callable[..., CompletedProcess[str]]) -> None:
    with server_of(ECHOES) as server:
        done = command(
            "--model", "openai/m", "--model-base-url", server.url, "-M", f"api_key={KEY}",
            "--log-dir", "logs", "--display", "log",
        )  # fmt: skip

    [info] = list_eval_logs(str(tmp_path / "logs"))
    log = read_eval_log(info.name)
    assert log.status == "error" and log.error is not None
    assert "status 401: seen-4711: you sent Bearer [key]" in log.error.message
    assert seen_in(done.stdout + done.stderr) == NO_SECRET
    assert seen_in(log_content(str(tmp_path / "logs"))) == NO_SECRET


def test_without_a_key_nothing_is_started_or_written(
    tmp_path: Path, command: Callable[..., CompletedProcess[str]]
) -> None:
    home = tmp_path / "home"

    done = command("--model", "openai/m", PREFECT_HOME=str(home), PREFECT_API_URL="")

    assert done.returncode == 2
    assert done.stderr == (
        "Error: The provider 'openai' needs a key: set the environment variable OPENAI_API_KEY.\n"
    )
    assert done.stdout == ""
    assert not (tmp_path / "logs").exists()
    assert list(home.rglob("*.db")) == []


@modelapi("needs-a-region")
class NeedsARegion(ModelAPI):
    """A provider with an argument that has no default."""

    def __init__(self, model_name: str, region: str, **more: Any) -> None:
        super().__init__(model_name, **more)

    async def generate(self, *request: object) -> ModelOutput:
        """Return nothing."""
        return ModelOutput()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"model_args": {"api_kee": KEY}}, id="wrong name"),
        pytest.param({"model_args": {"api_key": [KEY]}}, id="wrong type"),
        pytest.param(
            {"model": "needs-a-region/m", "model_args": {"api_key": KEY}}, id="one is missing"
        ),
        pytest.param({"model_base_url": f"http://user:{PASSWORD}@127.0.0.1/v1"}, id="password"),
        pytest.param({"model_base_url": f"user:{PASSWORD}@127.0.0.1"}, id="password, no scheme"),
        pytest.param({"model_roles": {"grader": {"api_key": KEY}}}, id="role without a model"),
        pytest.param(
            {"model_roles": {"grader": {"model": 5, "api_key": KEY}}}, id="role of wrong type"
        ),
    ],
)
def test_refused_arguments(
    arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of this test")
    log_dir = tmp_path / "logs"

    with pytest.raises(PrerequisiteError) as caught:
        eval(questions("q"), **{"model": "openai/m", "log_dir": str(log_dir), **arguments})

    shown = "".join(traceback.format_exception(caught.value))
    assert seen_in(shown) == (False, [])
    assert not log_dir.exists()


def test_the_address_in_a_log_has_no_secret(log_dir: str, prefect_harness: Path) -> None:
    """Some gateways take the key as a part of the address."""
    [log] = eval(
        questions("q"), "openai/m", model_base_url=f"http://127.0.0.1:9/v1?key={KEY}",
        model_args={"api_key": "another"}, log_dir=log_dir, max_retries=1, display="none",
    )  # fmt: skip

    assert log.eval.model_base_url == "http://127.0.0.1:9/v1"
    assert seen_in(log_content(log_dir)) == (False, [])
