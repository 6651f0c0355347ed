"""Models whose fields live in a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from tasks_lib.context import (
    SampleContext,
    Store,
    StoreModel,
    span,
    store,
    store_as,
    use_sample,
)
from tasks_lib.schema import StoreEvent


class Place(BaseModel):
    x: int = 0


class Trip(StoreModel):
    days: int = 1
    most: int = 9
    stops: list[str] = Field(default_factory=list)
    place: Place = Place()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.days > self.most:
            raise ValueError("too many days")
        return self


class Sorted(StoreModel):
    names: list[str] = Field(default_factory=list)
    count: int = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        self.names = sorted(self.names)
        self.count = len(self.names)
        return self


class Required(StoreModel):
    name: str


class Outer(StoreModel):
    inner: Trip | None = None


def test_defaults_are_stored() -> None:
    values = Store()
    Trip(store=values)
    assert dict(values.items()) == {
        "Trip:days": 1,
        "Trip:most": 9,
        "Trip:stops": [],
        "Trip:place": Place(x=0),
    }


def test_an_instance_has_keys_of_its_own() -> None:
    values = Store()
    first, second = Trip(store=values, instance="first"), Trip(store=values, instance="second")
    first.days = 3
    assert (first.days, second.days) == (3, 1)
    assert {key: value for key, value in values.items() if "days" in key} == {
        "Trip:first:days": 3,
        "Trip:second:days": 1,
    }


def test_what_is_stored_wins_over_defaults() -> None:
    values = Store({"Trip:days": 5, "Trip:stops": ["a"]})
    trip = Trip(store=values)
    assert (trip.days, trip.stops, trip.most) == (5, ["a"], 9)


def test_what_is_passed_wins_over_what_is_stored() -> None:
    values = Store({"Trip:days": 5})
    assert Trip(store=values, days=2).days == 2
    assert values.get("Trip:days") == 2


def test_what_is_stored_is_made_what_the_field_says() -> None:
    values = Store({"Trip:days": "5", "Trip:most": True, "Trip:place": {"x": 2}})
    trip = Trip(store=values, days="1")
    shown = (trip.days, trip.most, trip.place)
    assert [repr(value) for value in shown] == ["1", "1", "Place(x=2)"]
    stored = [values.get(f"Trip:{name}") for name in ("days", "most", "place")]
    assert [repr(value) for value in stored] == ["1", "1", "Place(x=2)"]


def test_models_of_a_store_show_the_same_objects() -> None:
    values = Store()
    first = Trip(store=values)
    stops = first.stops
    second = Trip(store=values)
    stops.append("a")
    second.stops.append("b")
    second.place.x = 4
    assert first.stops is second.stops is stops
    assert (stops, first.place.x) == (["a", "b"], 4)


def test_a_field_is_read_from_the_store() -> None:
    values = Store()
    trip = Trip(store=values)
    values.set("Trip:days", 7)
    assert trip.days == 7
    assert trip.model_dump() == {"days": 7, "most": 9, "stops": [], "place": {"x": 0}}
    assert trip.model_dump_json() == '{"days":7,"most":9,"stops":[],"place":{"x":0}}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda trip: setattr(trip, "days", "many"), "valid integer", id="a field"),
        pytest.param(lambda trip: setattr(trip, "days", 10), "too many days", id="the whole"),
        pytest.param(lambda trip: setattr(trip, "most", 0), "too many days", id="another field"),
        pytest.param(lambda trip: setattr(trip, "day", 1), "no field", id="no field"),
    ],
)
def test_assigning_validates_the_whole_model(change: Callable[[Trip], None], message: str) -> None:
    values = Store()
    trip = Trip(store=values)
    before = dict(values.items())
    with pytest.raises(ValueError, match=message):
        change(trip)
    assert dict(values.items()) == before
    assert trip.days == 1


@pytest.mark.parametrize("passed", [{"days": 10}, {"most": 2}])
def test_a_model_that_is_not_valid_changes_nothing(passed: dict[str, int]) -> None:
    values = Store({"Trip:days": 3, "Trip:stops": ("a",)})
    with pytest.raises(ValidationError, match="too many days"):
        Trip(store=values, **passed)
    assert dict(values.items()) == {"Trip:days": 3, "Trip:stops": ("a",)}


def test_a_validator_may_change_fields() -> None:
    values = Store()
    model = Sorted(store=values, names=["b", "a"])
    assert (model.names, model.count) == (["a", "b"], 2)
    assert Sorted.model_validate({"store": Store(), "names": ["b", "a"]}).count == 2
    model.names = ["d", "c", "e"]
    assert (model.names, model.count) == (["c", "d", "e"], 3)
    assert dict(values.items()) == {"Sorted:names": ["c", "d", "e"], "Sorted:count": 3}


def test_assigning_checks_against_what_is_stored_now() -> None:
    values = Store()
    trip = Trip(store=values)
    values.set("Trip:most", 20)
    trip.days = 15
    assert repr(trip).startswith("Trip(instance=None, days=15, most=20,")
    assert (trip.days, values.get("Trip:days")) == (15, 15)


def test_a_field_without_default_must_be_stored() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        Required(store=Store())  # type: ignore[call-arg]
    assert store_as_of(Store({"Required:name": "x"})).name == "x"


def store_as_of(values: Store) -> Required:
    context = SampleContext()
    context.store = values
    with use_sample(context):
        return store_as(Required)


@pytest.mark.parametrize("when", ["created", "assigned"])
def test_models_do_not_nest(when: str) -> None:
    values = Store()
    with pytest.raises(TypeError, match=r"Outer\.inner is a StoreModel: they don't nest"):
        if when == "created":
            Outer(store=values, inner=Trip(store=Store()))
        else:
            Outer(store=values).inner = Trip(store=Store())
    assert values.get("Outer:inner") is None


def test_a_model_is_of_the_running_sample() -> None:
    with use_sample(SampleContext()) as context:
        store_as(Trip, "one").days = 3
        assert Trip(instance="one").days == 3
        assert store().get("Trip:one:days") == 3
    assert "Trip:one:days" not in store()
    assert context.store.get("Trip:one:days") == 3


def test_changes_of_a_model_are_recorded() -> None:
    with use_sample(SampleContext()) as context:
        store_as(Trip)
        with span("work"):
            trip = store_as(Trip)
            trip.days = 2
            trip.stops.append("a")
    (event,) = [e for e in context.transcript.events if isinstance(e, StoreEvent)]
    assert [(change.op, change.path, change.value) for change in event.changes] == [
        ("replace", "/Trip:days", 2),
        ("replace", "/Trip:stops", ["a"]),
    ]
