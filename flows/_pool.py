"""How the samples of a task are run: how many at once, and what is a Prefect task run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import starmap
from typing import cast

from flows._governor import Governor
from flows._work_pool import CallStage, Granularity, WorkPool
from tasks_lib.context import MOST_CONNECTIONS, Budget
from tasks_lib.schema import EvalError, EvalRetryError, EvalSample, Sample
from tasks_lib.steps import SampleRun, Stage, failed_attempt, run_sample
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


def same_in_a_row(attempts: Sequence[EvalError], most: int) -> bool:
    """Say whether the last `most` attempts, or more, have all failed alike; 0: never."""
    last = attempts[-most:] if most else ()
    return len(last) == most > 0 and len({attempt.message for attempt in last}) == 1


class SampleWork:
    """A sample that is to be run in an epoch, and the attempts at it that have failed."""

    __slots__ = ("epoch", "failed", "sample")

    def __init__(self, sample: Sample, epoch: int) -> None:
        self.sample = sample
        self.epoch = epoch
        self.failed: list[EvalRetryError] = []
        """Empty where nothing is run again."""


class SamplePool:
    """Runs the samples of a plan, those that fail up to `retry_on_error` times again.

    What ends with an error is run again, also one that stalled or timed out while it was
    scored; what a limit ends is finished. An error that `same_errors` attempts in a row have
    met is taken for final.
    """

    def __init__(
        self, plan: RunPlan, governor: Governor, on_sample: OnSample, budget: Budget | None
    ) -> None:
        """Prepare the pool; `budget` is asked before each sample, and each further attempt."""
        config = plan.header.eval.config
        self._plan = plan
        self._budget = budget
        self._retries = config.retry_on_error or 0
        self._same_errors = config.same_errors or 0
        self._pool = WorkPool(
            granularity(plan),
            max_samples(plan),
            governor,
            label=self._label,
            run=self._run,
            done=on_sample,
            retries=self._retries,
            again=self._again,
            may_start=self._may_start,
        )

    @property
    def held_back(self) -> bool:
        """Whether the budget was used up before all was done."""
        return self._pool.held_back

    async def run(self, work: Iterator[tuple[Sample, int]]) -> None:
        """Run all of `work`. Raises what `on_sample` raises, after cancelling the rest."""
        await self._pool.run(starmap(SampleWork, work))

    def _label(self, item: SampleWork) -> str:
        label = self._plan.label(cast(int | str, item.sample.id), item.epoch)
        return f"{label}, attempt {len(item.failed) + 1}" if item.failed else label

    async def _run(self, item: SampleWork, call: CallStage) -> tuple[EvalSample, Exception | None]:
        async def call_stage(stage: Stage, run: SampleRun) -> None:
            await call(stage.name, partial(stage.run, run))

        ran, error = await run_sample(self._plan, item.sample, item.epoch, call_stage, item.failed)
        if error is not None and self._retries:
            item.failed.append(failed_attempt(ran, error))
        return ran, error

    def _again(self, item: SampleWork) -> bool:
        return not same_in_a_row(item.failed, self._same_errors)

    def _may_start(self) -> bool:
        return self._budget is None or self._budget.used_up is None
