"""A task that uses all that a run's identity counts; earlier versions have run it too."""

from __future__ import annotations

from scorers import match, model_graded_qa
from solvers import Generate, Solver, TaskState, generate, prompt_template, solver
from tasks_lib import Task, task
from tasks_lib.schema import GenerateConfig, Sample


@solver
def golden_hint(text: str = "Think.", times: int = 1, extra: str | None = None) -> Solver:
    """Say a hint."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return state

    return solve


@task
def golden_sums(largest: int = 9, unit: str | None = None) -> Task:
    """Return a task with a bit of everything."""
    return Task(
        dataset=[Sample(id=f"s{i}", input=f"{i}+{largest}", target="x") for i in range(3)],
        solver=[golden_hint(times=2), prompt_template("Answer: {prompt}"), generate()],
        scorer=[match(numeric=True), model_graded_qa(partial_credit=True)],
        config=GenerateConfig(temperature=0.5, max_tokens=64, max_connections=3),
        version=2,
    )
