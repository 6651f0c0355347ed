"""Writes the golden logs of the current schema version: `python -m tests.log.golden.make_golden`.

They stay as they are for ever; every later version reads them (`test_log_golden.py`). A new
`SCHEMA_VERSION` gets a folder of its own. Beside each log, as JSON, is what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks_lib._util._json import to_plain
from tasks_lib.log import SCHEMA_VERSION, columns_of_scorers, write_eval_log
from tasks_lib.log._arrow import sample_schema
from tasks_lib.log._batch import sample_batch
from tasks_lib.log._header import header_metadata
from tasks_lib.log._parquet import parquet_bytes
from tasks_lib.log._rows import sample_row
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentText,
    ErrorEvent,
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    EvalScorer,
    EvalSpec,
    EvalStats,
    GenerateConfig,
    InfoEvent,
    JsonChange,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    Sample,
    SampleInitEvent,
    SampleLimitEvent,
    Score,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
    StateEvent,
    StoreEvent,
    ToolCall,
    ToolCallError,
    ToolEvent,
    ToolInfo,
)

GOLDEN = Path(__file__).parent
FINISHED = "2026-11-21T21-04-45+00-00_sums_task1.parquet"
LIVE = "2026-11-22T21-04-45+00-00_sums_task2.parquet"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USAGE = ModelUsage(input_tokens=30, output_tokens=7, total_tokens=37, reasoning_tokens=3)
IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 20
LONE = "a\ud800b"


def main() -> None:
    """Write the logs; those of a version that has some are never touched."""
    folder = GOLDEN / f"v{SCHEMA_VERSION}"
    if folder.exists():
        raise SystemExit(f"{folder} exists. Golden logs are never written again.")
    folder.mkdir()
    finished = finished_log()
    write_eval_log(finished, folder / FINISHED)
    _write_expected(folder / FINISHED, finished)
    live = live_log()
    _write_parts(folder / ".live" / LIVE, live, [(0, 0), (0, 2), (2, 3)])
    _write_expected(folder / LIVE, live)


def expected_path(log: Path) -> Path:
    """Return where the content of a log is."""
    return log.with_name(f"expected_{log.stem}.json")


def finished_log() -> EvalLog:
    """Return a log with nearly everything that a log can hold."""
    samples = [
        _sample(1, 1),
        _sample(1, 2, scores={"match": Score(value=0.5), "graded by": Score(value="P")}),
        _sample("1", 1, input=LONE, target=["42", LONE], metadata={LONE: [None, 1.5, "é\0"]}),
        _sample("a/'b\"/../c", 1, **_with_tools()),
        _sample("picture", 1, **_with_a_picture()),
        _sample("failed", 1, scores=None, **_failed()),
        _sample(
            "limited",
            1,
            limit=EvalSampleLimit(type="token", limit=30),
            events=[SampleLimitEvent(type="token", message="30", limit=30, timestamp=NOON)],
            attempt=2,
        ),
        _sample(2, 1, choices=["x", "y"], scores={"match": Score(value=float("nan"))}),
        _sample(
            3, 1, scores={"match": Score(value={"a": 1, "b": None}), "graded by": Score(value="C")}
        ),
        EvalSample(id=4, epoch=1, input="nothing else"),
    ]
    return _header("task1", status="success", samples=samples, **_results())


def live_log() -> EvalLog:
    """Return a log that was not finished."""
    return _header("task2", samples=[_sample(number, 1) for number in (1, 2, 3)])


def _header(task_id: str, **fields: Any) -> EvalLog:
    spec = EvalSpec(
        eval_id=f"eval-of-{task_id}",
        run_id="run1",
        created="2026-11-21T21:04:45+00:00",
        task="sums",
        task_id=task_id,
        task_args={"level": 3},
        model="mockllm/model",
        model_generate_config=GenerateConfig(temperature=0.5),
        tags=["golden"],
        dataset=EvalDataset(name="sums", samples=8, sample_ids=[1, "1", "picture"]),
        config=EvalConfig(epochs=2, epochs_reducer=["mean"]),
        scorers=[EvalScorer(name="match"), EvalScorer(name="graded by", options={"model": "m"})],
        packages={"prefect-evals": "0.0.1"},
    )
    plan = EvalPlan(steps=[EvalPlanStep(solver="generate", params={"cache": False})])
    stats = EvalStats(started_at="2026-11-21T21:04:45+00:00", model_usage={"mockllm/model": USAGE})
    return EvalLog(eval=spec, plan=plan, stats=stats, **fields)


def _results() -> dict[str, Any]:
    metrics = {
        "accuracy": EvalMetric(name="accuracy", value=0.75),
        "stderr": EvalMetric(name="stderr", value=None),
    }
    score = EvalScore(name="match", scorer="match", reducer="mean", metrics=metrics)
    reduced = [EvalSampleScore(sample_id=1, value=0.75), EvalSampleScore(sample_id="1", value=1.0)]
    return {
        "results": EvalResults(total_samples=10, completed_samples=9, scores=[score]),
        "reductions": [EvalSampleReductions(scorer="match", reducer="mean", samples=reduced)],
    }


def _sample(id: int | str, epoch: int, **fields: Any) -> EvalSample:
    system = ChatMessageSystem(content="Be brief.", id="system")
    question = ChatMessageUser(content=f"What is 40 plus {id}?", source="input", id="user")
    output = ModelOutput.from_content("model", "It is 42.")
    output.message.id, output.usage, output.time = "answer", USAGE, 0.25
    score = Score(value="C", answer="42", explanation="It is 42.", metadata={"by": "rule"})
    other = Score(value=0.25)
    values: dict[str, Any] = {
        "id": id,
        "epoch": epoch,
        "input": question.text,
        "target": "42",
        "messages": [system, question, output.message],
        "output": output,
        "scores": {"match": score, "graded by": other},
        "metadata": {"level": 3, "none": None},
        "store": {"notes": ["x"]},
        "events": [
            SampleInitEvent(
                sample=Sample(input=question.text, target="42", id=id),
                state={"messages": [question]},
                timestamp=NOON,
            ),
            SpanBeginEvent(id="s", name="generate", type="solver", timestamp=NOON, span_id="s"),
            _call([system, question], output, span_id="s"),
            StateEvent(
                changes=[JsonChange(op="add", path="/messages/2", value=output.message)],
                timestamp=NOON,
                span_id="s",
            ),
            SpanEndEvent(id="s", timestamp=NOON, span_id="s"),
            StoreEvent(changes=[JsonChange(op="add", path="/notes", value=["x"])], timestamp=NOON),
            InfoEvent(data={"$ref": "elsewhere"}, source="golden", timestamp=NOON),
            ScoreEvent(score=score, target="42", timestamp=NOON),
        ],
        "model_usage": {"mockllm/model": USAGE},
        "started_at": "2026-11-21T12:00:00.123456+00:00",
        "total_time": 1.5,
        "working_time": 1.25,
        "uuid": f"uuid-{id!r}-{epoch}",
        "error_retries": [],
    }
    return EvalSample(**(values | fields))


def _call(seen: Sequence[ChatMessage], output: ModelOutput, **fields: Any) -> ModelEvent:
    return ModelEvent(
        model="mockllm/model",
        input=[*seen],
        tools=[ToolInfo(name="add", description="Adds.")],
        tool_choice="auto",
        config=GenerateConfig(temperature=0.5),
        output=output,
        timestamp=NOON,
        completed=NOON,
        **fields,
    )


def _with_tools() -> dict[str, Any]:
    call = ToolCall(id="c1", function="add", arguments={"x": 1, "y": None})
    asked = ChatMessageAssistant(content="", tool_calls=[call], id="asked", model="model")
    error = ToolCallError(type="timeout", message="too slow")
    returned = ChatMessageTool(content="", tool_call_id="c1", function="add", error=error, id="r")
    forgotten = ChatMessageUser(content="trimmed away", id="gone")
    output = ModelOutput.for_tool_call("model", "add", {"x": 1}, tool_call_id="c2")
    output.message.id = "again"
    tool = ToolEvent(id="c1", function="add", arguments=call.arguments, error=error, timestamp=NOON)
    return {
        "messages": [asked, returned, output.message],
        "events": [tool, _call([forgotten, asked, returned], output)],
        "output": output,
    }


def _with_a_picture() -> dict[str, Any]:
    parts = [ContentText(text="Look:"), ContentImage(image=IMAGE, detail="low")]
    message = ChatMessageUser(content=parts, id="picture")
    output = ModelOutput.from_content("model", "A cat.")
    output.message.id = "seen"
    return {
        "input": [message],
        "messages": [message, output.message],
        "output": output,
        "events": [_call([message], output)],
    }


def _failed() -> dict[str, Any]:
    error = EvalError(message="ValueError: no", traceback="Traceback: …", traceback_ansi="\x1b[0m")
    return {
        "error": error,
        "error_retries": [EvalError(message="first", traceback="t")],
        "events": [ErrorEvent(error=error, timestamp=NOON)],
        "output": ModelOutput(),
        "sandbox": ["docker", "compose.yaml"],
        "files": ["a.txt"],
        "setup": "echo 1",
    }


def _write_expected(log: Path, content: EvalLog) -> None:
    data = to_plain(content)
    del data["location"]
    text = json.dumps(data, sort_keys=True)
    expected_path(log).write_text(f"{text}\n", encoding="ascii")


def _write_parts(folder: Path, log: EvalLog, ranges: Sequence[tuple[int, int]]) -> None:
    """Write samples as parts. (What a writer adds of its own machine is left out.)"""
    columns = columns_of_scorers(["match", "graded by"])
    folder.mkdir(parents=True)
    for number, (start, end) in enumerate(ranges):
        rows = [sample_row(sample, list(columns)) for sample in (log.samples or [])[start:end]]
        batch = sample_batch(rows, log.eval, sample_schema(columns))
        metadata = header_metadata(log, columns, with_ids=number == 0)
        (folder / f"part-0-{number:06d}.parquet").write_bytes(parquet_bytes(batch, metadata))


if __name__ == "__main__":
    main()
