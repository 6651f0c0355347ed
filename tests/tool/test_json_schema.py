"""JSON Schema of Python types; values of them survive the way through JSON."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, IntEnum
from types import GenericAlias
from typing import (  # noqa: UP035 - tools are written with the old names too
    Annotated,
    Any,
    List,
    Literal,
    NamedTuple,
    NotRequired,
    Optional,
    TypedDict,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from tasks_lib._errors import ParameterError
from tasks_lib.schema import JSONSchema
from tasks_lib.tool import ToolDef, json_schema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Odd(Enum):
    PAIR = (1, 2)
    ONE = 1


@dataclass(frozen=True)
class Point:
    """Where it is."""

    x: int
    y: float = 1.5
    tags: list[str] = field(default_factory=list)


class Person(BaseModel):
    name: str = Field(description="Full name.", min_length=1)
    colour: Colour = Colour.RED
    at: Point | None = None


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")

    a: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    numbers: set[int]


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Base(TypedDict):
    a: int


class Options(Base, total=False):
    """Options of it."""

    b: list[Base]


class Linked(TypedDict):
    value: NotRequired[int]
    following: Optional[Linked]  # noqa: UP045 - as in old code


class Pair(NamedTuple):
    left: int
    right: str


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


def pet(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"kind": {"type": "string", "enum": [kind]}},
        "required": ["kind"],
        "additionalProperties": False,
    }


INTEGER = {"type": "integer"}
STRING = {"type": "string"}
POINT = {
    "type": "object",
    "description": "Where it is.",
    "properties": {
        "x": INTEGER,
        "y": {"type": "number", "default": 1.5},
        "tags": {"type": "array", "items": STRING},
    },
    "required": ["x"],
    "additionalProperties": False,
}
BASE = {
    "type": "object",
    "properties": {"a": INTEGER},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        pytest.param(str, STRING, id="str"),
        pytest.param(int, INTEGER, id="int"),
        pytest.param(float, {"type": "number"}, id="float"),
        pytest.param(bool, {"type": "boolean"}, id="bool"),
        pytest.param(None, {"type": "null"}, id="None"),
        pytest.param(Any, {}, id="Any"),
        pytest.param(object, {}, id="object"),
        pytest.param(datetime, {"type": "string", "format": "date-time"}, id="datetime"),
        pytest.param(date, {"type": "string", "format": "date"}, id="date"),
        pytest.param(time, {"type": "string", "format": "time"}, id="time"),
        pytest.param(timedelta, {"type": "string", "format": "duration"}, id="timedelta"),
        pytest.param(list, {"type": "array", "items": {}}, id="list"),
        pytest.param(list[int], {"type": "array", "items": INTEGER}, id="list of"),
        pytest.param(Sequence[int], {"type": "array", "items": INTEGER}, id="sequence"),
        pytest.param(set[str], {"type": "array", "items": STRING}, id="set"),
        pytest.param(frozenset[str], {"type": "array", "items": STRING}, id="frozenset"),
        pytest.param(
            tuple[int, ...], {"type": "array", "items": INTEGER}, id="tuple of any length"
        ),
        pytest.param(
            tuple[int, str],
            {
                "type": "array",
                "items": {"anyOf": [INTEGER, STRING]},
                "minItems": 2,
                "maxItems": 2,
            },
            id="tuple",
        ),
        pytest.param(
            tuple[int, int],
            {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 2},
            id="tuple of one type",
        ),
        pytest.param(
            Pair,
            {
                "type": "array",
                "items": {"anyOf": [INTEGER, STRING]},
                "minItems": 2,
                "maxItems": 2,
            },
            id="named tuple",
        ),
        pytest.param(dict, {"type": "object", "additionalProperties": True}, id="dict"),
        pytest.param(
            dict[str, int], {"type": "object", "additionalProperties": INTEGER}, id="dict of"
        ),
        pytest.param(
            Mapping[str, int], {"type": "object", "additionalProperties": INTEGER}, id="mapping"
        ),
        pytest.param(
            dict[str, Base], {"type": "object", "additionalProperties": BASE}, id="dict of dicts"
        ),
        pytest.param(List[Base], {"type": "array", "items": BASE}, id="list of typing"),  # noqa: UP006
        pytest.param(Annotated[Base, "a note"], BASE, id="annotated typed dict"),
        pytest.param(
            Annotated[Cat | Dog, Field(discriminator="kind")],
            {"anyOf": [pet("cat"), pet("dog")]},
            id="union told apart by a field",
        ),
        pytest.param(int | None, {"anyOf": [INTEGER, {"type": "null"}]}, id="optional"),
        pytest.param(
            list[int | str], {"type": "array", "items": {"anyOf": [INTEGER, STRING]}}, id="union"
        ),
        pytest.param(Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, id="literal"),
        pytest.param(Literal["a"], {"type": "string", "enum": ["a"]}, id="literal of one"),
        pytest.param(
            Literal[1, "a", None],
            {"type": ["integer", "string", "null"], "enum": [1, "a", None]},
            id="literal of several types",
        ),
        pytest.param(Colour, {"type": "string", "enum": ["red", "blue"]}, id="enum"),
        pytest.param(Level, {"type": "integer", "enum": [1, 2]}, id="int enum"),
        pytest.param(Mixed, {"type": ["integer", "string"], "enum": [1, "two"]}, id="mixed enum"),
        pytest.param(Odd, {"enum": [[1, 2], 1]}, id="enum with a tuple"),
        pytest.param(Annotated[int, "a note"], INTEGER, id="annotated"),
        pytest.param(
            Annotated[int, Field(gt=3, description="How many.")],
            {"type": "integer", "description": "How many.", "exclusiveMinimum": 3},
            id="annotated with a field",
        ),
        pytest.param(Annotated[int, ["no hash"]], INTEGER, id="annotated with a list"),
        pytest.param(Point, POINT, id="dataclass"),
        pytest.param(
            Person,
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "Full name.", "minLength": 1},
                    "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                    "at": {"anyOf": [POINT, {"type": "null"}]},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
            id="pydantic model",
        ),
        pytest.param(
            Anything,
            {
                "type": "object",
                "properties": {"a": INTEGER},
                "required": ["a"],
                "additionalProperties": True,
            },
            id="pydantic model that takes anything",
        ),
        pytest.param(
            Options,
            {
                "type": "object",
                "description": "Options of it.",
                "properties": {"a": INTEGER, "b": {"type": "array", "items": BASE}},
                "required": ["a"],
                "additionalProperties": False,
            },
            id="typed dict",
        ),
        pytest.param(
            Tree,
            {
                "type": "object",
                "properties": {
                    "value": INTEGER,
                    "children": {"type": "array", "items": {"type": "object"}, "default": []},
                },
                "required": ["value"],
                "additionalProperties": False,
            },
            id="model that contains itself",
        ),
        pytest.param(
            Linked,
            {
                "type": "object",
                "properties": {
                    "value": INTEGER,
                    "following": {
                        "anyOf": [
                            {"type": "object", "additionalProperties": True},
                            {"type": "null"},
                        ]
                    },
                },
                "required": ["following"],
                "additionalProperties": False,
            },
            id="typed dict that contains itself",
        ),
    ],
)
def test_schema(type: Any, expected: dict[str, Any]) -> None:
    assert json_schema(type).model_dump(exclude_none=True) == expected


def test_schemas_of_one_type_are_independent() -> None:
    json_schema(list[int]).description = "changed"

    assert json_schema(list[int]) == JSONSchema(type="array", items=JSONSchema(type="integer"))


@pytest.mark.parametrize(
    "type",
    [
        pytest.param(Callable[[int], str], id="function"),
        pytest.param(st.SearchStrategy, id="any class"),
        pytest.param(list["Nowhere"], id="unknown name"),  # type: ignore[name-defined]  # noqa: F821
    ],
)
def test_a_type_that_json_cannot_hold_is_refused(type: Any) -> None:
    with pytest.raises(ParameterError, match=r"json_schema: type is .*, expected a type that JSON"):
        json_schema(type)


_LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, st.text()),
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (datetime, st.datetimes(timezones=st.sampled_from([UTC]))),
    (date, st.dates()),
    (time, st.times()),
    (Colour, st.sampled_from(Colour)),
    (Level, st.sampled_from(Level)),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (Pair, st.builds(Pair, st.integers(), st.text())),
]
_POINTS = st.builds(
    Point, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text())
)
_RECORDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Point, _POINTS),
    (Person, st.builds(Person, name=st.text(min_size=1), at=st.none() | _POINTS)),
    (Strict, st.builds(Strict, day=st.dates(), numbers=st.sets(st.integers()))),
    (
        Tree,
        st.builds(
            Tree, value=st.integers(), children=st.lists(st.builds(Tree, value=st.integers()))
        ),
    ),
    (Base, st.fixed_dictionaries({"a": st.integers()})),
]


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def of(pair: tuple[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
        kind, values = pair
        return st.sampled_from(
            [
                (GenericAlias(list, (kind,)), st.lists(values, max_size=3)),
                (GenericAlias(tuple, (kind, ...)), st.lists(values, max_size=3).map(tuple)),
                (GenericAlias(dict, (str, kind)), st.dictionaries(st.text(), values, max_size=3)),
                (
                    GenericAlias(dict, (int, kind)),
                    st.dictionaries(st.integers(), values, max_size=3),
                ),
                (operator.or_(kind, None), st.none() | values),
            ]
        )

    return inner.flatmap(of)


_TYPES = st.recursive(
    st.sampled_from(_LEAVES + _RECORDS)
    | st.sampled_from(_LEAVES).map(
        lambda leaf: (GenericAlias(set, (leaf[0],)), st.sets(leaf[1], max_size=3))
    ),
    _containers,
    max_leaves=4,
)


@given(st.data())
def test_what_a_model_passes_arrives_as_it_was_meant(data: st.DataObject) -> None:
    kind, values = data.draw(_TYPES)
    value = data.draw(values)

    async def take(value: object) -> str:
        return ""

    take.__annotations__["value"] = kind
    definition = ToolDef(take, description="Take it.", parameters={"value": "What is taken."})
    sent = json.loads(json.dumps({"value": to_jsonable_python(value)}))

    assert definition.read_arguments(sent) == {"value": value}
