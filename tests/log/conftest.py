from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks_lib.schema import (
    ChatMessageSystem,
    ChatMessageUser,
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalSample,
    EvalScorer,
    EvalSpec,
    GenerateConfig,
    ModelEvent,
    ModelOutput,
    ModelUsage,
    Sample,
    SampleInitEvent,
    Score,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
)
from tests.log._peer import start_peer, write_peer_logs  # noqa: F401  # fixtures

MakeSample = Callable[..., EvalSample]
MakeHeader = Callable[..., EvalLog]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_log_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVAL_LOG_DIR", "INSPECT_LOG_DIR", "EVAL_LOG_FILE_PATTERN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_sample() -> MakeSample:
    def make(id: int | str = 1, epoch: int = 1, **fields: Any) -> EvalSample:
        question = ChatMessageUser(content=f"What is 40 plus {id}?", source="input", id="user")
        messages = [ChatMessageSystem(content="Be brief.", id="system"), question]
        output = ModelOutput.from_content("mockllm/model", "It is 42.")
        output.usage = ModelUsage(input_tokens=10, output_tokens=4, total_tokens=14)
        call = ModelEvent(
            model="mockllm/model",
            input=[*messages],
            tools=[],
            tool_choice="auto",
            config=GenerateConfig(temperature=0.5),
            output=output,
            timestamp=NOON,
        )
        score = Score(value="C", answer="42", explanation="It is 42.")
        init = Sample(input=question.text, target="42", id=id)
        events = [
            SampleInitEvent(sample=init, state={"messages": []}, timestamp=NOON),
            SpanBeginEvent(id="a", name="generate", type="solver", timestamp=NOON, span_id="a"),
            call,
            SpanEndEvent(id="a", timestamp=NOON, span_id="a"),
            ScoreEvent(score=score, target="42", timestamp=NOON),
        ]
        values: dict[str, Any] = {
            "id": id,
            "epoch": epoch,
            "input": question.text,
            "target": "42",
            "messages": [*messages, output.message],
            "output": output,
            "scores": {"match": score},
            "metadata": {"level": 3},
            "events": events,
            "model_usage": {"mockllm/model": output.usage},
            "started_at": "2026-11-21T12:00:00.123456+00:00",
            "total_time": 1.5,
            "working_time": 1.25,
            "uuid": f"uuid-{id}-{epoch}",
        }
        return EvalSample(**(values | fields))

    return make


@pytest.fixture
def make_header() -> MakeHeader:
    def make(
        task: str = "arithmetic",
        model: str = "mockllm/model",
        config: EvalConfig | None = None,
        **fields: Any,
    ) -> EvalLog:
        spec = EvalSpec(
            eval_id="eval1",
            run_id="run1",
            created="2026-11-21T21:04:45+00:00",
            task=task,
            task_id="task1",
            model=model,
            dataset=EvalDataset(name="sums", samples=3, sample_ids=[1, 2, 3]),
            config=config or EvalConfig(epochs=1),
            scorers=[EvalScorer(name="match")],
        )
        return EvalLog(eval=spec, **fields)

    return make
