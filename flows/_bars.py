"""The progress of tasks as bars on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

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

from flows._tally import Tally

BAR_SECONDS = 0.1
"""How often a bar changes at most: thousands of samples a second need no more."""


class Bars(Progress):
    """A bar for each task, and a line of counters below them."""

    def __init__(self, console: Console, counters: Callable[[], Sequence[str]]) -> None:
        self._counters = counters
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),  # names are not ours
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
            refresh_per_second=4,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn; rich asks for it."""
        yield from super().get_renderables()
        if counters := self._counters():
            yield Text(" · ".join(counters))

    def restart(self) -> None:
        """Draw again after `stop`, below what has been printed since."""
        # Rich first erases as many lines as it drew before `stop`, whatever stands there now.
        drawn = self.console.render_lines(self.get_renderable(), pad=False)
        self.console.line(len(drawn) - 1)
        self.start()


class Bar:
    """A task's bar."""

    def __init__(self, bars: Bars, tally: Tally) -> None:
        self._bars = bars
        self._tally = tally
        self._id: TaskID = bars.add_task(tally.label, total=tally.total, figures="")
        self._shown = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it shows figures that have been there for a while."""
        return time.perf_counter() - self._shown >= BAR_SECONDS

    def begin(self) -> None:
        """Let the next figures come when they are there."""
        self._shown = time.perf_counter()

    def show(self) -> None:
        """Draw the figures that there are now."""
        self._shown = time.perf_counter()
        self._bars.update(self._id, completed=self._tally.done, figures=self._tally.text)

    def close(self) -> None:
        """Draw the last figures, and stop the clock."""
        self.show()
        self._bars.stop_task(self._id)
