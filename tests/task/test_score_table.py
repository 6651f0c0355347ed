"""ScoreTable: what it counts, keeps and forgets of samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorers import Score, Value
from tasks_lib.schema import EvalSample
from tasks_lib.task import ScoreTable
from tests.task._tables import ERROR, LIMIT, sample, table_of

NAN = math.nan


def ids(table: ScoreTable, scorer: str = "s", *, with_errors: bool = False) -> list[str | int]:
    found = table.scored_samples(scorer, with_errors=with_errors)
    return [table.sample(item.entry)[0] for item in found]


def values(table: ScoreTable, scorer: str = "s", *, with_errors: bool = False) -> list[list[Any]]:
    found = table.scored_samples(scorer, with_errors=with_errors)
    return [[score and score.value for score in item.scores] for item in found]


def test_counts() -> None:
    table = ScoreTable(["a", "b"])
    for item in (
        sample(1, {"a": "C", "b": "C"}),
        sample(2, {"a": "C"}, limit=LIMIT),
        sample(3, {"a": NAN}),
        sample(4, {}, limit=LIMIT),
        EvalSample(id=5, epoch=1, input="?"),
        sample(6, {"solver": "I"}),
        EvalSample(id=7, epoch=1, input="?", error=ERROR, limit=LIMIT),
    ):
        table.add(item)

    counts = table.completed, table.scored, table.unscored, table.limited, table.errored
    assert counts == (6, 3, 3, 2, 1)
    assert table.names == ["a", "b", "solver"]
    by_scorer = [table.scored_by(name) for name in ("a", "b", "solver", "unknown")]
    assert by_scorer == [2, 1, 1, 0]
    assert table.epochs == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param("C", "C", id="text"),
        pytest.param(2**70, 2**70, id="a large int"),
        pytest.param(True, True, id="bool"),
        pytest.param(1.0, 1.0, id="float"),
        pytest.param(math.inf, math.inf, id="infinity"),
        pytest.param("\ud800 \0", "\ud800 \0", id="a lone surrogate"),
        pytest.param(NAN, None, id="NaN"),
        pytest.param("nan", "nan", id="the text nan"),
        pytest.param([1, "C", True], [1, "C", True], id="list"),
        pytest.param([NAN, NAN], None, id="list of NaN"),
        pytest.param([], [], id="empty list"),
        pytest.param({"a": 1, "b": "I"}, {"a": 1, "b": "I"}, id="dict"),
        pytest.param({"a": 1, "b": NAN, "c": None}, {"a": 1, "b": None, "c": None},
                     id="dict with NaN"),
        pytest.param({"a": NAN, "b": None}, None, id="dict of NaN"),
        pytest.param({}, {}, id="empty dict"),
    ],
)  # fmt: skip
def test_values(value: Value, kept: object) -> None:
    with table_of([(1, {"s": value})]) as table:
        found = values(table)

        assert found == ([] if kept is None else [[kept]])
        assert table.scored == len(found)
        if kept is not None:
            assert type(found[0][0]) is type(kept)


def test_nan_in_a_list_keeps_its_place() -> None:
    with table_of([(1, {"s": [1.0, NAN]})]) as table:
        [[[first, second]]] = values(table)

        assert first == 1.0 and math.isnan(second)


def test_what_is_kept_of_a_sample() -> None:
    score = Score(value=1, answer="\udcff", explanation="long", metadata={"x": None, "y": NAN})
    metadata = {"topic": "ü", "when": {1, 2}, 3: None}  # solvers may put anything there
    table = ScoreTable()
    table.add(EvalSample(id="a\nb", epoch=1, input="?", scores={"s": score}, metadata={}))
    table.add(sample("c", {"s": 0}).model_copy(update={"metadata": metadata}))

    first, second = table.scored_samples("s", with_errors=False)

    [kept] = first.scores
    assert kept is not None and kept.metadata is not None
    assert (kept.value, kept.answer, kept.explanation) == (1, "\udcff", None)
    assert kept.metadata["x"] is None and math.isnan(kept.metadata["y"])
    assert table.sample(first.entry) == ("a\nb", {})
    assert table.sample(second.entry) == ("c", {"topic": "ü", "when": [1, 2], "3": None})


LONG = "x" * 30


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([3, 1, 2], [1, 2, 3], id="numbers"),
        pytest.param([10, 9, -1], [-1, 9, 10], id="by value"),
        pytest.param(["b", 2, "a", 1], [1, 2, "a", "b"], id="numbers first"),
        pytest.param(["1", 1], [1, "1"], id="1 and '1' are different"),
        pytest.param([2**53 + 1, 2**53], None, id="numbers that are one float"),
        pytest.param([10**400, 10**400 + 1, -(10**400)], None, id="numbers beyond floats"),
        pytest.param([LONG + "b", LONG + "a"], None, id="long text"),
        pytest.param(["a", "a\0", "a\0\0"], None, id="NUL at the end"),
        pytest.param(["\ud800", "\udfff", "é", "z"], ["z", "é", "\ud800", "\udfff"],
                     id="surrogates"),
    ],
)  # fmt: skip
def test_order_of_samples(given: list[str | int], expected: list[str | int] | None) -> None:
    with table_of([(id, {"s": 1}) for id in given]) as table:
        found = ids(table)
    with table_of([(id, {"s": 1}) for id in reversed(given)]) as turned:
        assert ids(turned) == found

    assert found == expected or expected is None
    assert sorted(map(repr, found)) == sorted(map(repr, given))


def test_epochs_come_together_and_in_order() -> None:
    table = ScoreTable()
    for id, epoch, value in ((2, 3, 23), (1, 2, 12), (2, 1, 21), (1, 1, 11), (2, 2, 22)):
        table.add(sample(id, {"s": value}, epoch))

    assert values(table) == [[11, 12], [21, 22, 23]]
    assert table.epochs == 3


def test_errors_stand_where_their_epoch_does() -> None:
    table = ScoreTable()
    table.add(sample(1, {"s": "C"}, 3))
    table.add(EvalSample(id=1, epoch=2, input="?", error=ERROR))
    table.add(sample(1, {"s": "I"}, 1))
    table.add(EvalSample(id=2, epoch=1, input="?", error=ERROR))
    table.add(sample(3, {"other": "I"}, 1))

    assert values(table) == [["I", "C"]]
    assert values(table, with_errors=True) == [["I", None, "C"], [None]]
    assert values(table, "other", with_errors=True) == [[None], [None], ["I"]]
    assert values(table, "unknown", with_errors=True) == [[None], [None]]
    assert values(table, "unknown") == []


def test_samples_may_come_after_scores_were_read() -> None:
    with table_of([(2, {"s": 2})]) as table:
        assert values(table) == [[2]]
        table.add(sample(1, {"s": 1}))

        assert values(table) == [[1], [2]]


def test_closed_it_knows_its_counts() -> None:
    with table_of([(1, {"s": 1})], errors=[2]) as table:
        pass

    assert (table.completed, table.errored, table.scored) == (1, 1, 1)


SCORES = st.dictionaries(
    st.sampled_from(["s", "t"]),
    st.one_of(st.floats(), st.integers(), st.booleans(), st.text(max_size=5)),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(st.one_of(st.integers(), st.text()), st.integers(1, 3)), SCORES))
def test_scores_are_those_that_were_added(
    rows: Mapping[tuple[str | int, int], Mapping[str, Value]],
) -> None:
    table = ScoreTable()
    for (id, epoch), scores in rows.items():
        table.add(sample(id, scores, epoch))

    with table:
        for name in ("s", "t"):
            assert dict(zip(ids(table, name), values(table, name), strict=True)) == _expected(
                rows.items(), name
            )


def _expected(
    rows: Iterable[tuple[tuple[str | int, int], Mapping[str, Value]]], name: str
) -> dict[str | int, list[Value]]:
    expected: dict[str | int, list[Value]] = {}
    for (id, _), scores in sorted(rows, key=lambda row: row[0][1]):
        if name in scores and scores[name] == scores[name]:
            expected.setdefault(id, []).append(scores[name])
    return expected
