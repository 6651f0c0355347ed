"""One log on its way through scorers: samples -> scored log -> results."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from flows._artifacts import MAX_ERROR_ROWS, ErrorRow
from flows._counts import error_limit
from flows._display import TaskDisplay
from flows._governor import Governor
from flows._score_job import ScoreJob
from flows._scored_log import ScoredLog
from flows._work_pool import CallStage, Granularity, WorkPool
from tasks_lib._errors import EvalsError
from tasks_lib._util._aio import finish_despite_cancel
from tasks_lib.schema import (
    EvalLog,
    EvalResults,
    EvalSample,
    EvalSampleReductions,
    ModelUsage,
    Score,
    add_usage,
)
from tasks_lib.steps import SCORER, Rescored, SampleKey, rescore, scorers_failed
from tasks_lib.task import ScoreTable, compute_results

SCORER_SAMPLES = 1_000
"""Up to so many samples, `auto` makes the scorers of each a task run; beyond, blocks of
samples: a text scorer has judged thousands of them in the time that Prefect takes for these."""

SAMPLES_AT_ONCE = 50
"""Samples that are scored at once unless told. Those that ask a model wait for a connection,
of which there are fewer, mostly; all are in memory."""


class LogScoring:
    """The samples of one log on their way through scorers into another log."""

    def __init__(self, job: ScoreJob, display: TaskDisplay, governor: Governor) -> None:
        self._job = job
        self._display = display
        self._governor = governor
        self._scored = ScoredLog(job)
        self._usage: dict[str, ModelUsage] = {}
        self._done: set[SampleKey] = set()
        """Samples that were scored before the same scoring was stopped."""
        self._usage_before: dict[str, ModelUsage] = {}
        """Of the samples that are done, in the log that is scored."""
        self._seen = 0
        self._judged = 0
        self._failed = 0
        self._failed_limit = error_limit(job.header.eval.config.fail_on_error, job.source.total)
        self.error_rows: list[ErrorRow] = []
        """Samples whose scorers failed."""

    async def run(self) -> EvalLog:
        """Score all samples and return the log: with its samples if these were in memory.

        Whatever stops it, the samples that were scored are kept if they go to a file; the same
        scoring goes on after them. Those whose scorers failed are scored again.

        Raises:
            TooManyFailedError: The scorers of more samples failed than `fail_on_error` allows.
            TypeError, ValueError: A metric cannot be computed of the scores.
            LogError: The log could not be read or written.
        """
        job = self._job
        await self._scored.start()
        try:
            with ScoreTable(job.names) as self._table:
                self._display.follow(self._table, lambda table: self._results(table)[0])
                await self._take_over()
                pool = WorkPool(
                    _granularity(job),
                    job.options.max_samples or SAMPLES_AT_ONCE,
                    self._governor,
                    label=job.label,
                    run=self._rescore,
                    done=self._on_sample,
                )
                await pool.run(self._left())
                header = await asyncio.to_thread(self._finished)
            return await finish_despite_cancel(self._scored.finish(header))
        except BaseException:
            await finish_despite_cancel(self._scored.stop(self._judged))
            raise

    async def _take_over(self) -> None:
        """Count what the same scoring had done when it was stopped."""
        for sample in self._scored.resumed():
            if scorers_failed(sample):
                continue
            self._done.add((sample.id, sample.epoch))
            self._scored.keep(sample)
            self._count(Rescored(sample, self._new_scores(sample), {}))
            add_usage(self._usage, sample.model_usage)
            await asyncio.sleep(0)  # connections and the display need the loop, too

    def _left(self) -> Iterator[EvalSample]:
        """Yield the samples that are to be scored."""
        for sample in self._job.samples():
            if (sample.id, sample.epoch) in self._done:
                add_usage(self._usage_before, sample.model_usage)
            else:
                yield sample

    def _new_scores(self, sample: EvalSample) -> dict[str, Score]:
        names = {name for name, _ in self._job.rescoring.scorers}
        return {name: score for name, score in (sample.scores or {}).items() if name in names}

    async def _rescore(
        self, sample: EvalSample, call: CallStage
    ) -> tuple[Rescored, Exception | None]:
        rescored = await rescore(sample, self._job.rescoring, lambda work: call(SCORER.name, work))
        return rescored, rescored.error

    async def _on_sample(self, rescored: Rescored, error: Exception | None) -> None:
        sample = rescored.sample
        await self._scored.append(sample)
        self._count(rescored)
        if error is None:
            return
        self._failed += 1
        if len(self.error_rows) < MAX_ERROR_ROWS:
            message = f"{type(error).__name__}: {error}"
            self.error_rows.append(ErrorRow(sample.id, sample.epoch, message))
        if self._failed >= self._failed_limit:
            raise TooManyFailedError(
                f"the scorers of {self._failed} samples failed, the last one ({sample.id!r}) with "
                f"{type(error).__name__}: {error}"
            ) from error

    def _count(self, rescored: Rescored) -> None:
        sample = rescored.sample
        self._table.add(sample)
        self._seen += 1
        self._judged += sample.error is None and rescored.error is None
        add_usage(self._usage, rescored.usage)
        # The progress is that of the scorers, not what the log says of the samples.
        shown = {"model_usage": rescored.usage, "error_retries": None}
        self._display.sample_done(sample.model_copy(update=shown))

    def _finished(self) -> EvalLog:
        """Return the header of the scored log, with its results."""
        header = self._job.header
        header.results, reductions = self._results(self._table)
        header.reductions = reductions if (header.eval.config.epochs or 1) > 1 else None
        if not (header.results.missing_samples or header.results.errored_samples):
            header.status, header.error = "success", None
        add_usage(header.stats.model_usage, self._used())
        return header

    def _used(self) -> dict[str, ModelUsage]:
        """Return what the scorers used: of samples that were done, what their log had not."""
        before = self._usage_before
        return {
            model: usage - before[model] if model in before else usage
            for model, usage in self._usage.items()
            if usage != before.get(model)
        }

    def _results(self, table: ScoreTable) -> tuple[EvalResults, list[EvalSampleReductions]]:
        job = self._job
        results, reductions = compute_results(
            table,
            scorers=job.plans,
            reducers=list(job.reducers.items()),
            total_samples=max(job.source.total, self._seen),
            log_reducer_names=list(job.reducers) != ["mean"],
            errors_as_incorrect=bool(job.header.eval.config.errors_as_incorrect),
        )
        for scorer, old in job.kept.items():
            position = next(i for i, new in enumerate(results.scores) if new.scorer == scorer)
            others = [new for new in results.scores if new.scorer != scorer]
            results.scores = [*others[:position], *old, *others[position:]]
        return results, reductions


class TooManyFailedError(EvalsError):
    """The scorers of more samples failed than `fail_on_error` allows."""


def _granularity(job: ScoreJob) -> Granularity:
    asked = job.options.task_runs
    if asked != "auto":
        return asked
    return "stage" if job.source.total <= SCORER_SAMPLES else "shard"
