"""What a whole run may use up: tokens, money, time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_lib.schema import ModelUsage


class Budget:
    """Counts what a run uses up, against what it may. None: no bound.

    What is in flight when a bound is reached is still counted, so that a little more than the
    bound is used in the end. What is used up stays so.
    """

    def __init__(
        self, *, tokens: int | None = None, cost: float | None = None, time: float | None = None
    ) -> None:
        """Begin to count, time from now on.

        Args:
            tokens: Of all models together.
            cost: US dollars.
            time: Seconds.
        """
        self._tokens = tokens
        self._cost = cost
        self._time = time
        self._began = _now()
        self._tokens_used = 0
        self._cost_used = 0.0
        self._without_price: str | None = None

    def add(self, usage: ModelUsage, model: str) -> None:
        """Count the usage of a call to `model` (`provider/name`)."""
        self._tokens_used += usage.total_tokens
        if usage.total_cost is not None:
            self._cost_used += usage.total_cost
        elif usage.total_tokens or usage.input_tokens or usage.output_tokens:
            self._without_price = model

    @property
    def used_up(self) -> str | None:
        """What is used up, for people to read; None while there is something left of all.

        Where cost is bounded, a call whose cost is not known uses up all of it: nobody can say
        what is left.
        """
        return self.used_up_after(0)

    def used_up_after(self, wait_s: float) -> str | None:
        """Return what will be used up once nothing was done for so many seconds; see `used_up`."""
        if self._tokens is not None and self._tokens_used >= self._tokens:
            return f"{self._tokens_used:,} of {self._tokens:,} tokens are used"
        if self._cost is not None:
            if self._without_price is not None:
                return (
                    f"what a call to {self._without_price!r} cost is not known, nor therefore "
                    f"what is left of {_dollars(self._cost)}"
                )
            if self._cost_used >= self._cost:
                return f"{_dollars(self._cost_used)} of {_dollars(self._cost)} are used"
        passed = _now() - self._began
        if self._time is not None and passed + wait_s >= self._time:
            wait = f", and the next attempt has to wait {wait_s:,.1f} s" if wait_s else ""
            return f"{passed:,.1f} of {self._time:,.1f} s have passed{wait}"
        return None


active_budget: ContextVar[Budget | None] = ContextVar("active_budget", default=None)
"""What model calls of this context are counted in; None: nobody asked."""


@contextmanager
def use_budget(budget: Budget | None) -> Iterator[None]:
    """Count the model calls of this block (and of what it starts) in `budget`."""
    token = active_budget.set(budget)
    try:
        yield
    finally:
        active_budget.reset(token)


def _now() -> float:
    return time.monotonic()


def _dollars(amount: float) -> str:
    """Return whole cents, or three digits of what is less than ten."""
    digits = 2 if amount >= 0.1 or amount == 0 else 2 - math.floor(math.log10(amount))
    return f"${amount:,.{digits}f}"
