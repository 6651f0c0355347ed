"""Scoring that is stopped loses nothing that was paid for: the same call goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows._score_job import score_jobs
from flows._score_options import read_score_options
from flows._score_source import find_sources
from flows._score_work import work_of
from flows.score import ScoringError, score, score_async
from scorers import Metric, SampleScore, mean, metric
from tasks_lib.log import list_eval_logs, read_eval_log, recover_eval_log
from tasks_lib.schema import EvalConfig, EvalLog, EvalModelConfig, EvalSample, ModelUsage
from tests.flows._fault_server import FaultServer, Reply, answer, by_prompt, failure
from tests.flows._flow_runs import runs_named
from tests.flows._scored import (
    STEM,
    failed_sample,
    log_with,
    one_sample,
    score_values,
    scored_breaks,
    scored_by,
    scored_length,
    write,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")

PATIENCE_S = 60.0
HANGS = Reply(delay_s=600)
ONE = ModelUsage(input_tokens=1, total_tokens=1)
GRADES = {f"grade a{i}": [answer(str(i / 4))] for i in (1, 2, 3, 4)}


@metric
def scored_in_vain() -> Metric:
    def compute(scores: list[SampleScore]) -> float:
        raise ValueError("no such mean")

    return compute


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """Serve a grader that gives a quarter of its number to each answer."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    with FaultServer(by_prompt(GRADES)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def graded_log(server: FaultServer, folder: Path, task: str = "sums") -> str:
    """Write a log of four samples, and one that had failed, with a grader's address."""
    config = {"model": "openai/g", "base_url": server.url}
    samples = [one_sample(i) for i in (1, 2, 3, 4)]
    # What the evaluation used of the grader is no use of its scoring.
    samples[0].model_usage["openai/g"] = ONE
    return write(buffered([*samples, failed_sample(5)], config, task=task), folder)


def buffered(samples: list[EvalSample], grader: Any = None, **spec: Any) -> EvalLog:
    """Return a log whose scored samples are on disk one by one."""
    roles = {"grader": EvalModelConfig.model_validate(grader)} if grader else None
    config = EvalConfig(epochs=1, epochs_reducer=["mean"], log_buffer=1)
    return log_with(samples, model_roles=roles, config=config, **spec)


def told(location: str) -> Any:
    """Return what a log says of its samples and results, without times."""
    log = read_eval_log(location)
    samples = [
        (s.id, s.model_usage, s.error, [event.event for event in s.events])
        for s in log.samples or ()
    ]
    return score_values(log), samples, log.results, log.stats.model_usage, log.eval, log.status


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check_whole(path: str, server: FaultServer) -> EvalLog:
    """Go on after the third answer; return the header of what comes of it."""
    content = Path(path).read_bytes()
    assert dict(server.requests) == {"grade a1": 1, "grade a2": 1, "grade a3": 1}
    scored = score(path, scored_by("grader"), display="none", max_samples=1)
    assert isinstance(scored, EvalLog)

    assert dict(server.requests) == {"grade a1": 1, "grade a2": 1, "grade a3": 2, "grade a4": 1}
    assert files(Path(path).parent) == [f"{STEM}-scored.parquet", f"{STEM}.parquet"]
    assert Path(path).read_bytes() == content
    four = ModelUsage(input_tokens=12, output_tokens=4, total_tokens=16)
    assert scored.stats.model_usage["openai/g"] == four
    return scored


def wait_for_third(server: FaultServer, ended: Callable[[], bool]) -> None:
    """Wait until a grade of the third answer is asked for, or the scoring has ended."""
    end = time.monotonic() + PATIENCE_S
    while not server.requests["grade a3"] and not ended() and time.monotonic() < end:
        time.sleep(0.01)


def test_after_an_error(tmp_path: Path, grader: FaultServer, caplog: Any) -> None:
    grader.script = by_prompt({**GRADES, "grade a3": [failure(400, "no"), *GRADES["grade a3"]]})
    path = graded_log(grader, tmp_path)
    with caplog.at_level(logging.WARNING, "flows"), pytest.raises(ScoringError):
        score(path, scored_by("grader"), display="none", max_samples=1)

    live = str(tmp_path / f"{STEM}-scored.parquet")
    assert (
        f"The scoring of {path!r} was stopped. The 2 samples that were scored are kept as "
        f"{live!r}: the same call goes on after them."
    ) in caplog.messages
    check_whole(path, grader)


def test_after_being_cancelled(tmp_path: Path, grader: FaultServer) -> None:
    grader.script = by_prompt({**GRADES, "grade a3": [HANGS, *GRADES["grade a3"]]})
    path = graded_log(grader, tmp_path)

    async def cancelled() -> None:
        work = score_async(path, scored_by("grader"), display="none", max_samples=1)
        task = asyncio.ensure_future(work)
        await asyncio.to_thread(wait_for_third, grader, task.done)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    check_whole(path, grader)


async def run_states(name: str) -> list[str]:
    """Return the states of the flow runs of a name, in order."""
    async with get_client() as client:
        return sorted(str(run.state_name) for run in await runs_named(client, name))


def test_after_a_kill(tmp_path: Path, grader: FaultServer, harness_url: str) -> None:
    grader.script = by_prompt({**GRADES, "grade a3": [HANGS, *GRADES["grade a3"]]})
    path = graded_log(grader, tmp_path / "logs", task="killed scoring")
    program = (
        "from flows.score import score\n"
        "from tests.flows._scored import scored_by\n"
        f"score({path!r}, scored_by('grader'), display='none', max_samples=1)"
    )
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_API_URL": harness_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as process:
        wait_for_third(grader, lambda: process.poll() is not None)
        process.kill()

    scored = check_whole(path, grader)
    whole = score(path, scored_by("grader"), display="none", output=str(tmp_path / "whole"))
    assert isinstance(whole, EvalLog)
    assert told(scored.location) == told(whole.location)
    assert asyncio.run(run_states("score killed scoring")) == ["Completed", "Completed", "Crashed"]


def stopped(path: Any, **options: Any) -> None:
    """Score a log until the scorers of its second sample fail."""
    with pytest.raises(ScoringError):
        score(path, scored_breaks(2), display="none", max_samples=1, **options)


def test_what_is_left_is_an_unfinished_log(tmp_path: Path, caplog: Any) -> None:
    log = log_with([one_sample(i) for i in (1, 2, 3)], task_identity="v1:of the evaluation")
    log.location = write(log, tmp_path)
    stopped(log.location)
    live = next(info for info in list_eval_logs(tmp_path) if info.type == "live")
    left = read_eval_log(live)

    assert (Path(live.name).name, left.status, left.results) == (
        f"{STEM}-scored.parquet",
        "started",
        None,
    )
    # Or an eval set would take it, or the scored log, for the log of its task.
    assert left.eval.task_identity is None

    caplog.clear()
    again = score(tmp_path, scored_breaks(2), display="none", fail_on_error=False)
    assert not [text for text in caplog.messages if "not finished" in text]
    assert isinstance(again, list)
    assert [Path(new.location).name for new in again] == [f"{STEM}-scored.parquet"]
    assert again[0].eval.task_identity is None
    replaced = score(log.location, scored_breaks(0), display="none", overwrite=True)
    assert isinstance(replaced, EvalLog)
    assert replaced.eval.task_identity == "v1:of the evaluation"


def test_what_is_left_can_be_recovered(tmp_path: Path) -> None:
    path = write(log_with([one_sample(i) for i in (1, 2, 3)]), tmp_path)
    stopped(path)
    header = recover_eval_log(tmp_path / f"{STEM}-scored.parquet")

    assert (header.status, [s.name for s in header.eval.scorers or ()]) == (
        "error",
        ["match", "scored_breaks"],
    )
    assert header.results is not None
    assert (header.results.completed_samples, header.results.missing_samples) == (2, 1)
    first, second = read_eval_log(header.location).samples or []
    assert (first.id, [value.value for value in (first.scores or {}).values()]) == (1, ["C", "C"])
    assert second.scores is not None and second.scores["scored_breaks"].is_unscored
    assert not (tmp_path / ".live").exists()


def test_other_scoring_starts_afresh(tmp_path: Path) -> None:
    path = write(log_with([one_sample(i) for i in (1, 2, 3)]), tmp_path)
    stopped(path)
    left = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    new = score(path, scored_breaks(9), display="none")

    assert isinstance(new, EvalLog)
    assert Path(new.location).name == f"{STEM}-scored-2.parquet"
    assert score_values(read_eval_log(new.location)) == [{"match": "C", "scored_breaks": "C"}] * 3
    assert {name: (tmp_path / name).read_bytes() for name in left} == left


def work(log: Any, scorers: Any = None, **arguments: Any) -> str:
    """Return what tells a call of `score` from others."""
    options = read_score_options("score", arguments.pop("action", None), arguments)
    [job] = score_jobs(find_sources(log), scorers or scored_breaks(2), None, options)
    return work_of(job)


@pytest.mark.parametrize(
    ("same", "arguments"),
    [
        pytest.param(True, {}, id="the same"),
        pytest.param(True, {"action": "append"}, id="default action"),
        pytest.param(True, {"fail_on_error": False, "max_samples": 1}, id="when it stops"),
        pytest.param(True, {"metrics": [mean()]}, id="metrics"),
        pytest.param(True, {"overwrite": True}, id="where it goes"),
        pytest.param(False, {"action": "overwrite"}, id="action"),
        pytest.param(False, {"scorers": scored_breaks(9)}, id="arguments"),
        pytest.param(False, {"scorers": [scored_breaks(2), scored_length()]}, id="one more"),
        pytest.param(False, {"scorers": [scored_length()]}, id="another"),
        pytest.param(False, {"model": "mockllm/other"}, id="model"),
        pytest.param(False, {"model_roles": {"grader": "mockllm/other"}}, id="role"),
    ],
)
def test_which_scoring_is_the_same(tmp_path: Path, same: bool, arguments: Any) -> None:
    log = log_with([one_sample(1)])
    log.location = write(log, tmp_path)

    assert (work(log.location, **arguments) == work(log.location)) is same
    assert (work(log, **arguments) == work(log)) is same


def test_changed_log_is_another(tmp_path: Path) -> None:
    path = write(log_with([one_sample(1)]), tmp_path)
    before, first = work(path), read_eval_log(path)
    memory = work(first)
    assert first.samples is not None
    first.samples[0].target = "other"
    Path(path).unlink()
    write(first, tmp_path)

    assert work(path) != before
    assert work(first) != memory


def test_log_in_memory_that_replaces_its_file(tmp_path: Path) -> None:
    path = write(buffered([one_sample(i) for i in (1, 2, 3)]), tmp_path)
    content = Path(path).read_bytes()
    stopped(read_eval_log(path), overwrite=True)
    assert Path(path).read_bytes() == content

    other = read_eval_log(path)
    assert other.samples is not None
    other.samples[0].target = "other"
    aside = score(other, scored_breaks(9), display="none", output=str(tmp_path))
    new = score(
        read_eval_log(path), scored_breaks(2), display="none", overwrite=True, fail_on_error=False
    )

    assert isinstance(new, EvalLog) and isinstance(aside, EvalLog)
    assert new.location == path
    assert [sample.id for sample in new.samples or ()] == [1, 2, 3]
    assert score_values(new)[::2] == [{"match": "C", "scored_breaks": "C"}] * 2
    assert files(tmp_path) == [f"{STEM}-scored-2.parquet", f"{STEM}.parquet"]


def test_metric_that_fails_costs_no_second_grading(tmp_path: Path, grader: FaultServer) -> None:
    path = graded_log(grader, tmp_path)
    with pytest.raises(ScoringError, match="no such mean"):
        score(path, scored_by("grader"), display="none", metrics=[scored_in_vain()])
    new = score(path, scored_by("grader"), display="none", metrics=[mean()])

    assert isinstance(new, EvalLog)
    assert dict(grader.requests) == dict.fromkeys(GRADES, 1)
    assert new.results is not None
    assert [s.metrics["mean"].value for s in new.results.scores] == [1.0, 0.625]
    assert files(tmp_path) == [f"{STEM}-scored.parquet", f"{STEM}.parquet"]
