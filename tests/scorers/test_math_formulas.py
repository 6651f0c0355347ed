"""Which formulas the scorer math takes for the same."""

# ruff: noqa: RUF001 - these characters are meant

from __future__ import annotations

import pytest

from scorers._math._compare import Formula, is_equal, read_formula, read_target

SAME = [
    # Numbers
    ("1/2", "0.5"),
    (r"\frac{1}{2}", "1/2"),
    (r"\frac12", r"\dfrac{2}{4}"),
    ("0.50", ".5"),
    (r"\frac{2}{3}", "0.666667"),
    ("1/3", "0.333333"),
    (r"\pi", "3.14159265"),
    ("1.5e3", "1500"),
    (r"3\times10^8", "300000000"),
    ("3 × 10⁸", "300,000,000"),
    ("10^{-20}", "1e-20"),
    ("2^10", "1024"),
    ("2**10", "1024"),
    ("10^-3", "0.001"),
    ("1,234", "1234"),
    ("1{,}234{,}567", "1,234,567"),
    (r"1\,234", "1234"),
    (r"1,\!234", "1234"),
    (r"2\frac{1}{2}", "2.5"),
    ("2 1/2", "5/2"),
    ("2½", r"\frac52"),
    (r"-2\frac{1}{2}", "-2.5"),
    ("−5", "-5"),
    ("0.1+0.2", "0.3"),
    ("2(3)", "6"),
    (r"\frac{6}{-4}", "-1.5"),
    ("007", "7"),
    (r"0.\overline{3}", "1/3"),
    (r"1.\overline{27}", r"\frac{14}{11}"),
    (r"0.1\overline{6}", "1/6"),
    # Roots, powers, functions
    (r"\sqrt{2}/2", r"\frac{1}{\sqrt{2}}"),
    ("sqrt(2)/2", r"\frac{\sqrt2}{2}"),
    (r"3\sqrt{5}", r"\sqrt{45}"),
    ("√2", r"\sqrt{2}"),
    ("√(x+1)", "sqrt(x+1)"),
    (r"\sqrt[3]{8}", "2"),
    ("cbrt(27)", "3"),
    (r"5+2\sqrt{6}", r"(\sqrt2+\sqrt3)^2"),
    ("5!", "120"),
    ("6!/3!", "120"),
    (r"\binom{5}{2}", "10"),
    (r"\log_2 8", "3"),
    ("log(100)", "2"),
    (r"\ln 8", r"3\ln 2"),
    ("exp(1)", "e"),
    ("|{-3}|", "3"),
    ("abs(-3)", "3"),
    (r"\left\lfloor 2.7\right\rfloor", "2"),
    ("floor(2.7)", "2"),
    ("ceil(2.1)", "3"),
    (r"\sin\frac{\pi}{6}", "1/2"),
    (r"\cos 60^\circ", "1/2"),
    ("sin(30°)", "0.5"),
    ("arcsin(1)", r"\frac{\pi}{2}"),
    ("asin(1)", "pi/2"),
    (r"\max(2,3)", "3"),
    (r"\arctan 1+\arctan 2+\arctan 3", r"\pi"),
    (r"\sum_{k=1}^{10} k", "55"),
    (r"\int_0^1 x dx", "1/2"),
    (r"2^{\frac{1}{2}}", r"\sqrt2"),
    # Expressions
    ("x^2+2x+1", "(x+1)^2"),
    ("x**2-1", "(x-1)(x+1)"),
    ("2*x+1", "2x+1"),
    ("x(x+1)", "x^2+x"),
    ("x^12", "x^{12}"),
    ("x²", "x^2"),
    (r"\frac{x+1}{x}", "1+1/x"),
    ("2^{n+1}", "2*2^n"),
    (r"\frac{n(n+1)}{2}", "n(n+1)/2"),
    ("6x^2+12", "6(x^2+2)"),
    ("p - q", "-q+p"),
    (r"2\pi r", "2 pi r"),
    ("π/4", r"\frac{\pi}{4}"),
    (r"\sin^2 x+\cos^2 x", "1"),
    ("sin(x)**2", r"\sin^2(x)"),
    ("e^{2x}", "exp(2x)"),
    (r"\sqrt{x^2}", "|x|"),
    ("|x-1|", "|1-x|"),
    ("x^(n+1)", "x^{n+1}"),
    ("x_1+x_2", "x_2+x_1"),
    ("xy", "yx"),
    (r"\alpha+\beta", "beta + alpha"),
    ("x^3+C", "C+x^3"),
    ("0.5x", "x/2"),
    (r"\frac{d}{dx}x^2", "2x"),
    (r"\lim_{x\to 0}\frac{\sin x}{x}", "1"),
    (r"\tan^{-1} x", r"\arctan x"),
    (r"\log_2 x", r"\frac{\ln x}{\ln 2}"),
    ("n!", "n(n-1)!"),
    (r"\sqrt{-4}", "2i"),
    ("a_n = 2n+1", "2n+1"),
    # Complex
    ("3+4i", "4i+3"),
    ("2i", "(1+i)^2"),
    ("-i", "1/i"),
    (r"\frac{1+i}{\sqrt2}", r"\frac{\sqrt2}{2}+\frac{\sqrt2}{2}i"),
    ("i^2", "-1"),
    # Percent, units, bases, currencies
    ("50%", "0.5"),
    (r"50\%", "50"),
    ("50%", "50 percent"),
    (r"\tfrac{3}{4}", "75%"),
    (r"12.5\%", r"\frac18"),
    ("5", "5 cm"),
    (r"5\text{ cm}", "5cm"),
    (r"10\text{ cm}^2", r"10 \text{ cm}^{2}"),
    ("12", "12 apples"),
    ("60", r"60^\circ"),
    ("90°", "90 degrees"),
    ("5 km/h", r"5\text{ km/h}"),
    ("1010_2", "1010_{2}"),
    ("1010_2", "1010"),
    ("$5", "5"),
    (r"\$1,234.50", "1234.5"),
    ("5 dollars", "5"),
    (r"4 \text{ hours}", "4 hrs"),
    ("3 inches", "3 in"),
    ("$x+1$", r"\(1+x\)"),
    (r"3\mathrm{ m}", "3"),
    # Sets, lists, points
    (r"\{1,2,3\}", "{3,2,1}"),
    ("1,2", "2, 1"),
    ("1, 2 and 3", "3, 1, 2"),
    (r"\{1/2, 3\}", "0.5, 3"),
    ("{1/2}", "{0.5}"),
    ("(1,2)", r"\left( 1, 2 \right)"),
    ("(1/2, 3)", r"\left(\frac{1}{2},3\right)"),
    ("(2,1)", "(2.0, 1)"),
    ("(1,2,3)", r"(1,\, 2,\, 3)"),
    (r"\emptyset", r"\varnothing"),
    (r"\pm 3", "3,-3"),
    (r"1\pm\sqrt{2}", r"1+\sqrt2,1-\sqrt2"),
    ("(1,2)", "x=1,y=2"),
    ("(x, x+1)", "(x, 1+x)"),
    ("x=1,x=2", "1,2"),
    ("x=1 or x=2", "x=2, x=1"),
    (r"x=1 \text{ or } x=2", r"\{1,2\}"),
    # Intervals, inequalities
    ("[1,2)", r"\left[1,2\right)"),
    ("[0.5,2)", r"[\frac12,2)"),
    (r"(-\infty,3)\cup(5,\infty)", "(-oo,3) U (5,oo)"),
    (r"(-\infty,3)\cup(5,\infty)", r"(5,\infty)\cup(-\infty,3)"),
    (r"(-\infty,3)", "x<3"),
    ("x<3", r"(-\infty,3)"),
    ("-2<x<3", "(-2,3)"),
    ("-2<x<3", "3>x>-2"),
    ("[-2,3]", r"-2\le x\le 3"),
    ("x>3", "3<x"),
    ("x>3", "2x>6"),
    ("x>3", "-x<-3"),
    ("x>=3", r"x\geq 3"),
    (r"x \le 2 \text{ or } x\ge 5", r"(-\infty,2]\cup[5,\infty)"),
    (r"x\in[1,2]", "[1,2]"),
    (r"\mathbb{R}", "(-oo,oo)"),
    (r"(-\infty,0)\cup(0,\infty)", r"x\ne 0"),
    # Equations
    ("5", "x=5"),
    ("x=5", "5"),
    ("x=5", "5=x"),
    ("y=2x+1", "2x+1"),
    ("y=2x+1", "y-2x=1"),
    ("2x+3y=6", "4x+6y=12"),
    ("(x+2)^2 + (y-3)^2 = 9", "(y-3)^2+(x+2)^2=9"),
    ("f(x)=2x", "2x"),
    ("5", "2+3=5"),
    ("x=2+3", "x=5"),
    ("5", "x = 2 + 3 = 5"),
    # Matrices
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
    (r"\begin{pmatrix} -1 \\ 2 \end{pmatrix}", r"\begin{bmatrix}-1\\2\end{bmatrix}"),
    (r"\begin{pmatrix}1/2\\3\end{pmatrix}", r"\begin{pmatrix}0.5\\3\end{pmatrix}"),
    (r"2\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\4\end{pmatrix}"),
]

DIFFERENT = [
    # Numbers
    (r"0.\overline{3}", "0.3"),
    (r"0.1\overline{6}", "1/7"),
    ("3", "4"),
    ("5", "15"),
    (r"\frac{2}{3}", "0.67"),
    ("1/3", "0.3333"),
    (r"\pi", "3.14"),
    ("0.0000001", "0.0000002"),
    ("10^{-20}", "2*10^{-20}"),
    ("100000000000000000001", "100000000000000000000"),
    ("10^{100}", "10^{100}+1"),
    ("0.3", "0.30001"),
    (r"\frac{1}{2}", "0.5000001"),
    ("3", "3.0000001"),
    ("2.5", r"2\frac{1}{3}"),
    ("5", "-5"),
    ("5%", "0.5"),
    ("2^{10}", "10^2"),
    # Roots, powers, functions
    (r"2\sqrt{3}", r"\sqrt{6}"),
    (r"\sqrt{2}", "1.41"),
    (r"\ln 8", "8"),
    ("5!", "5"),
    (r"\frac{\sqrt{3}}{3}", r"\tan 31^\circ"),
    (r"\sqrt{10^{60}+1}", "10^{30}"),
    # Expressions
    ("x^2+2x+1", "(x-1)^2"),
    (r"\sqrt{x^2}", "x"),
    ("x", "y"),
    ("X", "x"),
    ("x^2", "x^3"),
    ("x^3+C", "x^3"),
    ("x/x^2", "x"),
    ("x_1", "x_2"),
    # Complex
    ("3+4i", "3-4i"),
    ("i", "1"),
    ("i", "-i"),
    # Percent, units, bases, currencies
    (r"5 \text{ cm}", r"5\text{ m}"),
    ("5 km", "5 mph"),
    ("3 inches", "3 ft"),
    ("1010_2", "1010_3"),
    (r"10\text{ cm}^2", r"10 \text{ cm}^3"),
    ("50%", "0.05"),
    # Sets, lists, points
    (r"\{1,2\}", r"\{1,3\}"),
    ("1,2,2", "1,1,2"),
    ("1,2", "1"),
    ("(1,2)", "(2,1)"),
    ("(3,-1)", "(-1,3)"),
    ("(1,2,3)", "(3,2,1)"),
    ("(1,2)", "x=2,y=1"),
    ("(1,2)", "(1,2,3)"),
    (r"\emptyset", "0"),
    (r"\pm 3", "3"),
    ("(1,234)", "1234"),
    # Intervals, inequalities
    ("[1,2)", "(1,2]"),
    ("[1,2]", "(1,2)"),
    ("(-2,3)", r"-2\le x\le 3"),
    ("x>3", "x<3"),
    (r"x\ge3", "x>3"),
    (r"\infty", r"-\infty"),
    ("x>3", "y>3"),
    ("x>3", "x>4"),
    (r"(-\infty,3)\cup(5,\infty)", r"(-\infty,3]\cup(5,\infty)"),
    ("x>3", "x=3"),
    ("3", "x>3"),
    # Equations
    ("x=5", "y=5"),
    ("x=5", "x=6"),
    ("2x+3y=6", "4x+6y=13"),
    ("y=2x+1", "y=2x-1"),
    ("5", "3+3=6"),
    # Matrices
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\4&3\end{pmatrix}"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    (r"\begin{pmatrix}1\end{pmatrix}", "1"),
]


def test_table_is_large() -> None:
    assert len(SAME) + len(DIFFERENT) >= 200


@pytest.mark.parametrize(("target", "answer"), SAME)
def test_same(target: str, answer: str) -> None:
    left, right = _read(target, answer)

    assert is_equal(left, right)
    assert is_equal(right, left)


@pytest.mark.parametrize(("target", "answer"), DIFFERENT)
def test_different(target: str, answer: str) -> None:
    left, right = _read(target, answer)

    assert not is_equal(left, right)
    assert not is_equal(right, left)


def test_what_an_equation_says_is_the_answer_but_not_the_equation_itself() -> None:
    number, equation = _read("7", "a+b=7")

    assert is_equal(number, equation)
    assert not is_equal(equation, number)


def _read(target: str, answer: str) -> tuple[Formula, Formula]:
    """Read two formulas, which have to be readable."""
    left, right = read_target(target), read_formula(answer)
    assert left is not None
    assert right is not None
    return left, right
