"""What an eval set finds in its log directory: taken as it is, gone on with, or refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from flows._attempts import adopt_logs, prepare_next
from flows._earlier_logs import remove_superseded
from flows._identity import task_identity
from flows._identity_v1 import task_identity_v1
from flows._session import Session
from flows.eval_set import eval_set
from scorers import mean
from tasks_lib import Task
from tasks_lib._errors import PrerequisiteError
from tasks_lib.log import list_eval_logs
from tasks_lib.schema import EvalLog, EvalModelConfig, EvalSample
from tests.flows._earlier import (
    earlier_step,
    earlier_task,
    failed,
    leave,
    log_of,
    sample,
    session_of,
)

NAME = "2026-01-01T00-00-0{}+00-00_earlier_a.{}"
ALL = [sample(1), sample(2), sample(3)]


def left(
    folder: Path,
    status: str = "success",
    samples: list[EvalSample] | None = None,
    *,
    number: int = 1,
    tasks: Task | None = None,
    spec: dict[str, Any] | None = None,
    ending: str = "parquet",
    **arguments: Any,
) -> EvalLog:
    """Leave a log of a call with `arguments`; the higher its number, the newer."""
    [plan] = session_of(tasks or earlier_task(), folder, **arguments).plans
    created = {"created": f"2026-01-01T00:00:0{number}+00:00", "attempt": number}
    log = log_of(plan, status, **{**created, **(spec or {})})
    if "task_identity" not in (spec or {}):
        log.eval.task_identity = task_identity(log)
    return leave(log, ALL if samples is None else samples, folder / NAME.format(number, ending))


def adopted(folder: Path, tasks: Any = None, **arguments: Any) -> Session:
    session = session_of(tasks or earlier_task(), folder, **arguments)
    adopt_logs(session, str(folder))
    return session


def found(session: Session) -> tuple[str | None, list[str]]:
    """Return what is taken as it is, and what is gone on with, by name."""
    done = session.outcomes.get(0)
    previous = [Path(log.location).name for log in session.previous.get(0, [])]
    return (Path(done.location).name if done else None), previous


def names(folder: Path) -> list[str]:
    return sorted(Path(info.name).name for info in list_eval_logs(str(folder)))


FIRST, SECOND, THIRD = (NAME.format(number, "parquet") for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("then", "now", "as_it_is"),
    [
        pytest.param({}, {}, True, id="the same call"),
        pytest.param({"max_connections": 2, "tags": ["a"]}, {}, True, id="how it was run"),
        pytest.param({}, {"epochs": 2}, False, id="more epochs"),
        pytest.param({"epochs": 2}, {}, False, id="fewer epochs"),
        pytest.param({}, {"errors_as_incorrect": True}, False, id="errors count"),
        pytest.param({}, {"errors_as_incorrect": False}, True, id="errors do not count, as then"),
        pytest.param({"status": "error"}, {}, False, id="failed"),
        pytest.param({"status": "cancelled"}, {}, False, id="cancelled"),
        pytest.param({"tasks": Task(name="earlier", metrics=[mean()])}, {}, None, id="other task"),
    ],
)
def test_what_is_taken_as_it_is(
    tmp_path: Path, then: dict[str, Any], now: dict[str, Any], as_it_is: bool | None
) -> None:
    left(tmp_path, **then)
    expected = {True: (FIRST, []), False: (None, [FIRST]), None: (None, [])}[as_it_is]

    assert found(adopted(tmp_path, **now, log_dir_allow_dirty=as_it_is is None)) == expected


@pytest.mark.parametrize(
    ("change", "as_it_is"),
    [
        pytest.param({"epochs_reducer": ["max"]}, False, id="reducers"),
        pytest.param({"epochs": None}, True, id="one epoch, not named"),
    ],
)
def test_reducers(tmp_path: Path, change: dict[str, Any], as_it_is: bool) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    config = plan.header.eval.config.model_copy(update=change)
    left(tmp_path, spec={"config": config})

    assert found(adopted(tmp_path)) == ((FIRST, []) if as_it_is else (None, [FIRST]))


@pytest.mark.parametrize("where", ["scorer", "task"])
def test_metrics(tmp_path: Path, where: str) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    scorers = plan.header.eval.scorers or []
    metrics = scorers[0].metrics
    if where == "task":
        spec: dict[str, Any] = {"metrics": metrics}
    else:
        spec = {"scorers": [scorers[0].model_copy(update={"metrics": []})]}
    left(tmp_path, spec=spec)

    assert found(adopted(tmp_path)) == (None, [FIRST])


def test_the_next_attempt_goes_on_after_all_logs(tmp_path: Path) -> None:
    left(tmp_path, "error", [sample(1)], number=1, spec={"task_id": "old", "attempt": 5})
    left(tmp_path, "started", [sample(2)], number=3, spec={"task_id": "new", "attempt": 2})
    left(tmp_path, "error", [sample(1)], number=2)

    session = adopted(tmp_path)

    assert found(session) == (None, [THIRD, SECOND, FIRST])
    [plan] = session.plans
    assert (plan.header.eval.task_id, plan.header.eval.attempt) == ("new", 6)

    session.outcomes[0] = log_of(plan, location="x")
    prepare_next(session, 0)
    assert [log.eval.attempt for log in session.previous[0]] == [6, 2, 2, 5]
    assert session.plans[0].header.eval.attempt == 7


def test_a_log_of_the_first_version_is_gone_on_with(tmp_path: Path) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    identity = task_identity_v1(plan.header)
    left(tmp_path, "error", [sample(1, digest=None)], spec={"task_identity": identity})

    assert found(adopted(tmp_path)) == (None, [FIRST])


def test_a_log_of_the_first_version_does_not_say_its_defaults(tmp_path: Path) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    step = plan.header.plan.steps[0].model_copy(update={"defaults": None})
    log = left(tmp_path, spec={"task_identity": task_identity_v1(plan.header)})
    log.plan = log.plan.model_copy(update={"steps": [step]})
    leave(log, ALL, tmp_path / FIRST)

    assert found(adopted(tmp_path, temperature=1, ignore_changes=["config"])) == (FIRST, [])


def test_logs_below_the_folder_and_in_other_formats(tmp_path: Path) -> None:
    left(tmp_path / "deep", "error", [sample(1)])
    left(tmp_path, "error", [sample(1)], number=2, ending="json")
    left(tmp_path, "error", [sample(1)], number=3, ending="eval")

    expected = [NAME.format(3, "eval"), NAME.format(2, "json"), FIRST]
    assert found(adopted(tmp_path)) == (None, expected)


@pytest.mark.parametrize(
    ("arguments", "ignored", "as_it_is"),
    [
        pytest.param({"solver": earlier_step("b")}, "solvers", True, id="solver"),
        pytest.param({"temperature": 1}, "config", True, id="options"),
        pytest.param({"message_limit": 3}, "limits", True, id="limits"),
        pytest.param({"approval": "auto"}, "approval", True, id="approval"),
        pytest.param({"limit": 2}, "samples", False, id="samples"),
    ],
)
def test_changes_that_are_ignored(
    tmp_path: Path, arguments: dict[str, Any], ignored: str, as_it_is: bool
) -> None:
    left(tmp_path)

    assert found(adopted(tmp_path, **arguments)) == (None, [])
    assert found(adopted(tmp_path, **arguments, ignore_changes=["version"])) == (None, [])
    expected = (FIRST, []) if as_it_is else (None, [FIRST])
    assert found(adopted(tmp_path, **arguments, ignore_changes=[ignored])) == expected


@pytest.mark.parametrize("identity", [None, "v3:new"])
def test_what_is_ignored_makes_no_log_one_of_the_run(tmp_path: Path, identity: str | None) -> None:
    left(tmp_path, spec={"task_identity": identity})

    assert found(adopted(tmp_path, ignore_changes=["config"])) == (None, [])
    if identity is None:
        assert found(adopted(tmp_path, temperature=1, ignore_changes=["config"])) == (None, [])


def test_a_change_beside_those_that_are_ignored(tmp_path: Path) -> None:
    left(tmp_path)
    changed = {"temperature": 1, "message_limit": 3}

    assert found(adopted(tmp_path, **changed, ignore_changes=["limits"])) == (None, [])
    both = adopted(tmp_path, **changed, ignore_changes=["limits", "config"])
    assert found(both) == (FIRST, [])


@pytest.mark.parametrize(
    ("stranger", "label"),
    [
        pytest.param({"tasks": earlier_task("other")}, "other on mockllm/model", id="task"),
        pytest.param({"tasks": earlier_task(size=9)}, "earlier on mockllm/model", id="arguments"),
        pytest.param({"spec": {"model": "m/other"}}, "earlier on m/other", id="model"),
        pytest.param(
            {"spec": {"model_roles": {"grader": EvalModelConfig(model="m/judge")}}},
            "earlier on mockllm/model",
            id="role",
        ),
        pytest.param({"spec": {"task_file": "other.py"}}, "earlier on", id="file"),
        pytest.param({"tasks": earlier_task("other"), "status": "started"}, "other", id="started"),
    ],
)
def test_a_log_of_something_else_is_refused(
    tmp_path: Path, stranger: dict[str, Any], label: str
) -> None:
    log = left(tmp_path / "below", **stranger)

    with pytest.raises(PrerequisiteError, match="not in this eval set") as raised:
        adopted(tmp_path)

    assert f"{label}" in str(raised.value)
    assert log.location in str(raised.value)
    assert "log_dir_allow_dirty=True" in str(raised.value)
    assert found(adopted(tmp_path, log_dir_allow_dirty=True)) == (None, [])
    assert names(tmp_path) == [FIRST]


def test_the_folder_of_a_file_makes_no_stranger(tmp_path: Path) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    file = f"/elsewhere/{Path(plan.header.eval.task_file or '').name}"
    left(tmp_path, spec={"task_file": file})

    assert found(adopted(tmp_path)) == (FIRST, [])


def test_other_files_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / NAME.format(1, "parquet")).write_text("no log")
    (tmp_path / "data.json").write_text(json.dumps({"a": 1}))

    with caplog.at_level(logging.WARNING):
        assert found(adopted(tmp_path)) == (None, [])

    assert len(caplog.records) == 1
    assert f"{NAME.format(1, 'parquet')}" in caplog.text
    assert "does not go on from it" in caplog.text


@pytest.mark.parametrize(
    ("spec", "arguments", "expected"),
    [
        pytest.param({}, {"temperature": 1}, "run differently (config)", id="other options"),
        pytest.param({"task_identity": None}, {}, None, id="scores that were added"),
        pytest.param({"task_identity": "v3:new"}, {}, "(a newer version)", id="a newer version"),
    ],
)
def test_logs_of_other_runs_of_a_task_are_named(
    tmp_path: Path,
    spec: dict[str, Any],
    arguments: dict[str, Any],
    expected: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = left(tmp_path, spec=spec)

    with caplog.at_level(logging.WARNING):
        assert found(adopted(tmp_path, **arguments)) == (None, [])

    if expected is None:
        assert caplog.text == ""
    else:
        assert expected in caplog.text
        assert log.location in caplog.text


def test_a_log_of_another_run_of_the_set_is_not_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left(tmp_path, limit=1)
    left(tmp_path, number=2)
    session = session_of(earlier_task(), tmp_path, limit=1)
    session.plans += session_of(earlier_task(), tmp_path).plans

    with caplog.at_level(logging.WARNING):
        adopt_logs(session, str(tmp_path))

    locations = [Path(session.outcomes[position].location).name for position in (0, 1)]
    assert (locations, caplog.text) == ([FIRST, SECOND], "")


@pytest.mark.parametrize(
    ("samples", "changes", "is_removed"),
    [
        pytest.param([sample(1), failed(2)], {}, True, id="all of it is in the new one"),
        pytest.param([], {}, True, id="empty"),
        pytest.param([sample(1), sample(1, 2)], {}, False, id="an epoch more"),
        pytest.param([sample(1, input="other")], {}, False, id="another sample of the same id"),
        pytest.param([sample("1", input="q1")], {}, False, id="an id as text"),
        pytest.param([sample(1)], {"status": "error"}, False, id="the new one has failed"),
        pytest.param([sample(1)], {"cleanup": False}, False, id="asked to keep it"),
    ],
)
def test_what_is_superseded(
    tmp_path: Path,
    samples: list[EvalSample],
    changes: dict[str, Any],
    is_removed: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    left(tmp_path, "error", samples)
    left(tmp_path, changes.get("status", "success"), number=2)

    with caplog.at_level(logging.WARNING):
        adopted(tmp_path, retry_cleanup=changes.get("cleanup", True))

    assert names(tmp_path) == ([SECOND] if is_removed else [FIRST, SECOND])
    says = "1 finished samples of it are not in" in caplog.text
    assert says is (not is_removed and not changes)


@pytest.mark.parametrize("same", [True, False])
def test_samples_without_digest_are_those_of_their_dataset(tmp_path: Path, same: bool) -> None:
    [plan] = session_of(earlier_task(), tmp_path).plans
    dataset = plan.header.eval.dataset.model_copy(update={} if same else {"digest": "0" * 64})
    old = left(tmp_path, "error", [sample(1, digest=None)], spec={"dataset": dataset})
    new = left(tmp_path, "success", [sample(1, digest=None)], number=2)

    remove_superseded(old, new)

    assert names(tmp_path) == ([SECOND] if same else [FIRST, SECOND])


def test_a_log_is_not_superseded_by_itself_or_by_nothing(tmp_path: Path) -> None:
    log = left(tmp_path)

    remove_superseded(log, log)
    remove_superseded(None, log)
    remove_superseded(log.model_copy(update={"location": ""}), log)
    remove_superseded(log, left(tmp_path, "error", number=2))

    assert names(tmp_path) == [FIRST, SECOND]


def test_a_success_beside_another_stays(tmp_path: Path) -> None:
    left(tmp_path)
    left(tmp_path, number=2)

    assert found(adopted(tmp_path)) == (SECOND, [])
    assert names(tmp_path) == [FIRST, SECOND]


def test_a_finished_set_runs_nothing(tmp_path: Path) -> None:
    left(tmp_path)
    left(tmp_path, number=2, tasks=earlier_task("second"))

    both = [earlier_task("second"), earlier_task()]
    success, logs = eval_set(both, str(tmp_path), "mockllm/model", display="none")

    assert success
    assert [(log.eval.task, Path(log.location).name) for log in logs] == [
        ("second", SECOND),
        ("earlier", FIRST),
    ]
