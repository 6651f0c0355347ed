"""Our frames beside those that the reference makes of the same logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks_lib.analysis import (
    EventInfo,
    EventTiming,
    ModelEventColumns,
    SampleMessages,
    SampleSummary,
    ToolEventColumns,
    evals_df,
    events_df,
    messages_df,
    samples_df,
)
from tests.log._peer import Peer, start_peer, write_peer_logs

__all__ = ["start_peer", "write_peer_logs"]  # fixtures

DIFFERENT = {
    "model_args",  # the reference shows the URL
    "tags",  # the reference sorts them
}
"""Columns that differ on purpose."""


@pytest.fixture(scope="module")
def logs(peer_logs: Path) -> list[Path]:
    return [peer_logs / "agent.eval", peer_logs / "scored.eval"]


@pytest.fixture(scope="module")
def theirs(peer: Peer, logs: list[Path]) -> dict[str, list[dict[str, Any]]]:
    frames: dict[str, list[dict[str, Any]]] = peer.run("tests.analysis._peer_frames", *logs)
    return frames


@pytest.mark.parametrize("kind", ["evals", "samples", "messages", "models", "tools"])
def test_frames_say_what_theirs_say(
    kind: str, logs: list[Path], theirs: dict[str, list[dict[str, Any]]]
) -> None:
    ours = {
        "evals": lambda: evals_df(logs, frame="arrow"),
        "samples": lambda: samples_df(
            logs, columns=[*SampleSummary, *SampleMessages], frame="arrow"
        ),
        "messages": lambda: messages_df(logs, frame="arrow"),
        "models": lambda: events_df(
            logs,
            columns=[*EventInfo, *EventTiming, *ModelEventColumns],
            filter=lambda event: event.event == "model",
            frame="arrow",
        ),
        "tools": lambda: events_df(
            logs,
            columns=[*EventInfo, *EventTiming, *ToolEventColumns],
            filter=lambda event: event.event == "tool",
            frame="arrow",
        ),
    }[kind]()
    key = f"{'event' if kind in ('models', 'tools') else kind.removesuffix('s')}_id"
    found = {row[key]: row for row in ours.to_pylist()}
    expected = {row[key]: row for row in theirs[kind]}

    assert len(expected) > 0
    assert set(expected) <= set(found)
    common = set(ours.column_names) & set(theirs[kind][0]) - DIFFERENT
    differences = [
        f"{id}.{name}: {row[name]!r} became {found[id][name]!r}"
        for id, row in expected.items()
        for name in sorted(common)
        if comparable(row[name]) != comparable(found[id][name])
    ]
    assert "\n".join(differences) == ""


def comparable(value: Any) -> Any:
    """Return JSON as data, numbers and times as one text for both."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return without_nulls(json.loads(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
