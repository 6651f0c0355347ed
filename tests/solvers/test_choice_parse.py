"""Which choices a completion names: letters, lists, sentences, and what names nothing."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from solvers._choice_parse import parse_choices
from tasks_lib.schema import choice_label

A, B, C, D = 0, 1, 2, 3


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        pytest.param("ANSWER: A", [A], id="as told"),
        pytest.param("answer : b", [B], id="any case"),
        pytest.param("Because of this.\n\nANSWER: C\n", [C], id="last line after reasoning"),
        pytest.param("ANSWER: A.", [A], id="full stop"),
        pytest.param("ANSWER: **A**", [A], id="bold letter"),
        pytest.param("**ANSWER: A**", [A], id="bold line"),
        pytest.param("**ANSWER:** A", [A], id="bold word"),
        pytest.param("**Answer**: A", [A], id="colon outside the bold"),
        pytest.param("ANSWER: (A)", [A], id="round brackets"),
        pytest.param("ANSWER: [A]", [A], id="square brackets"),
        pytest.param("ANSWER: $A", [A], id="the dollar of the instruction"),
        pytest.param(r"ANSWER: $\boxed{A}$", [A], id="latex box"),
        pytest.param("ANSWER: A) Paris", [A], id="letter and text"),
        pytest.param("ANSWER: A. Paris", [A], id="letter, full stop and text"),
        pytest.param("ANSWER: B: a dog", [B], id="letter, colon and text"),
        pytest.param("ANSWER: B) A dog", [B], id="the text begins with an article"),
        pytest.param("ANSWER: C. A is wrong since it rains", [C], id="another letter later"),
        pytest.param("ANSWER: B, a dog", [B], id="a comma before an article"),
        pytest.param("ANSWER: B, A dog", [B], id="a comma before a capital article"),
        pytest.param("ANSWER: A - I am sure", [A], id="a dash and a pronoun"),
        pytest.param("ANSWER: A is right", [A], id="short sentence"),
        pytest.param("ANSWER: a", [A], id="lower-case a alone is a letter"),
        pytest.param("ANSWER: a) paris", [A], id="lower-case letter and text"),
        pytest.param("ANSWER: option B", [B], id="option"),
        pytest.param("ANSWER: The correct answer is B", [B], id="sentence that ends in a letter"),
        pytest.param("ANSWER: I think it is B.", [B], id="I think"),
        pytest.param("ANSWER: Paris (B)", [B], id="text, then the letter"),
        pytest.param("ANSWER: it must be (b) here", [B], id="lower-case letter in brackets"),
        pytest.param("ANSWER:\nB", [B], id="on the next line"),
        pytest.param("**ANSWER:**\n\n**B) Paris**", [B], id="bold on a later line"),
        pytest.param("ANSWER: A\nWait.\nANSWER: B", [B], id="the last answer wins"),
        pytest.param(
            "ANSWER: B\nI wrote 'ANSWER: $LETTER' as told.", [B], id="a quoted form names nothing"
        ),
        pytest.param("So my final answer: C", [C], id="in a sentence"),
        pytest.param("ANSWER: A (A)", [A], id="the same letter twice"),
        pytest.param("ANSWER\uff1aB", [B], id="full-width colon"),
        pytest.param("Answer choice: B", [B], id="answer choice"),
        pytest.param("ANSWER: B, i.e. Paris", [B], id="an abbreviation after a comma"),
        pytest.param("ANSWER: D) Both A and B", [D], id="a text that speaks of other choices"),
        pytest.param("ANSWER: D. A, B and C are right", [D], id="a text that lists other choices"),
        pytest.param("ANSWER: option D: Both A and B", [D], id="option with such a text"),
        pytest.param("ANSWER: B) a", [B], id="a text that is a letter"),
        pytest.param("ANSWER: A) or B)", [], id="two letters as printed"),
        pytest.param("ANSWER: A. C.", [], id="two letters with full stops"),
        pytest.param("ANSWER: A is not right, C is", [], id="denied"),
        pytest.param("ANSWER: B isn't right", [], id="denied in short"),
        pytest.param("ANSWER: (B) and (C)", [], id="two letters in brackets"),
        pytest.param("ANSWER: B\r\nnext", [B], id="carriage return"),
        pytest.param("ANSWER: AB", [], id="two letters"),
        pytest.param("ANSWER: A, B", [], id="two letters in a list"),
        pytest.param("ANSWER: A and B", [], id="two letters joined"),
        pytest.param("ANSWER: A or B are right", [], id="cannot decide"),
        pytest.param("ANSWER: E", [], id="beyond the choices"),
        pytest.param("ANSWER: 1", [], id="numbers name nothing before the 27th"),
        pytest.param("ANSWER: none of A, B, C", [], id="none"),
        pytest.param("ANSWER: I don't know", [], id="does not know"),
        pytest.param("ANSWER: a dog", [], id="an article"),
        pytest.param("ANSWER: A1", [], id="letter in a word"),
        pytest.param("ANSWER:", [], id="nothing after it"),
        pytest.param("B", [B], id="a letter alone"),
        pytest.param(" **(B)**\n", [B], id="a letter alone in brackets and bold"),
        pytest.param("\n\n B) Paris", [B], id="begins with blank lines, letter and text"),
        pytest.param("B) Paris, because", [B], id="begins with letter and text, no ANSWER"),
        pytest.param("B. Paris\nIt is the capital.", [B], id="begins with letter, more text"),
        pytest.param("A) yes\nB) no", [], id="repeats the choices"),
        pytest.param("A) is not right", [], id="begins with a denied letter"),
        pytest.param("A man walks by", [], id="begins with an article"),
        pytest.param("Paris\nB) Rome", [], id="a letter begins a later line only"),
        pytest.param("F) Paris", [], id="begins with a letter beyond the choices"),
        pytest.param("The answer is B", [], id="no colon"),
        pytest.param("", [], id="empty"),
    ],
)
def test_one_choice(completion: str, expected: list[int]) -> None:
    assert parse_choices(completion, 4) == expected


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        pytest.param("ANSWER: A", [A], id="one"),
        pytest.param("ANSWER: ACD", [A, C, D], id="nothing between"),
        pytest.param("ANSWER: acd", [A, C, D], id="lower case"),
        pytest.param("ANSWER: A,C", [A, C], id="comma"),
        pytest.param("ANSWER: C, A", [A, C], id="any order"),
        pytest.param("ANSWER: A and B", [A, B], id="and"),
        pytest.param("ANSWER: A, B, and D", [A, B, D], id="commas and and"),
        pytest.param("ANSWER: A & C", [A, C], id="ampersand"),
        pytest.param("ANSWER: A/C", [A, C], id="slash"),
        pytest.param("ANSWER: A C", [A, C], id="blank"),
        pytest.param("ANSWER: (A), (C)", [A, C], id="brackets"),
        pytest.param("ANSWER: **A**, **C**", [A, C], id="bold letters"),
        pytest.param("ANSWER: A. C.", [A, C], id="full stops"),
        pytest.param("ANSWER: both A and C", [A, C], id="both"),
        pytest.param("ANSWER: A and C are correct", [A, C], id="sentence"),
        pytest.param("ANSWER: A) Paris, C) Rome", [A, C], id="with their texts"),
        pytest.param("ANSWER: A) a dog and (C) a cat", [A, C], id="texts with articles"),
        pytest.param("ANSWER: I choose A and C", [A, C], id="list in a sentence"),
        pytest.param("ANSWER:\n- A\n- C\nThat is all.", [A, C], id="bullets"),
        pytest.param("ANSWER: D) Both A and B", [D], id="a text that speaks of other choices"),
        pytest.param("ANSWER: D. A and C", [A, C, D], id="a list after a full stop"),
        pytest.param("ANSWER: A) and (C)", [A, C], id="brackets joined"),
        pytest.param("ANSWER: AB\nANSWER: C", [C], id="the last answer wins"),
        pytest.param("ANSWER: A, E", [], id="one beyond the choices"),
        pytest.param("ANSWER: ABZ", [], id="a letter of the run beyond the choices"),
        pytest.param("ANSWER: all of the above", [], id="all"),
    ],
)
def test_several_choices(completion: str, expected: list[int]) -> None:
    assert parse_choices(completion, 4, multiple=True) == expected


@pytest.mark.parametrize(
    ("completion", "count", "expected"),
    [
        pytest.param("ANSWER: Z", 30, [25], id="the last letter"),
        pytest.param("ANSWER: 1", 30, [26], id="the first number"),
        pytest.param("ANSWER: 10", 40, [35], id="two digits"),
        pytest.param("ANSWER: 10) Paris", 40, [35], id="two digits and text"),
        pytest.param("ANSWER: 15", 40, [], id="beyond the choices"),
        pytest.param("ANSWER: I", 10, [8], id="the letter I"),
        pytest.param("ANSWER: I think E", 10, [4], id="the pronoun I"),
        pytest.param("ANSWER: " + "9" * 5000, 40, [], id="absurd number"),
        pytest.param("ANSWER: ²", 40, [], id="a digit that is none"),
        pytest.param("ANSWER: A", 0, [], id="no choices"),
    ],
)
def test_many_choices(completion: str, count: int, expected: list[int]) -> None:
    assert parse_choices(completion, count) == expected


@given(st.text(), st.integers(0, 60), st.booleans())
def test_any_text_names_only_choices(text: str, count: int, multiple: bool) -> None:
    found = parse_choices(f"ANSWER: {text}", count, multiple=multiple)

    assert found == sorted(set(found))
    assert all(0 <= index < count for index in found)
    assert multiple or len(found) <= 1


@given(
    st.sets(st.integers(0, 59), min_size=1),
    st.sampled_from([",", ", ", " ", " and ", " & ", "/", "; ", ", and "]),
    st.sampled_from(["{}", "**{}**", "({})", "`{}`"]),
)
def test_a_list_names_what_it_lists(indices: set[int], separator: str, form: str) -> None:
    answer = separator.join(form.format(choice_label(index)) for index in indices)

    assert parse_choices(f"Well.\nANSWER: {answer}", 60, multiple=True) == sorted(indices)


@given(st.sets(st.integers(0, 25), min_size=1))
@example({8, 18})  # reads IS
def test_a_run_of_letters_names_each(indices: set[int]) -> None:
    answer = "".join(choice_label(index) for index in indices)

    assert parse_choices(f"ANSWER: {answer}", 26, multiple=True) == sorted(indices)


_WORDS = ["Paris", "the", "a", "dog", "I", "think", "because", "it", "not", "wrong", "B", "A"]


@given(
    st.integers(0, 25),
    st.sampled_from(["{}) {}", "({}) {}", "**{}) {}**", "{}. {}", "{}: {}", "option {}: {}"]),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5),
    st.booleans(),
)
def test_a_label_with_its_text_is_named(
    index: int, form: str, words: list[str], multiple: bool
) -> None:
    assume(not set(words) <= {"A", "B", "a", "I", "the"})  # that may be a list of letters
    answer = form.format(choice_label(index), " ".join(words))

    found = parse_choices(f"ANSWER: Z\nNo, wait.\nANSWER: {answer}", 26, multiple=multiple)

    assert found == [index]
