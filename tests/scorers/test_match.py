"""match and includes: where the target stands, and when numbers are the same."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers import CORRECT, INCORRECT, Score, Target, includes, match
from scorers._numbers import find_numbers, last_number, same_number, whole_number
from tasks_lib._errors import ParameterError
from tasks_lib.task import TaskState

Make = Callable[..., TaskState]
C, I = CORRECT, INCORRECT  # noqa: E741 - the values' own names


@pytest.mark.parametrize(
    ("location", "output", "target", "expected"),
    [
        pytest.param("end", "The answer is Paris.", "Paris", C, id="end, full stop"),
        pytest.param("end", "The answer is **Paris**!\n", "paris", C, id="end, bold, case"),
        pytest.param("end", "Paris is the answer", "Paris", I, id="not at the end"),
        pytest.param("end", "It is (b)", "(B)", C, id="punctuation of the target"),
        pytest.param("end", "15", "5", C, id="text, not numbers"),
        pytest.param("begin", "Paris, of course", "Paris", C, id="begin"),
        pytest.param("begin", "**Paris**", "Paris", C, id="begin, bold"),
        pytest.param("begin", "Of course Paris", "Paris", I, id="not at the beginning"),
        pytest.param("any", "It is Paris, I think", "Paris", C, id="any"),
        pytest.param("any", "It is Rome", "Paris", I, id="nowhere"),
        pytest.param("exact", " Paris. ", "Paris", C, id="exact but for punctuation"),
        pytest.param("exact", "Paris it is", "Paris", I, id="more than the target"),
        pytest.param("end", "STRASSE", "straße", C, id="casefold"),
        pytest.param("end", "Rome", ["Paris", "Rome"], C, id="the second target"),
        pytest.param("end", "Rome", [], I, id="no target"),
        pytest.param("end", "whatever", "", C, id="empty target"),
        pytest.param("exact", "whatever", "", I, id="empty target, exact"),
        pytest.param("end", "hello", "!", I, id="target of punctuation only"),
        pytest.param("end", "hello ?!", "?!", I, id="punctuation at the end is dropped"),
        pytest.param("exact", "?!", "?!", C, id="nothing but punctuation"),
        pytest.param("end", "", "Paris", I, id="empty output"),
    ],
)
async def test_text(
    location: str, output: str, target: str | list[str], expected: str, state_with: Make
) -> None:
    score = await match(location)(state_with(output), Target(target))  # type: ignore[arg-type]

    assert score == Score(value=expected, answer=output.strip(), explanation=output)


@pytest.mark.parametrize(
    ("output", "target", "expected", "answer"),
    [
        pytest.param("It is 15", "5", I, "15", id="15 is not 5"),
        pytest.param("It is 15.", "15", C, "15", id="full stop"),
        pytest.param("$18.00", "18", C, "$18.00", id="gsm8k: currency and cents"),
        pytest.param("18 dollars.", "18", C, "18", id="gsm8k: unit"),
        pytest.param("so she makes $18 every day", "18", C, "$18", id="gsm8k: in a sentence"),
        pytest.param("#### 18", "18", C, "18", id="gsm8k: hashes"),
        pytest.param("48/2 = 24, 48+24 = 72", "72", C, "72", id="gsm8k: last of many"),
        pytest.param("48/2 = 24, 48+24 = 72", "24", I, "72", id="only the last counts"),
        pytest.param("It is 3.140", "3.14", C, "3.140", id="trailing zero"),
        pytest.param("It is 3.14", "3.140", C, "3.14", id="trailing zero of the target"),
        pytest.param("It is 3.1415", "3.14", I, "3.1415", id="more digits are another number"),
        pytest.param("1,234,567 people", "1234567", C, "1,234,567", id="thousands"),
        pytest.param("1234567", "1,234,567", C, "1234567", id="thousands of the target"),
        pytest.param("123456", "123457", I, "123456", id="the sixth digit counts"),
        pytest.param("12345678901234567890", "12345678901234567891", I, None, id="20 digits"),
        pytest.param("It is -5", "-5", C, "-5", id="sign"),
        pytest.param("It is −5", "-5", C, "−5", id="minus sign"),  # noqa: RUF001
        pytest.param("It is -5", "5", I, "-5", id="the sign counts"),
        pytest.param("-$5", "-5", C, "-$5", id="sign before the currency"),
        pytest.param("$-5", "-5", C, "-5", id="sign after the currency"),
        pytest.param("It is +5", "5", C, "+5", id="plus"),
        pytest.param("1.5e3 m", "1500", C, "1.5e3", id="scientific"),
        pytest.param("3 x 10^5", "300000", C, "3 x 10^5", id="power of ten"),
        pytest.param(r"3 \times 10^{-2}", "0.03", C, r"3 \times 10^{-2}", id="latex power"),
        pytest.param("2^10", "1024", C, "2^10", id="power"),
        pytest.param("3/4", "0.75", C, "3/4", id="fraction"),
        pytest.param(r"\boxed{\frac{3}{4}}", "3/4", C, "3/4", id="latex fraction"),
        pytest.param("1/2", "2", I, "1/2", id="a fraction is one number"),
        pytest.param("2½ cups", "2.5", C, "2½", id="fraction character"),
        pytest.param("50%", "50%", C, "50%", id="percent"),
        pytest.param("50%", "50", C, "50%", id="percent, unit left out in the target"),
        pytest.param("50%", "0.5", C, "50%", id="percent as a hundredth"),
        pytest.param("0.5", "50%", C, "0.5", id="hundredth for a percent"),
        pytest.param("0.5%", "50%", I, "0.5%", id="percentages compare as they are"),
        pytest.param("50 percent", "50%", C, "50 percent", id="the word percent"),
        pytest.param("0.30000000000000004", "0.3", C, None, id="binary noise"),
        pytest.param("17.99999", "18", I, "17.99999", id="not nearly enough"),
        pytest.param("10-15", "15", C, "15", id="a dash is no sign"),
        pytest.param("10-15", "-15", I, "15", id="a dash is no sign, negative"),
        pytest.param("It is 7 (GPT-4 agrees)", "7", C, "7", id="numbers in names"),
        pytest.param("It is 7, see v1.2.3", "7", C, "7", id="versions"),
        pytest.param(r"\boxed{1{,}234}", "1234", C, "1,234", id="latex thousands"),
        pytest.param("0,5", "0.5", I, "5", id="a comma is no decimal point"),
        pytest.param("one of 5,1,234", "1234", I, "234", id="a list without blanks"),
        pytest.param("1,111,1111", "1111", C, "1111", id="no thousands"),
        pytest.param("1\u00a0234\u202f567", "1234567", C, None, id="thousands, narrow blanks"),
        pytest.param("1234 567", "567", C, "567", id="a blank separates numbers"),
        pytest.param("It is .5", "0.5", C, ".5", id="no digit before the point"),
        pytest.param("It is 007", "7", C, "007", id="leading zeros"),
        pytest.param("6.02E23", "602e21", C, "6.02E23", id="scientific, capital"),
        pytest.param("1e-3", "0.001", C, "1e-3", id="scientific, negative"),
        pytest.param("3·10⁻²", "0.03", C, "3·10⁻²", id="power of ten, raised"),
        pytest.param("€1,000.50", "1000.5", C, "€1,000.50", id="euro"),
        pytest.param("£ 20", "$20", C, "£ 20", id="currencies are not compared"),
        pytest.param("¥500 or so", "500", C, "¥500", id="yen"),
        pytest.param("-3/4", "-0.75", C, "-3/4", id="negative fraction"),
        pytest.param("1/3", "2/6", C, "1/3", id="fractions are reduced"),
        pytest.param("1/3", "0.333", I, "1/3", id="a rounded fraction is another number"),
        pytest.param("1/0", "0", I, "1/0", id="division by zero is no number"),
        pytest.param("18km", "18", C, "18", id="unit without a blank"),
        pytest.param("18 m/s", "18", C, "18", id="unit with a slash"),
        pytest.param("-0", "0", C, "-0", id="negative zero"),
        pytest.param("100%", "1", C, "100%", id="all of it"),
        pytest.param("1", "1%", C, "1", id="percent sign of the target left out"),
        pytest.param("eighteen", "18", I, "eighteen", id="no number"),
        pytest.param("It is 5 PARIS", "paris", C, "It is 5 PARIS", id="text target, any case"),
        pytest.param("It is 5", "", C, "It is 5", id="empty target"),
        pytest.param("", "", C, "", id="nothing at all"),
        pytest.param("", "18", I, "", id="empty output"),
        pytest.param("It is Paris", "Paris", C, "It is Paris", id="target is no number"),
        pytest.param("It is 7 apples", "7 apples", C, "It is 7 apples", id="target with words"),
        pytest.param("It is 7", ["Paris", "7.0"], C, "7", id="second target"),
    ],
)
async def test_numeric_end(
    output: str, target: str | list[str], expected: str, answer: str | None, state_with: Make
) -> None:
    score = await match(numeric=True)(state_with(output), Target(target))

    assert score == Score(value=expected, answer=answer or output, explanation=output)


@pytest.mark.parametrize(
    ("location", "output", "target", "expected", "answer"),
    [
        pytest.param("begin", "7 of 9", "7", C, "7", id="begin"),
        pytest.param("begin", "I say 7 of 9", "7", C, "7", id="begin: the first number"),
        pytest.param("begin", "7 of 9", "9", I, "7", id="begin: not the last"),
        pytest.param("any", "6 or 7 or 8", "7.0", C, "7", id="any"),
        pytest.param("any", "6 or 17 or 8", "7", I, "8", id="any: whole numbers only"),
        pytest.param("exact", " **$7.00** ", "7", C, "$7.00", id="exact"),
        pytest.param("exact", "7 apples", "7", I, "7 apples", id="exact: no words"),
        pytest.param("exact", "7 8", "7", I, "7 8", id="exact: one number"),
        pytest.param("end", "It is 7.\n\nThank you!", "7", C, "7", id="end: earlier line"),
        pytest.param("end", "7" + " word" * 50, "7", C, "7", id="end: far from the end"),
        pytest.param("end", "7 like GPT-4" + " x_1" * 50, "7", C, "7", id="end: names at the end"),
    ],
)
async def test_numeric_location(
    location: str, output: str, target: str, expected: str, answer: str, state_with: Make
) -> None:
    scorer = match(location, numeric=True)  # type: ignore[arg-type]
    score = await scorer(state_with(output), Target(target))

    assert score == Score(value=expected, answer=answer, explanation=output)


@pytest.mark.parametrize(
    ("ignore_case", "output", "target", "expected"),
    [
        pytest.param(True, "It is PARIS, I think", "Paris", C, id="any case"),
        pytest.param(False, "It is PARIS", "Paris", I, id="case counts"),
        pytest.param(False, "It is Paris", ["Rome", "Paris"], C, id="second target"),
        pytest.param(True, "It is Paris", "Rome", I, id="nowhere"),
        pytest.param(True, "It is Paris", "", C, id="empty target"),
        pytest.param(True, "It is Paris", [], I, id="no target"),
        pytest.param(True, "", "Paris", I, id="empty output"),
        pytest.param(True, "", "", C, id="nothing at all"),
        pytest.param(True, "STRASSE", "straße", C, id="casefold"),
        pytest.param(True, "It is 15", "5", C, id="within a word"),
    ],
)
async def test_includes(
    ignore_case: bool, output: str, target: str | list[str], expected: str, state_with: Make
) -> None:
    score = await includes(ignore_case)(state_with(output), Target(target))

    assert score == Score(value=expected, answer=output, explanation=output)


@pytest.mark.parametrize(
    ("output", "expected"),
    [pytest.param("PARIS", I, id="other case"), pytest.param("It is Paris.", C, id="same case")],
)
async def test_case_counts(output: str, expected: str, state_with: Make) -> None:
    score = await match(ignore_case=False)(state_with(output), Target(["Rome", "Paris"]))

    assert score == Score(value=expected, answer=output, explanation=output)


def test_unknown_location() -> None:
    with pytest.raises(ParameterError, match="location is 'start', expected"):
        match("start")  # type: ignore[arg-type]


@given(
    output=st.text(),
    target=st.text(),
    location=st.sampled_from(["begin", "end", "any", "exact"]),
    numeric=st.booleans(),
)
async def test_never_raises(
    output: str, target: str, location: str, numeric: bool, state_with: Make
) -> None:
    state = state_with(output)
    for scorer in (match(location, numeric=numeric), includes()):  # type: ignore[arg-type]
        score = await scorer(state, Target(target))
        assert score is not None
        assert score.value in (CORRECT, INCORRECT)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.text("ab !,.\n"))
def test_a_number_is_found_in_any_sentence(value: Decimal, after: str) -> None:
    found = last_number(f"the answer is {value} {after}")

    assert found is not None
    assert found.value == value


@given(st.integers())
def test_thousands_are_the_same_number(value: int) -> None:
    plain, grouped = whole_number(str(value)), whole_number(f"{value:,}")

    assert plain is not None
    assert grouped is not None
    assert same_number(plain, grouped)


@given(st.text("0123456789.,-+eE^/%x×*{}$ ½²a", max_size=200))  # noqa: RUF001
def test_the_last_number_ends_the_list(text: str) -> None:
    assert last_number(text) == next(reversed(list(find_numbers(text))), None)
