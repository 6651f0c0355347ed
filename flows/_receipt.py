"""The receipt of an evaluation: what it kept of earlier work, and what it paid for itself."""

from __future__ import annotations

from collections.abc import Mapping

from flows._cost import dollars
from tasks_lib.schema import EvalLog, ModelUsage, WorkShare


def receipt_text(log: EvalLog) -> str | None:
    """Return in a line what an evaluation kept, redid and did anew, with tokens and cost.

    What earlier attempts used that came to nothing is said too. Costs are left out where they
    are not known. None if nothing was there before.
    """
    work = log.stats.work
    if work is None:
        return None
    parts = [
        _share("kept", work.kept, " sample" if work.kept.samples == 1 else " samples"),
        _share("redid", work.redone),
        f"{work.new.samples:,} new{_brackets(work.new)}",
    ]
    if lost := _used(work.lost):
        parts.append(f"{lost} of earlier attempts were not kept")
    return "; ".join(parts)


def _share(verb: str, share: WorkShare, noun: str = "") -> str:
    return f"{verb} {share.samples:,}{noun}{_brackets(share)}"


def _brackets(share: WorkShare) -> str:
    used = _used(share.model_usage)
    return f" ({used})" if used else ""


def _used(usages: Mapping[str, ModelUsage]) -> str:
    """Return tokens and cost, empty if no tokens were used."""
    usage = sum(usages.values(), ModelUsage())
    if not usage.total_tokens and not usage.total_cost:
        return ""
    cost = f", {dollars(usage.total_cost)}" if usage.total_cost is not None else ""
    return f"{usage.total_tokens:,} tokens{cost}"
