"""The readings of the log benchmark: one program for both APIs, which have the same names.

It also runs in the peer's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks import _logs_content as content
from tests.benchmarks._logs_measure import (
    WARM_UP_SAMPLES,
    Found,
    Job,
    Operation,
    find_log,
    timed,
    timed_folder,
)


@dataclass(frozen=True)
class Api:
    """The functions of an engine, under the names that both know them by."""

    suffix: str
    """Of its log files."""
    run: Callable[[int, str], Any]
    """Evaluates the task with so many samples into a folder; returns the log's header."""
    read_eval_log: Callable[..., Any]
    read_eval_log_sample: Callable[..., Any]
    read_eval_log_sample_summaries: Callable[..., Any]
    write_eval_log: Callable[..., Any]
    samples_df: Callable[..., Any]


def operations(api: Api) -> dict[str, Operation]:
    """Return what can be measured, by name."""
    readings = Readings(api)
    return {
        "make": readings.make,
        "summaries": readings.summaries,
        "whole": readings.whole,
        "header": readings.header,
        "sample": readings.sample,
        "frame": readings.frame,
    }


class Readings:
    """Each method is a measurement."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def make(self, job: Job) -> Found:
        """Run the task with few samples, then with all; if asked, replace the log by copies."""
        for samples, folder in ((WARM_UP_SAMPLES, job.warm_up), (job.samples, job.measured)):
            log = self._api.run(samples, folder)
            if log.status != "success":
                raise RuntimeError(f"the evaluation ended with {log.status}: {log.error}")
        file = Path(find_log(job.measured, self._api.suffix))
        size = file.stat().st_size
        if job.copies:
            self._copy(file, job.copies)
        return Found({"bytes": size})

    def summaries(self, job: Job) -> Found:
        """Get every sample's score from the summaries."""

        def read(log: str, _: int) -> list[int]:
            return _counts(s.scores for s in self._api.read_eval_log_sample_summaries(log))

        return timed(read, job, self._api.suffix)

    def whole(self, job: Job) -> Found:
        """Get every sample's score by reading all of the log."""

        def read(log: str, _: int) -> list[int]:
            return _counts(s.scores for s in self._api.read_eval_log(log).samples)

        return timed(read, job, self._api.suffix)

    def header(self, job: Job) -> Found:
        """Get a metric from the header."""

        def read(log: str, _: int) -> list[object]:
            found = self._api.read_eval_log(log, header_only=True)
            accuracy = found.results.scores[0].metrics["accuracy"].value
            return [found.status, found.results.total_samples, round(accuracy, 9)]

        return timed(read, job, self._api.suffix)

    def sample(self, job: Job) -> Found:
        """Get one sample, from another place of the log each time."""

        def read(log: str, turn: int) -> list[object]:
            samples = WARM_UP_SAMPLES if log.startswith(job.warm_up) else job.samples
            wanted = 1 + (samples // 2 + turn * 997) % samples
            found = self._api.read_eval_log_sample(log, wanted)
            return [found.id, found.output.completion, [m.text for m in found.messages]]

        return timed(read, job, self._api.suffix)

    def frame(self, job: Job) -> Found:
        """Get a data frame of all samples of many logs."""

        def read(folder: str) -> list[int]:
            found = self._api.samples_df(folder, quiet=True)
            return [len(found), int((found["score_match"] == "C").sum())]

        return timed_folder(read, job)

    def _copy(self, file: Path, copies: int) -> None:
        log = self._api.read_eval_log(str(file))
        for number in range(copies):
            created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
            log.eval.created = created.isoformat()
            log.eval.eval_id, log.eval.run_id = f"eval-{number}", f"run-{number}"
            log.eval.task_id = f"task{number}"
            for sample in log.samples:
                sample.uuid = f"{number}-{sample.id}"
            stamp = created.strftime("%Y-%m-%dT%H-%M-%S+00-00")
            name = f"{stamp}_{content.TASK}_task{number}{self._api.suffix}"
            self._api.write_eval_log(log, str(file.with_name(name)))
        file.unlink()


def _counts(scores: Iterable[Any]) -> list[int]:
    """Return how many samples have a score, and how many are correct."""
    values = [score["match"].value for score in scores]
    return [len(values), values.count("C")]
