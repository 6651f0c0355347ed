"""A pool of workers over samples, whose work is a view in Prefect: stages, samples or blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from itertools import islice
from typing import Any, Generic, Literal, TypeVar, cast
from uuid import UUID

from prefect import task as prefect_task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.results import ResultRecord, ResultRecordMetadata  # type: ignore[attr-defined]  # lacks __all__
from prefect.serializers import JSONSerializer
from prefect.states import Completed, Failed

from flows._governor import Governor
from flows._server import MESSAGE_LENGTH
from tasks_lib._util._aio import run_workers
from tasks_lib._util._blot import blotted

SHARD_SAMPLES = 100
"""Samples in a block: 1 ms of Prefect's cost is 10 µs a sample then."""

Granularity = Literal["stage", "sample", "shard"]
"""What is a Prefect task run."""

W = TypeVar("W")
R = TypeVar("R")

CallStage = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs a stage of a sample, given its name; raises what the stage raises."""


class Job:
    """What a Prefect task run does. Opaque to Prefect, which would walk anything else."""

    __slots__ = ("again", "error", "task_run_id", "work")

    def __init__(self, work: Callable[[], Awaitable[None]], again: Callable[[], bool]) -> None:
        self.work = work
        self.again = again
        """Asked after `work` has failed, if the task run may be repeated: whether it is."""
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
    job.error = None
    try:
        await job.work()
    except Exception as error:
        # A failed state, not an exception: Prefect would log its traceback for every sample.
        job.error = error
        message = blotted(f"{type(error).__name__}: {error}")[:MESSAGE_LENGTH]
        return Failed(message=message, data=_NO_RESULT)
    return Completed(data=_NO_RESULT)


def _is_repeated(task: object, task_run: TaskRun, state: State[Any]) -> bool:
    context = TaskRunContext.get()
    return context is not None and cast(Job, context.parameters["job"]).again()


@cache
def _as_task(name: str, retries: int) -> Callable[..., Awaitable[State[Any]]]:
    task = prefect_task(
        name=name,
        task_run_name="{name}",
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
        retries=retries,
        # At once: what has to wait for a provider has waited before it failed.
        retry_delay_seconds=0,
        retry_condition_fn=_is_repeated if retries else None,
    )(_do)
    return partial(cast(Callable[..., Awaitable[State[Any]]], task), return_state=True)


class WorkPool(Generic[W, R]):
    """Does the same with many samples; memory follows the number of workers, not of samples."""

    def __init__(  # noqa: PLR0913 - what it does with a sample is all in these
        self,
        kind: Granularity,
        workers: int,
        governor: Governor,
        *,
        label: Callable[[W], str],
        run: Callable[[W, CallStage], Awaitable[tuple[R, Exception | None]]],
        done: Callable[[R, Exception | None], Awaitable[None]],
        retries: int = 0,
        again: Callable[[W], bool] = lambda _: True,
        may_start: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare the pool.

        Args:
            kind: What is a task run.
            workers: How many samples are worked on at once.
            governor: Is told of each task run.
            label: How Prefect names a sample. Asked anew for each of its stages, and for its
                repetition on its own.
            run: Works on a sample, through the stages that it calls; returns what came of it,
                and the error that ended it. Raises nothing but cancellation.
            done: Is given that, once for each sample; may raise to stop the pool.
            retries: How often the work on a sample is repeated at most while it ends with an
                error. The attempts are then one task run, and Prefect's retries of it; in
                blocks, those after the first.
            again: Asked before each repetition: whether there is any use in it.
            may_start: Asked before a sample is begun, or repeated. Once it says no, nothing
                is, and what is in flight ends.
        """
        self._kind = kind
        self._workers = workers
        self._governor = governor
        self._label = label
        self._run = run
        self._done = done
        self._retries = retries
        self._again = again
        self._may_start = may_start
        self.held_back = False
        """Whether there was work that may_start did not allow."""

    async def run(self, work: Iterator[W]) -> None:
        """Work on all of `work`. Raises what `done` raises, after cancelling the rest."""
        if self._kind == "shard":
            await self._run_shards(work)
        elif self._kind == "sample" or self._retries:
            await self._run_all(work, self._as_task_run)
        else:
            await self._run_all(work, self._by_stages)

    async def _run_all(self, work: Iterator[W], run_one: Callable[[W], Awaitable[None]]) -> None:
        async def worker() -> None:
            for item in work:
                if not self._starts():
                    return
                await run_one(item)

        await run_workers(self._workers, worker)

    def _starts(self) -> bool:
        """Say whether an item that is there may be begun or repeated."""
        allowed = self._may_start()
        self.held_back = self.held_back or not allowed
        return allowed

    async def _by_stages(self, item: W) -> None:
        await self._done(*await self._run(item, self._stage_runs(item)))

    def _stage_runs(self, item: W) -> CallStage:
        async def call(stage: str, work: Callable[[], Awaitable[None]]) -> None:
            await self._call(stage, f"{stage} {self._label(item)}", work)

        return call

    async def _as_task_run(self, item: W) -> None:
        await self._done(*await self._attempts(item, self._retries))

    async def _attempts(self, item: W, retries: int) -> tuple[R, Exception | None]:
        """Work on an item in a task run of its own, which Prefect repeats while it fails."""
        outcome: list[tuple[R, Exception | None]] = []
        call = self._stage_runs(item) if self._kind == "stage" else call_here

        async def work() -> None:
            outcome.clear()
            outcome.append(await self._run(item, call))
            if (error := outcome[0][1]) is not None:
                raise error

        def again() -> bool:
            return bool(outcome) and self._is_repeated(item)

        try:
            await self._call("sample", self._label(item), work, retries, again)
        except Exception:
            if not outcome:
                raise
        return outcome[0]

    def _is_repeated(self, item: W) -> bool:
        return self._again(item) and self._starts()

    async def _run_shards(self, work: Iterator[W]) -> None:
        gate = asyncio.Semaphore(self._workers)
        # One block more than the workers fill, so that none is idle while another ends.
        starting = asyncio.Semaphore(-(-self._workers // SHARD_SAMPLES) + 1)
        first = 1

        async def worker() -> None:
            nonlocal first
            while True:
                await starting.acquire()
                block = list(islice(work, SHARD_SAMPLES))
                if not block or not self._starts():
                    starting.release()
                    return
                label = f"samples {first}-{first + len(block) - 1}"
                first += len(block)
                run = partial(self._run_shard, block, gate, starting.release)
                await self._call("shard", label, run)

        # A block is open while one of its samples runs: no more blocks than samples.
        await run_workers(self._workers + 1, worker)

    async def _run_shard(
        self, block: list[W], gate: asyncio.Semaphore, all_started: Callable[[], None]
    ) -> None:
        def items() -> Iterator[W]:
            yield from block
            # Now, not at the block's end: the next one must not wait for a sample whose
            # request waits for its next attempt.
            all_started()

        left = items()

        async def worker() -> None:
            for item in left:
                async with gate:
                    if not self._starts():
                        continue  # to the end of the block, which makes room for the next
                    outcome = await self._run(item, call_here)
                    if self._retries and outcome[1] is not None and self._is_repeated(item):
                        outcome = await self._attempts(item, self._retries - 1)
                await self._done(*outcome)

        await run_workers(min(self._workers, len(block)), worker)

    async def _call(
        self,
        task: str,
        name: str,
        work: Callable[[], Awaitable[None]],
        retries: int = 0,
        again: Callable[[], bool] = lambda: False,
    ) -> None:
        job = Job(work, again)
        await _as_task(task, retries)(_printable(name), job)
        if job.task_run_id is not None:
            await self._governor.note(job.task_run_id)
        if job.error is not None:
            raise job.error


async def call_here(stage: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a stage right here, not as a task run."""
    await work()


def _printable(name: str) -> str:
    """Return a name for the UI: ids come from datasets and may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in name[:120])
