"""Where scored samples go: a file, memory, or both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

from flows._score_job import ScoreJob
from flows._score_work import work_of
from tasks_lib._errors import LogError
from tasks_lib.log import EvalLogWriter, open_place, read_eval_log_samples
from tasks_lib.schema import EvalLog, EvalSample

logger = logging.getLogger(__name__)


class ScoredLog:
    """A scored log in the making.

    A log that was read from a file becomes a file beside it, `<name>-scored`, or in the folder
    that was asked for; a log in memory becomes one in memory, and a file only if that was asked
    for. No file is ever overwritten, but the original if that was asked for: the finished file
    takes its place.

    What a scoring has left that was stopped is gone on with by the same one.
    """

    def __init__(self, job: ScoreJob) -> None:
        """Prepare it; nothing is written yet."""
        source, options = job.source, job.options
        self._job = job
        self._samples: dict[tuple[int | str, int], EvalSample] | None = None
        self._writer: EvalLogWriter | None = None
        self._replaces = source.header.location if options.overwrite else None
        self._is_finished = False
        if source.is_memory:
            self._samples = {}

    async def start(self) -> None:
        """Make sure that it can be written, and look for what is left of the same scoring.

        Raises:
            PrerequisiteError: The folder cannot be written; or the same scoring may go on.
            OSError: The store of the log does not answer.
        """
        source, folder = self._job.source, self._job.folder
        if folder is None:
            return
        self._writer = EvalLogWriter(
            _unfinished(self._job.header),
            folder,
            name=source.scored_name if source.header.location else None,
            score_columns=self._job.names,
            work=await asyncio.to_thread(work_of, self._job),
        )
        await self._writer.start()

    def resumed(self) -> Iterator[EvalSample]:
        """Yield the samples that the same scoring had written when it was stopped."""
        if self._writer is not None and self._writer.resumed:
            location = self._writer.location
            yield from read_eval_log_samples(location, all_samples_required=False)

    def keep(self, sample: EvalSample) -> None:
        """Take over one of `resumed`, which is not scored again."""
        if self._samples is not None:
            self._samples[sample.id, sample.epoch] = sample

    async def append(self, sample: EvalSample) -> None:
        """Add a sample."""
        self.keep(sample)
        if self._writer is not None:
            await self._writer.append(sample)

    async def finish(self, header: EvalLog) -> EvalLog:
        """Make the file whole, if there is one, and return the log."""
        if self._writer is not None:
            if self._replaces is None:
                header = _not_of_an_eval_set(header)
            location = await self._writer.finish(header)
            if self._replaces is not None:
                await asyncio.to_thread(_replace, location, self._replaces)
                location = self._replaces
            header = header.model_copy(update={"location": location})
        self._is_finished = True
        if self._samples is not None:
            order = [(sample.id, sample.epoch) for sample in self._job.source.header.samples or ()]
            samples = [self._samples[key] for key in order]
            header = header.model_copy(update={"samples": samples})
        return header

    async def stop(self, scored: int) -> None:
        """End before it is finished: keep what was written, if there are `scored` samples in it.

        A warning says what is kept.
        """
        if self._writer is None or self._is_finished:
            return
        if not scored and not self._writer.resumed:
            await self._writer.discard()
            return
        try:
            await self._writer.leave()
        except LogError as error:  # what stopped the scoring is what is raised
            logger.warning("%s", error)
        logger.warning(
            "The scoring of %s was stopped. The %d samples that were scored are kept as %r: the "
            "same call goes on after them.",
            self._job.source.label,
            scored,
            self._writer.location,
        )


def _unfinished(header: EvalLog) -> EvalLog:
    """Return the header while the log is written, or if it never is finished: without results."""
    changes = {"status": "started", "results": None, "error": None}
    return _not_of_an_eval_set(header).model_copy(update=changes)


def _not_of_an_eval_set(header: EvalLog) -> EvalLog:
    """Return the header of a log that an eval set does not take for that of its task."""
    spec = header.eval.model_copy(update={"task_identity": None})
    return header.model_copy(update={"eval": spec})


def _replace(new: str, old: str) -> None:
    """Put the file `new` in the place of `old`, which is whole at any time."""
    source, target = open_place(new), open_place(old)
    if source.is_local:
        Path(source.path).replace(target.path)
    else:
        source.fs.copy(source.path, target.path)
        source.fs.rm_file(source.path)
