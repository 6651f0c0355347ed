r"""Numbers as people and models write them.

A number has an optional sign and currency, digits (plain or in groups of three, of any
script), decimals, and at most one of: a power of ten (`1e5`, `3 x 10^5`, `3 \times 10^{5}`),
an exponent (`2^10`), a denominator (`3/4`, `\frac{3}{4}`) or a percent sign. A fraction
character counts too (`2½`). What belongs to a word is not a number (`GPT-4`, `x_1`, `0x1F`),
nor are exponents of words (`x^2`) and versions (`1.2.3`). A unit may follow (`18km`). A comma
is no decimal point: `3,14` and `5,1,234` are lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import NamedTuple

_CONTEXT = Context(prec=60, Emax=999_999, Emin=-999_999, traps=[])
_TOLERANCE = Decimal("1e-12")
_HUNDRED = Decimal(100)

_NUMBER = re.compile(
    r"""
    (?=[-+\u2212\\$€£¥₹.\d¼-¾⅐-⅞])                     # soon done with other characters
    (?<![^\W_]) (?<![^\W\d_][-_^]) (?<!\^) (?<!\^\{)  # not in a word, no exponent of one
    (?<!\d[./])                                       # not in a version or a date
    (?P<sign> (?<![)\]}%]) [-+\u2212] )?
    (?: \\?[$€£¥₹] [ ]? )?
    (?P<digits>
        (?<!\d[,\u00a0\u2009\u202f])                     # not amid a list
        \d{1,3} (?:[,\u00a0\u2009\u202f]\d{3})++ (?!\d) (?:\.\d++)?+
      | \d++ (?:\.\d++)?+
      | (?<![.)\]]) \.\d++
      | (?=[¼-¾⅐-⅞])
    )
    (?P<vulgar> [¼-¾⅐-⅞] )?
    (?! \.\d )
    (?:
        [eE] (?P<exponent> [-+\u2212]?\d{1,4} ) (?!\w)
      | [ ]?(?:[x\u00d7*·]|\\times|\\cdot)[ ]? 10 [ ]?
        (?: \^ [ ]? \{? (?P<tens> [-+\u2212]?\d{1,4} ) \}? | (?P<raised> [⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4} ) )
      | [ ]? \^ [ ]? \{? (?P<power> [-+\u2212]?\d{1,3} ) (?!\d) \}?
      | [ ]? / [ ]? (?P<denominator> \d++(?:\.\d++)?+ ) (?! [ ]?/ | [^\W\d_] )
      | (?P<percent> [ ]?\\?% | [ ]per[ ]?cent\b )
    )?
    (?! [^\W\d_]++\d )                                # no 0x1F, no 3x4
    """,
    re.VERBOSE,
)
_LAST_DIGIT = re.compile(r".*[\d¼-¾⅐-⅞]", re.DOTALL)
_WINDOW = 60
"""Characters that are read before the last digit at first: a number rarely has more."""
_FRAC = re.compile(r"(?<!\d)\\[dt]?frac\{(\d++(?:\.\d++)?+)\}\{(\d++(?:\.\d++)?+)\}")
_SIGNS = str.maketrans("\u2212⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-+-0123456789")
_GROUPING = str.maketrans("", "", ",\u00a0\u2009\u202f")


class Number(NamedTuple):
    """A number that was found in a text."""

    text: str
    """How it is written, without blanks around it."""
    value: Decimal
    """Its value; that of `50%` is 50."""
    is_percent: bool
    """Whether a percent sign, or the word, follows it."""


def find_numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of `text` from left to right. Never raises."""
    for match in _NUMBER.finditer(_plain_latex(text)):
        number = _number(match)
        if number is not None:
            yield number


def first_number(text: str) -> Number | None:
    """Return the first number of `text`, None if there is none."""
    return next(find_numbers(text), None)


def last_number(text: str) -> Number | None:
    """Return the last number of `text`, None if there is none."""
    digit = _LAST_DIGIT.match(text)
    if digit is None:
        return None
    start = text.rfind(" ", 0, max(digit.end() - _WINDOW, 0)) + 1
    return _last_number(text[start:]) or (_last_number(text) if start else None)


def whole_number(text: str) -> Number | None:
    """Return the number that `text` is, None if it is something else.

    Blanks, punctuation and currency may surround it, letters and other digits may not.
    """
    match = _NUMBER.search(_plain_latex(text))
    if match is None:
        return None
    around = match.string[: match.start()] + match.string[match.end() :]
    if any(char.isalnum() for char in around):
        return None
    return _number(match)


def same_number(left: Number, right: Number) -> bool:
    """Tell whether two numbers are equal.

    Whole numbers are compared exactly. Others may differ by a relative 1e-12, which is what
    binary arithmetic leaves behind (`0.30000000000000004`). When just one of them is a
    percentage, it counts as its plain number or as a hundredth of it: `50%` equals both
    `50` and `0.5`.
    """
    if left.is_percent == right.is_percent:
        return _close(left.value, right.value)
    percent, plain = (left, right) if left.is_percent else (right, left)
    return _close(percent.value, plain.value) or _close(
        _CONTEXT.divide(percent.value, _HUNDRED), plain.value
    )


def _last_number(text: str) -> Number | None:
    matches = list(_NUMBER.finditer(_plain_latex(text)))
    return next((number for match in reversed(matches) if (number := _number(match))), None)


def _number(match: re.Match[str]) -> Number | None:
    sign, digits, vulgar, exponent, tens, raised, power, denominator, percent = match.groups()
    value = Decimal(digits.translate(_GROUPING) or 0)
    if vulgar:
        value = _CONTEXT.add(value, Decimal(unicodedata.numeric(vulgar)))
    if scale := exponent or tens or raised:
        value = value.scaleb(int(scale.translate(_SIGNS)), _CONTEXT)
    elif power:
        value = _CONTEXT.power(value, Decimal(power.translate(_SIGNS)))
    elif denominator:
        value = _CONTEXT.divide(value, Decimal(denominator))
    if not value.is_finite():
        return None
    if sign and sign != "+":
        value = value.copy_negate()  # `-value` would round to the context's precision
    return Number(match[0].strip(), value, percent is not None)


def _plain_latex(text: str) -> str:
    if "{,}" in text:
        text = text.replace("{,}", ",")
    if "frac{" in text:
        text = _FRAC.sub(r"\1/\2", text)
    return text


def _close(left: Decimal, right: Decimal) -> bool:
    if left == right:
        return True
    if left == left.to_integral_value() and right == right.to_integral_value():
        return False
    difference = _CONTEXT.subtract(left, right).copy_abs()
    size = max(left.copy_abs(), right.copy_abs())
    return difference <= _CONTEXT.multiply(_TOLERANCE, size)
