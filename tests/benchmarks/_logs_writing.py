"""What writing a log costs, in CPU time and memory; each measurement in a process of its own.

The samples are made by the engine's own steps, without Prefect: 10 messages, 4 model calls
with 3 tool calls between them, spans, a score. No two have a text in common.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence

from flows._options import EvalOptions
from flows._plan import make_plan
from scorers import match
from solvers import solver, system_message
from tasks_lib import Task
from tasks_lib._util._gc import calm_gc
from tasks_lib.context import transcript
from tasks_lib.dataset import MemoryDataset
from tasks_lib.log import EvalLogWriter
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageTool,
    ChatMessageUser,
    EvalSample,
    ModelOutput,
    ModelUsage,
    Sample,
    ToolCall,
    ToolEvent,
    ToolInfo,
)
from tasks_lib.steps import run_sample
from tasks_lib.task import Generate, RunPlan, Solver, TaskState
from tests.benchmarks import _logs_content as content
from tests.benchmarks._logs_measure import (
    WARM_UP_SAMPLES,
    Found,
    Job,
    main,
    memory_mb,
    peak_memory_mb,
    reset_peak_memory,
)

MESSAGES = 10
SAMPLES_AT_ONCE = 10
"""As many as `max_samples` is by default."""
LOOKUPS = (2, 1, 0, 0)
"""Tool calls of the model's answers, in order. After the third it is asked once more."""


def append(job: Job) -> Found:
    """Measure the CPU time of all threads per sample, from the first `append` to `flush`."""
    return asyncio.run(_append(job))


def memory(job: Job) -> Found:
    """Measure the peak memory of writing and of finishing a log of `samples`."""
    return asyncio.run(_memory(job))


async def _append(job: Job) -> Found:
    plan = _plan(job.samples, job.measured)
    # Only full parts are written, so that all writing falls into the time that is measured.
    plan.header.eval.config.log_realtime = False
    writer = _writer(plan, job.warm_up)
    await writer.start()
    await _append_all(plan, plan.samples[: job.samples // 4], writer)
    await writer.flush()
    writer = _writer(plan, job.measured)
    await writer.start()
    with calm_gc():
        seconds = await _append_all(plan, plan.samples, writer)
        began = time.process_time()
        await writer.flush()
        seconds += time.process_time() - began
    await writer.finish(plan.header)
    return Found({"ms": seconds / job.samples * 1000})


async def _append_all(plan: RunPlan, samples: Sequence[Sample], writer: EvalLogWriter) -> float:
    """Run samples, a few at a time as in an evaluation; return the CPU seconds of `append`."""
    seconds = 0.0
    for start in range(0, len(samples), SAMPLES_AT_ONCE):
        records = [await _run(plan, sample) for sample in samples[start : start + SAMPLES_AT_ONCE]]
        began = time.process_time()
        for record in records:
            await writer.append(record)
        seconds += time.process_time() - began
    return seconds


async def _memory(job: Job) -> Found:
    plan = _plan(WARM_UP_SAMPLES, job.measured)
    warm_up = [await _run(plan, sample) for sample in plan.samples[:WARM_UP_SAMPLES]]
    await _write(_writer(plan, job.warm_up), warm_up)
    writer = _writer(plan, job.measured)
    await writer.start()
    before = memory_mb()
    reset_peak_memory()
    for sample in _samples(job.samples):  # no dataset in memory, which grows with them
        await writer.append(await _run(plan, sample))
    await writer.flush()
    writing = peak_memory_mb()
    reset_peak_memory()
    await writer.finish(plan.header)
    return Found({"before": before, "writing": writing, "finishing": peak_memory_mb()})


async def _write(writer: EvalLogWriter, samples: Iterable[EvalSample]) -> None:
    await writer.start()
    for sample in samples:
        await writer.append(sample)
    await writer.flush()


def _writer(plan: RunPlan, log_dir: str) -> EvalLogWriter:
    return EvalLogWriter(plan.header, log_dir, score_columns=[s.name for s, _ in plan.scorers])


def _samples(count: int) -> Iterator[Sample]:
    for number in range(1, count + 1):
        yield Sample(input=content.question(number), target=content.target(number), id=number)


def _plan(samples: int, log_dir: str) -> RunPlan:
    task = Task(
        dataset=MemoryDataset([*_samples(samples)]),
        solver=[system_message(content.SYSTEM_MESSAGE), look_up()],
        scorer=match(),
    )
    return make_plan(task, get_model("mockllm/model"), EvalOptions(), "benchmark", log_dir)


async def _run(plan: RunPlan, sample: Sample) -> EvalSample:
    record, error = await run_sample(plan, sample, 1)
    if error is not None or len(record.messages) != MESSAGES:
        raise RuntimeError(f"the sample has {len(record.messages)} messages: {error!r}")
    return record


@solver
def look_up() -> Solver:
    """Let the model look things up until it answers, then ask it again."""
    model = get_model("mockllm/model", custom_outputs=_answer)
    tools = [ToolInfo(name="look_up", description="Returns the rows of a table.")]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for turn, lookups in enumerate(LOOKUPS):
            state.output = await model.generate(state.messages, tools)
            state.messages.append(state.output.message)
            for call in state.output.message.tool_calls or ():
                state.messages.append(_call(state.input_text, call))
            if not lookups and turn + 1 < len(LOOKUPS):
                state.messages.append(ChatMessageUser(content=f"Are you sure? {state.input_text}"))
        return state

    return solve


def _answer(messages: list[ChatMessage], *_: object) -> ModelOutput:
    turn = sum(message.role == "assistant" for message in messages)
    asked = messages[1].text
    output = ModelOutput.from_content("mockllm/model", content.answer(f"{asked} {turn}"))
    output.usage = ModelUsage(**content.USAGE)
    calls = [
        ToolCall(id=f"call-{turn}-{number}", function="look_up", arguments={"table": f"{turn}"})
        for number in range(LOOKUPS[turn])
    ]
    if calls:
        output.message.tool_calls = calls
        output.choices[0].stop_reason = "tool_calls"
    return output


def _call(asked: str, call: ToolCall) -> ChatMessageTool:
    """Return the answer to a call, and record it as the engine will."""
    rows = content.words(random.Random(f"{asked} {call.id}"), 60)
    transcript().record(
        ToolEvent(id=call.id, function=call.function, arguments=call.arguments, result=rows)
    )
    return ChatMessageTool(content=rows, tool_call_id=call.id, function=call.function)


if __name__ == "__main__":
    main({"append": append, "memory": memory})
