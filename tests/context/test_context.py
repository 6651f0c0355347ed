from __future__ import annotations

import asyncio

import pytest
from pydantic import Field, ValidationError

from tasks_lib._errors import LimitExceededError
from tasks_lib.context import (
    MessageList,
    SampleContext,
    SampleLimits,
    Store,
    StoreModel,
    connection_slot,
    current_sample,
    span,
    store,
    store_as,
    transcript,
    use_sample,
    waiting,
)
from tasks_lib.schema import ChatMessageUser, ModelUsage


def user(text: str = "x") -> ChatMessageUser:
    return ChatMessageUser(content=text)


class Notes(StoreModel):
    count: int = 0
    names: list[str] = Field(default_factory=list)


async def test_events_carry_the_span_they_happened_in() -> None:
    with use_sample(SampleContext()) as context:
        async with span("outer", type="agent"):
            transcript().info("a")
            with span("inner"):
                transcript().info("b", source="test")
        transcript().info("c")

    rows = [
        (e.event, getattr(e, "name", None) or getattr(e, "data", None), e.span_id)
        for e in context.transcript.events
    ]
    outer, inner = context.transcript.events[0].id, context.transcript.events[2].id  # type: ignore[union-attr]
    assert rows == [
        ("span_begin", "outer", outer),
        ("info", "a", outer),
        ("span_begin", "inner", inner),
        ("info", "b", inner),
        ("span_end", None, inner),
        ("span_end", None, outer),
        ("info", "c", None),
    ]
    assert context.transcript.events[2].parent_id == outer  # type: ignore[union-attr]


async def test_store_changes_are_recorded_at_the_end_of_a_span() -> None:
    with use_sample(SampleContext()) as context:
        store().set("old", 1)
        store().set("gone", 1)
        with span("work"):
            store().get("list", list[str]()).append("x")
            store().set("old", 2)
            store().delete("gone")
            store().set("a/b~c", None)

    changes = [e for e in context.transcript.events if e.event == "store"]
    assert [c.model_dump(exclude={"from_"}) for c in changes[0].changes] == [
        {"op": "remove", "path": "/gone", "value": None},
        {"op": "replace", "path": "/old", "value": 2},
        {"op": "add", "path": "/list", "value": ["x"]},
        {"op": "add", "path": "/a~1b~0c", "value": None},
    ]


async def test_samples_that_run_at_once_do_not_share() -> None:
    async def sample(name: str) -> tuple[object, int]:
        with use_sample(SampleContext(name)) as context:
            store().set("name", name)
            await asyncio.sleep(0)
            transcript().info(name)
            return store().get("name"), len(context.transcript.events)

    assert list(await asyncio.gather(sample("a"), sample("b"))) == [("a", 1), ("b", 1)]
    assert current_sample() is None


def test_snapshots_are_shared_until_a_message_changes() -> None:
    context = SampleContext()
    message = user("one")
    first = context.transcript.snapshot([message])
    again = context.transcript.snapshot([message])
    message.text = "two"
    changed = context.transcript.snapshot([message])

    assert first[0] is again[0]
    assert first[0] is not message
    assert (first[0].text, changed[0].text) == ("one", "two")


def test_store_keeps_a_default_that_was_asked_for() -> None:
    values = Store()
    values.get("list", list[int]()).append(1)

    assert values.get("list") == [1]
    assert values.get("none") is None
    assert "none" not in values
    with pytest.raises(KeyError):
        values.delete("none")


def test_store_model_lives_in_the_store() -> None:
    with use_sample(SampleContext()) as context:
        notes = store_as(Notes)
        notes.count = 3
        notes.names.append("x")
        other = store_as(Notes, "two")

        assert dict(context.store.items()) == {
            "Notes:count": 3,
            "Notes:names": ["x"],
            "Notes:two:count": 0,
            "Notes:two:names": [],
        }
        assert (store_as(Notes).count, store_as(Notes).names, other.count) == (3, ["x"], 0)
        context.store.set("Notes:count", 5)
        assert notes.count == 5
        with pytest.raises(ValidationError):
            notes.count = "many"  # type: ignore[assignment]
        assert notes.count == 5


@pytest.mark.parametrize("change", ["append", "extend", "insert", "slice", "iadd"])
def test_conversation_cannot_outgrow_its_limit(change: str) -> None:
    messages = MessageList([user(), user()], SampleLimits(message_limit=2))
    with pytest.raises(LimitExceededError, match="message limit of 2 was exceeded: 3"):
        if change == "append":
            messages.append(user())
        elif change == "extend":
            messages.extend([user()])
        elif change == "insert":
            messages.insert(0, user())
        elif change == "slice":
            messages[1:] = [user(), user()]
        else:
            messages += [user()]
    assert len(messages) == 2


def test_there_must_be_room_for_an_answer() -> None:
    limits = SampleLimits(message_limit=2)
    limits.check_messages(1, generating=True)
    with pytest.raises(LimitExceededError):
        limits.check_messages(2, generating=True)


def test_tokens_of_all_models_count() -> None:
    context = SampleContext(limits=SampleLimits(token_limit=10))
    context.record_usage("a/x", ModelUsage(total_tokens=6))
    context.check_limits()
    context.record_usage("b/y", ModelUsage(total_tokens=6))

    with pytest.raises(LimitExceededError) as caught:
        context.check_limits()
    assert (caught.value.type, caught.value.value, caught.value.limit) == ("token", 12, 10)
    assert list(context.model_usage) == ["a/x", "b/y"]


async def test_waiting_at_the_same_time_counts_once() -> None:
    async def wait(before_s: float, wait_s: float) -> float:
        await asyncio.sleep(before_s)
        with waiting():
            await asyncio.sleep(wait_s)
            return context.clock.waited

    with use_sample(SampleContext()) as context:
        first, _ = await asyncio.gather(wait(0, 0.04), wait(0.02, 0.04))

        assert 0.04 <= first <= context.clock.waited < 0.075
        assert 0 <= context.clock.working <= context.clock.total - context.clock.waited + 0.001


async def test_waiting_for_a_connection_is_not_work() -> None:
    running = most = 0

    async def call() -> float:
        nonlocal running, most
        with use_sample(SampleContext()) as context:
            async with connection_slot("key", 2):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.02)
                running -= 1
            return context.clock.waited

    waited = sorted(await asyncio.gather(*(call() for _ in range(4))))

    assert most == 2
    assert waited[1] < 0.01 < waited[2]
