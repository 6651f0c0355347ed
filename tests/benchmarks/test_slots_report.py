"""What the benchmark of connection slots prints."""

from __future__ import annotations

from tests.benchmarks._slots_server import Seen
from tests.benchmarks.slots import Round, table


def _round(processes: int, seconds: float, most: int = 10, calls: int = 100) -> Round:
    """Return a round of 100 calls that took 51 ms each, seen within `seconds`."""
    return Round(processes, calls, seconds, Seen(100, most, 5.1, 7.0, 7.0 + seconds))


def test_table_shows_medians_and_the_worst_number_in_flight() -> None:
    rounds = [_round(1, 0.52), _round(1, 0.51), _round(1, 0.9), _round(4, 0.6, most=11)]

    assert table(rounds).splitlines() == [
        "| processes | calls | ms a call | seconds | of the ideal                 "
        "| slots busy                   | most in flight |",
        "|-----------|-------|-----------|---------|------------------------------"
        "|------------------------------|----------------|",
        "| 1         | 100   | 51.0      | 0.52    | 1.020 (goal: at most 1.05) ✓ "
        "| 98.1% (goal: at least 95%) ✓ | 10 of 10 ✓     |",
        "| 4         | 100   | 51.0      | 0.60    | 1.176 (goal: at most 1.05) ✗ "
        "| 85.0% (goal: at least 95%) ✗ | 11 of 10 ✗     |",
    ]


def test_a_call_that_was_not_made_is_told() -> None:
    assert "10 of 10 ✗" in table([_round(1, 0.52, calls=101)])
