"""The tables of the throughput benchmark, from made-up measurements."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks._measure import Result
from tests.benchmarks._report import Goal, Row, memory_table, throughput_table


def _result(wall_s: float, peak_mb: float = 100, recorded: int | None = None) -> Result:
    return Result(
        samples=1000,
        wall_s=wall_s,
        cpu_s=0.5,
        children_cpu_s=0.25,
        peak_mb=peak_mb,
        children_peak_mb=50,
        log_bytes=300_000,
        recorded=recorded,
    )


def test_throughput_table() -> None:
    peer = Row("peer", [_result(10), _result(30), _result(20)])
    ours = Row("ours", [_result(2, recorded=11), _result(2, recorded=9)], [Goal("peer", 10)], 11)
    broken = Row("broken", [], [Goal("peer", 1)])

    table = throughput_table([peer, ours, broken])

    ratio = "10.00 of peer (goal 10) ✓"
    assert [_cells(line) for line in table.splitlines()[2:]] == [
        ["peer", "1,000", "50", "0.50", "0.25", "100", "50", "300", "", "", ""],
        ["ours", "1,000", "500", "0.50", "0.25", "100", "50", "300", "11", "9 ✗", ratio],
        ["broken", "failed", "", "", "", "", "", "", "", "", ""],
    ]


def test_cpu_as_a_ratio() -> None:
    ours = Row("ours", [_result(2)], [Goal("peer", 6, cpu=True)])
    peer = Row("peer", [replace(_result(20), cpu_s=4, children_cpu_s=0)])

    assert "5.33 times less CPU than peer (goal 6) ✗" in throughput_table([peer, ours])


def test_ratio_to_what_failed() -> None:
    ours = Row("ours", [_result(2)], [Goal("peer", 10)])

    assert "no peer" in throughput_table([Row("peer", []), ours])


def test_memory_table() -> None:
    small, large = Row("small", [_result(1, 100)]), Row("large", [_result(9, 131)])

    table = memory_table(small, large, most=1.3)

    assert [_cells(line) for line in table.splitlines()[2:]] == [
        ["small", "1,000", "100", "50", ""],
        ["large", "1,000", "131", "50", "1.31 (goal: at most 1.3) ✗"],
    ]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
