"""The commands as a person starts them: other processes, their output and exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks_lib.log import list_eval_logs, read_eval_log

ROOT = Path(__file__).parents[2]

TASKS = """
import asyncio

from scorers import match
from solvers import generate, solver
from tasks_lib import Task, task
from tasks_lib.dataset import json_dataset
from tasks_lib.schema import Sample


@solver
def slow_after(count):
    async def solve(state, generate):
        if state.sample_id > count:
            await asyncio.sleep(600)
        return await generate(state)

    return solve


@task
def quick(word: str = "x"):
    return Task(dataset=[Sample(input=word, target="Default output from mockllm/model")],
                scorer=match())


@task
def broken():
    return Task(dataset=[Sample(input="a", id=1), Sample(input="b", id=1)], scorer=match())


@task
def rows():
    return Task(dataset=json_dataset("rows.jsonl"), scorer=match())


@task
def stuck():
    return Task(dataset=[Sample(input=f"{i}", target="x") for i in range(20)],
                solver=slow_after(5), scorer=match())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "rows.jsonl").write_text('{"input": "a", "target": "b"}\n{"question": "c"}\n')
    return tmp_path


@pytest.fixture
def environment(harness_url: str, prefect_harness: Path) -> dict[str, str]:
    """Return the environment of a command that uses the harness' server."""
    variables = {
        **os.environ,
        "PREFECT_API_URL": harness_url,
        "PREFECT_HOME": str(prefect_harness),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "80",
    }
    for name in ("OPENAI_API_KEY", "EVAL_MODEL", "INSPECT_EVAL_MODEL"):
        variables.pop(name, None)
    return variables


def run(
    folder: Path, environment: dict[str, str], *arguments: str, module: str = "flows.eval_set"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_eval_set_prints_a_table_and_ends_with_0(folder: Path, environment: dict[str, str]) -> None:
    done = run(
        folder, environment, "tasks.py@quick", "-T", "word=hi there", "--model", "mockllm/model",
        "--log-dir", "logs", "--tags", "a,b",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert lines[0] == ["task", "model", "samples", "score", "errors", "tokens", "seconds", "log"]
    assert lines[2][:8] == ["quick", "mockllm/model", "1/1", "1.000", "±", "0.000", "0", "0"]
    assert (folder / lines[2][-1]).is_file()
    assert "quick on mockllm/model: 1/1" in done.stderr
    assert "Traceback" not in done.stderr
    log = read_eval_log(str(folder / lines[2][-1]))
    assert (log.eval.task_args, log.eval.tags) == ({"word": "hi there"}, ["a", "b"])


def test_a_task_that_fails_ends_with_1_and_leaves_its_log(
    folder: Path, environment: dict[str, str]
) -> None:
    done = run(
        folder, environment, "tasks.py@stuck", "--model", "mockllm/model", "--log-dir", "logs",
        "--time-limit", "1", "--limit", "6", "--retry-attempts", "1", "--max-samples", "3",
        "--token-limit", "1000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # a limit is no error

    failed = run(
        folder, environment, "tasks.py@quick", "--model", "none/none", "--log-dir", "logs",
        "--retry-attempts", "1", "--log-dir-allow-dirty",
    )  # fmt: skip
    assert failed.returncode == 1, failed.stderr
    assert "Traceback" not in failed.stderr
    assert "quick on none/none: error" in failed.stdout
    statuses = sorted(
        read_eval_log(i.name, True).status for i in list_eval_logs(str(folder / "logs"))
    )
    assert statuses == ["error", "success"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["tasks.py@quik"], "'quick'", id="task"),
        pytest.param(["tasks.py@quick", "-T", "wrd=1"], "'word'", id="task argument"),
        pytest.param(["tasks.py@quick", "--model", "mokllm/x"], "'mockllm'", id="model"),
        pytest.param(["tasks.py@quick", "--model", "openai/x"], "OPENAI_API_KEY", id="key"),
        pytest.param(["tasks.py@quick", "--solver", "genrate"], "'generate'", id="solver"),
        pytest.param(["tasks.py@rows"], "rows.jsonl:2: field 'input'", id="dataset row"),
        pytest.param(["tasks.py@broken"], "1", id="duplicate ids"),
        pytest.param(["tasks.py@quick", "--log-dir", "/dev/null/x"], "/dev/null/x", id="log_dir"),
        pytest.param(["tasks.py@quick", "--limit", "x"], "'x'", id="limit"),
        pytest.param(["tasks.py@quick", "--epochs", "0"], "epochs", id="epochs"),
        pytest.param(["none.yaml"], "none.yaml: cannot be read", id="eval-set file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, environment: dict[str, str], arguments: list[str], message: str
) -> None:
    options = [] if "--model" in arguments else ["--model", "mockllm/model"]
    where = [] if "--log-dir" in arguments or "none.yaml" in arguments else ["--log-dir", "logs"]

    done = run(folder, environment, *arguments, *options, *where)

    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert message in lines[0]
    assert list_eval_logs(str(folder / "logs")) == []


def test_evals_eval(folder: Path, environment: dict[str, str]) -> None:
    done = run(
        folder, environment, "eval", "tasks.py@quick", "--model", "mockllm/model",
        "--log-dir", "logs", module="flows.cli",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "mockllm/model" in done.stdout


def test_ctrl_c_leaves_a_readable_log_of_all_finished_samples(
    folder: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "flows.eval_set", "tasks.py@stuck", "--model", "mockllm/model"]
    command += ["--log-dir", "logs", "--max-samples", "10"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for_samples(folder / "logs", 5)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    infos = list_eval_logs(str(folder / "logs"))
    log = read_eval_log(infos[0].name)
    assert len(infos) == 1
    assert log.status == "cancelled"
    assert sorted(s.id for s in log.samples or []) == [1, 2, 3, 4, 5]


def test_samples_outlive_a_kill_and_are_reused(folder: Path, environment: dict[str, str]) -> None:
    arguments = ["tasks.py@stuck", "--model", "mockllm/model", "--log-dir", "logs"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.eval_set", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_samples(folder / "logs", 5)
    finally:
        process.kill()
        process.wait()

    log = read_eval_log(list_eval_logs(str(folder / "logs"))[0].name)
    assert log.status == "started"
    assert sorted(s.id for s in log.samples or []) == [1, 2, 3, 4, 5]

    (folder / "tasks.py").write_text(TASKS.replace("sleep(600)", "sleep(0)"))
    done = run(folder, environment, *arguments)
    assert done.returncode == 0, done.stderr

    infos = list_eval_logs(str(folder / "logs"))
    assert [info.type for info in infos] == ["file"]  # the dead run's parts are gone
    assert read_eval_log(infos[0].name, header_only=True).stats.reused_samples == 5


def wait_for_samples(log_dir: Path, count: int) -> None:
    """Wait until the running log in `log_dir` shows so many samples."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for info in list_eval_logs(str(log_dir)):
            if len(read_eval_log(info.name).samples or []) >= count:
                return
        time.sleep(0.2)
    raise AssertionError(f"no log with {count} samples in {log_dir}")
