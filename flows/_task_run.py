"""The samples of one plan on their way into one log."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence

from flows._artifacts import MAX_ERROR_ROWS, ErrorRow
from flows._budget import incomplete
from flows._counts import error_limit
from flows._display import TaskDisplay
from flows._governor import Governor
from flows._pool import SamplePool, granularity
from flows._reuse import Reuse
from tasks_lib._errors import EvalsError
from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib._util._blot import blotted
from tasks_lib.context import Budget
from tasks_lib.log import EvalLogWriter
from tasks_lib.schema import (
    EvalError,
    EvalLog,
    EvalSample,
    EvalStats,
    EvalStatus,
    ModelUsage,
    add_usage,
    utc_now,
)
from tasks_lib.steps import load, prepare_sandboxes, summarize
from tasks_lib.task import RunPlan, ScoreTable, count_results


class TooManyErrorsError(EvalsError):
    """More samples failed than `fail_on_error` allows."""


class TaskRun:
    """The samples of one plan on their way into one log."""

    def __init__(
        self,
        plan: RunPlan,
        previous: Sequence[EvalLog],
        display: TaskDisplay,
        governor: Governor,
        budget: Budget | None,
    ) -> None:
        self._plan = plan
        self._budget = budget
        self._display = display
        self._usage: dict[str, ModelUsage] = {}
        self._table = ScoreTable([scorer.name for scorer, _ in plan.scorers])
        self._pool = SamplePool(plan, governor, self._on_sample, budget)
        self._reuse = Reuse(plan, previous)
        self._started_at = utc_now().isoformat(timespec="seconds")
        self._error_limit = error_limit(plan.header.eval.config.fail_on_error, plan.total)
        self.error_rows: list[ErrorRow] = []
        self.log: EvalLog | None = None
        """The header of the finished log."""
        self._failure: Exception | None = None
        """What ended the task, if no sample is to blame or too many are."""

    @property
    def error(self) -> Exception | None:
        """What `debug_errors` raises: what ended the task; of too many errors the last one."""
        failure = self._failure
        if isinstance(failure, TooManyErrorsError) and isinstance(failure.__cause__, Exception):
            return failure.__cause__
        return failure

    async def run(self) -> EvalLog:
        """Run all samples and return the header of the finished log."""
        header = self._plan.header
        header.eval.config.task_runs = granularity(self._plan)
        header.stats = EvalStats(started_at=self._started_at)
        self._writer = EvalLogWriter(
            header,
            self._plan.log_dir,
            score_columns=[scorer.name for scorer, _ in self._plan.scorers],
            log_format=self._plan.log_format,
        )
        await self._writer.start()
        self._display.follow(self._table, lambda table: summarize(self._plan, table)[0])
        status: EvalStatus = "error"
        try:
            done = await self._reuse.copy(self._keep)
            async with prepare_sandboxes(self._plan, done):
                await self._pool.run(load(self._plan, done))
            status = "cancelled" if self._pool.held_back else "success"
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        except Exception as raised:
            self._failure = raised
        finally:
            with self._table:
                self.log = await finish_despite_cancel(self._finish(status))
        return self.log

    async def _keep(self, sample: EvalSample) -> None:
        """Take over a sample of an earlier log; it was paid for then."""
        await self._writer.append(sample)
        self._count(sample.model_copy(update={"model_usage": {}, "error_retries": []}))
        self._display.sample_done(sample, reused=True)

    async def _on_sample(self, sample: EvalSample, error: Exception | None) -> None:
        await self._writer.append(sample)
        self._count(sample)
        self._reuse.ran(sample)
        self._display.sample_done(sample)
        if error is None or self._pool.held_back:
            return  # what is in flight when the budget is used up ends on its own
        if self._table.errored >= self._error_limit:
            raise TooManyErrorsError(
                f"{self._table.errored} of {self._plan.total} samples failed, the last one "
                f"({sample.id!r}) with {sample.error.message if sample.error else error!r}"
            ) from error

    def _count(self, sample: EvalSample) -> None:
        for usage in sample.usage_of_attempts():
            add_usage(self._usage, usage)
        self._table.add(sample)
        if sample.error is not None and len(self.error_rows) < MAX_ERROR_ROWS:
            self.error_rows.append(
                ErrorRow(
                    sample.id, sample.epoch, sample.error.message, len(sample.error_retries or [])
                )
            )

    async def _finish(self, status: EvalStatus) -> EvalLog:
        log = self._plan.header.model_copy()
        log.results = count_results(self._table, self._plan.total)
        try:
            if status == "success":
                # In a thread: of a million samples this takes a while, and leases must be renewed.
                log.results, log.reductions = await asyncio.to_thread(
                    summarize, self._plan, self._table
                )
        except Exception as raised:  # a metric's; the samples must still reach the log
            status, self._failure = "error", raised
        log.status = status
        if self._pool.held_back and status == "cancelled":
            log.incomplete = incomplete(self._budget)
        if (error := self._failure) is not None:
            log.error = EvalError(
                message=blotted(str(error) if isinstance(error, EvalsError) else repr(error)),
                traceback=blotted("".join(traceback.format_exception(error))),
            )
        log.stats = EvalStats(
            started_at=self._started_at,
            completed_at=utc_now().isoformat(timespec="seconds"),
            model_usage=self._usage,
            reused_samples=self._reuse.kept,
            work=self._reuse.receipt,
        )
        log.location = await self._writer.finish(log)
        return log
