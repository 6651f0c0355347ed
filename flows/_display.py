"""What a person sees of a running evaluation."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, cast, get_args

from rich.console import Console

from flows._bars import Bar, Bars
from flows._conversation import Conversation
from flows._live_metrics import Compute, LiveMetrics
from flows._tally import Tally, scores_text
from tasks_lib._errors import ParameterError
from tasks_lib._util._harmless import one_line
from tasks_lib.context import DisplayType, listen_to_events, use_display
from tasks_lib.schema import EvalLog, EvalSample
from tasks_lib.task import ScoreTable

logger = logging.getLogger(__name__)

PLAIN_SECONDS = 5.0
"""How often the plain display prints a line about a task."""

DISPLAY_VARIABLES = ("EVAL_DISPLAY", "INSPECT_DISPLAY")
"""Environment variables that say how progress is shown if a call does not."""


class Display:
    """Shows tasks and counters: bars on a terminal, lines elsewhere, or nothing.

    With "conversation" what is said in samples is printed as it is said, and a line at the end
    of each task. Bars are drawn in the main thread only; elsewhere there are lines.
    """

    def __init__(
        self,
        kind: DisplayType | None,
        console: Console | None = None,
        *,
        score_display: bool = True,
    ) -> None:
        """Choose how to show progress.

        Args:
            kind: How; None: as the environment variable EVAL_DISPLAY says, else bars on a
                terminal and lines elsewhere. "full" is the same as "rich".
            console: Where bars and conversations go; None: standard error.
            score_display: Whether metrics are computed and shown while samples are running.

        Raises:
            ParameterError: The environment variable has an unknown value.
        """
        self.console = console or Console(stderr=True)
        self.kind: DisplayType = _in_this_thread(
            kind or _kind_of_variables() or ("rich" if self.console.is_terminal else "plain")
        )
        self._score_display = score_display
        self._bars: Bars | None = None
        self._conversation = Conversation(self.console) if self.kind == "conversation" else None
        self._counters: dict[str, str] = {}
        self._pauses = 0
        self._is_quiet = False
        self._held: list[str] = []
        """Lines that are printed after the pause."""

    @contextmanager
    def show(self) -> Iterator[None]:
        """Show what runs within this block, where solvers find this display."""
        with ExitStack() as stack:
            stack.enter_context(use_display(self))
            if self.kind in ("full", "rich"):
                self._bars = stack.enter_context(Bars(self.console, lambda: self.counters))
            if self._conversation is not None:
                stack.enter_context(listen_to_events(self._conversation.take))
            yield

    def task(self, task: str, model: str, total: int) -> TaskDisplay:
        """Return what is to be told of one task's progress."""
        tally = Tally(task, model, total)
        if self._conversation is not None:
            self._conversation.begin_task(tally.label)
        is_live = self._score_display and self.kind not in ("conversation", "none")
        if not self._score_display:
            tally.score = ""
        view = Lines(self, tally) if self._bars is None else Bar(self._bars, tally)
        return TaskDisplay(tally, view, is_live=is_live)

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

        A task that ends without a bar says so when the block has ended. A conversation goes on
        after it in any case: it is what the person asked to see.
        """
        self._pauses += 1
        if self._bars is not None:
            self._bars.stop()
        if self._conversation is not None:
            self._conversation.pause()
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
        if self._conversation is not None:
            self._conversation.resume()
        for line in self._held:
            self._print(line)
        self._held.clear()
        if self._bars is not None and not self._is_quiet:
            self._bars.restart()

    def _print(self, line: str) -> None:
        if self.kind in ("plain", "conversation"):
            print(line, file=sys.stderr, flush=True)
        elif self.kind == "log":
            logger.info(line)


class View(Protocol):
    """Draws the figures of one task."""

    @property
    def is_due(self) -> bool:
        """Whether what it shows is so old that `show` is to be called."""
        ...

    def begin(self) -> None:
        """Take note that new figures come: until then nothing is due."""
        ...

    def show(self) -> None:
        """Show the figures that there are now."""
        ...

    def close(self) -> None:
        """Show the last figures."""
        ...


class TaskDisplay:
    """Is told of one task's progress."""

    def __init__(self, tally: Tally, view: View, *, is_live: bool) -> None:
        """Begin; `is_live` says whether metrics are computed while samples run."""
        self._tally = tally
        self._view = view
        self._is_live = is_live
        self._metrics: LiveMetrics | None = None

    def follow(self, table: ScoreTable, compute: Compute) -> None:
        """Show the metrics of the samples in `table` as they become more.

        Args:
            table: Gets each sample before `sample_done` does, in the event loop.
            compute: Is called in a thread, with a copy of the table.
        """
        if self._is_live:
            self._metrics = LiveMetrics(table, compute)

    def sample_done(self, sample: EvalSample, *, reused: bool = False) -> None:
        """Take note of a sample that ended, or (`reused`) had ended in an earlier run."""
        self._tally.add(sample, reused=reused)
        if not self._view.is_due:
            return
        is_last = self._tally.done >= self._tally.total  # the end of the task computes all
        if self._metrics is not None and self._metrics.is_due and not is_last:
            self._view.begin()
            self._metrics.start(self._show_scores)
        else:
            self._view.show()

    def close(self, log: EvalLog | None = None) -> None:
        """Take note that the task has ended, with this log if one could be written."""
        if self._metrics is not None:
            self._metrics.close()
        if log is not None:
            self._tally.end(log)
        self._view.close()

    def _show_scores(self) -> None:
        if self._metrics is not None:
            self._tally.score = scores_text(self._metrics.scores)
        self._view.show()


class Lines:
    """A task's figures as a line every few seconds, and one at its end."""

    def __init__(self, display: Display, tally: Tally) -> None:
        self._display = display
        self._tally = tally
        self._shown = time.perf_counter()
        self._is_running_shown = display.kind in ("plain", "log")

    @property
    def is_due(self) -> bool:
        """Whether the last line is some seconds old."""
        return self._is_running_shown and time.perf_counter() - self._shown >= PLAIN_SECONDS

    def begin(self) -> None:
        """Let the next line wait for its figures."""
        self._shown = time.perf_counter()

    def show(self) -> None:
        """Print a line."""
        self._shown = time.perf_counter()
        self._display.say(self._line, last=False)

    def close(self) -> None:
        """Print the last line."""
        self._display.say(self._line, last=True)

    @property
    def _line(self) -> str:
        return f"{self._tally.label}: {self._tally.done}/{self._tally.total} · {self._tally.text}"


def _kind_of_variables() -> DisplayType | None:
    for variable in DISPLAY_VARIABLES:
        value = os.environ.get(variable)
        if value:
            known = get_args(DisplayType)
            if value not in known:
                raise ParameterError("environment", variable, value, f"one of {', '.join(known)}")
            return cast(DisplayType, value)
    return None


def _in_this_thread(kind: DisplayType) -> DisplayType:
    is_main = threading.current_thread() is threading.main_thread()
    return "plain" if kind in ("full", "rich") and not is_main else kind
