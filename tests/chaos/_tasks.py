"""The tasks of a set whose process is killed: answers follow from the questions.

Environment variables: CHAOS_CALLS is a file that gets a line for each call of the model.
Answers wait until the file CHAOS_GATE exists, if it is set.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from zlib import crc32

from scorers import match
from solvers import Generate, Solver, TaskState, solver
from tasks_lib import Task, task
from tasks_lib.model import ModelAPI, get_model, modelapi
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    Sample,
    ToolChoice,
    ToolInfo,
)

SAMPLES = 75
EPOCHS = 2
DELAY_S = 0.02


@modelapi("chaos")
class ChaosAPI(ModelAPI):
    """Notes each call in a file, and answers a little later."""

    # Slots of a process that was killed come back after a minute, which nobody wants to wait.
    limits_connections = False

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        question = input[-1].text
        calls = os.open(os.environ["CHAOS_CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(calls, f"{question}\n".encode())
        os.close(calls)
        while not is_open():  # noqa: ASYNC110 - it is another process that opens it
            await asyncio.sleep(0.01)
        digest = crc32(question.encode())
        await asyncio.sleep(DELAY_S * (digest % 5) / 2)
        output = ModelOutput.from_content(self.model_name, "right" if digest % 3 else "wrong")
        output.usage = ModelUsage(input_tokens=7, output_tokens=digest % 10, total_tokens=17)
        return output


def is_open() -> bool:
    gate = os.environ.get("CHAOS_GATE")
    return gate is None or Path(gate).exists()


@solver
def asks(name: str) -> Solver:
    """Ask the model with task, id and epoch; every 25th sample fails after its answer."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        question = f"{name} {state.sample_id} {state.epoch}"
        state.messages.append(ChatMessageUser(content=question))
        state = await generate(state)
        if fails(int(state.sample_id)):
            raise ValueError(f"sample {state.sample_id} always fails")
        return state

    return solve


def fails(sample_id: int) -> bool:
    return sample_id % 25 == 3


@task
def chaos(name: str = "first") -> Task:
    samples = [Sample(input=f"question {i}", target="right", id=i) for i in range(SAMPLES)]
    return Task(
        dataset=samples,
        solver=asks(name),
        scorer=match(),
        model=get_model("chaos/model"),
        name=name,
    )
