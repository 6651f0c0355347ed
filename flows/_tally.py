"""What has come of a task's samples so far, in a line."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from flows._cost import dollars
from flows._counts import status_text
from flows._table import NO_VALUE, score_headline
from tasks_lib._util._harmless import one_line
from tasks_lib.schema import EvalLog, EvalSample, EvalScore, ModelUsage

NO_SCORE = "no score yet"

_MOST_SCORES = 3
"""Scores that a line shows; the closing table and the log have all."""


class Tally:
    """Counts a task's samples as they end, with what they used."""

    def __init__(self, task: str, model: str, total: int) -> None:
        self.label = one_line(f"{task} on {model}")
        self.total = total
        self.done = 0
        """Samples that ended, reused ones included."""
        self.errors = 0
        self.retried = 0
        """Samples that were run more than once; each is counted once."""
        self.reused = 0
        self.score = NO_SCORE
        """What is said of the scores; empty: nothing."""
        self.status = ""
        """How the task ended, if not well."""
        self.usage = ModelUsage()
        """Of all models together, failed attempts included; reused samples were paid before."""
        self._started = time.perf_counter()

    def add(self, sample: EvalSample, *, reused: bool = False) -> None:
        """Count a sample that ended, or was taken over from an earlier log."""
        self.done += 1
        self.errors += sample.error is not None
        if reused:
            self.reused += 1
            return
        self.retried += bool(sample.error_retries)
        for usages in sample.usage_of_attempts():
            self.usage = sum(usages.values(), self.usage)

    def end(self, log: EvalLog) -> None:
        """Take over what the log of the task says: its results, and whether they are whole."""
        if log.results is not None and log.results.scores:
            self.score = scores_text(log.results.scores)
        self.status = "" if log.status == "success" else status_text(log)

    @property
    def text(self) -> str:
        """The figures besides the count, for one line."""
        return " · ".join(filter(None, self._figures()))

    def _figures(self) -> Iterable[str]:
        yield self.status
        yield self.score
        yield f"{self.errors} errors"
        yield f"{self.retried} retried" if self.retried else ""
        yield f"{self.reused} reused" if self.reused else ""
        yield f"{self.usage.total_tokens:,} tokens"
        yield dollars(self.usage.total_cost) if self.usage.total_cost else ""
        ran = self.done - self.reused
        yield f"{ran / max(time.perf_counter() - self._started, 1e-9):,.1f}/s"


def scores_text(scores: Sequence[EvalScore]) -> str:
    """Return the first metric of each score as one line: `score 0.425 ± 0.070`."""
    headlines = [(score.name, score_headline(score)) for score in scores]
    known = [(name, value) for name, value in headlines if value != NO_VALUE]
    if not known:
        return NO_SCORE
    if len(scores) == 1:
        return f"score {known[0][1]}"
    shown = [f"{one_line(name, 40)} {value}" for name, value in known[:_MOST_SCORES]]
    more = len(known) - len(shown)
    return " · ".join([*shown, f"{more} more scores"] if more else shown)
