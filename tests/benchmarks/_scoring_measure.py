"""What the scoring benchmark measures, the same for us and for the peer.

Standard library only: it also runs in the peer's environment.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeAlias

Score: TypeAlias = Callable[[Any, Any], Awaitable[Any]]

SECONDS = 0.5
"""Processor time that each scorer is measured for, after a tenth of it."""
SAMPLES = 200
"""Different samples that are scored in turn."""

_STEPS = (
    "She has {} apples and buys {} more at the market. After she gave half of them away she "
    "counts what is left, twice, and puts them into baskets of four. "
)


class Case(NamedTuple):
    """A scorer, and how the outputs that it judges end."""

    scorer: str
    ending: str
    """Holds `{}` where the answer is."""
    answers: Sequence[str]
    targets: Sequence[str]
    """Each for the answer at the same place."""


_WORDS = ("Paris", "Rome", "Madrid", "Lisbon")
_WANTED = ("Paris", "Bonn", "Madrid", "Lisbon")
_NUMBERS = ("1,234.50", "$18", "-7", "35")
_VALUES = ("1234.5", "18", "7", "5")

CASES = {
    "match": Case("match", "So the answer is {}.", _WORDS, _WANTED),
    "match, numeric": Case("numeric", "So the answer is {}.", _NUMBERS, _VALUES),
    "includes": Case("includes", "It is {}, I think.", _WORDS, _WANTED),
    "pattern": Case("pattern", "\n#### {}", ("18", "72", "5", "40"), ("18", "7", "5", "40")),
    "answer": Case("answer", "\nANSWER: {}", _WORDS, _WANTED),
    "choice": Case("choice", "\nANSWER: {}", "ABCD", "ABCA"),
    "exact": Case("exact", "{}", _WORDS, _WANTED),
    "f1": Case("f1", "It is {}.", _WORDS, _WANTED),
}
"""By name. About three of four answers are right."""


@dataclass(frozen=True)
class Sample:
    """A sample as it is scored."""

    output: str
    target: str
    chosen: int | None
    """Position of the choice that was chosen, of four; None where there are none."""


@dataclass(frozen=True)
class Found:
    """What one measurement found."""

    rate: float
    """Scores per second of processor time."""
    verdicts: list[str | float]
    """Of all samples, in order."""


def samples(case: Case) -> list[Sample]:
    """Return the samples of a case; only those of `exact` have nothing before the ending."""
    made = []
    for number in range(SAMPLES):
        kind = number % len(case.answers)
        steps = "" if case.scorer == "exact" else _STEPS.format(number, number + 2) * 2
        made.append(
            Sample(
                output=steps + case.ending.format(case.answers[kind]),
                target=case.targets[kind],
                chosen=kind if case.scorer == "choice" else None,
            )
        )
    return made


def main(
    scorers: Mapping[str, Score],
    arguments: Callable[[Sample], tuple[Any, Any]],
    value: Callable[[Any], str | float],
) -> None:
    """Measure every case and print what was found as JSON.

    Args:
        scorers: A scorer for each `Case.scorer`.
        arguments: Makes state and target of a sample.
        value: Returns the value of a score.
    """
    found = {
        name: asdict(asyncio.run(_measure(scorers[case.scorer], case, arguments, value)))
        for name, case in CASES.items()
    }
    print(json.dumps(found))


async def _measure(
    score: Score,
    case: Case,
    arguments: Callable[[Sample], tuple[Any, Any]],
    value: Callable[[Any], str | float],
) -> Found:
    pairs = [arguments(sample) for sample in samples(case)]
    verdicts = [value(await score(state, target)) for state, target in pairs]
    await _rounds(score, pairs, SECONDS / 10)
    return Found(await _rounds(score, pairs, SECONDS), verdicts)


async def _rounds(score: Score, pairs: Sequence[tuple[Any, Any]], seconds: float) -> float:
    """Score all samples again and again; return how many a second of processor time."""
    began = time.process_time()
    done, spent = 0, 0.0
    while spent < seconds:
        for state, target in pairs:
            await score(state, target)
        done += len(pairs)
        spent = time.process_time() - began
    return done / spent
