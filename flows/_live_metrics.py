"""The metrics of a task whose samples are still running."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context

from tasks_lib.schema import EvalResults, EvalScore
from tasks_lib.task import ScoreTable

logger = logging.getLogger(__name__)

LEAST_SECONDS = 0.9
"""How much time passes between two computations at least."""

SHARE = 10
"""How many times as long as a computation took nothing is computed."""

Compute = Callable[[ScoreTable], EvalResults]
"""Returns the metrics of the samples that a table holds."""


class LiveMetrics:
    """Computes a task's metrics of the samples that have ended, in a thread.

    What metrics can't be computed of yet has no figures; the log says so if it stays that way.
    """

    def __init__(self, table: ScoreTable, compute: Compute) -> None:
        """Begin, within the evaluation: metrics find there what they find at its end."""
        self.scores: Sequence[EvalScore] = ()
        """The newest figures."""
        self._table = table
        self._compute = compute
        self._context = copy_context()
        self._job: asyncio.Task[None] | None = None
        self._due = time.perf_counter() + LEAST_SECONDS

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last computation."""
        return self._job is None and time.perf_counter() >= self._due

    def start(self, then: Callable[[], None]) -> None:
        """Begin to compute; `then` is called in the event loop when there are new figures."""
        self._job = asyncio.create_task(self._refresh(then), context=self._context)

    def close(self) -> None:
        """Compute nothing any more, and call nobody."""
        self._due = float("inf")
        if self._job is not None:
            self._job.cancel()

    async def _refresh(self, then: Callable[[], None]) -> None:
        began = time.perf_counter()
        table = self._table.snapshot()

        def compute() -> Sequence[EvalScore]:
            with table:
                return self._compute(table).scores

        try:
            self.scores = await asyncio.to_thread(compute)
        except Exception:  # a metric's, that needs more samples maybe
            logger.debug("There are no metrics of the samples so far.", exc_info=True)
        self._job = None
        self._due = time.perf_counter() + max(LEAST_SECONDS, SHARE * (time.perf_counter() - began))
        then()
