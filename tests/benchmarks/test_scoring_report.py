"""What the benchmark of scorers prints, and when it finds that verdicts differ."""

from __future__ import annotations

import pytest

from tests.benchmarks._scoring_measure import CASES, Found, samples
from tests.benchmarks.scoring import disagreements, table


def test_table_shows_medians_ratios_and_the_goal() -> None:
    ours = {"match": [100_000.0, 90_000.0, 300_000.0], "pattern": [40_000.0], "f1": [30_000.0]}
    peers = {"match": [50_000.0], "pattern": [80_000.0], "f1": [15_000.0]}

    assert table(ours, peers).splitlines() == [
        "|         | scores/s | scores/s, inspect_ai | ratio | goal       |",
        "|---------|----------|----------------------|-------|------------|",
        "| match   | 100,000  | 50,000               | 2.00  | ≥ 50,000 ✓ |",
        "| pattern | 40,000   | 80,000               | 0.50  | ≥ 50,000 ✗ |",
        "| f1      | 30,000   | 15,000               | 2.00  |            |",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0.12, [], id="rounded alike"),
        pytest.param(0.25, ["f1"], id="another number"),
        pytest.param("C", ["f1"], id="another value"),
    ],
)
def test_verdicts_that_differ(value: str | float, expected: list[str]) -> None:
    ours = {name: Found(1.0, [0.1234, "I"]) for name in CASES}
    peers = {**ours, "f1": Found(2.0, [value, "I"])}

    assert disagreements(ours, peers) == expected


def test_samples_are_right_and_wrong() -> None:
    first = samples(CASES["pattern"])[:2]

    assert [(one.output[-7:], one.target, one.chosen) for one in first] == [
        ("#### 18", "18", None),
        ("#### 72", "7", None),
    ]
    assert [one.chosen for one in samples(CASES["choice"])[:4]] == [0, 1, 2, 3]
