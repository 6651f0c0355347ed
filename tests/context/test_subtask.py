"""Subtasks: their store, their event, what may be one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tasks_lib.context import (
    SampleContext,
    Store,
    StoreModel,
    check_limits,
    collect,
    record_usage,
    store,
    store_as,
    subtask,
    transcript,
    use_sample,
    waiting,
)
from tasks_lib.schema import (
    ChatMessageUser,
    ModelUsage,
    SpanBeginEvent,
    StoreEvent,
    SubtaskEvent,
)


class SubtaskNotes(StoreModel):
    seen: int = 0


def events_of(context: SampleContext) -> list[SubtaskEvent]:
    return [event for event in context.transcript.events if isinstance(event, SubtaskEvent)]


async def test_a_subtask_has_a_store_of_its_own() -> None:
    @subtask
    async def look() -> tuple[Any, int]:
        before = store().get("x")
        store().set("x", 2)
        store_as(SubtaskNotes).seen = 5
        await asyncio.sleep(0)
        return before, store().get("x")

    with use_sample(SampleContext()) as context:
        store().set("x", 1)
        assert await look() == (None, 2)
        assert await look() == (None, 2)
        assert store() is context.store
    assert dict(context.store.items()) == {"x": 1}


async def test_a_subtask_may_be_given_a_store() -> None:
    values = Store({"x": 1})

    @subtask(store=values)
    async def change() -> None:
        store().set("x", store().get("x") + 1)

    with use_sample(SampleContext()) as context:
        await change()
        await change()
    assert dict(values.items()) == {"x": 3}
    assert dict(context.store.items()) == {}


async def test_subtasks_at_the_same_time_do_not_share() -> None:
    @subtask("branch")
    async def branch(number: int) -> int:
        store().set("number", number)
        await asyncio.sleep(0)
        inside: int = store().get("number")
        return inside

    with use_sample(SampleContext()) as context:
        numbers = await collect(*(branch(number) for number in range(8)))
    assert numbers == list(range(8))
    changes = [e.changes[0].value for e in context.transcript.events if isinstance(e, StoreEvent)]
    assert sorted(changes) == list(range(8))


async def test_a_subtask_is_a_span_with_an_event() -> None:
    @subtask(name="add up", type="sum")
    async def add(*numbers: int, start: int = 0) -> int:
        assert events_of(context)[0].pending
        transcript().info("inside")
        with waiting():
            await asyncio.sleep(0.03)
        return sum(numbers, start)

    with use_sample(SampleContext()) as context:
        assert await add(1, 2, start=3) == 6

    began, event, info, _ = context.transcript.events
    assert isinstance(began, SpanBeginEvent)
    assert (began.name, began.type, info.span_id) == ("add up", "subtask", began.id)
    assert isinstance(event, SubtaskEvent)
    assert event.model_dump(include={"name", "type", "input", "result", "pending", "span_id"}) == {
        "name": "add up",
        "type": "sum",
        "input": {"numbers": [1, 2], "start": 3},
        "result": 6,
        "pending": None,
        "span_id": began.id,
    }
    assert event.completed is not None
    assert event.completed >= event.timestamp
    assert event.working_time is not None
    assert 0 <= event.working_time < 0.03


async def test_an_event_tells_what_went_in_and_out() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    names = ["a"]

    @subtask
    async def act(**values: object) -> object:
        names.append("later")
        return object

    with use_sample(SampleContext()) as context:
        await act(names=names, bytes=b"\xff", cycle=cycle, nan=float("nan"), thing=object())
        await act(message=ChatMessageUser(id="1", content="hi"))

    first, second = events_of(context)
    given = dict(first.input)
    assert str(given.pop("nan")) == "nan"
    assert given == {
        "names": ["a"],
        "bytes": "_w==",
        "cycle": "<builtins.list>",
        "thing": "<builtins.object>",
    }
    assert first.result == "<builtins.type>"
    assert second.input["message"]["content"] == "hi"


async def test_the_input_of_the_event_may_be_given() -> None:
    @subtask(input={"only": "this"})
    async def act(secret: str) -> None: ...

    with use_sample(SampleContext()) as context:
        await act("hidden")
    assert events_of(context)[0].input == {"only": "this"}


async def test_a_subtask_that_fails_ends_its_event() -> None:
    @subtask
    async def fail() -> None:
        raise ValueError("no")

    with use_sample(SampleContext()) as context:
        with pytest.raises(ValueError, match="no"):
            await fail()
        assert store() is context.store

    (event,) = events_of(context)
    assert (event.pending, event.result, event.completed is not None) == (None, None, True)
    assert context.transcript.events[-1].event == "span_end"


async def test_a_subtask_uses_the_tokens_of_its_sample() -> None:
    @subtask
    async def call() -> None:
        record_usage("a/x", ModelUsage(total_tokens=4))
        check_limits()

    with use_sample(SampleContext()) as context:
        await call()
    assert context.total_tokens == 4


async def test_a_subtask_runs_outside_of_samples() -> None:
    @subtask
    async def double(number: int) -> int:
        store().set("number", number)
        return 2 * number

    assert await double(2) == 4
    assert "number" not in store()


class _Callable:
    async def __call__(self, number: int) -> int:
        return number + 1


async def _plus(a: int, b: int) -> int:
    return a + b


@pytest.mark.parametrize(
    ("function", "name"),
    [
        pytest.param(_Callable(), "_Callable", id="an object"),
        pytest.param(partial(_plus, 1), "partial", id="a partial"),
    ],
)
async def test_what_is_called_like_an_async_function_may_be_one(
    function: Callable[[int], Any], name: str
) -> None:
    with use_sample(SampleContext()) as context:
        assert await subtask(function)(1) == 2
    assert events_of(context)[0].name == name


@pytest.mark.parametrize("named", [True, False])
def test_what_is_not_async_is_no_subtask(named: bool) -> None:
    def act() -> None: ...

    with pytest.raises(TypeError, match=r"act at .* is not an async function"):
        subtask("name")(act) if named else subtask(act)  # type: ignore[arg-type]
