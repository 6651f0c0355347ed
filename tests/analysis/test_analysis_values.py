"""How values become cells, and what paths find."""

from __future__ import annotations

import enum
import sys
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tasks_lib._errors import MissingPackageError, ParameterError
from tasks_lib.analysis import EvalColumn, SampleColumn
from tasks_lib.analysis._path import Path, parse_path
from tasks_lib.analysis._stored import digest_id
from tasks_lib.analysis._stored_fields import _WHITESPACE
from tasks_lib.analysis._values import cell_value
from tasks_lib.schema import (
    ChatMessageUser,
    EvalLog,
    EvalSample,
    EvalSpec,
    ModelOutput,
)


class Colour(enum.Enum):
    RED = "red"


class Level(int, enum.Enum):
    HIGH = 3


AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        pytest.param(None, int, None, id="missing"),
        pytest.param(1, None, 1, id="as it is"),
        pytest.param([1, {"a": None}], None, '[1,{"a":null}]', id="list"),
        pytest.param({"ü": float("nan")}, str, '{"ü":NaN}', id="dict with NaN"),
        pytest.param((1, 2), None, "[1,2]", id="tuple"),
        pytest.param({"a": "\ud800"}, None, '{"a":"\\ud800"}', id="lone surrogate in a list"),
        pytest.param(
            ChatMessageUser(content="x", id="y"),
            None,
            '{"id":"y","content":"x","role":"user"}',
            id="model",
        ),
        pytest.param(Level.HIGH, None, 3, id="number of an enumeration"),
        pytest.param(5, str, "5", id="number to text"),
        pytest.param("5", int, 5, id="text to number"),
        pytest.param("0x10", int, 16, id="text to number, as YAML"),
        pytest.param("1.5", float, 1.5, id="text to float"),
        pytest.param("inf", float, float("inf"), id="text to infinity"),
        pytest.param(3, float, 3.0, id="number to float"),
        pytest.param(3.0, int, 3, id="float without a fraction"),
        pytest.param(True, int, 1, id="flag to number"),
        pytest.param("false", bool, False, id="text to flag"),
        pytest.param("yes", bool, True, id="text to flag, as YAML"),
        pytest.param(0, bool, False, id="number to flag"),
        pytest.param("2026-11-21T12:30:00Z", datetime, AT, id="ISO 8601"),
        pytest.param("2026-11-21T13:30:00+01:00", datetime, AT, id="other time zone"),
        pytest.param("2026-11-21T12:30", datetime, AT, id="without a zone: UTC"),
        pytest.param("2026-11-21", date, AT.date(), id="date"),
        pytest.param("2026-11-21T12:30:00Z", date, AT.date(), id="date of a time"),
        pytest.param("12:30", time, time(12, 30), id="time"),
        pytest.param(AT.timestamp(), datetime, AT, id="seconds"),
        pytest.param(str(AT.timestamp()), datetime, AT, id="seconds as text"),
        pytest.param(AT.timestamp(), time, time(12, 30), id="seconds to time"),
        pytest.param(AT, str, "2026-11-21T12:30:00+00:00", id="time to text"),
        pytest.param(datetime(2026, 11, 21, 12, 30), None, AT, id="time without a zone"),
        pytest.param(date(2026, 1, 1), None, date(2026, 1, 1), id="date as it is"),
        pytest.param(date(2026, 1, 1), date, date(2026, 1, 1), id="date stays"),
        pytest.param(time(1), time, time(1), id="time stays"),
    ],
)
def test_conversion(value: object, wanted: Any, expected: object) -> None:
    found = cell_value(value, wanted)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param(3.5, int, id="fraction"),
        pytest.param("3.5", int, id="fraction in text"),
        pytest.param(float("nan"), int, id="NaN"),
        pytest.param("x", float, id="text"),
        pytest.param("[unclosed", bool, id="text that is not YAML"),
        pytest.param(2, bool, id="number that is no flag"),
        pytest.param("maybe", bool, id="text that is no flag"),
        pytest.param([1], int, id="list"),
        pytest.param("soon", datetime, id="text that is no time"),
        pytest.param(1e300, datetime, id="seconds out of range"),
        pytest.param(True, datetime, id="flag as time"),
        pytest.param(time(1), date, id="time as date"),
    ],
)
def test_lossy_conversion(value: object, wanted: Any) -> None:
    with pytest.raises(ValueError, match=f"cannot be converted to {wanted.__name__}"):
        cell_value(value, wanted)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", Colour.RED])
def test_values_that_no_cell_can_hold(value: object) -> None:
    with pytest.raises(ValueError, match="a cell cannot hold"):
        cell_value(value, None)


SPEC = EvalSpec(created="", task="t", model="m", task_args={"a": {"b": [1, 2]}, "n": None})


@pytest.mark.parametrize(
    ("path", "record", "expected"),
    [
        pytest.param("eval.task", EvalLog(eval=SPEC), "t", id="fields"),
        pytest.param("$.eval.task", EvalLog(eval=SPEC), "t", id="from the root"),
        pytest.param("eval.task_args.a.b", EvalLog(eval=SPEC), [1, 2], id="dict in a model"),
        pytest.param("eval.task_args.a.b[1]", EvalLog(eval=SPEC), 2, id="item"),
        pytest.param("eval.task_args.n", EvalLog(eval=SPEC), None, id="null"),
        pytest.param("eval.task.x", EvalLog(eval=SPEC), None, id="past the end"),
        pytest.param("eval.nothing", EvalLog(eval=SPEC), None, id="no such field"),
        pytest.param("completion", ModelOutput.from_content("m", "x"), "x", id="property"),
        pytest.param("a.b", {"a": {"b": 1}}, 1, id="plain data"),
        pytest.param("a[?(@.b>1)].c", {"a": [{"b": 1, "c": 2}, {"b": 2, "c": 3}]}, 3, id="filter"),
        pytest.param("a.*", {"a": {"x": 1, "y": 2}}, 1, id="first match"),
    ],
)
def test_what_paths_find(path: str, record: object, expected: object) -> None:
    assert Path(path).find(record) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("metadata", "metadata", id="field"),
        pytest.param("$.metadata.x", "metadata", id="entry"),
        pytest.param("messages[0].content", "messages", id="item"),
        pytest.param("messages[*].content", "messages", id="all items"),
        pytest.param("messages[1:2]", "messages", id="slice"),
        pytest.param("$..content", None, id="anywhere"),
        pytest.param("a..b", None, id="anywhere in a field"),
        pytest.param("a where b", None, id="condition"),
        pytest.param("$.a + $.b", None, id="sum"),
        pytest.param("*", None, id="any field"),
    ],
)
def test_field_of_a_path(path: str, expected: str | None) -> None:
    assert Path(path).field == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("eval.model", None, id="field"),
        pytest.param("eval.task_args.x.y", None, id="any entry of arguments"),
        pytest.param("eval.metadata.x", None, id="any entry of metadata"),
        pytest.param("eval.model_roles.grader.model", None, id="field in a dict of models"),
        pytest.param("eval.model_roles.grader.modl", "modl", id="not a field there"),
        pytest.param("eval.sandbox.type", None, id="any JSON"),
        pytest.param("evall", "evall", id="not a field"),
        pytest.param("eval.task.x", "x", id="field of text"),
        pytest.param("eval.dataset.sample_ids.x", "x", id="field of a list"),
        pytest.param("evall[0]", None, id="only dotted paths are checked"),
    ],
)
def test_unknown_fields(path: str, expected: str | None) -> None:
    found = Path(path).unknown_in(EvalLog)

    assert found is None if expected is None else f"no field {expected!r}" in str(found)


def test_properties_are_known() -> None:
    assert Path("output.completion").unknown_in(EvalSample) is None


@pytest.mark.parametrize("path", ["", "a[", "a b", "[?(@"])
def test_wrong_paths(path: str) -> None:
    with pytest.raises(ParameterError, match="Column: path is"):
        EvalColumn("x", path=path)


def test_a_column_needs_a_name() -> None:
    with pytest.raises(ParameterError, match="SampleColumn: name is ''"):
        SampleColumn("", path="id")


def test_parsed_paths() -> None:
    from jsonpath_ng.ext.parser import parse

    assert parse_path(parse("eval.task")).keys == ("eval", "task")
    assert parse_path(parse("a[0].b")).find({"a": [{"b": 1}]}) == 1


def test_dotted_paths_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonpath_ng.ext.parser", None)

    assert Path("a.b").find({"a": {"b": 1}}) == 1
    with pytest.raises(MissingPackageError, match=r"'a\[0\]'.*'jsonpath-ng'"):
        Path("a[0]")


def test_digests_are_those_of_earlier_frames() -> None:
    assert digest_id("eval-a", "x/1_1") == "n7Knbua7c4nPRs4jwtvcqV"


def test_whitespace_is_what_python_strips() -> None:
    assert set(_WHITESPACE) == {c for c in map(chr, range(0x110000)) if c.isspace()}
