from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks_lib.log import write_eval_log
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalScorer,
    EvalSpec,
    GenerateConfig,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    Score,
    SpanBeginEvent,
    SpanEndEvent,
    ToolCall,
    ToolCallContent,
    ToolCallError,
    ToolEvent,
)

MakeSample = Callable[..., EvalSample]
MakeLog = Callable[..., EvalLog]
WriteLog = Callable[..., Path]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_log_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVAL_LOG_DIR", "INSPECT_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_sample() -> MakeSample:
    """Make a sample whose model calls a tool in vain and then answers."""

    def make(id: int | str = 1, epoch: int = 1, log: str = "a", **fields: Any) -> EvalSample:
        key = f"{log}-{id!r}-{epoch}"
        question = ChatMessageUser(content=f"40 plus {id}? ", source="input", id=f"user-{key}")
        asked = [ChatMessageSystem(content="Be brief.", id=f"system-{key}"), question]
        call = ToolCall(id="call1", function="add", arguments={"a": 40, "b": [1, "x"]})
        wish = _output("I use a tool.", f"wish-{key}", [call])
        answer = _output("It is 42.", f"answer-{key}")
        error = ToolCallError(type="timeout", message="Too slow.")
        result = ChatMessageTool(
            content="?", tool_call_id="call1", function="add", error=error, id=f"tool-{key}"
        )
        view = ToolCallContent(title="add", format="text", content="{{a}} + {{b}} + {{c}}")
        messages = [*asked, wish.message, result, answer.message]
        events = [
            SpanBeginEvent(id="s", name="generate", type="solver", timestamp=NOON, span_id="s"),
            _model_event([*asked], wish),
            ToolEvent(
                id="call1",
                function="add",
                arguments=call.arguments,
                view=view,
                result="?",
                error=error,
                timestamp=NOON,
                span_id="s",
            ),
            _model_event(messages[:-1], answer),
            SpanEndEvent(id="s", timestamp=NOON, span_id="s"),
        ]
        values: dict[str, Any] = {
            "id": id,
            "epoch": epoch,
            "input": question.text,
            "target": "42",
            "messages": messages,
            "output": answer,
            "scores": {"match": Score(value="C", answer="42", explanation="It is 42.")},
            "metadata": {"level": 3},
            "events": events,
            "model_usage": {"mockllm/model": answer.usage},
            "started_at": "2026-11-21T12:00:00.123456+00:00",
            "total_time": 1.5,
            "working_time": 1.25,
            "uuid": f"uuid-{key}",
        }
        return EvalSample(**(values | fields))

    return make


@pytest.fixture
def make_log() -> MakeLog:
    """Make a log in memory; keyword arguments replace parts of its spec."""

    def make(name: str = "a", samples: list[EvalSample] | None = None, **spec: Any) -> EvalLog:
        accuracy = EvalMetric(name="accuracy", value=0.75)
        stderr = EvalMetric(name="stderr", value=0.25)
        score = EvalScore(
            name="match", scorer="match", metrics={"accuracy": accuracy, "stderr": stderr}
        )
        values: dict[str, Any] = {
            "eval_id": f"eval-{name}",
            "run_id": "run1",
            "created": "2026-11-21T21:04:45+00:00",
            "task": "sums/arithmetic",
            "task_id": f"task-{name}",
            "model": "mockllm/model",
            "dataset": EvalDataset(name="sums", samples=2, sample_ids=[1, 2]),
            "config": EvalConfig(epochs=1, epochs_reducer=["mean"], message_limit=10),
            "scorers": [EvalScorer(name="match")],
        }
        return EvalLog(
            status="success",
            eval=EvalSpec(**(values | spec)),
            results=EvalResults(total_samples=2, completed_samples=2, scores=[score]),
            samples=samples or [],
        )

    return make


@pytest.fixture
def write_log(tmp_path: Path, make_log: MakeLog) -> WriteLog:
    """Write a log of samples to a file that sorts by its name, and return its path."""

    def write(
        samples: list[EvalSample], name: str = "a", suffix: str = ".parquet", **spec: Any
    ) -> Path:
        path = tmp_path / "logs" / f"2026-11-21T21-04-45+00-00_sums_{name}{suffix}"
        path.parent.mkdir(exist_ok=True)
        write_eval_log(make_log(name, samples, **spec), path)
        return path

    return write


def _output(text: str, id: str, calls: list[ToolCall] | None = None) -> ModelOutput:
    message = ChatMessageAssistant(content=text, tool_calls=calls, source="generate", id=id)
    return ModelOutput(
        model="mockllm/model",
        choices=[ChatCompletionChoice(message=message, stop_reason="stop")],
        usage=ModelUsage(input_tokens=10, output_tokens=4, total_tokens=14),
        time=0.5,
    )


def _model_event(messages: list[Any], output: ModelOutput) -> ModelEvent:
    return ModelEvent(
        model="mockllm/model",
        input=messages,
        tools=[],
        tool_choice="auto",
        config=GenerateConfig(temperature=0.5),
        output=output,
        timestamp=NOON,
        span_id="s",
        working_start=0.25,
    )
