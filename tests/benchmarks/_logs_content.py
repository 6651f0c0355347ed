"""What is asked and answered in the runs of the log benchmark, the same for us and the peer.

Standard library only: it also runs in the peer's environment.
"""

from __future__ import annotations

import random
import re

SYSTEM_MESSAGE = "You answer questions about tables of figures. End with the answer alone."
TASK = "tables"
USAGE = {"input_tokens": 120, "output_tokens": 90, "total_tokens": 210}

_SYLLABLES = (
    *("an", "ber", "col", "dri", "el", "for", "gen", "hal", "is", "jun"),
    *("kel", "lor", "men", "nor", "ost", "per", "qua", "ris", "sal", "tor"),
)
_NUMBER = re.compile(r"Question (\d+)\.")


def question(number: int) -> str:
    """Return the question of a sample: about 250 characters, different for each."""
    return f"Question {number}. {words(random.Random(f'question {number}'), 35)}?"


def target(number: int) -> str:
    """Return what the answer should end with; one model answer in three is wrong."""
    return str(number * 7 if number % 3 else number * 7 + 1)


def answer(asked: str) -> str:
    """Return what the model says to a question: about 450 characters."""
    found = _NUMBER.search(asked)
    if found is None:
        raise ValueError(f"{asked!r} is no question of this benchmark")
    number = int(found[1])
    return f"{words(random.Random(f'answer {number}'), 65)}. {number * 7}"


def words(source: random.Random, count: int) -> str:
    """Return made-up words: a few hundred kinds of them, some more frequent than others."""
    return " ".join(
        "".join(source.choices(_SYLLABLES, k=source.choice((1, 2, 2, 2)))) for _ in range(count)
    )
