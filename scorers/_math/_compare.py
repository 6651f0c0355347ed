"""Whether an answer, as text, is a target, as text. Runs in a process of its own."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import sympy

from scorers._math._equal import DIGITS, Value, is_same
from scorers._math._notation import Written, is_words, read_notation
from scorers._math._parse import parse_latex


class Formula(NamedTuple):
    """A formula that was read."""

    written: Written
    value: Value


def read_formula(text: str) -> Formula | None:
    """Return the formula that `text` is, None if it is none."""
    written = read_notation(text)
    if is_words(written.text):
        return None
    value = parse_latex(written.latex)
    return None if value is None else Formula(written, value)


@lru_cache(maxsize=256)
def read_target(text: str) -> Formula | None:
    """Return the formula that a target is, None if it is none.

    Its value is computed as well: who has read it knows that it is harmless.
    """
    formula = read_formula(text)
    if formula is not None and isinstance(formula.value, sympy.Expr):
        sympy.N(formula.value.doit(), DIGITS)
    return formula


def is_equal(target: Formula, answer: Formula) -> bool:
    """Tell whether an answer is a target.

    A unit or number base counts if both have one. When just one of them is a percentage,
    it counts as its plain number or as a hundredth of it: `50%` equals both `50` and `0.5`.
    """
    units = target.written.unit, answer.written.unit
    if all(units) and units[0] != units[1]:
        return False
    if _is_same(target.value, answer.value):
        return True
    if target.written.is_percent == answer.written.is_percent:
        return False
    percent, plain = (target, answer) if target.written.is_percent else (answer, target)
    if not isinstance(percent.value, sympy.Expr):
        return False
    return _is_same(percent.value / 100, plain.value)


def _is_same(target: Value, answer: Value) -> bool:
    try:
        return is_same(target, answer)
    except MemoryError:
        raise
    except Exception:  # sympy raises all kinds where it can't tell
        return False
