"""What ends the solvers of a sample without failing it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tasks_lib._errors import LimitExceededError, SampleTerminatedError
from tasks_lib.context import SampleContext, SampleLimits, use_sample
from tasks_lib.model import ModelName
from tasks_lib.schema import ChatMessageUser, EvalLog, EvalSpec, Sample, SampleLimitEvent
from tasks_lib.steps import SampleRun, run_limited
from tasks_lib.task import Generate, RunPlan, Solver, TaskState

LIMIT = LimitExceededError("token", value=12, limit=10)
ENDED = SampleTerminatedError("Enough.")


async def _generate(state: TaskState, *args: object, **kwargs: object) -> TaskState:
    return state


class Plan:
    """As much of a plan as running solvers needs."""

    generate: Generate = _generate
    header = EvalLog(eval=EvalSpec(created="", task="t", model="mockllm/model"))


def raising(error: Exception) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        raise error

    return solve


async def solve_with(solver: Solver, limits: SampleLimits | None = None) -> SampleRun:
    context = SampleContext(limits=limits)
    with use_sample(context):
        state = TaskState(
            model=ModelName("mockllm/model"),
            sample_id=1,
            epoch=1,
            input="?",
            messages=[ChatMessageUser(content="?")],
        )
        plan: RunPlan = Plan()  # type: ignore[assignment]  # see above
        run = SampleRun(plan, Sample(input="?", id=1), 1, context, state)
        await run_limited(run, "solvers", [solver])
    return run


@pytest.mark.parametrize(
    ("error", "kind", "limit", "message"),
    [
        pytest.param(LIMIT, "token", 10, str(LIMIT), id="a limit"),
        pytest.param(ENDED, "operator", 1, "Enough.", id="somebody"),
        pytest.param(
            ExceptionGroup("", [LIMIT, ExceptionGroup("", [LIMIT])]), "token", 10, str(LIMIT),
            id="limits in a group",
        ),
    ],
)  # fmt: skip
async def test_the_sample_ends_with_a_limit(
    error: Exception, kind: str, limit: float, message: str
) -> None:
    run = await solve_with(raising(error))

    assert run.limit is not None
    assert (run.limit.type, run.limit.limit) == (kind, limit)
    events = [e for e in run.context.transcript.events if isinstance(e, SampleLimitEvent)]
    assert [(e.type, e.message, e.limit) for e in events] == [(kind, message, limit)]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ExceptionGroup("", [LIMIT, ValueError("x")]), id="one of a group is none"),
        pytest.param(TimeoutError("the solver's own"), id="a timeout that is not ours"),
    ],
)
async def test_other_errors_fail_the_sample(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await solve_with(raising(error))

    assert raised.value is error


async def _hang() -> None:
    await asyncio.sleep(60)


async def _work_in_steps() -> None:
    end = asyncio.get_running_loop().time() + 60
    while asyncio.get_running_loop().time() < end:
        await _nothing()


async def _nothing() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("work", [_hang, _work_in_steps])
async def test_the_working_limit_ends_a_solver_that_asks_no_model(
    work: Callable[[], Awaitable[None]],
) -> None:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await work()
        return state

    run = await solve_with(solve, SampleLimits(working_limit=0.05))

    assert run.limit is not None
    assert (run.limit.type, run.limit.limit) == ("working", 0.05)
