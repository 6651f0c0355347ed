"""Frames that the reference makes of logs; run by its Python, prints JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from inspect_ai.analysis import (
    EvalColumns,
    EventInfo,
    EventTiming,
    MessageColumns,
    ModelEventColumns,
    SampleMessages,
    SampleSummary,
    ToolEventColumns,
    evals_df,
    events_df,
    messages_df,
    samples_df,
)


def main(*logs: str) -> None:
    """Print each frame as rows."""
    frames = {
        "evals": evals_df([*logs], columns=EvalColumns, quiet=True),
        "samples": samples_df([*logs], columns=[*SampleSummary, *SampleMessages], quiet=True),
        "messages": messages_df([*logs], columns=MessageColumns, quiet=True),
        "models": events_df(
            [*logs],
            columns=[*EventInfo, *EventTiming, *ModelEventColumns],
            filter=lambda event: event.event == "model",
            quiet=True,
        ),
        "tools": events_df(
            [*logs],
            columns=[*EventInfo, *EventTiming, *ToolEventColumns],
            filter=lambda event: event.event == "tool",
            quiet=True,
        ),
    }
    print(json.dumps({name: _rows(frame) for name, frame in frames.items()}, default=str))


def _rows(frame: Any) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    rows: list[dict[str, Any]] = plain.to_dict("records")
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
