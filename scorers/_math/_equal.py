"""Whether two mathematical values are the same. Runs in a process of its own.

What is compared are objects of sympy, which the parser has made of LaTeX. No text is
evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import sympy
from latex2sympy2_extended.logic import And as Chain

Value: TypeAlias = Any
"""An object of sympy, which has no types."""

APPROXIMATE = sympy.Rational(101, 10**8)
"""Relative difference of a decimal from the exact value that it stands for: six digits."""
EXACT = sympy.Rational(1, 10**12)
"""Relative difference that decimals may have: what binary arithmetic leaves behind."""
DIGITS = 50
"""Decimal digits to which values are computed."""
_CERTAIN = sympy.Rational(1, 10**40)
"""Relative difference of values that count as the same when computed to `DIGITS`."""
_NOTHING = sympy.Rational(1, 10**150)
"""Relative difference of exact values that count as the same."""
_MOST_DIGITS = 200
"""Digits that are computed at most to find out whether a difference is zero."""
_POINTS = 6
"""Points at which two expressions with variables have to agree."""
_NEEDED = 3
"""Points of these at which both have to have a value."""
_MOST_ITEMS = 200


def is_same(target: Value, answer: Value) -> bool:
    """Tell whether two values are the same.

    Sets don't depend on order, tuples do. An equation that says what something is (`x = 5`)
    is the same as that (`5`); other equations and inequalities may be multiplied by numbers.
    """
    if isinstance(target, list) or isinstance(answer, list):
        return _is_same_listing(target, answer)
    if _is_relation(target) or _is_relation(answer):
        return _is_same_relation(target, answer)
    if isinstance(target, sympy.Tuple) or isinstance(answer, sympy.Tuple):
        return _is_same_tuple(target, answer)
    if isinstance(target, sympy.Set) or isinstance(answer, sympy.Set):
        return _is_same_set(target, answer)
    if getattr(target, "is_Matrix", False) or getattr(answer, "is_Matrix", False):
        return _is_same_matrix(target.doit(), answer.doit())
    if isinstance(target, sympy.Expr) and isinstance(answer, sympy.Expr):
        return is_same_expression(target, answer)
    return bool(target == answer)


def is_same_expression(target: Value, answer: Value) -> bool:
    """Tell whether two numbers or expressions with variables have the same value."""
    if target == answer:
        return True
    left, left_decimal = _exact(target)
    right, right_decimal = _exact(answer)
    if left == right:
        return True
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if symbols:
        return _agree(left, right, symbols)
    if left_decimal == right_decimal:
        return _is_close(left, right, EXACT if left_decimal else _NOTHING)
    exact = right if left_decimal else left
    tolerance = EXACT if _is_finite_decimal(exact) else APPROXIMATE
    return _is_close(left, right, tolerance)


def _exact(value: Value) -> tuple[Value, bool]:
    """Return `value` with its decimals as fractions, and whether it had any."""
    value = value.doit()
    decimals = value.atoms(sympy.Float)
    exact = value.xreplace({number: sympy.Rational(str(number)) for number in decimals})
    return exact.doit(), bool(decimals)


def _is_finite_decimal(value: Value) -> bool:
    if not value.is_Rational:
        return False
    rest = value.q
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return bool(rest == 1)


def _is_close(left: Value, right: Value, tolerance: Value) -> bool:
    """Tell whether two numbers differ by at most a relative `tolerance`."""
    if left.is_finite is False or right.is_finite is False:
        return bool(left == right)
    difference = left - right
    if difference.is_zero:
        return True
    if tolerance == _NOTHING and difference.is_Rational:
        return False
    size = max(abs(sympy.N(number, DIGITS)) for number in (left, right))
    distance = abs(difference.evalf(DIGITS, maxn=_MOST_DIGITS))
    return bool(distance <= tolerance * size)


def _agree(left: Value, right: Value, symbols: Sequence[Value]) -> bool:
    """Tell whether two expressions agree at points that no coincidence would choose.

    Points are of both signs: the root of x² is x for half of them only.
    """
    seen = 0
    for point in range(_POINTS):
        place = {
            symbol: sympy.Rational((-1) ** (point + point * number) * _PRIMES[point + number], 97)
            if number < len(_PRIMES) - _POINTS
            else sympy.Integer(number)
            for number, symbol in enumerate(symbols)
        }
        here = [side.xreplace(place).doit() for side in (left, right)]
        if any(side.free_symbols for side in here):
            return False
        values = [sympy.N(side, DIGITS) for side in here]
        if any(not value.is_number or value.is_finite is False for value in values):
            if values[0] != values[1]:
                return False
            continue
        if not _is_close(values[0], values[1], _CERTAIN):
            return False
        seen += 1
    return seen >= _NEEDED or bool(sympy.simplify(left - right) == 0)


_PRIMES = (
    41, 131, 59, 167, 73, 211, 89, 233, 101, 29, 277, 113, 307, 37, 331, 149, 373, 53, 397, 179,
    421, 61, 443, 191, 467, 71, 491, 197, 521, 79,
)  # fmt: skip


def _is_same_listing(target: Value, answer: Value) -> bool:
    """Compare values of which at least one is several without brackets, such as `1, 2`."""
    if isinstance(target, list) and isinstance(answer, list):
        return _match(_unnamed(target), _unnamed(answer)) or _match(target, answer)
    listing, other = (target, answer) if isinstance(target, list) else (answer, target)
    if isinstance(other, sympy.FiniteSet):
        return _match(_unnamed(listing), list(other.args))
    if isinstance(other, sympy.Set) and not isinstance(other, sympy.Interval):
        return _is_same_set(_solutions(listing), other)
    ordered = _pair(other)
    if ordered is not None and len(ordered) == len(listing):
        values = [item.rhs if _names(item) else item for item in listing]
        return all(is_same(*pair) for pair in zip(values, ordered, strict=True))
    return False


def _pair(value: Value) -> Sequence[Value] | None:
    """Return the items of a tuple, also of one that the parser took for an interval."""
    if isinstance(value, sympy.Tuple):
        return list(value.args)
    if isinstance(value, sympy.Interval) and value.left_open and value.right_open:
        return [value.start, value.end]
    return None


def _unnamed(values: Sequence[Value]) -> list[Value]:
    """Return what one variable is, for `x = 1, x = 2`; else `values`."""
    if all(_names(value) for value in values) and len({value.lhs for value in values}) == 1:
        return [value.rhs for value in values]
    return list(values)


def _match(left: Sequence[Value], right: Sequence[Value]) -> bool:
    """Tell whether the items of two lists are the same in some order."""
    if len(left) != len(right) or len(left) > _MOST_ITEMS:
        return False
    rest = list(right)
    for item in left:
        found = next((place for place, other in enumerate(rest) if is_same(item, other)), None)
        if found is None:
            return False
        del rest[found]
    return True


def _is_same_tuple(target: Value, answer: Value) -> bool:
    left, right = _pair(target), _pair(answer)
    if left is None or right is None or len(left) != len(right):
        return False
    return all(is_same(*pair) for pair in zip(left, right, strict=True))


def _is_same_set(target: Value, answer: Value) -> bool:
    sides = [
        side if isinstance(side, sympy.Set) else sympy.FiniteSet(side) for side in (target, answer)
    ]
    left, right = sides
    if left == right:
        return True
    if isinstance(left, sympy.Interval) and isinstance(right, sympy.Interval):
        open_ends = [(side.left_open, side.right_open) for side in sides]
        ends = [(left.start, right.start), (left.end, right.end)]
        return open_ends[0] == open_ends[1] and all(is_same(*pair) for pair in ends)
    if isinstance(left, sympy.FiniteSet) and isinstance(right, sympy.FiniteSet):
        return _match(left.args, right.args)
    if (
        type(left) is type(right)
        and isinstance(left, sympy.Union)
        and _match(left.args, right.args)
    ):
        return True
    left, right = left.doit(), right.doit()
    return bool(left == right or left.symmetric_difference(right) == sympy.S.EmptySet)


def _is_same_matrix(target: Value, answer: Value) -> bool:
    if getattr(target, "shape", None) != getattr(answer, "shape", None):
        return False
    return all(is_same(*pair) for pair in zip(target, answer, strict=True))


def _is_relation(value: Value) -> bool:
    return isinstance(value, sympy.core.relational.Relational | Chain)


def _names(value: Value) -> bool:
    """Tell whether `value` says what a variable or a function is: `x = 5`, `f(x) = 2x`."""
    if not isinstance(value, sympy.Equality):
        return False
    left = value.lhs
    named = left.is_Symbol or isinstance(left, sympy.core.function.AppliedUndef)
    return bool(named and left not in value.rhs.free_symbols)


def _is_same_relation(target: Value, answer: Value) -> bool:
    if _is_relation(target) and _is_relation(answer):
        return _is_same_statement(_steps(target), _steps(answer))
    relation, other = (target, answer) if _is_relation(target) else (answer, target)
    if isinstance(other, sympy.Set) and not _is_equation(relation):
        return _is_same_set(_solutions([relation]), other)
    value = _stated_value(relation, anything=relation is answer)
    return value is not None and is_same(
        *((target, value) if relation is answer else (value, other))
    )


def _stated_value(relation: Value, *, anything: bool) -> Value | None:
    """Return what an equation, or a chain of them, says something is.

    None if it is no such equation; with `anything`, one about any expression is, such as
    `a + b = 7`: who was asked for the sum answers so.
    """
    steps = _steps(relation)
    first, last = steps[0], steps[-1]
    if not isinstance(last, sympy.Equality):
        return None
    if len(steps) == 1 and _names(last.reversed) and not _names(last):
        return last.lhs
    if anything or _names(sympy.Eq(first.lhs, last.rhs, evaluate=False)):
        return last.rhs
    return last.rhs if not first.lhs.free_symbols else None


def _is_equation(value: Value) -> bool:
    return all(isinstance(step, sympy.Equality) for step in _steps(value))


def _steps(value: Value) -> list[Value]:
    return list(value._unsorted_args) if isinstance(value, Chain) else [value]


def _is_same_statement(target: Sequence[Value], answer: Sequence[Value]) -> bool:
    if len(target) == len(answer) == 1:
        return _is_multiple(target[0], answer[0])
    if all(isinstance(step, sympy.Equality) for step in (*target, *answer)):
        ends = [sympy.Eq(steps[0].lhs, steps[-1].rhs, evaluate=False) for steps in (target, answer)]
        return _is_multiple(*ends)
    if len(target) == len(answer):
        answers = [list(answer), [step.reversed for step in reversed(answer)]]
        if any(all(map(_is_multiple, target, steps)) for steps in answers):
            return True
    symbols = {symbol for step in (*target, *answer) for symbol in step.free_symbols}
    return len(symbols) == 1 and _is_same_set(_region(target), _region(answer))


def _is_multiple(left: Value, right: Value) -> bool:
    """Tell whether one relation is the other, with both sides multiplied by a number."""
    if any(isinstance(side, sympy.Set | sympy.MatrixBase) for side in (left.rhs, right.rhs)):
        return bool(left.lhs == right.lhs) and is_same(left.rhs, right.rhs)
    kinds = (sympy.StrictGreaterThan, sympy.GreaterThan)
    sides = [step.reversed if isinstance(step, kinds) else step for step in (left, right)]
    if type(sides[0]) is not type(sides[1]):
        return False
    first, second = (step.lhs - step.rhs for step in sides)
    if is_same_expression(first, second):
        return True
    ratio = sympy.simplify(first / second)
    if ratio.free_symbols or not ratio.is_number or ratio.is_zero or not ratio.is_finite:
        return False
    either = isinstance(sides[0], sympy.Equality | sympy.Unequality)
    return bool(either or ratio.is_positive)


def _solutions(relations: Iterable[Value]) -> Value:
    """Return the numbers for which one of `relations` is true."""
    parts = [_region(_steps(item)) if _is_relation(item) else item for item in relations]
    return sympy.Union(*(p if isinstance(p, sympy.Set) else sympy.FiniteSet(p) for p in parts))


def _region(steps: Sequence[Value]) -> Value:
    """Return the numbers for which all of `steps` are true."""
    regions = []
    for step in steps:
        if isinstance(step.rhs, sympy.Set):
            regions.append(step.rhs)
        else:
            regions.append(step.func(step.lhs, step.rhs).as_set())
    return sympy.Intersection(*regions) if regions else sympy.S.EmptySet
