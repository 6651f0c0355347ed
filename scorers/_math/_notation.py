r"""Mathematics as people and models write it, turned into LaTeX that a parser reads.

Both notations may be mixed: `\frac{1}{2}x^2`, `1/2*x**2`, `sqrt(2)/2`, `½x²`. Only text is
rewritten here; nothing is evaluated.
"""

# ruff: noqa: RUF001 - these characters are meant

from __future__ import annotations

import re
from typing import NamedTuple

_CHARACTERS = {
    "\u2212": "-", "\u2013": "-", "×": r"\times ", "·": r"\cdot ", "∙": r"\cdot ", "÷": "/",
    "\u2044": "/", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "φ": r"\phi ", "λ": r"\lambda ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
    "≠": r"\ne ", "±": r"\pm ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "°": r"^\circ ", "≈": r"\approx ",
    "½": "{1/2}", "⅓": "{1/3}", "⅔": "{2/3}", "¼": "{1/4}", "¾": "{3/4}",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip
_TABLE = str.maketrans(_CHARACTERS)
_RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")

_LAYOUT = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nolimits|mathstrut)(?![A-Za-z])"
    r"|(?<!\\)\\[!,;:> ]|~|\\q?quad(?![A-Za-z])|\\\$"
)
_WORDS = re.compile(
    r"\\(?:text|mathrm|mathit|mathbf|textbf|textit|textrm|textnormal|mbox|rm)\s*\{([^{}]*)\}"
)
_GROUPED = re.compile(r"(?<![\d.])\d{1,3}(?:(?:\{,\}|,\\!|\\,|,)\d{3})+(?![\d])")
_CURRENCY = re.compile(r"(?<![A-Za-z])(?:\\\$|[$€£¥₹])(?=\s*[\d.])|(?:USD|EUR|GBP)\b")
_PERCENT = re.compile(r"\s*(?:\\?%|\bper\s?cent(?:age)?s?|\bpct)\s*$", re.IGNORECASE)
_DEGREES = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ)|\\degree\b|\bdegrees?\b")
_ANGLE = re.compile(rf"(\d+(?:\.\d+)?)\s*(?:{_DEGREES.pattern})")
_REPEATING = re.compile(r"(?<![\d.])(\d{0,20})\.(\d{0,20})\\(?:overline|bar)\s*\{(\d{1,20})\}")
_BASE = re.compile(r"(?<=\d)_\s*\{?\s*(\d{1,2}|[a-z]{3,11})\s*\}?\s*$")
_OR = re.compile(r",?\s*(?:(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|\\(?:lor|vee|land|wedge)\b)\s*")

_UNITS = (
    "cm|mm|km|dm|nm|kg|mg|lbs?|oz|ml|mL|ft|in|yd|mi|mph|km/h|m/s|kph|min|mins|hr|hrs|sec|secs|"
    "ms|rpm|kW|kWh|Hz|rad|sq|cu"
)
_SHORT = {
    "hour": "hr", "minute": "min", "second": "sec", "foot": "ft", "feet": "ft", "inch": "in",
    "inche": "in", "meter": "m", "metre": "m", "centimeter": "cm", "kilometer": "km", "gram": "g",
    "kilogram": "kg", "mile": "mi", "yard": "yd", "pound": "lb", "h": "hr", "s": "sec",
}  # fmt: skip
"""What units are called for short, without an s."""
_GREEK = "alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|omega|infinity|infty"
_UNIT = re.compile(
    rf"(?<=[\d}})\s])\s*((?:(?:{_UNITS})|(?<=\s)(?!(?:{_GREEK})\b)[A-Za-z]{{4,20}})"
    rf"(?:\s+(?:{_UNITS}|[A-Za-z]{{2,20}})){{0,4}}(?:/[A-Za-z]{{1,10}})?\s*(?:\^?\{{?[23]\}}?)?)\.?$"
)
_WRAPPED_UNIT = re.compile(
    r"(?<=[\d})\s])\s*\\(?:text|mathrm|mbox|textrm|rm)\s*\{\s*([^{}\d=]*)\}\s*(\^\s*\{?\d\}?)?\s*\.?$"
)

_FUNCTIONS = (
    "arcsin|arccos|arctan|asin|acos|atan|sinh|cosh|tanh|sin|cos|tan|sec|csc|cot|ln|log|exp|"
    "max|min|gcd|lcm"
)
_TRIGONOMETRY = re.compile(r"sin|cos|tan|sec|csc|cot")
_PLAIN_FUNCTION = re.compile(rf"(?<![A-Za-z\\])({_FUNCTIONS})(?![A-Za-z])")
_CALLS = {
    "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
    "abs": ("|{", "}|"),
    "floor": (r"\lfloor ", r"\rfloor "),
    "ceil": (r"\lceil ", r"\rceil "),
}
_CONSTANT = re.compile(rf"(?<![A-Za-z\\])(pi|{_GREEK}|oo|inf)(?![A-Za-z])")
_SPELLED = {"oo": "infty", "inf": "infty", "infinity": "infty"}

_REWRITES = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:leqslant|leq)(?![A-Za-z])|<="), r"\\le "),
    (re.compile(r"\\(?:geqslant|geq)(?![A-Za-z])|>="), r"\\ge "),
    (re.compile(r"\\neq(?![A-Za-z])|!="), r"\\ne "),
    (re.compile(r"\\varnothing"), r"\\emptyset"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"(?<=[)\]\d])\s+U\s+(?=[(\[])|(?<=[)\]])\s*U\s*(?=[(\[])"), r"\\cup "),
    (re.compile(r"(?<![\dA-Za-z.])\.(?=\d)"), "0."),
    (re.compile(r"(?<=\d)\.(?!\d)"), ""),
    (re.compile(r"(?<![A-Za-z])(\d+(?:\.\d+)?)[eE]([-+]?\d{1,4})(?![\w.])"), r"\1\\cdot 10^{\2}"),
    (re.compile(r"(?<![\d}.])(\d+)\s+(\d+)\s*/\s*(\d+)(?!\d)"), r"\1\\frac{\2}{\3}"),
    (re.compile(r"(?<=\d)\{(\d)/(\d)\}"), r"\\frac{\1}{\2}"),
    (re.compile(r"\^\s*([-+]?\d+(?:\.\d+)?)(?![\d.])"), r"^{\1}"),
    (re.compile(r"\^\s*-\s*([A-Za-z])"), r"^{-\1}"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\frac\s*(\d)\s*(?=\{)"), r"\\frac{\1}"),
    (re.compile(r"(\\frac\s*\{[^{}]*\})\s*(\w)"), r"\1{\2}"),
    (re.compile(r"\\sqrt\s*(\w)"), r"\\sqrt{\1}"),
    (re.compile(r"\\log_\s*(\w)\s*"), r"\\log_{\1} "),
    # Else the parser takes `2(3)` for two and three, and `x(x+1)` for a function.
    (re.compile(r"(?<=\d)\s*(?=\()"), r"\\cdot "),
    (re.compile(r"(?<![A-Za-z\\])([A-EI-OQ-Za-eijkl-z])\s*(?=\()"), r"\1\\cdot "),
)
_PROSE_WORD = re.compile(r"[^\W\d_]{2,}(?:['\u2019-][^\W\d_]+)*")
_KNOWN_UNIT = re.compile(_UNITS)
_RAISED_RUN = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_ROOT = re.compile(r"√\s*(?:(\()|(\d+(?:\.\d+)?|\w))")


class Written(NamedTuple):
    """An answer, taken apart."""

    latex: str
    """The mathematics in it, as LaTeX."""
    text: str
    """All of it without layout, to be compared as text."""
    unit: str
    """The unit or base behind it, in lower case; empty if there is none."""
    is_percent: bool
    """Whether a percent sign, or the word, follows it."""


def read_notation(text: str) -> Written:
    """Take apart an answer that is written in LaTeX, in plain notation or in words."""
    latex = _GROUPED.sub(_ungrouped, text) if not _is_listing(text) else text
    latex = _CURRENCY.sub("", latex).replace("$", " ").translate(_TABLE)
    without_percent = _PERCENT.sub("", _unwrapped_percent(latex))
    is_percent = without_percent != _unwrapped_percent(latex)
    if _TRIGONOMETRY.search(latex):
        without_percent = _ANGLE.sub(r"(\1\\pi/180)", without_percent)
    latex, unit = _without_unit(_DEGREES.sub(" ", without_percent).strip().rstrip("."))
    return Written(_to_latex(latex), plain_text(text), unit, is_percent)


def plain_text(text: str) -> str:
    """Return `text` without layout, to be compared as text; words in lower case."""
    text = re.sub(r"\s+", " ", text)
    text = _WORDS.sub(r"\1", text.translate(_TABLE).replace(r"\$", "").replace("$", ""))
    text = _LAYOUT.sub("", text.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))
    text = re.sub(r"(?<![^\W_])\s+|\s+(?![^\W_])", "", text.strip(" \t\r\n.,;:*"))
    option = re.fullmatch(r"\(([A-Za-z])\)", text)
    text = option[1] if option else text
    return text.casefold() if is_words(text) else text


def is_words(text: str) -> bool:
    """Tell whether `text`, from `plain_text`, is a word or words rather than a formula."""
    if not re.search(r"[^\W\d_]{3}", text) or re.search(r"[\d=<>^+*/|\\_{}\[\]]", text):
        return False
    return not _PLAIN_FUNCTION.search(text) and not _CONSTANT.search(text)


def is_formula_word(word: str) -> bool:
    """Tell whether a word without blanks may be part of a formula: it is no prose."""
    if not _PROSE_WORD.fullmatch(word):
        return True
    known = _PLAIN_FUNCTION.fullmatch(word) or _CONSTANT.fullmatch(word)
    return bool(known or _KNOWN_UNIT.fullmatch(word) or word in ("and", "or"))


def _ungrouped(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match[0])


def _is_listing(text: str) -> bool:
    """Tell whether commas in `text` separate things: `(1,234)` is a point."""
    return text.strip(" $.")[:1] in ("(", "[", "{") or text.lstrip(" $").startswith(
        (r"\{", r"\left", r"\(")
    )


def _unwrapped_percent(text: str) -> str:
    return re.sub(r"\\text\s*\{\s*(%|\\%|per\s?cent|pct)\s*\}\s*$", "%", text.rstrip(" ."))


def _without_unit(text: str) -> tuple[str, str]:
    for pattern in (_BASE, _WRAPPED_UNIT, _UNIT):
        found = pattern.search(text)
        if found is not None and text[: found.start()].strip():
            unit = re.sub(r"[\s\\{}^.]", "", "".join(group or "" for group in found.groups()))
            kind = "_" if pattern is _BASE else ""
            name = unit.lower() if len(unit) <= 2 else unit.lower().removesuffix("s")
            return text[: found.start()].rstrip(), kind + _SHORT.get(name, name)
    return text, ""


def _to_latex(text: str) -> str:
    text = _WORDS.sub(_unworded, _LAYOUT.sub(" ", text))
    text = _REPEATING.sub(_repeating, text)
    text = _RAISED_RUN.sub(lambda match: f"^{{{match[0].translate(_RAISED)}}}", text)
    text = _ROOT.sub(lambda match: "sqrt(" if match[1] else rf"\sqrt{{{match[2]}}}", text)
    text = _OR.sub(",", text)
    for name, (opening, closing) in _CALLS.items():
        text = _bracketed(text, name, opening, closing)
    text = _PLAIN_FUNCTION.sub(_function, text)
    text = _CONSTANT.sub(lambda match: rf"\{_SPELLED.get(match[1], match[1])} ", text)
    text = _braced_powers(text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = text.strip(" .;")
    if text.startswith("{") and text.endswith("}") and "," in text:
        text = rf"\{text[:-1]}\}}"
    return text


def _unworded(match: re.Match[str]) -> str:
    word = match[1].strip()
    return f" {word} " if re.fullmatch(r"and|or|[A-Za-z]|", word) else match[0]


def _repeating(match: re.Match[str]) -> str:
    """Return a repeating decimal as a fraction: 0.1666… is (16 - 1)/90."""
    whole, fixed, period = match.groups()
    over = int(whole + fixed + period) - int(whole + fixed or 0)
    return rf"\frac{{{over}}}{{{'9' * len(period)}{'0' * len(fixed)}}}"


def _function(match: re.Match[str]) -> str:
    name = match[1]
    return rf"\arc{name[1:]}" if name in ("asin", "acos", "atan") else rf"\{name}"


def _bracketed(text: str, name: str, opening: str, closing: str) -> str:
    """Rewrite the calls `name(…)`, which may be nested."""
    pattern = re.compile(rf"(?<![A-Za-z])\\?{name}\s*\(")
    while (found := pattern.search(text)) is not None:
        end = _closing(text, found.end() - 1)
        if end is None:
            break
        text = (
            f"{text[: found.start()]}{opening}{text[found.end() : end]}{closing}{text[end + 1 :]}"
        )
    return text


def _braced_powers(text: str) -> str:
    """Rewrite `x^(n+1)` as `x^{n+1}`."""
    start = 0
    while (found := re.compile(r"(?:\^|\*\*)\s*\(").search(text, start)) is not None:
        end = _closing(text, found.end() - 1)
        if end is None:
            break
        text = f"{text[: found.start()]}^{{{text[found.end() : end]}}}{text[end + 1 :]}"
        start = found.start() + 1
    return text


def _closing(text: str, opening: int) -> int | None:
    """Return where the round bracket at `opening` is closed, None if nowhere."""
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return None
