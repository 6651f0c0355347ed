"""Text scorers on whatever a model may write: they never raise, and long texts stay cheap."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers import CORRECT, INCORRECT, Scorer, Target, answer, exact, f1, includes, match, pattern
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]

SCORERS: dict[str, Scorer] = {
    "match": match(),
    "match at the beginning": match("begin"),
    "match anywhere": match("any"),
    "match all": match("exact"),
    "last number": match(numeric=True),
    "first number": match("begin", numeric=True),
    "any number": match("any", numeric=True),
    "all is a number": match("exact", numeric=True),
    "includes": includes(),
    "includes, same case": includes(ignore_case=False),
    "pattern": pattern(r"#### (\S+)"),
    "letter": answer("letter"),
    "word": answer("word"),
    "line": answer("line"),
    "exact": exact(),
    "f1": f1(),
}

_ODD = (
    "\ud800 \0 \u202e12 e\u0301 \u05d0 ½ ² ٣ 一 \U0001f600 - 1/0 % $ 1,234 {,} 0x1F 1e9999 10^999"
)
_PARTS = st.sampled_from([*_ODD.split(" "), "\\frac{1}{0}", "ANSWER:", "#### ", "\n", " "])
_TEXT = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "Cc", "Mn", "Nd", "No", "Nl", "Lo"])),
    st.lists(_PARTS).map("".join),
)


@given(output=_TEXT, target=_TEXT)
async def test_no_text_scorer_raises(output: str, target: str, state_with: Make) -> None:
    state = state_with(output)
    for name, scorer in SCORERS.items():
        score = await scorer(state, Target([target, output]))
        assert score is not None, name
        assert score.value in (CORRECT, INCORRECT) or 0 <= score.as_float() <= 1, name


_LONG = [
    *("1", "1,", "1,111", "111,", "1.", "1.1", "1/", "1/1", "1^", "1e1", "-1", "$", "1x10", "½"),
    *("\\frac{1}{", "\\frac{1}{1}", "{,}", "1{,}", "1 %", "1-", "a-1", "^{", "x^", " ", "\n", "_"),
    *("ANSWER", "ANSWER:", "ANSWER: a b", "ANSWER:1:", "ANSWER *", "answer:(", "answer_", "#### "),
    *("*", "a", "(", "the ", "e\u0301", "\ud800", "\0", "\u202e"),
]
_END = "1111 x y"


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS)
async def test_ten_times_the_text_takes_no_hundred_times_as_long(
    scorer: Scorer, state_with: Make
) -> None:
    async def growth(part: str) -> float:
        short, long = (state_with(part * (length // len(part)) + _END) for length in (1500, 15_000))
        target = Target(["7", "a b c"])
        return await _cpu_s(scorer(long, target)) / await _cpu_s(scorer(short, target))

    async def least_growth(part: str) -> float:
        return min([await growth(part) for _ in range(4)])  # what else runs here does not count

    slow = [part for part in _LONG if await growth(part) > 40]

    assert [part for part in slow if await least_growth(part) > 40] == []


async def _cpu_s(score: Coroutine[Any, Any, object]) -> float:
    """Return the processor time that a call takes."""
    began = time.process_time()
    await score
    return max(time.process_time() - began, 1e-5)
