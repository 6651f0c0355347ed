"""`eval` from end to end, on the mock model and a real Prefect API."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import TaskRun

from flows._options import EvalArgs, EvalSetArgs
from flows.eval import eval, eval_async
from flows.eval_set import eval_set
from scorers import match
from solvers import generate
from tasks_lib import Epochs, Task
from tasks_lib._errors import (
    DatasetError,
    ParameterError,
    PrerequisiteError,
    UnknownNameError,
)
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import (
    EvalLog,
    ModelOutput,
    Sample,
)
from tests.flows._tasks import (
    DEFAULT,
    breaks_on,
    halves,
    samples,
)

pytestmark = pytest.mark.usefixtures("prefect_harness")


def metric(log: EvalLog, name: str = "accuracy") -> float | None:
    assert log.results is not None
    return log.results.scores[0].metrics[name].value


async def task_runs(log: EvalLog, expected: int) -> list[TaskRun]:
    """Return the recorded task runs of a log's flow run; they arrive with a delay."""
    assert log.eval.flow_run_id is not None
    flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(log.eval.flow_run_id)]))
    async with get_client() as client:
        for _ in range(100):
            runs = await client.read_task_runs(flow_run_filter=flow_run, limit=200)
            if len(runs) >= expected and all(r.state and r.state.is_final() for r in runs):
                return runs
            await asyncio.sleep(0.1)
    raise AssertionError(f"{len(runs)} of {expected} task runs were recorded")


def test_log_of_a_run(run: Any, log_dir: str) -> None:
    log = run(halves(), tags=["t"], metadata={"why": "test"}, temperature=0.5)

    assert log.status == "success"
    assert (log.eval.task, log.eval.model) == ("halves", "mockllm/model")
    assert log.eval.task_args == {"count": 4}
    assert log.eval.task_args_passed == {}
    assert (log.eval.tags, log.eval.metadata) == (["t"], {"why": "test"})
    assert [step.solver for step in log.plan.steps] == ["system_message", "generate"]
    assert log.plan.config.temperature == 0.5
    assert log.results.total_samples == log.results.completed_samples == 4
    assert metric(log) == 0.5
    assert metric(log, "stderr") == pytest.approx(0.288675, abs=1e-6)
    assert Path(log.location).parent == Path(log_dir)
    assert not (Path(log_dir) / ".live").exists() or not any((Path(log_dir) / ".live").iterdir())
    assert read_eval_log(log.location) == log


def test_sample_of_a_log(run: Any) -> None:
    sample = run(halves(2)).samples[1]

    assert (sample.id, sample.epoch, sample.input, sample.target) == (2, 1, "q1", DEFAULT)
    assert [(m.role, m.text) for m in sample.messages] == [
        ("system", "s"),
        ("user", "q1"),
        ("assistant", DEFAULT),
    ]
    assert sample.scores["match"].value == "C"
    assert sample.output.completion == DEFAULT
    assert [(e.event, getattr(e, "name", None)) for e in sample.events] == [
        ("span_begin", "init"),
        ("sample_init", None),
        ("span_end", None),
        ("span_begin", "solvers"),
        ("span_begin", "system_message"),
        ("state", None),
        ("span_end", None),
        ("span_begin", "generate"),
        ("model", None),
        ("state", None),
        ("span_end", None),
        ("span_end", None),
        ("span_begin", "scorers"),
        ("span_begin", "match"),
        ("score", None),
        ("span_end", None),
        ("span_end", None),
    ]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param(
            "stage",
            ["scorer 1", "scorer 2", "setup 1", "setup 2", "solver 1", "solver 2"],
            id="a run per stage",
        ),
        pytest.param("sample", ["1", "2"], id="a run per sample"),
        pytest.param("shard", ["samples 1-2"], id="a run per block"),
    ],
)
async def test_granularity(log_dir: str, kind: Any, names: list[str]) -> None:
    logs = await eval_async(
        halves(2), "mockllm/model", task_runs=kind, log_dir=log_dir, display="none"
    )

    runs = await task_runs(logs[0], len(names))
    assert sorted(run.name for run in runs) == names
    assert {run.state.name for run in runs if run.state} == {"Completed"}
    assert metric(logs[0]) == 0.5
    assert logs[0].eval.config.task_runs == kind


def test_stage_is_the_granularity_of_small_sets(run: Any) -> None:
    assert run(halves(1)).eval.config.task_runs == "stage"


@pytest.mark.parametrize("kind", ["stage", "sample", "shard"])
def test_failed_sample_is_a_row_with_its_error(run: Any, kind: str) -> None:
    broken = Task(dataset=samples(4), solver=[breaks_on(2), generate()], scorer=match())

    log = run(broken, fail_on_error=False, task_runs=kind)

    assert log.status == "success"
    assert [s.error.message if s.error else None for s in log.samples] == [
        None,
        "ValueError: sample 2 broke",
        None,
        None,
    ]
    assert "breaks_on" not in log.samples[1].error.message
    assert "raise ValueError" in log.samples[1].error.traceback
    assert log.samples[1].scores is None
    assert (log.results.total_samples, log.results.completed_samples) == (4, 3)
    assert log.results.errored_samples == 1
    assert metric(log) == pytest.approx(1 / 3)


async def test_failed_sample_is_a_failed_task_run_of_its_name(log_dir: str) -> None:
    broken = Task(dataset=samples(3), solver=[breaks_on(2), generate()], scorer=match())
    logs = await eval_async(
        broken, "mockllm/model", fail_on_error=False, log_dir=log_dir, display="none"
    )

    states = {run.name: run.state for run in await task_runs(logs[0], 8)}
    assert {name for name, state in states.items() if state and state.is_failed()} == {"solver 2"}
    failed = states["solver 2"]
    assert failed is not None
    assert failed.message == "ValueError: sample 2 broke"
    assert len(states) == 8  # no scorer of sample 2


@pytest.mark.parametrize(
    ("fail_on_error", "status", "logged_errors"),
    [
        pytest.param(True, "error", 1, id="the first error fails"),
        pytest.param(None, "error", 1, id="by default too"),
        pytest.param(False, "success", 3, id="never"),
        pytest.param(2, "error", 2, id="a count"),
        pytest.param(4, "success", 3, id="a count that isn't reached"),
        pytest.param(0.3, "error", 2, id="a share of 4 samples"),
        pytest.param(0.9, "success", 3, id="a share that isn't reached"),
    ],
)
def test_fail_on_error(run: Any, fail_on_error: Any, status: str, logged_errors: int) -> None:
    broken = Task(dataset=samples(4), solver=[breaks_on(1, 2, 4), generate()], scorer=match())

    log = run(broken, fail_on_error=fail_on_error, max_samples=1, task_runs="shard")

    assert log.status == status
    assert sum(s.error is not None for s in log.samples) == logged_errors
    if status == "error":
        assert log.results.scores == []
        assert "broke" in log.error.message


def test_tasks_and_models_come_in_order(log_dir: str) -> None:
    first = Task(dataset=samples(1), name="first", scorer=match())
    second = Task(dataset=samples(1), name="second", scorer=match())

    logs = eval([first, second], "mockllm/a,mockllm/b", log_dir=log_dir, display="none")

    assert [(log.eval.task, log.eval.model) for log in logs] == [
        ("first", "mockllm/a"),
        ("first", "mockllm/b"),
        ("second", "mockllm/a"),
        ("second", "mockllm/b"),
    ]
    assert len({log.eval.run_id for log in logs}) == 1
    assert len({log.eval.eval_id for log in logs}) == 4


def test_a_failed_task_does_not_stop_the_others(log_dir: str) -> None:
    broken = Task(dataset=samples(1), solver=breaks_on(1), name="broken", scorer=match())
    fine = Task(dataset=samples(1), name="fine", scorer=match())

    logs = eval([broken, fine], "mockllm/model", log_dir=log_dir, display="none")

    assert [log.status for log in logs] == ["error", "success"]


def test_epochs_and_reducers(run: Any) -> None:
    outputs = [ModelOutput.from_content("m", text) for text in ("yes", "no", "yes", "no")]
    model = get_model("mockllm/model", custom_outputs=outputs)
    yes = Task(
        dataset=[Sample(input="a", target="yes"), Sample(input="b", target="no")], scorer=match()
    )

    log = run(yes, model, epochs=Epochs(2, ["mean", "max"]), max_samples=1)

    assert [(s.id, s.epoch) for s in log.samples] == [(1, 1), (2, 1), (1, 2), (2, 2)]
    assert [(s.reducer, s.metrics["accuracy"].value) for s in log.results.scores] == [
        ("mean", 1.0),
        ("max", 1.0),
    ]
    assert log.results.total_samples == 4
    assert [r.reducer for r in log.reductions] == ["mean", "max"]


def test_logs_answer_sql(log_dir: str) -> None:
    eval([halves(4)], ["mockllm/a", "mockllm/b"], log_dir=log_dir, display="none")

    with duckdb.connect() as database:
        rows = database.execute(
            f"SELECT model, avg(score_match) FROM '{log_dir}/*.parquet' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("mockllm/a", 0.5), ("mockllm/b", 0.5)]


async def test_results_are_artifacts_of_the_eval_task(log_dir: str) -> None:
    broken = Task(dataset=samples(3), solver=[breaks_on(2), generate()], scorer=match(), name="art")
    logs = await eval_async(
        broken, "mockllm/model", fail_on_error=False, log_dir=log_dir, display="none"
    )

    async with get_client() as client:
        found = await client.read_artifacts(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=[UUID(logs[0].eval.flow_run_id or "")])
            )
        )
    assert {artifact.type for artifact in found} == {"table", "markdown"}
    assert any("sample 2 broke" in str(artifact.data) for artifact in found)
    link = Path(logs[0].location).as_uri()
    assert any(link in str(artifact.data) for artifact in found)


@pytest.mark.parametrize(
    ("tasks", "options", "error", "message"),
    [
        pytest.param("halvs", {}, UnknownNameError, "halves", id="task"),
        pytest.param(
            halves, {"task_args": {"cont": 1}}, ParameterError, "'count'", id="task argument"
        ),
        pytest.param(halves, {"limt": 1}, ParameterError, "'limit'", id="argument"),
        pytest.param(halves, {"model": "mockllmm/x"}, UnknownNameError, "mockllm", id="model"),
        pytest.param(halves, {"solver": "generat"}, UnknownNameError, "generate", id="solver"),
        pytest.param(halves, {"epochs": Epochs(1, "meen")}, UnknownNameError, "mean", id="reducer"),
        pytest.param(halves, {"epochs": 0}, ParameterError, "epochs", id="no epochs"),
        pytest.param(halves, {"message_limit": -1}, ParameterError, "message_limit", id="limit"),
        pytest.param(halves, {"limit": -1}, ParameterError, "limit", id="negative limit"),
        pytest.param(halves, {"limit": 1, "sample_id": 1}, ParameterError, "sample_id", id="both"),
        pytest.param(
            Task(dataset=[Sample(input="a", id=1), Sample(input="b", id="1")]),
            {},
            DatasetError,
            "1",
            id="duplicate ids",
        ),
        pytest.param(halves, {"log_dir": "/dev/null/x"}, PrerequisiteError, "x", id="log_dir"),
        pytest.param(halves, {"display": "ful"}, ParameterError, "display", id="display"),
        pytest.param(halves, {"log_level": "loud"}, ParameterError, "loud", id="log level"),
    ],
)
def test_bad_input_is_one_error_before_anything_runs(
    log_dir: str, tasks: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"model": "mockllm/model", "log_dir": log_dir, "display": "none", **options}
    with pytest.raises(error, match=message):
        eval(tasks, **arguments)

    assert not Path(log_dir).exists() or not list(Path(log_dir).rglob("*.parquet"))


def test_arguments_that_ask_for_what_happens_anyway_are_taken(run: Any) -> None:
    log = run(halves(1), log_samples=True, sandbox_cleanup=True, retry_on_error=0, trace=False)

    assert log.status == "success"
    assert log.eval.task_file == "tests/flows/_tasks.py"


def test_signatures_show_every_argument() -> None:
    names = set(inspect.signature(eval).parameters)

    assert set(EvalArgs.__annotations__) | {"tasks", "model"} == names
    assert set(inspect.signature(eval_set).parameters) == (
        {"tasks", "log_dir", "model"} | set(EvalSetArgs.__annotations__)
    )


def test_missing_key_names_its_variable(log_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(PrerequisiteError, match="OPENAI_API_KEY"):
        eval(halves, "openai/gpt-4o-mini", log_dir=log_dir, display="none")
