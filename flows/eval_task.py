"""One task on one model: dataset -> samples -> log -> results -> artifacts. Read this first."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from flows._artifacts import MAX_ERROR_ROWS, ErrorRow, publish
from flows._counts import error_limit
from flows._display import TaskDisplay
from flows._governor import Governor
from flows._pool import SamplePool, granularity
from flows._server import FLOW_OPTIONS
from flows._session import Session, find_plan
from tasks_lib._errors import EvalsError
from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib.approval import use_approval
from tasks_lib.log import EvalLogWriter, read_eval_log_samples
from tasks_lib.model import use_active_model
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
from tasks_lib.steps import SampleKey, load, summarize
from tasks_lib.task import RunPlan, RunSpec, ScoreTable, count_results, use_scorers


class TooManyErrorsError(EvalsError):
    """More samples failed than `fail_on_error` allows."""


@flow(name="eval-task", flow_run_name="{spec.task} on {spec.model}", **FLOW_OPTIONS)
async def eval_task(spec: RunSpec) -> State[None] | None:
    """Run every sample of a task, write its log, publish its results.

    The log is complete whatever happens to Prefect; a run that is cancelled or fails leaves
    a log of all samples that had finished. The flow run ends as its log: Failed when too
    many samples failed, or something that no sample is to blame for; Cancelled; Completed.
    """
    session, position = find_plan(spec)
    plan = session.plans[position]
    plan.header.eval.flow_run_id = flow_run.id
    display = session.display.task(spec.task, spec.model, plan.total)
    run = TaskRun(plan, display, session.governor)
    try:
        scorers = [(named.name, scorer) for named, scorer in plan.scorers]
        with (
            use_active_model(plan.model, plan.config, plan.roles),
            use_scorers(scorers),
            use_approval(plan.approval),
        ):
            log = await run.run(session.previous.get(position))
    except asyncio.CancelledError:
        return Cancelled(message="Stopped. The log holds every sample that had finished.")
    finally:
        display.close()
        if run.log is not None:
            session.outcomes[position] = run.log
    await publish(log, run.error_rows)
    return None if log.status == "success" else Failed(message=failure(log))


def failure(log: EvalLog) -> str:
    """Return in a line why a task did not succeed, and where its log is."""
    reason = log.error.message if log.error else log.status
    return f"{log.eval.task} on {log.eval.model}: {reason} (log: {log.location})"


async def run_eval_task(session: Session, position: int) -> EvalLog:
    """Run the plan at `position` as a subflow; return the header of its log.

    When not even a log could be started, the header says so and has no location.
    """
    state = await eval_task(session.spec(position), return_state=True)
    if position not in session.outcomes:
        raised = await cast(Any, state).aresult(raise_on_failure=False)
        log = session.plans[position].header.model_copy(update={"status": "error"})
        log.error = EvalError(message=str(raised), traceback=repr(raised))
        session.outcomes[position] = log
    return session.outcomes[position]


class TaskRun:
    """The samples of one plan on their way into one log."""

    def __init__(self, plan: RunPlan, display: TaskDisplay, governor: Governor) -> None:
        self._plan = plan
        self._display = display
        self._governor = governor
        self._usage: dict[str, ModelUsage] = {}
        self._table = ScoreTable([scorer.name for scorer, _ in plan.scorers])
        self._reused = 0
        self._started_at = utc_now().isoformat(timespec="seconds")
        self._error_limit = error_limit(plan.header.eval.config.fail_on_error, plan.total)
        self.error_rows: list[ErrorRow] = []
        self.log: EvalLog | None = None
        """The header of the finished log."""

    async def run(self, previous: EvalLog | None) -> EvalLog:
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
        status: EvalStatus = "error"
        error: Exception | None = None
        try:
            await self._run_samples(await self._reuse(previous))
            status = "success"
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        except Exception as raised:
            error = raised
        finally:
            with self._table:
                self.log = await finish_despite_cancel(self._finish(status, error))
        return self.log

    async def _run_samples(self, done: frozenset[SampleKey]) -> None:
        pool = SamplePool(self._plan, self._governor, self._on_sample)
        await pool.run(load(self._plan, done))

    async def _on_sample(self, sample: EvalSample, error: Exception | None) -> None:
        await self._writer.append(sample)
        self._count(sample)
        self._display.sample_done(sample)
        if error is not None and self._table.errored >= self._error_limit:
            raise TooManyErrorsError(
                f"{self._table.errored} of {self._plan.total} samples failed, the last one "
                f"({sample.id!r}) with {sample.error.message if sample.error else error!r}"
            ) from error

    def _count(self, sample: EvalSample) -> None:
        add_usage(self._usage, sample.model_usage)
        self._table.add(sample)
        if sample.error is not None and len(self.error_rows) < MAX_ERROR_ROWS:
            self.error_rows.append(
                ErrorRow(
                    sample.id, sample.epoch, sample.error.message, len(sample.error_retries or [])
                )
            )

    async def _reuse(self, previous: EvalLog | None) -> frozenset[SampleKey]:
        """Copy what an earlier attempt finished into this log; return its keys."""
        if previous is None:
            return frozenset()
        wanted = {(s.id, e) for s, e in load(self._plan)}
        done: set[SampleKey] = set()
        for sample in read_eval_log_samples(previous.location, all_samples_required=False):
            key = (sample.id, sample.epoch)
            if sample.error is None and key in wanted:
                await self._writer.append(sample)
                self._count(sample.model_copy(update={"model_usage": {}}))
                self._display.sample_done(sample)
                done.add(key)
        self._reused = len(done)
        return frozenset(done)

    async def _finish(self, status: EvalStatus, error: Exception | None) -> EvalLog:
        log = self._plan.header.model_copy()
        log.results = count_results(self._table, self._plan.total)
        try:
            if status == "success":
                # In a thread: of a million samples this takes a while, and leases must be renewed.
                log.results, log.reductions = await asyncio.to_thread(
                    summarize, self._plan, self._table
                )
        except Exception as raised:  # a metric's; the samples must still reach the log
            status, error = "error", raised
        log.status = status
        if error is not None:
            log.error = EvalError(
                message=str(error) if isinstance(error, EvalsError) else repr(error),
                traceback="".join(traceback.format_exception(error)),
            )
        log.stats = EvalStats(
            started_at=self._started_at,
            completed_at=utc_now().isoformat(timespec="seconds"),
            model_usage=self._usage,
            reused_samples=self._reused,
        )
        log.location = await self._writer.finish(log)
        return log
