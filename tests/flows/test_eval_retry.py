"""`eval_retry`: what is finished is copied, the rest is run as the log says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flows.cli._app import main
from flows.eval import eval
from flows.eval_retry import eval_retry, eval_retry_async
from tasks_lib import Epochs
from tasks_lib.approval import ApprovalPolicy, auto_approver
from tasks_lib.log import list_eval_logs, read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import EvalLog
from tests.flows._retried import CALLS, FAILING, notes_again, retried_notes, retried_scorer

pytestmark = pytest.mark.usefixtures("prefect_harness")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    CALLS.clear()
    FAILING.clear()
    yield
    FAILING.clear()


def failed(log_dir: str, **options: Any) -> EvalLog:
    """Return the log of a run in which the second sample failed."""
    FAILING.add(2)
    options = {"tasks": notes_again(), "fail_on_error": False, **options}
    [log] = eval(model="mockllm/model", log_dir=log_dir, display="none", **options)
    FAILING.clear()
    CALLS.clear()
    return log


def files(log_dir: str | Path) -> int:
    return len(list_eval_logs(str(log_dir)))


def test_only_what_failed_is_run_again(log_dir: str) -> None:
    old = failed(log_dir, epochs=2, tags=["t"], metadata={"why": "test"})
    assert old.status == "success"

    logs = eval_retry(old, display="none")

    [new] = logs
    assert repr(logs) == ""
    assert CALLS == ["2/1/mockllm/model", "2/2/mockllm/model"]
    assert new.status == "success"
    assert [(s.id, s.epoch, s.error, s.attempt) for s in new.samples or []] == [
        (1, 1, None, 1), (2, 1, None, 2), (3, 1, None, 1),
        (1, 2, None, 1), (2, 2, None, 2), (3, 2, None, 1),
    ]  # fmt: skip
    assert new.results is not None
    assert (new.results.total_samples, new.results.completed_samples) == (6, 6)
    assert new.stats.reused_samples == 4
    assert new.eval.task_id == old.eval.task_id
    assert (new.eval.attempt, old.eval.attempt) == (2, 1)
    assert new.eval.eval_id != old.eval.eval_id
    assert new.eval.run_id != old.eval.run_id
    assert (new.eval.tags, new.eval.metadata) == (["t"], {"why": "test"})
    assert new.eval.task_identity == old.eval.task_identity
    assert Path(new.location).parent == Path(old.location).parent
    assert read_eval_log(old.location) == old  # which stays where it is


async def test_everything_is_as_the_log_says(log_dir: str, own_folder: Path) -> None:
    old = failed(
        log_dir,
        tasks=notes_again(4, levels=(1, 2)),
        solver=retried_notes("a", "b", suffix="!"),
        scorer=retried_scorer(),
        approval=[ApprovalPolicy(auto_approver(), "bash*")],
        model_roles={"grader": {"model": "mockllm/grader", "temperature": 0.5}},
        epochs=Epochs(2, ["max", "at_least_2"]),
        limit=(0, 3),
        message_limit=7,
        token_limit=1000,
        time_limit=60,
        working_limit=50,
        temperature=0.25,
        max_tokens=9,
        max_retries=3,
        fail_on_error=0.9,
        retry_on_error=0,
        errors_as_incorrect=True,
        stall_timeout=77,
        same_errors=5,
        max_samples=2,
        max_subprocesses=3,
        log_buffer=4,
        log_images=False,
        log_format="json",
    )

    [new] = await eval_retry_async(
        [old.location], display="none", max_retries=4, timeout=30, max_connections=5
    )

    assert CALLS == ["2/1/mockllm/model", "2/2/mockllm/model"]
    assert {s.metadata["said"] for s in new.samples or []} == {"a b!"}
    assert Path(new.location).suffix == ".json"
    for part in ("task", "task_args", "task_args_passed", "solver", "solver_args", "dataset",
                 "model", "scorers", "metrics", "task_identity"):  # fmt: skip
        assert getattr(new.eval, part) == getattr(old.eval, part), part
    assert new.eval.config == old.eval.config
    assert new.eval.model_roles == old.eval.model_roles
    assert new.plan.steps == old.plan.steps
    assert new.plan.config == old.plan.config.model_copy(
        update={"max_retries": 4, "timeout": 30, "max_connections": 5}
    )
    assert [(s.name, s.reducer) for s in (new.results.scores if new.results else [])] == [
        ("retried_scorer", "max"),
        ("retried_scorer", "at_least_2"),
    ]


def test_several_logs_are_gone_on_with_in_turn(log_dir: str, tmp_path: Path) -> None:
    first = failed(log_dir, tasks=notes_again(2))
    second = failed(str(tmp_path / "other"), tasks=notes_again(3), sample_id=[2, 3])

    [info] = list_eval_logs(tmp_path / "other")
    logs = eval_retry([first.location, info], display="none", log_header_only=True)

    assert CALLS == ["2/1/mockllm/model"] * 2
    assert [log.eval.task_id for log in logs] == [first.eval.task_id, second.eval.task_id]
    assert len({log.eval.run_id for log in logs}) == 1
    assert [log.samples for log in logs] == [None, None]
    assert [Path(log.location).parent.name for log in logs] == ["logs", "other"]
    assert (files(log_dir), files(tmp_path / "other")) == (2, 2)


def test_what_a_call_may_change(log_dir: str, tmp_path: Path) -> None:
    old = failed(log_dir)
    model = get_model("mockllm/model")
    FAILING.add(2)

    [new] = eval_retry(
        old, model, display="none", log_dir=str(tmp_path / "new"), log_format="eval",
        fail_on_error=True, max_samples=1, score=False,
    )  # fmt: skip

    assert (new.status, new.eval.config.fail_on_error) == ("error", True)
    assert new.eval.scorers is None
    assert Path(new.location).parent == tmp_path / "new"
    assert Path(new.location).suffix == ".eval"
    FAILING.clear()
    [last] = eval_retry(new, display="none", fail_on_error=False)
    assert (last.status, last.eval.attempt) == ("success", 3)
    assert [sample.error for sample in last.samples or []] == [None] * 3
    assert [sample.scores for sample in last.samples or []][1] == {}  # the log was not scored


def test_a_log_with_nothing_left_is_copied(log_dir: str) -> None:
    old = failed(log_dir, tasks=notes_again(1), score=False)

    [new] = eval_retry(old, display="none")

    assert CALLS == []
    assert new.location != old.location
    assert [(s.id, s.uuid) for s in new.samples or []] == [
        (s.id, s.uuid) for s in old.samples or []
    ]


def test_the_command_finishes_a_log(log_dir: str) -> None:
    old = failed(log_dir, tasks=notes_again(2))

    result = CliRunner().invoke(
        main, ["eval-retry", old.location, "--display", "none", "--max-retries", "2"]
    )

    assert result.exit_code == 0, result.output
    assert CALLS == ["2/1/mockllm/model"]
    [new, _] = sorted(
        (read_eval_log(info.name) for info in list_eval_logs(log_dir)),
        key=lambda log: -log.eval.attempt,
    )
    assert (new.status, new.plan.config.max_retries) == ("success", 2)
    wrong = CliRunner().invoke(main, ["eval-retry", "gone.parquet"])
    assert wrong.exit_code == 2
    assert "The log 'gone.parquet' does not exist." in wrong.output
