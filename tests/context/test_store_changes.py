"""Which span records what became of the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_lib.context import (
    SampleContext,
    Store,
    collect,
    span,
    store,
    transcript,
    use_sample,
    use_store,
)
from tasks_lib.schema import Event, SpanBeginEvent, StoreEvent


def changes(events: Iterable[Event]) -> list[tuple[str, str, str, object]]:
    """Return span, operation, path and value of all changes that were recorded, in order."""
    names = {e.id: e.name for e in events if isinstance(e, SpanBeginEvent)}
    return [
        (names[e.span_id or ""], change.op, change.path, change.value)
        for e in events
        if isinstance(e, StoreEvent)
        for change in e.changes
    ]


async def test_spans_at_the_same_time_record_their_own_changes() -> None:
    async def work(name: str, turns: int) -> None:
        async with span(name):
            store().set(name, 1)
            for _ in range(turns):
                await asyncio.sleep(0)
            store().get("all", list[str]()).append(name)
            await asyncio.sleep(0)

    with use_sample(SampleContext()) as context:
        async with span("outer"):
            store().set("outer", 1)
            await asyncio.gather(work("a", 2), work("b", 1), work("c", 3))

    assert sorted(changes(context.transcript.events)) == [
        ("a", "add", "/a", 1),
        ("a", "replace", "/all", ["b", "a"]),
        ("b", "add", "/all", ["b"]),
        ("b", "add", "/b", 1),
        ("c", "add", "/c", 1),
        ("c", "replace", "/all", ["b", "a", "c"]),
        ("outer", "add", "/outer", 1),
    ]


def test_a_span_within_another_records_a_change_alone() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        store().set("x", 1)
        with span("inner"):
            store().set("x", 2)
            store().set("y", 1)
        with span("idle"):
            store().get("x")
        store().delete("y")
        with span("deletes"):
            store().delete("x")

    assert changes(context.transcript.events) == [
        ("outer", "add", "/x", 1),
        ("inner", "replace", "/x", 2),
        ("inner", "add", "/y", 1),
        ("deletes", "remove", "/x", None),
        ("outer", "remove", "/y", None),
    ]


def test_who_reads_a_value_has_not_changed_it() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        store().set("x", 1)
        with span("reader"):
            assert store().get("x") == 1
        store().set("z", 1)

    assert changes(context.transcript.events) == [
        ("outer", "add", "/x", 1),
        ("outer", "add", "/z", 1),
    ]


def test_a_change_in_place_is_of_the_span_that_asked_last() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        held = store().get("x", list[int]())
        held.append(1)
        with span("asks"):
            store().get("x").append(2)
        with span("holds on"):
            held.append(3)
        held.append(4)

    assert changes(context.transcript.events) == [
        ("outer", "add", "/x", [1]),
        ("asks", "replace", "/x", [1, 2]),
        ("holds on", "replace", "/x", [1, 2, 3]),
        ("outer", "replace", "/x", [1, 2, 3, 4]),
    ]


def test_a_default_of_none_is_no_change() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        assert store().get("x") is None
        with pytest.raises(KeyError):
            store().delete("x")
    assert changes(context.transcript.events) == []


def test_what_became_as_it_was_is_no_change() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        store().set("x", 1)
        store().delete("x")
    assert changes(context.transcript.events) == []


def test_changes_of_a_span_that_fails_are_recorded() -> None:
    context = SampleContext()
    with use_sample(context), pytest.raises(ValueError, match="no"), span("fails"):
        store().set("x", 1)
        raise ValueError("no")
    assert changes(context.transcript.events) == [("fails", "add", "/x", 1)]


def test_recorded_values_are_not_changed_later() -> None:
    with use_sample(SampleContext()) as context:
        with span("first"):
            store().set("x", [1])
        store().get("x").append(2)
    assert changes(context.transcript.events) == [("first", "add", "/x", [1])]


def test_a_store_of_its_own_is_recorded_from_where_it_began() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        store().set("x", [1])
        with use_store(deepcopy(context.store)), span("branch"):
            store().get("x").append(2)
        assert store().get("x") == [1]

    assert changes(context.transcript.events) == [
        ("branch", "replace", "/x", [1, 2]),
        ("outer", "add", "/x", [1]),
    ]


async def test_eight_branches_do_not_share() -> None:
    async def branch(number: int) -> dict[str, object]:
        with use_store(deepcopy(store())):
            async with span(f"branch-{number}"):
                store().set("own", number)
                await asyncio.sleep(0)
                return dict(store().items())

    with use_sample(SampleContext()) as context:
        store().set("base", 0)
        stores = await collect(*(branch(number) for number in range(8)))

    assert stores == [{"base": 0, "own": number} for number in range(8)]
    assert dict(context.store.items()) == {"base": 0}
    assert sorted(changes(context.transcript.events)) == [
        (f"branch-{number}", "add", "/own", number) for number in range(8)
    ]


def test_a_value_that_cannot_be_copied_is_named() -> None:
    with use_sample(SampleContext()) as context:
        with pytest.raises(TypeError, match="cannot pickle") as caught, span("outer"):
            store().set("lock", threading.Lock())
        assert caught.value.__notes__ == [
            "Raised by the copy of the store's value 'lock': keep to JSON values."
        ]
        assert context.transcript.events[-1].event == "span_end"
        with pytest.raises(TypeError, match="cannot pickle"), span("not begun"):
            pytest.fail("The span begins.")
        transcript().info("outside")
        assert context.transcript.events[-1].span_id is None
        store().delete("lock")
        with span("next"):
            store().set("x", 1)
    assert changes(context.transcript.events) == [("next", "add", "/x", 1)]


def test_nothing_is_recorded_outside_of_samples() -> None:
    before = dict(store().items())
    with span("outer"), span("inner"):
        store().set("test_store_changes", 1)
    store().delete("test_store_changes")
    assert dict(store().items()) == before


def test_steps_are_spans() -> None:
    with use_sample(SampleContext()) as context, span("outer"):
        with pytest.warns(DeprecationWarning, match="use span") as warned:
            step = transcript().step("old", "kind")
        with step:
            transcript().info("inside")
            store().set("x", 1)

    began = context.transcript.events[1]
    assert isinstance(began, SpanBeginEvent)
    assert (began.name, began.type) == ("old", "kind")
    assert context.transcript.events[2].span_id == began.id
    assert changes(context.transcript.events) == [("outer", "add", "/x", 1)]
    assert warned[0].filename == __file__


@pytest.mark.filterwarnings("ignore:transcript..:DeprecationWarning")
def test_steps_nest_outside_of_samples() -> None:
    with transcript().step("outer"), transcript().step("inner"):
        store().set("test_store_changes", 1)
    store().delete("test_store_changes")


NAMES = st.sampled_from(["a", "b/c"])
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["set", "append", "read", "delete", "held"]), NAMES),
    st.tuples(st.sampled_from(["begin", "end"]), st.just("")),
)


@given(st.lists(ACTIONS, max_size=30))
def test_recorded_changes_lead_to_the_store(actions: list[tuple[str, str]]) -> None:
    held: list[list[int]] = []
    open_spans: list[ExitStack] = []
    with use_sample(SampleContext()) as context, span("outer"):
        for number, (action, name) in enumerate(actions):
            act(context.store, action, name, number, held)
            if action == "begin":
                stack = ExitStack()
                stack.enter_context(span(f"span-{number}"))
                open_spans.append(stack)
            elif action == "end" and open_spans:
                open_spans.pop().close()
        while open_spans:
            open_spans.pop().close()

    assert replay(context.transcript.events) == dict(context.store.items())


def act(values: Store, action: str, name: str, number: int, held: list[list[int]]) -> None:
    if action == "set":
        values.set(name, [number])
    elif action == "append":
        held.append(values.get(name, list[int]()))
        held[-1].append(number)
    elif action == "read":
        values.get(name)
    elif action == "delete" and name in values:
        values.delete(name)
    elif action == "held" and held:
        held[-1].append(number)


def replay(events: Iterable[Event]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for _, op, path, value in changes(events):
        key = path[1:].replace("~1", "/").replace("~0", "~")
        if op == "remove":
            del values[key]
        else:
            assert (op == "replace") == (key in values)
            values[key] = value
    return values
