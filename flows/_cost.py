"""What an evaluation cost, as a person reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tasks_lib.schema import ModelUsage


def total_cost(usages: Iterable[ModelUsage]) -> float | None:
    """Return what all of it cost in US dollars, None if that of a part is not known."""
    return sum(usages, ModelUsage()).total_cost


def dollars(cost: float) -> str:
    """Return US dollars as text: whole cents, or three digits of what is less than ten."""
    if not 0 < cost < 0.1:
        return f"${cost:,.2f}"
    return f"${cost:.{2 - math.floor(math.log10(cost))}f}"


def cost_text(model_usage: Mapping[str, ModelUsage]) -> str | None:
    """Return what the models cost, and of which it is not known; None if of none."""
    total = total_cost(model_usage.values())
    if total is not None:
        return dollars(total)
    known = total_cost(usage for usage in model_usage.values() if usage.total_cost is not None)
    if known is None:
        return None
    unknown = ", ".join(name for name, usage in model_usage.items() if usage.total_cost is None)
    return f"not known for {unknown}; {dollars(known)} for the rest"
