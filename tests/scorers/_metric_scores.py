"""Scores of samples as metrics get them."""

from __future__ import annotations

from collections.abc import Sequence

from scorers import SampleScore, Score, Value


def scores_of(values: Sequence[Value], topics: Sequence[object] | None = None) -> list[SampleScore]:
    """Return scores of samples 0, 1, …; `topics` are in their metadata, if given."""
    return [
        SampleScore(
            score=Score.model_validate({"value": value}),
            sample_id=i,
            sample_metadata=None if topics is None else {"topic": topics[i]},
        )
        for i, value in enumerate(values)
    ]
