"""Tasks and solvers of the flow tests."""

from __future__ import annotations

import asyncio

from scorers import match
from solvers import Generate, Solver, TaskState, generate, solver, system_message
from tasks_lib import Task, task
from tasks_lib.context import store, transcript
from tasks_lib.schema import ChatMessageUser, ModelOutput, Sample

DEFAULT = "Default output from mockllm/model"


@solver
def breaks_on(*ids: int | str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id in ids:
            raise ValueError(f"sample {state.sample_id} broke")
        return state

    return solve


@solver
def waits_for_ever() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await asyncio.sleep(600)
        return state

    return solve


@solver
def replaces_the_state() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        fresh = TaskState(
            model=state.model,
            sample_id=state.sample_id,
            epoch=state.epoch,
            input=state.input,
            messages=[ChatMessageUser(content="replaced")],
            target=state.target,
        )
        fresh.output = ModelOutput.from_content("m", "right")
        return fresh

    return solve


@solver
def remembers() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store().set("seen", state.input_text)
        transcript().info({"id": str(state.sample_id)}, source="test")
        return state

    return solve


def samples(count: int) -> list[Sample]:
    return [Sample(input=f"q{i}", target=DEFAULT if i % 2 else "other") for i in range(count)]


@task
def halves(count: int = 4) -> Task:
    """Half of the answers of the mock model are right."""
    return Task(dataset=samples(count), solver=[system_message("s"), generate()], scorer=match())
