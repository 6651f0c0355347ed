"""From measurements of logs to the table that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tests.benchmarks._report import markdown

Unit = Literal["s", "ms", "bytes", "MB"]

HEADINGS = ("", "here", "beside it", "ratio", "goal")


@dataclass(frozen=True)
class Goal:
    """What a line should reach."""

    of: Literal["faster", "ratio", "value"]
    """`faster`: at least so many times faster than what is beside it; `ratio`: at most so
    many times as much; `value`: at most so much."""
    bound: float


@dataclass(frozen=True)
class Line:
    """What the repeats of one measurement found, beside those of another."""

    name: str
    unit: Unit
    here: Sequence[float]
    """Empty when all repeats failed."""
    beside: Sequence[float] = ()
    beside_name: str = ""
    """What is beside it; empty when nothing is."""
    goal: Goal | None = None


def table(lines: Sequence[Line]) -> str:
    """Return the table; the figures are medians of the repeats."""
    return markdown([HEADINGS, *(_cells(line) for line in lines)])


def _cells(line: Line) -> tuple[str, ...]:
    beside = ""
    if line.beside_name:
        value = _text(median(line.beside), line.unit) if line.beside else "failed"
        beside = f"{line.beside_name}: {value}"
    if not line.here:
        return (line.name, "failed", beside, "", "")
    here = median(line.here)
    return (line.name, _text(here, line.unit), beside, _ratio(line), _verdict(line, here))


def _ratio(line: Line) -> str:
    if not line.beside:
        return ""
    here, beside = median(line.here), median(line.beside)
    if line.unit in ("s", "ms"):
        return f"{_figure(beside / here)} × faster"  # noqa: RUF001 - the sign that tables have
    return f"{here / beside:.2f}"


def _verdict(line: Line, here: float) -> str:
    goal = line.goal
    if goal is None:
        return ""
    if goal.of == "value":
        return f"≤ {goal.bound:g} {line.unit} {_mark(here <= goal.bound)}"
    if not line.beside:
        return f"no {line.beside_name}"
    beside = median(line.beside)
    if goal.of == "faster":
        return f"≥ {goal.bound:g} {_mark(beside / here >= goal.bound)}"
    return f"≤ {goal.bound:g} {_mark(here / beside <= goal.bound)}"


def _mark(reached: bool) -> str:
    return "✓" if reached else "✗"


def _text(value: float, unit: Unit) -> str:
    if unit == "s" and value < 1:
        return f"{_figure(value * 1000)} ms"
    return f"{_figure(value)} {unit}"


def _figure(value: float) -> str:
    """Return a number with about three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
