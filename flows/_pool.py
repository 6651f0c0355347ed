"""How the samples of a task are run: by a pool of workers, each run a view in Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Literal, cast
from uuid import UUID

from prefect import task as prefect_task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.results import ResultRecord, ResultRecordMetadata  # type: ignore[attr-defined]  # lacks __all__
from prefect.serializers import JSONSerializer
from prefect.states import Completed, Failed

from flows._governor import Governor
from flows._server import MESSAGE_LENGTH
from tasks_lib._util._aio import run_workers
from tasks_lib.context import MOST_CONNECTIONS
from tasks_lib.schema import EvalSample, Sample
from tasks_lib.steps import SCORER, SETUP, SOLVER, SampleRun, Stage, call_stage, run_sample
from tasks_lib.task import RunPlan

STAGE_SAMPLES = 500
"""Up to so many samples, `auto` makes each stage of a sample a task run."""

SAMPLE_SAMPLES = 5_000
"""Up to so many samples, `auto` makes each sample a task run; beyond, blocks of samples.

With both, two cores record an evaluation of a mock model within about a minute: 40 samples a
second by stages, 80 one by one (tests/benchmarks/throughput.py prints the rates).
"""

SHARD_SAMPLES = 100
"""Samples in a block: 1 ms of Prefect's cost is 10 µs a sample then."""

Granularity = Literal["stage", "sample", "shard"]
Work = Iterator[tuple[Sample, int]]
OnSample = Callable[[EvalSample, Exception | None], Awaitable[None]]
"""Is given each finished sample, with the error that ended it; may raise to stop the run."""


class Job:
    """What a Prefect task run does. Opaque to Prefect, which would walk anything else."""

    __slots__ = ("error", "task_run_id", "work")

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self.work = work
        self.error: Exception | None = None
        self.task_run_id: UUID | None = None


_NO_RESULT: ResultRecord[None] = ResultRecord(
    result=None, metadata=ResultRecordMetadata(storage_key="none", serializer=JSONSerializer())
)
"""Stands for the result of all task runs: Prefect makes one for each otherwise, with the path
where it would be stored, a sixth of a task run's cost."""


async def _do(name: str, job: Job) -> State[Any]:
    context = TaskRunContext.get()
    job.task_run_id = context.task_run.id if context is not None else None
    try:
        await job.work()
    except Exception as error:
        # A failed state, not an exception: Prefect would log its traceback for every sample.
        job.error = error
        return Failed(message=f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH], data=_NO_RESULT)
    return Completed(data=_NO_RESULT)


def _as_task(name: str) -> Callable[..., Awaitable[State[Any]]]:
    task = prefect_task(
        name=name,
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )(_do)
    return partial(cast(Callable[..., Awaitable[State[Any]]], task), return_state=True)


_TASKS = {
    name: _as_task(name) for name in (SETUP.name, SOLVER.name, SCORER.name, "sample", "shard")
}


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
    """Runs the samples of a plan; memory follows the number of workers, not the dataset."""

    def __init__(self, plan: RunPlan, governor: Governor, on_sample: OnSample) -> None:
        self._plan = plan
        self._governor = governor
        self._on_sample = on_sample
        self._workers = max_samples(plan)

    async def run(self, work: Work) -> None:
        """Run all of `work`. Raises what `on_sample` raises, after cancelling the rest."""
        kind = granularity(self._plan)
        if kind == "shard":
            await self._run_shards(work)
        elif kind == "sample":
            await self._run_all(work, self._as_task_run)
        else:
            await self._run_all(work, self._by_stages)

    async def _run_all(self, work: Work, run_one: Callable[[Sample, int], Awaitable[None]]) -> None:
        async def worker() -> None:
            for sample, epoch in work:
                await run_one(sample, epoch)

        await run_workers(self._workers, worker)

    async def _by_stages(self, sample: Sample, epoch: int) -> None:
        async def call(stage: Stage, run: SampleRun) -> None:
            await self._call(stage.name, f"{stage.name} {run.label}", partial(stage.run, run))

        await self._on_sample(*await run_sample(self._plan, sample, epoch, call))

    async def _as_task_run(self, sample: Sample, epoch: int) -> None:
        outcome: list[tuple[EvalSample, Exception | None]] = []

        async def work() -> None:
            outcome.append(await run_sample(self._plan, sample, epoch))
            if (error := outcome[0][1]) is not None:
                raise error

        try:
            await self._call("sample", self._plan.label(sample.id, epoch), work)
        except Exception:
            if not outcome:
                raise
        await self._on_sample(*outcome[0])

    async def _run_shards(self, work: Work) -> None:
        gate = asyncio.Semaphore(self._workers)
        # One block more than the workers fill, so that none is idle while another ends.
        starting = asyncio.Semaphore(-(-self._workers // SHARD_SAMPLES) + 1)
        first = 1

        async def worker() -> None:
            nonlocal first
            while True:
                await starting.acquire()
                block = list(islice(work, SHARD_SAMPLES))
                if not block:
                    starting.release()
                    return
                label = f"samples {first}-{first + len(block) - 1}"
                first += len(block)
                run = partial(self._run_shard, block, gate, starting.release)
                await self._call("shard", label, run)

        # A block is open while one of its samples runs: no more blocks than samples.
        await run_workers(self._workers + 1, worker)

    async def _run_shard(
        self,
        block: list[tuple[Sample, int]],
        gate: asyncio.Semaphore,
        all_started: Callable[[], None],
    ) -> None:
        def samples() -> Work:
            yield from block
            # Now, not at the block's end: the next one must not wait for a sample whose
            # request waits for its next attempt.
            all_started()

        left = samples()

        async def worker() -> None:
            for sample, epoch in left:
                async with gate:
                    outcome = await run_sample(self._plan, sample, epoch, call_stage)
                await self._on_sample(*outcome)

        await run_workers(min(self._workers, len(block)), worker)

    async def _call(self, task: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
        job = Job(work)
        await _TASKS[task](_printable(name), job)
        if job.task_run_id is not None:
            await self._governor.note(job.task_run_id)
        if job.error is not None:
            raise job.error


def _printable(name: str) -> str:
    """Return a name for the UI: ids come from datasets and may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in name[:120])
