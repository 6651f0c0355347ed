"""From the arguments that a model passes to those that a tool takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from tasks_lib._errors import ToolParsingError
from tasks_lib.tool import ToolDef, ToolParams


class Side(Enum):
    LEFT = "left"
    RIGHT = "right"


@dataclass
class Place:
    street: str
    number: int = 1


class Visit(BaseModel):
    day: date
    places: list[Place]

    @field_validator("places")
    @classmethod
    def _some(cls, places: list[Place]) -> list[Place]:
        if not places:
            raise ValueError("nowhere to go")
        return places


async def visit(
    who: str,
    count: int = 1,
    share: float = 0.5,
    side: Side | None = None,
    plan: Visit | None = None,
    notes: list[str] = [],  # noqa: B006 - as tools are written
    extra: Any = None,
) -> str:
    """Visit.

    Args:
        who: Who.
        count: How often.
        share: How much.
        side: Where.
        plan: When.
        notes: What about.
        extra: Anything.
    """
    return ""


VISIT = ToolDef(visit)


@pytest.mark.parametrize(
    ("passed", "taken"),
    [
        pytest.param({"who": "me"}, {"who": "me"}, id="defaults are the function's"),
        pytest.param({"who": "me", "count": 2.0}, {"who": "me", "count": 2}, id="whole number"),
        pytest.param({"who": "me", "share": 2}, {"who": "me", "share": 2.0}, id="int for float"),
        pytest.param({"who": "me", "side": None}, {"who": "me", "side": None}, id="null"),
        pytest.param({"who": "me", "side": "left"}, {"who": "me", "side": Side.LEFT}, id="enum"),
        pytest.param(
            {"who": "me", "plan": {"day": "2026-02-01", "places": [{"street": "A"}]}},
            {"who": "me", "plan": Visit(day=date(2026, 2, 1), places=[Place("A")])},
            id="model with dataclasses and a date",
        ),
        pytest.param(
            {"who": "me", "extra": {"a": [1, "x", None]}},
            {"who": "me", "extra": {"a": [1, "x", None]}},
            id="anything stays as it is",
        ),
        pytest.param({"who": "\ud800\x00"}, {"who": "\ud800\x00"}, id="half a character"),
    ],
)
def test_arguments_become_what_the_function_takes(
    passed: dict[str, Any], taken: dict[str, Any]
) -> None:
    read = VISIT.read_arguments(passed)

    assert read == taken
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in taken.items()
    }


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("passed", "problems"),
    [
        pytest.param({}, ["'who' is a required property"], id="required"),
        pytest.param(
            {"who": "me", "count": "7"}, ["count: '7' is not of type 'integer'"], id="text for int"
        ),
        pytest.param(
            {"who": "me", "count": True},
            ["count: True is not of type 'integer'"],
            id="bool for int",
        ),
        pytest.param(
            {"who": "me", "hwo": 1},
            ["Additional properties are not allowed ('hwo' was unexpected)"],
            id="unknown",
        ),
        pytest.param(
            {"who": 1, "count": "x", "share": None},
            [
                "who: 1 is not of type 'string'",
                "count: 'x' is not of type 'integer'",
                "share: None is not of type 'number'",
            ],
            id="all problems at once",
        ),
        pytest.param(
            {"who": "me", "side": "up"},
            ["side: 'up' is not one of ['left', 'right']"],
            id="enum",
        ),
        pytest.param(
            {"who": "me", "plan": {"day": 1, "places": [{"street": "A", "number": "x"}]}},
            ["plan.places[0].number: 'x' is not of type 'integer'"],
            id="the deepest in a choice of types",
        ),
        pytest.param(
            {"who": "me", "plan": 3},
            ["plan: 3 is not valid under any of the given schemas"],
            id="none of a choice of types",
        ),
        pytest.param(
            {"who": "me", "plan": {"day": "soon", "places": []}},
            [
                "plan.day: Input should be a valid date or datetime, input is too short",
                "plan.places: Value error, nowhere to go",
            ],
            id="what only the types say",
        ),
        pytest.param(
            {"who": "me", "extra": _nested(100_000)},
            ["the arguments are nested more than 100 deep"],
            id="nested without end",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_listed(passed: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(ToolParsingError) as caught:
        VISIT.read_arguments(passed)

    lines = [f"- {problem}" for problem in problems]
    assert caught.value.message == "\n".join(["The arguments do not fit the tool:", *lines])


def test_a_hundred_values_in_values_are_fine() -> None:
    passed = {"who": "me", "extra": _nested(99)}

    assert VISIT.read_arguments(passed) == passed


def test_problems_are_told_in_bounds() -> None:
    long = "x" * 10_000_000
    with pytest.raises(ToolParsingError) as one:
        VISIT.read_arguments({"who": "me", "count": long})
    with pytest.raises(ToolParsingError) as many:
        VISIT.read_arguments({"who": "me", "notes": [1] * 10_000})

    assert one.value.message.endswith("xxx…")
    assert len(one.value.message) < 600
    assert many.value.message.splitlines()[1] == "- notes[0]: 1 is not of type 'string'"
    assert many.value.message.splitlines()[20:] == [
        "- notes[19]: 1 is not of type 'string'",
        "- … and 9980 more",
    ]


async def take_all(name: str, **others: Any) -> str:
    """Take everything."""
    return ""


def test_what_a_function_takes_by_any_name_stays_as_it_is() -> None:
    params = ToolParams.model_validate(
        {"properties": {"name": {"type": "string"}, "day": {"type": "string", "format": "date"}}}
    )
    definition = ToolDef(take_all, parameters=params)

    assert definition.read_arguments({"name": "a", "day": "2026-02-01"}) == {
        "name": "a",
        "day": "2026-02-01",
    }


def test_changed_parameters_are_obeyed() -> None:
    definition = ToolDef(
        take_all, parameters=ToolParams.model_validate({"properties": {"name": {}}})
    )
    assert definition.read_arguments({"name": "a"}) == {"name": "a"}

    definition.parameters = ToolParams.model_validate({"properties": {"name": {"enum": ["b"]}}})
    with pytest.raises(ToolParsingError, match="name: 'a' is not one of"):
        definition.read_arguments({"name": "a"})
