"""What Prefect shows of a finished evaluation."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
)
from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows._artifacts import (
    MAX_ERROR_ROWS,
    ErrorRow,
    artifact_key,
    errors_table,
    publish,
    summary_markdown,
    usage_table,
)
from flows._server import FLOW_OPTIONS
from flows.eval_set import eval_set
from tasks_lib import Task
from tasks_lib.schema import (
    EvalIncomplete,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalScore,
    EvalSpec,
    EvalStats,
    ModelUsage,
    Sample,
)
from tests.flows._flow_runs import runs_named
from tests.flows._tasks import breaks_on

HEADER = EvalLog(
    status="success",
    eval=EvalSpec(created="2026-11-21T00:00:00+00:00", task="grade_school", model="mockllm/model"),
    stats=EvalStats(
        started_at="2026-11-21T00:00:00+00:00",
        completed_at="2026-11-21T00:01:00+00:00",
        model_usage={
            "mockllm/model": ModelUsage(input_tokens=900, output_tokens=334, total_tokens=1234)
        },
    ),
)
RESULTS = EvalResults(
    total_samples=10,
    completed_samples=7,
    errored_samples=1,
    scored_samples=6,
    unscored_samples=1,
    limited_samples=3,
    missing_samples=2,
    scores=[
        EvalScore(
            name="match",
            scorer="match",
            metrics={
                "accuracy": EvalMetric(name="accuracy", value=0.75, samples=6),
                "stderr": EvalMetric(name="stderr", value=None),
            },
            scored_samples=6,
            unscored_samples=1,
        )
    ],
)


LOG = HEADER.model_copy(update={"results": RESULTS, "location": "/logs/some log.parquet"})


@flow(name="publishing", **FLOW_OPTIONS)
async def publishing(errors: list[ErrorRow]) -> dict[str, tuple[str | None, object]]:
    """Publish, and return description and data of each artifact by its key."""
    await publish(LOG, errors)
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None
    ids = ArtifactFilterFlowRunId(any_=[context.flow_run.id])
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ids))
    return {artifact.key or "": (artifact.description, artifact.data) for artifact in found}


async def test_publish(prefect_harness: Path) -> None:
    found = await publishing([ErrorRow("q1", 1, "ValueError: broken", 2)])

    assert sorted(found) == [
        "evals-grade-school-mockllm-model-errors",
        "evals-grade-school-mockllm-model-log",
        "evals-grade-school-mockllm-model-metrics",
        "evals-grade-school-mockllm-model-usage",
    ]
    title, data = found["evals-grade-school-mockllm-model-errors"]
    assert title == "Errors of grade_school on mockllm/model: 1 samples"
    assert json.loads(str(data)) == [
        {"sample": "q1", "epoch": 1, "error": "ValueError: broken", "retries": 2}
    ]
    _, data = found["evals-grade-school-mockllm-model-metrics"]
    row = {
        "scorer": "match",
        "reducer": "",
        "metric": "accuracy",
        "value": 0.75,
        "samples": 6,
        "scored": 6,
        "unscored": 1,
        "errors as incorrect": None,
    }
    assert json.loads(str(data)) == [
        row,
        {**row, "metric": "stderr", "value": None, "samples": None},
    ]
    title, data = found["evals-grade-school-mockllm-model-usage"]
    assert title == "Usage of grade_school on mockllm/model"
    assert json.loads(str(data)) == usage_table(HEADER.stats)


async def test_no_errors_no_table(prefect_harness: Path) -> None:
    found = await publishing([])

    assert "evals-grade-school-mockllm-model-errors" not in found


async def test_a_failure_is_a_warning(
    prefect_harness: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.warns(FutureWarning, match="outside of a flow"),
    ):
        await publish(LOG.model_copy(update={"location": "s3://id:secret@bucket/log.parquet"}), [])

    warnings = [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "The artifacts of grade_school on mockllm/model were not published"
    )
    assert warnings[0].endswith("The log is at s3://bucket/log.parquet.")


def test_summary_markdown() -> None:
    assert summary_markdown(RESULTS, HEADER, "/logs/some log.parquet") == (
        "# grade\\_school on mockllm/model\n"
        "\n"
        "| | |\n"
        "|---|---|\n"
        "| Status | success |\n"
        "| Samples | 7 of 10 without an error |\n"
        "| Errors | 1 |\n"
        "| Unscored | 1 |\n"
        "| Limited | 3 |\n"
        "| Missing | 2 |\n"
        "| match: accuracy | 0.75 |\n"
        "| match: stderr | NaN |\n"
        "| Tokens | 1,234 |\n"
        "| Started | 2026\\-11\\-21T00:00:00\\+00:00 |\n"
        "| Completed | 2026\\-11\\-21T00:01:00\\+00:00 |\n"
        "\n"
        "Log: [/logs/some log.parquet](<file:///logs/some%20log.parquet>)\n"
    )


def test_markdown_of_others_is_inert() -> None:
    header = HEADER.model_copy(
        update={"eval": HEADER.eval.model_copy(update={"task": "a|b\n# <img src=x> [x](y)"})}
    )

    title = summary_markdown(RESULTS, header, "log").splitlines()[0]

    assert title == "# a\\|b \\# &lt;img src=x&gt; \\[x\\]\\(y\\) on mockllm/model"


@pytest.mark.parametrize(
    ("task", "model", "key"),
    [
        pytest.param("gsm8k", "openai/gpt-4o", "evals-gsm8k-openai-gpt-4o", id="plain"),
        pytest.param("A_b.C", "x//y", "evals-a-b-c-x-y", id="other characters"),
        pytest.param("数学", "m/x", "evals-m-x-415c771c", id="nothing left of a name"),
        pytest.param("t" * 90, "m", "evals-" + "t" * 65 + "-7bd6fb0a", id="cut"),
    ],
)
def test_artifact_key(task: str, model: str, key: str) -> None:
    assert artifact_key(task, model) == key


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        pytest.param("one\ntwo\x00\x1b[31m", "one two  [31m", id="control characters"),
        pytest.param("x" * 600, "x" * 500 + "… (cut, 600 characters)", id="cut"),
        pytest.param("with sk-123456789!", "with •••!", id="a key of the environment"),
    ],
)
def test_error_text(text: str, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-123456789")

    assert errors_table([ErrorRow(1, 1, text)])[0]["error"] == cell


def test_the_errors_table_is_capped() -> None:
    rows = [ErrorRow(number, 1, "x") for number in range(MAX_ERROR_ROWS + 1)]

    assert len(errors_table(rows)) == MAX_ERROR_ROWS


async def test_errors_of_a_set(prefect_harness: Path, tmp_path: Path) -> None:
    """From the run of a set its failed samples are found in two clicks, with where they ran."""
    tasks = [
        Task(dataset=[Sample(id="q", input="?")], solver=breaks_on(ids), name=name)
        for name, ids in (("sound", "other"), ("broken", "q"))
    ]
    success, logs = await asyncio.to_thread(
        eval_set, tasks, str(tmp_path), "mockllm/model", retry_attempts=1, display="none"
    )
    async with get_client() as client:
        [run] = await runs_named(client, "eval-set sound, broken")
        ids = ArtifactFilterFlowRunId(any_=[run.id])
        [artifact] = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ids))

    assert (success, artifact.key) == (False, "evals-set-sound-broken-errors")
    assert artifact.description == "Errors of sound, broken: 1 samples"
    [row] = json.loads(str(artifact.data))
    assert str(logs[1].eval.flow_run_id) in row.pop("flow run")
    assert row == {
        "task": "broken",
        "model": "mockllm/model",
        "sample": "q",
        "epoch": 1,
        "error": "ValueError: sample q broke",
        "retries": 0,
    }


def test_summary_of_an_incomplete_run() -> None:
    header = HEADER.model_copy(
        update={
            "status": "cancelled",
            "incomplete": EvalIncomplete(reason="budget", message="The budget is used up."),
        }
    )

    lines = summary_markdown(RESULTS, header, "log").splitlines()

    assert lines[4:6] == [
        "| Status | incomplete \\(budget\\) |",
        "| Incomplete | The budget is used up. |",
    ]
