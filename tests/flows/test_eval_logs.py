"""What the log options of `eval` and `eval_set` do, from end to end."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.eval import eval
from flows.eval_set import eval_set
from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task
from tasks_lib._errors import ParameterError
from tasks_lib.log import list_eval_logs, read_eval_log, read_eval_log_sample
from tasks_lib.schema import (
    ChatMessageUser,
    ContentImage,
    ContentText,
    EvalLog,
    EvalSample,
    Sample,
)
from tests.flows._log_lines import HTTP, INFO, WARNING, log_lines, logged
from tests.flows._tasks import halves
from tests.log._stores import moto_store

pytestmark = pytest.mark.usefixtures("prefect_harness")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


@solver
def logs_lines() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        log_lines()
        return await generate(state)

    return solve


def only(log: EvalLog) -> EvalSample:
    assert log.samples is not None and len(log.samples) == 1
    return log.samples[0]


def test_log_records_are_in_the_transcript(run: Any) -> None:
    before = logging.getLogger().level, [*logging.getLogger().handlers]

    log = run(
        Task(dataset=[Sample(input="a", target="b")], solver=logs_lines(), scorer=match()),
        log_level_transcript="http",
    )

    assert logged(only(log).events) == [INFO, WARNING, HTTP]
    assert (logging.getLogger().level, logging.getLogger().handlers) == before


@pytest.mark.parametrize("name", ["log_level", "log_level_transcript"])
def test_unknown_level(name: str, log_dir: str) -> None:
    with pytest.raises(ParameterError, match=f"{name}.*'loud'.*one of debug, trace"):
        eval(halves(), "mockllm/model", log_dir=log_dir, **{name: "loud"})  # type: ignore[arg-type]
    assert not Path(log_dir).exists()


def test_without_samples(run: Any) -> None:
    log = run(halves(), log_samples=False)

    assert (log.status, log.samples) == ("success", [])
    assert (log.results.completed_samples, log.eval.config.log_samples) == (4, False)
    assert log.results.scores[0].metrics["accuracy"].value == 0.5
    assert read_eval_log(log.location).samples == []


@pytest.mark.parametrize("format", ["parquet", "json", "eval"])
def test_formats(run: Any, format: str) -> None:
    log = run(halves(), log_format=format, epochs=2)

    [info] = list_eval_logs(Path(log.location).parent)
    assert (info.name, Path(log.location).suffix) == (log.location, f".{format}")
    assert [(s.id, s.epoch) for s in log.samples] == [(i, e) for e in (1, 2) for i in (1, 2, 3, 4)]
    assert read_eval_log_sample(log.location, 2, 2).messages == log.samples[5].messages
    assert not (Path(log.location).parent / ".live").exists()


def test_format_by_variable(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_LOG_FORMAT", "json")
    assert run(halves()).location.endswith(".json")

    monkeypatch.setenv("EVAL_LOG_FORMAT", "yaml")
    with pytest.raises(ParameterError, match=r"log_format.*'yaml'.*'parquet', 'json' or 'eval'"):
        run(halves())


@pytest.mark.parametrize("format", ["json", "eval"])
def test_an_eval_set_resumes_in_every_format(log_dir: str, format: Any) -> None:
    success, [first] = eval_set(
        halves(), log_dir, "mockllm/model", log_format=format, display="none"
    )
    again, [second] = eval_set(
        halves(), log_dir, "mockllm/model", log_format=format, display="none"
    )
    more, [third] = eval_set(
        halves(), log_dir, "mockllm/model", log_format=format, display="none", epochs=2
    )

    assert (success, again, more) == (True, True, True)
    assert second.location == first.location
    assert (third.stats.reused_samples, third.results and third.results.total_samples) == (4, 8)


def test_options_are_recorded(run: Any) -> None:
    default, other = (
        run(halves(), **options).eval.config
        for options in (
            {},
            {"log_realtime": False, "log_buffer": 7, "log_shared": True, "log_images": False},
        )
    )

    names = ("log_samples", "log_realtime", "log_images", "log_buffer", "log_shared")
    assert [getattr(default, name) for name in names] == [True, True, True, None, None]
    assert [getattr(other, name) for name in names] == [True, False, False, 7, 10]


def pictures(image: str) -> Task:
    content = [ContentText(text="What is it?"), ContentImage(image=image)]
    return Task(
        dataset=[Sample(input=[ChatMessageUser(content=content)], target="a dot")], scorer=match()
    )


def image_of(sample: EvalSample) -> str:
    [message] = [message for message in sample.messages if message.role == "user"]
    part = message.content[1]
    assert isinstance(part, ContentImage)
    return part.image


def test_images_are_logged_as_they_were(run: Any, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    task = pictures(str(picture))

    log = run(task)

    picture.unlink()
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert image_of(only(log)).startswith("attachment://")
    assert list(only(log).attachments.values()) == [uri]
    assert image_of(only(read_eval_log(log.location, resolve_attachments=True))) == uri
    message = task.dataset[0].input[0]
    assert isinstance(message, ChatMessageUser) and isinstance(message.content[1], ContentImage)
    assert message.content[1].image == str(picture)  # the dataset is not touched


def test_images_that_are_not_logged(run: Any, tmp_path: Path) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"

    log = run(pictures(uri), log_images=False)

    assert image_of(only(log)) == "<base64-data-removed>"
    assert only(log).attachments == {}
    assert base64.b64encode(PNG)[:40] not in Path(log.location).read_bytes()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("gone.png", "cannot be read", id="missing"),
        pytest.param("secret.txt", "no name of an image file", id="another file"),
    ],
)
def test_image_that_cannot_be_read(run: Any, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "secret.txt").write_text("key")
    log = run(pictures(str(tmp_path / name)), fail_on_error=False)

    error = only(log).error
    assert error is not None
    assert reason in error.message and name in error.message


def test_a_damaged_log_in_the_folder_does_not_stop_an_eval_set(
    log_dir: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path(log_dir).mkdir()
    damaged = Path(log_dir, "2026-01-01T00-00-00+00-00_halves_abc.parquet")
    damaged.write_bytes(b"PAR1 nothing")

    success, logs = eval_set(halves(), log_dir, "mockllm/model", display="none")

    assert success and len(logs) == 1
    assert str(damaged) in caplog.text
    assert damaged.exists()


SLOW = """
import asyncio
from pathlib import Path

from scorers import match
from solvers import solver
from tasks_lib import Task, task
from tasks_lib.schema import Sample


@solver
def waits_for_a_file():
    async def solve(state, generate):
        while state.sample_id > 3 and not Path("go").exists():
            await asyncio.sleep(0.05)
        return await generate(state)

    return solve


@task
def slow():
    return Task(dataset=[Sample(input=f"{i}", target="x") for i in range(6)],
                solver=waits_for_a_file(), scorer=match())
"""


def test_another_process_reads_a_log_while_it_is_written(
    tmp_path: Path, harness_url: str, prefect_harness: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    variables = {
        **os.environ,
        "PREFECT_API_URL": harness_url,
        "PREFECT_HOME": str(prefect_harness),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "flows.eval_set", "slow.py", "--model", "mockllm/model"]
    command += ["--log-dir", "logs", "--max-samples", "6", "--no-log-images"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        samples: list[EvalSample] = []
        deadline = time.monotonic() + 60
        while len(samples) < 3 and time.monotonic() < deadline:
            infos = list_eval_logs(tmp_path / "logs")
            samples = (read_eval_log(infos[0]).samples or []) if infos else []
            time.sleep(0.05)
        header = read_eval_log(infos[0], header_only=True)
        assert (infos[0].type, header.status) == ("live", "started")
        assert [sample.id for sample in samples] == [1, 2, 3]
        assert samples[0].output.completion == "Default output from mockllm/model"

        (tmp_path / "go").touch()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output.decode()
    finally:
        process.kill()
        process.communicate()
    log = read_eval_log(infos[0].name)  # the name that it was listed by
    assert (log.status, len(log.samples or [])) == ("success", 6)


def test_a_log_directory_on_s3(tmp_path: Path, harness_url: str, prefect_harness: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "go").touch()
    command = [sys.executable, "-m", "flows.eval_set", "slow.py", "--model", "mockllm/model"]
    with moto_store() as store:
        variables = {
            **os.environ,
            **store.environment,
            "PREFECT_API_URL": harness_url,
            "PREFECT_HOME": str(prefect_harness),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        for epochs in ("1", "1", "2"):
            done = subprocess.run(
                [*command, "--log-dir", f"{store.url}/nightly", "--epochs", epochs],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr

        infos = list_eval_logs(f"{store.url}/nightly", fs_options=store.fs_options)
        log = read_eval_log(infos[0], fs_options=store.fs_options)
    # The second call had nothing to do, the third only the second epoch.
    assert [info.type for info in infos] == ["file"]
    assert (log.status, len(log.samples or []), log.stats.reused_samples) == ("success", 12, 6)
