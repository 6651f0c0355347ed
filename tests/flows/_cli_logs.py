"""Logs for the tests of `evals log`, and how these start it."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from flows.cli._app import main
from tasks_lib.log import write_eval_log
from tasks_lib.schema import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalScore,
    EvalSpec,
    EvalStats,
    GenerateConfig,
    InfoEvent,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    Sample,
    SampleInitEvent,
    Score,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
    ToolCall,
    ToolCallError,
    ToolEvent,
)

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USAGE = ModelUsage(input_tokens=1200, output_tokens=34, total_tokens=1234)


def evals(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["log", *map(str, arguments)])


def make_log(
    task: str = "sums", samples: Sequence[EvalSample] | None = None, **fields: Any
) -> EvalLog:
    spec = EvalSpec(
        eval_id=f"eval-{task}",
        run_id="run-1",
        created="2026-11-21T12:00:00+00:00",
        task=task,
        task_id="id1",
        task_args={"level": 2},
        tags=["nightly"],
        model="mockllm/model",
        dataset=EvalDataset(name="figures", sample_ids=[1, 2]),
    )
    metrics = {
        "accuracy": EvalMetric(name="accuracy", value=0.25),
        "stderr": EvalMetric(name="stderr", value=math.nan),
    }
    scored = EvalScore(
        name="match", scorer="match", metrics=metrics, scored_samples=2, unscored_samples=0
    )
    values: dict[str, Any] = {
        "status": "success",
        "results": EvalResults(
            total_samples=3, completed_samples=2, errored_samples=1, scores=[scored]
        ),
        "stats": EvalStats(
            started_at="2026-11-21T12:00:00+00:00",
            completed_at="2026-11-21T12:01:30+00:00",
            model_usage={"mockllm/model": USAGE},
        ),
        "samples": [sample(1), sample(2), sample("three", error=EvalError(
            message="ValueError('no\nnumber')", traceback="Traceback …\nValueError"
        ), scores=None)] if samples is None else list(samples),
    }  # fmt: skip
    return EvalLog(eval=spec, **(values | fields))


def sample(id: int | str, **fields: Any) -> EvalSample:
    values: dict[str, Any] = {
        "id": id,
        "epoch": 1,
        "input": "What is 1 + 1?",
        "target": "2",
        "messages": [ChatMessageUser(content="What is 1 + 1?"), ChatMessageAssistant(content="2")],
        "output": ModelOutput.from_content("mockllm/model", "2"),
        "scores": {"match": Score(value="C", answer="2")},
        "model_usage": {"mockllm/model": USAGE},
        "total_time": {1: 0.5, 2: 12.25}.get(id, 1.0) if isinstance(id, int) else 1.0,
        "working_time": 0.25,
        "uuid": f"uuid-{id}",
    }
    return EvalSample(**(values | fields))


def written(log: EvalLog, name: str = "2026-11-21T12-00-00+00-00_sums_id1.parquet") -> Path:
    path = Path("logs", name)
    write_eval_log(log, path)
    return path


def left_behind(log: EvalLog) -> str:
    """Write a log in a process that is killed; return where it would have been."""
    script = Path("killed.py")
    Path("log.json").write_text(log.model_dump_json())
    script.write_text(
        "import asyncio, os, signal\n"
        "from pathlib import Path\n"
        "from tasks_lib.log import EvalLog, EvalLogWriter\n"
        "async def main():\n"
        "    log = EvalLog.model_validate_json(Path('log.json').read_text())\n"
        "    samples, log.samples = log.samples, None\n"
        "    log.status, log.results = 'started', None\n"
        "    writer = EvalLogWriter(log, 'logs', score_columns=['match'])\n"
        "    await writer.start()\n"
        "    for sample in samples:\n"
        "        await writer.append(sample)\n"
        "    await writer.flush()\n"
        "    print(writer.location, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = subprocess.run(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    return killed.stdout.strip()


def rows_of(output: str) -> list[list[str]]:
    """Return the cells of a printed table, without its rule."""
    lines = [re.split(r" {2,}", line.strip()) for line in output.splitlines() if line.strip()]
    return [line for line in lines if not line[0].startswith("─")]


def talk() -> EvalSample:
    image = ContentImage(image="data:image/png;base64," + "A" * 1000)
    call = ToolCall(id="c1", function="look_up", arguments={"table": "a", "row": 2})
    missing = ToolCallError(type="file_not_found", message="There is no table 'a'.")
    output = ModelOutput.from_content("mockllm/model", "It is 2.")
    output.usage = USAGE
    event: dict[str, Any] = {"timestamp": NOON, "span_id": "s1"}
    return sample(
        "talk",
        target=["2", "two"],
        choices=["one", "two"],
        metadata={"level": 3},
        messages=[
            ChatMessageSystem(content="Be brief."),
            ChatMessageUser(content=[ContentText(text="What is this?"), image]),
            ChatMessageAssistant(
                content=[ContentReasoning(reasoning="A sum."), ContentText(text="I look.")],
                tool_calls=[call],
                model="mockllm/model",
            ),
            ChatMessageTool(content="", function="look_up", tool_call_id="c1", error=missing),
            ChatMessageAssistant(content="It is 2."),
        ],
        output=output,
        scores={"match": Score(value="C", answer="2", explanation="Two lines\nof text.")},
        error=EvalError(message="ValueError('late')", traceback="Traceback\n  ValueError"),
        error_retries=[EvalError(message="TimeoutError()", traceback="")],
        limit=EvalSampleLimit(type="message", limit=5),
        events=[
            SampleInitEvent(sample=Sample(input="x"), state={}, timestamp=NOON),
            SpanBeginEvent(id="s1", type="solver", name="generate", working_start=0.5, **event),
            ModelEvent(
                model="mockllm/model", input=[], tools=[], tool_choice="auto",
                config=GenerateConfig(), output=output, retries=2, working_time=1.5,
                working_start=0.75, **event,
            ),
            ToolEvent(
                id="c1", function="look_up", arguments={"table": "a"}, error=missing, **event
            ),
            InfoEvent(data={"note": "half\nway"}, source="me", **event),
            SpanEndEvent(id="s1", timestamp=NOON),
            ScoreEvent(score=Score(value=0.5), timestamp=NOON),
        ],
    )  # fmt: skip
