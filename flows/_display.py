"""What a person sees of a running evaluation."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from flows._cost import dollars
from tasks_lib._util._harmless import one_line
from tasks_lib.context import DisplayType, use_display
from tasks_lib.schema import EvalSample, ModelUsage, value_to_float

logger = logging.getLogger(__name__)

PLAIN_SECONDS = 5.0
"""How often the plain display prints a line about a task."""

_to_float = value_to_float()


class Tally:
    """What has come of a task's samples so far."""

    def __init__(self, task: str, model: str, total: int) -> None:
        self.label = one_line(f"{task} on {model}")
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
    """Shows tasks and counters: bars on a terminal, lines elsewhere, or nothing."""

    def __init__(self, kind: DisplayType | None, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.kind: DisplayType = kind or ("rich" if self.console.is_terminal else "plain")
        self._progress: _Bars | None = None
        self._counters: dict[str, str] = {}
        self._pauses = 0
        self._is_quiet = False
        self._held: list[str] = []
        """Lines that are printed after the pause."""

    @contextmanager
    def show(self) -> Iterator[None]:
        """Show bars within this block, if this display has any; solvers find it there."""
        with use_display(self):
            if self.kind not in ("full", "rich"):
                yield
                return
            with _Bars(self) as self._progress:
                yield

    def task(self, task: str, model: str, total: int) -> TaskDisplay:
        """Return what is to be told of one task's progress."""
        tally = Tally(task, model, total)
        if self._progress is not None:
            return _Bar(self._progress, tally)
        return _Lines(self, tally)

    def counter(self, caption: str, value: str) -> None:
        """Show a counter; see `tasks_lib.util.display_counter`."""
        # A new dict: the thread that draws the bars may be reading the old one.
        self._counters = {**self._counters, one_line(caption): one_line(value)}

    @property
    def counters(self) -> list[str]:
        """The counters, each with its value, in the order in which they came."""
        return [f"{caption}: {value}" for caption, value in self._counters.items()]

    @contextmanager
    def paused(self, *, resume: bool) -> Iterator[None]:
        """Leave the terminal to someone else within a block, and after it unless `resume`.

        A task that ends without a bar says so when the block has ended.
        """
        self._pauses += 1
        if self._progress is not None:
            self._progress.stop()
        try:
            yield
        finally:
            self._pauses -= 1
            self._is_quiet = not resume
            if not self._pauses:
                self._end_pause()

    def say(self, line: str, *, last: bool) -> None:
        """Print a line about a task. While others have the terminal, only the `last` one stays."""
        text = " · ".join([line, *self.counters])
        if self._pauses and last:
            self._held.append(text)
        elif last or not (self._pauses or self._is_quiet):
            self._print(text)

    def _end_pause(self) -> None:
        for line in self._held:
            self._print(line)
        self._held.clear()
        if self._progress is not None and not self._is_quiet:
            self._progress.restart()

    def _print(self, line: str) -> None:
        if self.kind == "plain":
            print(line, file=sys.stderr, flush=True)
        elif self.kind == "log":
            logger.info(line)


class _Bars(Progress):
    """A bar for each task, and a line of counters below them."""

    def __init__(self, display: Display) -> None:
        self._display = display
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),  # names are not ours
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=display.console,
            refresh_per_second=4,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn; rich asks for it."""
        yield from super().get_renderables()
        if self._display.counters:
            yield Text(" · ".join(self._display.counters))

    def restart(self) -> None:
        """Draw again after `stop`, below what has been printed since."""
        # Rich first erases as many lines as it drew before `stop`, whatever stands there now.
        drawn = self.console.render_lines(self.get_renderable(), pad=False)
        self.console.line(len(drawn) - 1)
        self.start()


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
    def __init__(self, display: Display, tally: Tally) -> None:
        self._display = display
        self._tally = tally
        self._shown = time.perf_counter()

    def sample_done(self, sample: EvalSample) -> None:
        self._tally.add(sample)
        now = time.perf_counter()
        if now - self._shown >= PLAIN_SECONDS:
            self._shown = now
            self._display.say(self._line, last=False)

    def close(self) -> None:
        self._display.say(self._line, last=True)

    @property
    def _line(self) -> str:
        return f"{self._tally.label}: {self._tally.done}/{self._tally.total} · {self._tally.text}"
