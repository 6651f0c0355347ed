"""What a person sees of a running evaluation."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from flows._cost import dollars
from flows._options import DisplayType
from tasks_lib.schema import EvalSample, ModelUsage, value_to_float

logger = logging.getLogger(__name__)

PLAIN_SECONDS = 5.0
"""How often the plain display prints a line about a task."""

_to_float = value_to_float()


class Tally:
    """What has come of a task's samples so far."""

    def __init__(self, task: str, model: str, total: int) -> None:
        self.label = f"{task} on {model}"
        self.total = total
        self.done = 0
        self.errors = 0
        self.usage = ModelUsage()
        """Of all models together."""
        self._started = time.perf_counter()
        self._scored = 0
        self._score_sum = 0.0

    def add(self, sample: EvalSample) -> None:
        """Count a sample; the running score is the mean of its first score."""
        self.done += 1
        self.errors += sample.error is not None
        for usage in sample.model_usage.values():
            self.usage += usage
        for score in list((sample.scores or {}).values())[:1]:
            number = _to_float(score.value)
            if not math.isnan(number):
                self._scored += 1
                self._score_sum += number

    @property
    def text(self) -> str:
        """The figures besides the count, for one line."""
        rate = self.done / max(time.perf_counter() - self._started, 1e-9)
        score = f"score {self._score_sum / self._scored:.3f}" if self._scored else "no score yet"
        used = f"{self.usage.total_tokens:,} tokens"
        if self.usage.total_cost:
            used += f" · {dollars(self.usage.total_cost)}"
        return f"{score} · {self.errors} errors · {used} · {rate:,.1f}/s"


class TaskDisplay(Protocol):
    """Is told of one task's progress."""

    def sample_done(self, sample: EvalSample) -> None:
        """Take note of a finished sample."""
        ...

    def close(self) -> None:
        """Take note that the task has ended."""
        ...


class Display:
    """Shows tasks: bars on a terminal, lines elsewhere, or nothing."""

    def __init__(self, kind: DisplayType | None, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.kind: DisplayType = kind or ("rich" if self.console.is_terminal else "plain")
        self._progress: Progress | None = None

    @contextmanager
    def show(self) -> Iterator[None]:
        """Show bars within this block, if this display has any."""
        if self.kind not in ("full", "rich"):
            yield
            return
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),  # names are not ours
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self.console,
            refresh_per_second=4,
        ) as self._progress:
            yield

    def task(self, task: str, model: str, total: int) -> TaskDisplay:
        """Return what is to be told of one task's progress."""
        tally = Tally(task, model, total)
        if self._progress is not None:
            return _Bar(self._progress, tally)
        return _Lines(self.kind, tally)


class _Bar:
    def __init__(self, progress: Progress, tally: Tally) -> None:
        self._progress = progress
        self._tally = tally
        self._id: TaskID = progress.add_task(tally.label, total=tally.total, figures="")
        self._shown = 0.0

    def sample_done(self, sample: EvalSample) -> None:
        self._tally.add(sample)
        now = time.perf_counter()
        if now - self._shown >= 0.1:  # thousands of samples a second need no more
            self._shown = now
            self._update()

    def close(self) -> None:
        self._update()
        self._progress.stop_task(self._id)

    def _update(self) -> None:
        self._progress.update(self._id, completed=self._tally.done, figures=self._tally.text)


class _Lines:
    def __init__(self, kind: DisplayType, tally: Tally) -> None:
        self._kind = kind
        self._tally = tally
        self._shown = time.perf_counter()

    def sample_done(self, sample: EvalSample) -> None:
        self._tally.add(sample)
        now = time.perf_counter()
        if now - self._shown >= PLAIN_SECONDS:
            self._shown = now
            self._say()

    def close(self) -> None:
        self._say()

    def _say(self) -> None:
        line = f"{self._tally.label}: {self._tally.done}/{self._tally.total} · {self._tally.text}"
        if self._kind == "plain":
            print(line, file=sys.stderr, flush=True)
        elif self._kind == "log":
            logger.info(line)
