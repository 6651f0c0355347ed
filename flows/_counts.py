"""Samples that did not end as they should: how many may be, and how many were."""

from __future__ import annotations

import math

from tasks_lib.schema import EvalLog, EvalResults


def status_text(log: EvalLog) -> str:
    """Return how an evaluation stands: its status, or `incomplete (budget)`."""
    return f"incomplete ({log.incomplete.reason})" if log.incomplete else log.status


def rare_counts(results: EvalResults) -> dict[str, int]:
    """Return how many samples are unscored, limited or missing; none of the counts is 0.

    Nothing is unscored where nothing was to be scored.
    """
    is_scored = bool(results.scores or results.scored_samples)
    counts = {
        "unscored": results.unscored_samples if is_scored else 0,
        "limited": results.limited_samples,
        "missing": results.missing_samples,
    }
    return {name: count for name, count in counts.items() if count}


def error_count(results: EvalResults) -> str:
    """Return how many samples ended with an error, and whether they count as incorrect."""
    if results.errored_samples is None:
        return ""
    is_incorrect = any(score.errors_as_incorrect for score in results.scores)
    return f"{results.errored_samples:,}{' (incorrect)' if is_incorrect else ''}"


def error_limit(fail_on_error: bool | float | None, total: int) -> float:
    """Return the number of failed samples at which a task fails.

    True or None: the first; False: never; less than 1: that share of all samples (epochs
    counted); else that count.
    """
    if fail_on_error is None or fail_on_error is True:
        return 1
    if fail_on_error is False:
        return math.inf
    # Rounded: 0.7 * 10 is a little more than 7, which an eighth failure would have to reach.
    return max(1, round(fail_on_error * total, 9) if fail_on_error < 1 else fail_on_error)
