"""How the samples of a task are run: how many at once, and what is a Prefect task run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import cast

from flows._governor import Governor
from flows._work_pool import CallStage, Granularity, WorkPool
from tasks_lib.context import MOST_CONNECTIONS
from tasks_lib.schema import EvalSample, Sample
from tasks_lib.steps import SampleRun, Stage, run_sample
from tasks_lib.task import RunPlan

STAGE_SAMPLES = 500
"""Up to so many samples, `auto` makes each stage of a sample a task run."""

SAMPLE_SAMPLES = 5_000
"""Up to so many samples, `auto` makes each sample a task run; beyond, blocks of samples.

With both, two cores record an evaluation of a mock model within about a minute: 40 samples a
second by stages, 80 one by one (tests/benchmarks/throughput.py prints the rates).
"""

OnSample = Callable[[EvalSample, Exception | None], Awaitable[None]]
"""Is given each finished sample, with the error that ended it; may raise to stop the run."""


def granularity(plan: RunPlan) -> Granularity:
    """Return what is a Prefect task run in this plan; see `STAGE_SAMPLES`."""
    asked = plan.header.eval.config.task_runs
    if asked in ("stage", "sample", "shard"):
        return cast(Granularity, asked)
    if plan.total <= STAGE_SAMPLES:
        return "stage"
    return "sample" if plan.total <= SAMPLE_SAMPLES else "shard"


def max_samples(plan: RunPlan) -> int:
    """Return how many samples run at once: as set, else as many as there are connections."""
    connections = plan.model.max_connections(plan.config)
    if connections == "auto":
        connections = MOST_CONNECTIONS
    return plan.header.eval.config.max_samples or connections


class SamplePool:
    """Runs the samples of a plan."""

    def __init__(self, plan: RunPlan, governor: Governor, on_sample: OnSample) -> None:
        self._plan = plan
        self._pool = WorkPool(
            granularity(plan),
            max_samples(plan),
            governor,
            label=self._label,
            run=self._run,
            done=on_sample,
        )

    async def run(self, work: Iterator[tuple[Sample, int]]) -> None:
        """Run all of `work`. Raises what `on_sample` raises, after cancelling the rest."""
        await self._pool.run(work)

    def _label(self, item: tuple[Sample, int]) -> str:
        sample, epoch = item
        return self._plan.label(sample.id, epoch)

    async def _run(
        self, item: tuple[Sample, int], call: CallStage
    ) -> tuple[EvalSample, Exception | None]:
        async def call_stage(stage: Stage, run: SampleRun) -> None:
            await call(stage.name, partial(stage.run, run))

        sample, epoch = item
        return await run_sample(self._plan, sample, epoch, call_stage)
