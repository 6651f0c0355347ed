"""LaTeX to objects of sympy. Runs in a process of its own.

The parser of latex2sympy2_extended builds objects by a grammar; only for numbers it calls the
parser of sympy, which evaluates text as Python. Here, that is never called.
"""

from __future__ import annotations

import re

import sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, _Latex2Sympy
from latex2sympy2_extended.sets import FiniteSet

from scorers._math._equal import Value

_CONFIG = ConversionConfig(lowercase_symbols=False)
_BRACES = re.compile(r"\\\{|\\lbrace")


def parse_latex(latex: str) -> Value | None:
    """Return what `latex` means, a list if it is several things; None if it cannot be read."""
    if not latex:
        return None
    try:
        value = _Parser(is_real=True, config=_CONFIG).parse(latex)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception:  # the parser raises whatever its parts do
        return None
    if isinstance(value, FiniteSet) and not _BRACES.match(latex):
        return [_with_imaginary(item) for item in value._unsorted_args]
    return _with_imaginary(value)


class _Parser(_Latex2Sympy):  # type: ignore[misc]  # it has no types
    """Reads numbers without evaluating them."""

    def parse_number(self, text: str) -> Value:
        """Return the number that the digits of `text` are."""
        digits = text.replace(",", "")
        return sympy.Integer(int(digits)) if digits.isdigit() else sympy.Float(digits)


def _with_imaginary(value: Value) -> Value:
    """Return `value` with the letter i as the imaginary unit, unless it counts something."""
    if not isinstance(value, sympy.Basic | sympy.MatrixBase):
        return value
    letter = sympy.Symbol("i", real=True)
    if letter not in value.free_symbols:
        return value
    return value.xreplace({letter: sympy.I})
