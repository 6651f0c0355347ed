"""Samples that run into their limits: one sample, its solvers, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from flows._options import read_options
from flows._plan import make_plan
from scorers import match
from solvers import solver
from tasks_lib import Task
from tasks_lib.model import get_model, use_active_model
from tasks_lib.schema import (
    ChatMessageUser,
    EvalLog,
    EvalSample,
    EvalSpec,
    ModelOutput,
    ModelUsage,
    Sample,
)
from tasks_lib.steps import run_sample
from tasks_lib.task import Generate, Scorer, Solver, TaskState

MODEL = "mockllm/model"
SHORT = 0.05
IN_VAIN_S = 30.0
"""Seconds after which a sample that should have ended long ago is given up."""

Work = Callable[[TaskState, Generate], Awaitable[TaskState]]


def says(text: str, tokens: int = 10) -> ModelOutput:
    """Return an answer that costs `tokens`."""
    output = ModelOutput.from_content(MODEL, text)
    output.usage = ModelUsage(input_tokens=tokens, total_tokens=tokens)
    return output


async def evaluated(
    steps: Solver | Sequence[Solver],
    outputs: Sequence[ModelOutput] = (),
    *,
    config: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    scorer: Scorer | None = None,
) -> tuple[EvalSample, Exception | None]:
    """Run a sample with the input "q" and the target "right".

    Args:
        steps: The task's solver or solvers.
        outputs: What the model answers; by default always "right", for 10 tokens.
        config: Fields of the `EvalConfig`, limits as fractions of a second for example.
        task: Further arguments of the task.
        scorer: By default `match`.
    """
    made = Task(
        dataset=[Sample(id=1, input="q", target="right")],
        solver=list(steps) if isinstance(steps, Sequence) else steps,
        scorer=scorer or match(),
        **(task or {}),
    )
    model = get_model(MODEL, custom_outputs=list(outputs) or [says("right") for _ in range(9)])
    plan = make_plan(made, model, read_options("eval", {}), "run", "logs")
    for name, value in (config or {}).items():
        setattr(plan.header.eval.config, name, value)
    with use_active_model(plan.model, plan.config, plan.roles):
        async with asyncio.timeout(IN_VAIN_S):
            return await run_sample(plan, plan.samples[0], 1)


def header() -> EvalLog:
    """Return the header of a log that says nothing."""
    return EvalLog(eval=EvalSpec(created="", task="limited", model=MODEL))


def named(event: Any) -> str:
    """Return the kind of an event, and the name that it has."""
    name = getattr(event, "name", None) or getattr(event, "type", None)
    return f"{event.event} {name}" if name else str(event.event)


@solver
def limited_step(work: Work) -> Solver:
    """Do `work`."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await work(state, generate)

    return solve


async def ask(state: TaskState, generate: Generate) -> TaskState:
    """Ask the model, and do not wait for anything else."""
    return await generate(state)


async def hang(state: TaskState, generate: Generate) -> TaskState:
    """Wait for ever."""
    await asyncio.Event().wait()
    return state


async def talk(state: TaskState, generate: Generate) -> TaskState:
    """Say more and more, for ever."""
    while True:
        state.messages.append(ChatMessageUser(content="more"))


async def replace(state: TaskState, generate: Generate) -> TaskState:
    """Return another state, whose output is right."""
    fresh = TaskState(
        model=state.model,
        sample_id=state.sample_id,
        epoch=state.epoch,
        input=state.input,
        messages=[ChatMessageUser(content="replaced")],
        target=state.target,
    )
    fresh.output = says("right")
    return fresh
