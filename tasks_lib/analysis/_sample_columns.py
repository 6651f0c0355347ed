"""Columns about samples."""

from __future__ import annotations

from typing import Any

from tasks_lib.analysis._columns import Column, SampleColumn
from tasks_lib.analysis._stored_fields import (
    Field,
    cost,
    id_text,
    input_text,
    messages_text,
    target_text,
    total_tokens,
)


class StoredColumn(SampleColumn):
    """A column of ours that no path can say, made from columns of the log."""

    def __init__(self, name: str, field: Field, *, required: bool = False) -> None:
        """Describe a column; `field` says how it is made."""
        super().__init__(name, path=_never_called, required=required)
        self.field = field


def _never_called(sample: object) -> object:
    raise AssertionError(f"a stored column was asked for a value of {sample!r}")


def _values(scores: Any) -> dict[str, object]:
    return {name: score.get("value") for name, score in scores.items()}


def _details(scores: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, score in scores.items():
        found[name] = score.get("value")
        for detail in ("answer", "explanation", "metadata"):
            if score.get(detail):
                found[f"{name}_{detail}"] = score[detail]
    return found


SampleSummary: list[Column] = [
    StoredColumn("id", Field((), id_text), required=True),
    SampleColumn("epoch", path="epoch", required=True),
    StoredColumn("input", Field(("input",), input_text), required=True),
    SampleColumn("choices", path="choices"),
    StoredColumn("target", Field(("target",), target_text), required=True),
    SampleColumn("metadata_*", path="metadata"),
    SampleColumn("score_*", path="scores", value=_values),
    SampleColumn("model_usage", path="model_usage"),
    StoredColumn("total_tokens", Field(("total_tokens",), total_tokens)),
    StoredColumn("cost", Field(("cost",), cost)),
    SampleColumn("total_time", path="total_time"),
    SampleColumn("working_time", path="working_time"),
    SampleColumn("error", path="error", default=""),
    SampleColumn("limit", path="limit"),
    SampleColumn("retries", path="retries"),
]
"""The columns of `samples_df` unless others are chosen.

Times are in seconds, costs in US dollars.
"""

SampleMessages: list[Column] = [
    StoredColumn("messages", Field(("messages",), messages_text), required=True)
]
"""The conversation of a sample as text."""

SampleScores: list[Column] = [SampleColumn("score_*", path="scores", value=_details, full=True)]
"""Scores with answer, explanation and metadata, as `score_<scorer>_answer` and so on."""
