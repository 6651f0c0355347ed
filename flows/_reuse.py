"""What an evaluation takes over from earlier logs, and what it does itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator, Sequence
from itertools import islice

from tasks_lib._errors import LogError
from tasks_lib.dataset import sample_digest
from tasks_lib.log import read_eval_log_samples, resolve_sample_attachments
from tasks_lib.schema import (
    EvalLog,
    EvalSample,
    ModelUsage,
    Sample,
    WorkReceipt,
    WorkShare,
    add_usage,
)
from tasks_lib.steps import SampleKey
from tasks_lib.task import RunPlan

logger = logging.getLogger(__name__)

_BATCH = 16
"""Samples of an earlier log that are read at a time, in a thread: leases must be renewed."""


class Reuse:
    """The finished samples of earlier attempts at a plan.

    A sample is finished if it ended without an error (at a limit too), and the dataset has it
    still: same id, epoch and content. Of several logs the newest that has it finished counts:
    what a run was killed at copying is then found in the log before. A log that cannot be read
    is left out with a warning, and what is missing is run.
    """

    def __init__(self, plan: RunPlan, previous: Sequence[EvalLog]) -> None:
        """Prepare; `previous` are headers of earlier logs, the newest first."""
        self._plan = plan
        self._previous = [log for log in previous if log.location]
        self._receipt = WorkReceipt()
        self._contents: _Contents
        self._not_kept: set[SampleKey] = set()
        """Samples of the plan that an earlier log has, but not finished."""
        self._attempts: set[str] = set()
        """Attempts at samples that were met; copies of one may be in several logs."""

    @property
    def kept(self) -> int:
        """Samples that were taken over."""
        return self._receipt.kept.samples

    @property
    def receipt(self) -> WorkReceipt | None:
        """What was kept, redone and new; None if there was no earlier log."""
        return self._receipt if self._previous else None

    async def copy(self, keep: Callable[[EvalSample], Awaitable[None]]) -> Container[SampleKey]:
        """Give `keep` each sample that is finished in an earlier log; return their keys."""
        done: set[SampleKey] = set()
        if not self._previous:
            return done
        self._contents = await asyncio.to_thread(_Contents, self._plan.samples)
        for log in self._previous:
            async for sample in _read(log):
                key = (sample.id, sample.epoch)
                if sample.id not in self._contents or sample.epoch > self._plan.epochs:
                    continue
                if self._is_copy(sample):
                    continue
                if sample.error is None and key not in done and self._fits(sample, log):
                    await keep(sample)
                    done.add(key)
                    _add(self._receipt.kept, sample)
                else:
                    self._not_kept.add(key)
                    _add_usage(self._receipt.lost, sample)
        return done

    def ran(self, sample: EvalSample) -> None:
        """Take note of a sample that was run here."""
        if self._previous:
            was_there = (sample.id, sample.epoch) in self._not_kept
            _add(self._receipt.redone if was_there else self._receipt.new, sample)

    def _is_copy(self, sample: EvalSample) -> bool:
        """Tell whether a newer log had the same attempt at a sample."""
        if len(self._previous) == 1:
            return False
        attempt = sample.uuid or f"{sample.id!r}/{sample.epoch} {sample.started_at}"
        known = attempt in self._attempts
        self._attempts.add(attempt)
        return known

    def _fits(self, sample: EvalSample, log: EvalLog) -> bool:
        """Tell whether a logged sample is one of the dataset as it is now."""
        is_same_dataset = log.eval.dataset.digest == self._plan.header.eval.dataset.digest
        return is_same_dataset or self._contents.has(sample)


class _Contents:
    """What the samples of a dataset ask and expect, by id; nothing of them is held."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._ids = {sample.id for sample in samples}
        self._digests: dict[int | str | None, str] | None = None
        self._questions: dict[int | str | None, str] | None = None

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._ids

    def has(self, logged: EvalSample) -> bool:
        """Tell whether a logged sample asked and expected what that of its id does now.

        Logs that have no digests (of earlier versions, of others) do not show the metadata
        as the dataset has it: solvers may have changed it. It does not count there.
        """
        if logged.digest is not None:
            if self._digests is None:
                self._digests = {sample.id: sample_digest(sample) for sample in self._samples}
            return self._digests[logged.id] == logged.digest
        if self._questions is None:
            self._questions = {sample.id: _question(sample) for sample in self._samples}
        return self._questions[logged.id] == _question(resolve_sample_attachments(logged))


def _question(sample: Sample | EvalSample) -> str:
    return sample_digest(
        Sample(
            id=sample.id, input=sample.input, choices=sample.choices or None, target=sample.target
        )
    )


async def _read(log: EvalLog) -> AsyncIterator[EvalSample]:
    """Yield the samples of a log as far as it can be read."""
    samples = read_eval_log_samples(log.location, all_samples_required=False)
    while True:
        try:
            batch = await asyncio.to_thread(_next, samples)
        except (LogError, OSError) as error:
            logger.warning("%s What cannot be read of %s is run again.", error, log.location)
            return
        for sample in batch:
            yield sample
        if not batch:
            return


def _next(samples: Iterator[EvalSample]) -> list[EvalSample]:
    return list(islice(samples, _BATCH))


def _add(share: WorkShare, sample: EvalSample) -> None:
    share.samples += 1
    _add_usage(share.model_usage, sample)


def _add_usage(sums: dict[str, ModelUsage], sample: EvalSample) -> None:
    for usage in sample.usage_of_attempts():
        add_usage(sums, usage)
