"""Rows and columns of `evals_df`, and which logs frames are made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib._errors import ColumnValueError, LogFormatError, MissingFileError, ParameterError
from tasks_lib.analysis import (
    EvalColumn,
    EvalColumns,
    EvalConfig,
    EvalConfiguration,
    EvalInfo,
    EvalScores,
    EvalTask,
    SampleColumn,
    evals_df,
    samples_df,
)
from tasks_lib.log import EvalLogWriter, list_eval_logs, write_eval_log
from tasks_lib.schema import (
    EvalError,
    EvalLog,
    EvalMetric,
    EvalModelConfig,
    EvalResults,
    EvalRevision,
    EvalSample,
    EvalScore,
)

MakeSample = Callable[..., EvalSample]
MakeLog = Callable[..., EvalLog]
WriteLog = Callable[..., Path]


def rows(logs: Any, columns: Any = None, **options: Any) -> list[dict[str, Any]]:
    chosen = {} if columns is None else {"columns": columns}
    found: list[dict[str, Any]] = evals_df(logs, **chosen, **options, frame="arrow").to_pylist()
    return found


def test_a_usual_log(make_sample: MakeSample, write_log: WriteLog) -> None:
    path = write_log([make_sample()])

    [row] = rows(path)

    assert row == {
        "eval_id": "eval-a",
        "run_id": "run1",
        "task_id": "task-a",
        "log": str(path),
        "created": datetime(2026, 11, 21, 21, 4, 45, tzinfo=UTC),
        "tags": "",
        "git_origin": None,
        "git_commit": None,
        "packages": "{}",
        "metadata": None,
        "task_name": "arithmetic",
        "task_version": 0,
        "task_file": None,
        "task_attribs": "{}",
        "solver": None,
        "solver_args": None,
        "sandbox_type": None,
        "sandbox_config": None,
        "model": "mockllm/model",
        "model_base_url": None,
        "model_args": "{}",
        "model_generate_config": "{}",
        "model_roles": None,
        "dataset_name": "sums",
        "dataset_location": None,
        "dataset_samples": 2,
        "dataset_sample_ids": "[1,2]",
        "dataset_shuffled": None,
        "epochs": 1,
        "epochs_reducer": '["mean"]',
        "approval": None,
        "message_limit": 10,
        "token_limit": None,
        "time_limit": None,
        "working_limit": None,
        "status": "success",
        "error_message": None,
        "error_traceback": None,
        "total_samples": 2,
        "completed_samples": 2,
        "errored_samples": None,
        "scored_samples": None,
        "unscored_samples": None,
        "limited_samples": None,
        "missing_samples": None,
        "score_headline_name": "match",
        "score_headline_metric": "accuracy",
        "score_headline_value": 0.75,
        "score_headline_stderr": 0.25,
        "score_match_accuracy": 0.75,
        "score_match_stderr": 0.25,
    }


def test_an_unusual_log(make_log: MakeLog) -> None:
    log = make_log(
        tags=["night", "ü"],
        metadata={"a": [1]},
        revision=EvalRevision(origin="https://example.org/x", commit="abc"),
        task="plain",
        task_version="2-a",
        task_args={"level": 3, "names": ["x"], "none": None},
        solver="chain",
        solver_args={"n": 1},
        sandbox={"type": "docker", "config": "compose.yaml"},
        model_base_url="http://127.0.0.1",
        model_args={"device": 0},
        model_roles={"grader": EvalModelConfig(model="mockllm/grader")},
    )
    log.status = "error"
    log.error = EvalError(message="no", traceback="Traceback")
    log.results = None

    [row] = rows(log)

    chosen = {
        "tags": "night,ü",
        "metadata": '{"a":[1]}',
        "git_origin": "https://example.org/x",
        "git_commit": "abc",
        "task_name": "plain",
        "task_version": "2-a",
        "task_arg_level": 3,
        "task_arg_names": '["x"]',
        "task_arg_none": None,
        "solver": "chain",
        "solver_args": '{"n":1}',
        "sandbox_type": "docker",
        "sandbox_config": "compose.yaml",
        "model_base_url": "http://127.0.0.1",
        "model_args": '{"device":0}',
        "model_roles": '{"grader":{"model":"mockllm/grader","config":{},"args":{}}}',
        "status": "error",
        "error_message": "no",
        "error_traceback": "Traceback",
        "total_samples": None,
        "score_headline_name": None,
        "score_headline_value": None,
        "log": "",
    }
    assert {name: row[name] for name in chosen} == chosen
    assert "score_match_accuracy" not in row


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        pytest.param("local", ("local", None), id="type"),
        pytest.param(["docker", "compose.yaml"], ("docker", "compose.yaml"), id="type and file"),
        pytest.param(["docker"], ("docker", None), id="list of a type"),
        pytest.param({"type": "docker"}, ("docker", None), id="dict"),
        pytest.param(None, (None, None), id="none"),
    ],
)
def test_forms_of_a_sandbox(sandbox: Any, expected: tuple[Any, Any], make_log: MakeLog) -> None:
    [row] = rows(make_log(sandbox=sandbox))

    assert (row["sandbox_type"], row["sandbox_config"]) == expected


def test_metrics_that_only_a_reducer_tells_apart(make_log: MakeLog) -> None:
    def score(name: str, reducer: str, **metrics: float) -> EvalScore:
        found = {key: EvalMetric(name=key, value=value) for key, value in metrics.items()}
        return EvalScore(name=name, scorer=name, reducer=reducer, metrics=found)

    log = make_log()
    scores = [
        score("a", "mean", mean=0.5, stderr=0.1),
        score("a", "max", mean=1),
        score("b", "mean", std=0.2),
    ]
    log.results = EvalResults(scores=scores)

    [row] = rows(log, EvalScores)

    del row["eval_id"], row["log"]
    assert row == {
        "score_a_max_mean": 1,
        "score_a_mean_mean": 0.5,
        "score_a_stderr": 0.1,
        "score_b_std": 0.2,
    }


def test_logs_of_different_arguments_share_a_frame(make_log: MakeLog) -> None:
    logs = [
        make_log("a", task_args={"n": 1}, task_version=1),
        make_log("b", task_args={"m": 0.5}, task_version="x"),
        make_log("a", task_args={"n": 3}),
    ]

    found = rows(logs, [*EvalTask])

    assert [(r["eval_id"], r["task_arg_m"], r["task_arg_n"], r["task_version"]) for r in found] == [
        ("eval-a", None, 1, "1"),
        ("eval-b", 0.5, None, "x"),
    ]


def test_custom_columns(make_log: MakeLog) -> None:
    columns = [
        EvalColumn("first_id", path="eval.dataset.sample_ids[0]", type=float),
        EvalColumn("limit", path="eval.config.limit", default=-1),
        EvalColumn("task", path=lambda log: log.eval.task.upper()),
        EvalColumn("date", path="eval.created", value=lambda created: created[:10]),
    ]

    assert rows(make_log(), columns) == [
        {
            "eval_id": "eval-a",
            "first_id": 1.0,
            "limit": -1,
            "task": "SUMS/ARITHMETIC",
            "date": "2026-11-21",
            "log": "",
        }
    ]


def test_field_that_no_log_has(make_log: MakeLog) -> None:
    column = EvalColumn("x", path="eval.modl")

    with pytest.raises(ColumnValueError, match=r"no field 'modl'\. Did you mean 'model'"):
        evals_df(make_log(), columns=[column])
    _, [error] = evals_df(make_log(), columns=[column], strict=False)

    assert (error.column, error.path, error.log.eval.eval_id) == ("x", "eval.modl", "eval-a")


def test_columns_of_samples_are_refused(make_log: MakeLog) -> None:
    with pytest.raises(ParameterError, match="evals_df: columns is SampleColumn"):
        evals_df(make_log(), columns=[SampleColumn("id", path="id")])


def test_default_columns_are_all_groups() -> None:
    names = [column.name for column in EvalColumns]

    assert len(names) == len(set(names)) == 50
    assert EvalConfig is EvalConfiguration
    assert names[: len(EvalInfo)] == [column.name for column in EvalInfo]


def test_default_logs_are_those_of_the_moment(
    make_sample: MakeSample, write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_log([make_sample()])

    monkeypatch.setenv("EVAL_LOG_DIR", str(path.parent))
    assert [row["log"] for row in rows(None)] == [str(path)]
    monkeypatch.setenv("EVAL_LOG_DIR", str(path.parent / "none"))
    assert rows(None) == []


def test_forms_of_logs(
    make_sample: MakeSample, write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write_log([make_sample()], "a"), write_log([make_sample(log="b")], "b")
    os.utime(first, (1, 1))
    folder = first.parent
    monkeypatch.chdir(folder)

    def paths(logs: Any) -> list[str]:
        return [row["log"] for row in rows(logs)]

    assert paths(folder) == [str(second), str(first)]  # the newest first
    assert paths(str(first)) == [str(first)]
    assert paths([second, first]) == [str(second), str(first)]
    assert paths(list_eval_logs(folder)) == [str(second), str(first)]
    assert paths(list_eval_logs(folder)[0]) == [str(second)]
    assert paths([first, folder, str(first)]) == [str(first), str(second)]
    assert paths(first.name) == [str(first)]
    assert paths(f"file://{first}") == [str(first)]
    assert paths([]) == []


def test_wrong_logs(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="'/nowhere' does not exist"):
        evals_df("/nowhere")
    with pytest.raises(FileNotFoundError):
        evals_df(tmp_path / "2026-11-21T21-04-45+00-00_a_b.parquet")
    foreign = tmp_path / "x.parquet"
    foreign.write_text("no log")
    with pytest.raises(LogFormatError):
        samples_df(foreign)
    assert rows(tmp_path) == []


async def test_a_log_that_is_being_written(
    tmp_path: Path, make_sample: MakeSample, make_log: MakeLog
) -> None:
    header = make_log("a").model_copy(update={"status": "started", "results": None})
    header.samples = None
    writer = EvalLogWriter(header, tmp_path)
    await writer.start()
    await writer.append(make_sample(1))
    await writer.flush()

    [row] = rows(tmp_path)
    samples = samples_df(tmp_path, frame="arrow").to_pylist()

    assert (row["status"], row["total_samples"], row["log"]) == ("started", None, writer.location)
    assert [sample["sample_id"] for sample in samples] == ["uuid-a-1-1"]


def test_another_store(make_sample: MakeSample, make_log: MakeLog) -> None:
    path = "memory://analysis/2026-11-21T21-04-45+00-00_sums_a.parquet"
    write_eval_log(make_log("a", [make_sample()]), path)

    assert [row["eval_id"] for row in rows("memory://analysis")] == ["eval-a"]
    assert samples_df(path, frame="arrow").column("log").to_pylist() == [
        "memory:///analysis/2026-11-21T21-04-45+00-00_sums_a.parquet"
    ]
