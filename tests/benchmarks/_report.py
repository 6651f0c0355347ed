"""From measurements to the tables that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks._measure import Result


@dataclass(frozen=True)
class Goal:
    """How many times the samples/s of the row `of` a row should reach."""

    of: str
    least: float
    cpu: bool = False
    """Instead, how many times less CPU time per sample it should take, children included."""


@dataclass(frozen=True)
class Row:
    """What the repeats of one measurement found, and what is expected of it."""

    name: str
    results: Sequence[Result]
    """Empty when all repeats failed."""
    goals: Sequence[Goal] = ()
    expected_task_runs: int | None = None

    @property
    def rate(self) -> float:
        """Samples per second, median of the repeats."""
        return median(r.samples / r.wall_s for r in self.results) if self.results else 0.0

    @property
    def cpu_ms(self) -> float:
        """CPU time per sample in milliseconds, children included, median of the repeats."""
        times = [1000 * (r.cpu_s + r.children_cpu_s) / r.samples for r in self.results]
        return median(times) if times else 0.0


HEADINGS = (
    "",
    "samples",
    "samples/s",
    "CPU ms",
    "server CPU ms",
    "peak MB",
    "server MB",
    "log bytes",
    "task runs",
    "recorded",
    "ratios of samples/s",
)


def throughput_table(rows: Sequence[Row]) -> str:
    """Return the table of samples/s, with CPU time and log bytes per sample."""
    others = {row.name: row for row in rows}
    return markdown([HEADINGS, *(_cells(row, others) for row in rows)])


def memory_table(small: Row, large: Row, most: float) -> str:
    """Return the table of peak memory by number of samples; `most` is the goal's ratio."""
    lines = [("", "samples", "peak MB", "server MB", "ratio")]
    for row, base in ((small, None), (large, small)):
        peak = _median(row, "peak_mb")
        ratio = ""
        if base is not None and row.results and base.results:
            value = peak / _median(base, "peak_mb")
            ratio = f"{value:.2f} (goal: at most {most:g}) {_verdict(value <= most)}"
        lines.append(
            (
                row.name,
                _samples(row),
                f"{peak:.0f}",
                f"{_median(row, 'children_peak_mb'):.0f}",
                ratio,
            )
        )
    return markdown(lines)


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells, headings first, as a table that also reads well as text."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def _cells(row: Row, others: dict[str, Row]) -> tuple[str, ...]:
    if not row.results:
        return (row.name, "failed", *[""] * (len(HEADINGS) - 2))
    samples = row.results[0].samples
    recorded = [r.recorded for r in row.results if r.recorded is not None]
    return (
        row.name,
        _samples(row),
        f"{row.rate:,.0f}",
        f"{_median(row, 'cpu_s') / samples * 1000:.2f}",
        f"{_median(row, 'children_cpu_s') / samples * 1000:.2f}",
        f"{_median(row, 'peak_mb'):.0f}",
        f"{_median(row, 'children_peak_mb'):.0f}",
        f"{_median(row, 'log_bytes') / samples:,.0f}",
        "" if row.expected_task_runs is None else f"{row.expected_task_runs:,}",
        # The worst repeat: a lost task run must not hide behind a median.
        f"{min(recorded):,} {_verdict(min(recorded) == row.expected_task_runs)}"
        if recorded
        else "",
        "; ".join(_ratio(row, goal, others) for goal in row.goals),
    )


def _ratio(row: Row, goal: Goal, others: dict[str, Row]) -> str:
    other = others.get(goal.of)
    if other is None or not other.results:
        return f"no {goal.of}"
    ratio = other.cpu_ms / row.cpu_ms if goal.cpu else row.rate / other.rate
    what = f"{ratio:.2f} times less CPU than" if goal.cpu else f"{ratio:.2f} of"
    return f"{what} {goal.of} (goal {goal.least:g}) {_verdict(ratio >= goal.least)}"


def _verdict(reached: bool) -> str:
    return "✓" if reached else "✗"


def _samples(row: Row) -> str:
    return f"{row.results[0].samples:,}" if row.results else "failed"


def _median(row: Row, field: str) -> float:
    return median(getattr(r, field) for r in row.results) if row.results else 0.0
