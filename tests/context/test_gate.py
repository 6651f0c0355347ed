"""The order in which slots of one process are handed out."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.context import (
    Gate,
    LocalSlots,
    connection_feedback,
    connection_slot,
    connection_slots,
    regain_connection,
    use_connection_slots,
)


def _gate(granted: int) -> Gate:
    gate = Gate("key")
    gate.grant(granted)
    return gate


async def _caller(name: str, gate: Gate, limit: int, seen: list[str], end: asyncio.Event) -> None:
    async with gate.slot(limit):
        seen.append(name)
        await end.wait()


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_first_come_first_served() -> None:
    gate, seen = _gate(1), list[str]()
    ends = [asyncio.Event() for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for number, end in enumerate(ends):
            group.create_task(_caller(str(number), gate, 10, seen, end))
        for end in ends:
            await _settled()
            end.set()

    assert seen == ["0", "1", "2", "3"]
    assert (gate.in_use, gate.demand()) == (0, 0)


@pytest.mark.parametrize(
    ("granted", "limits", "running"),
    [
        pytest.param(0, [5, 5], [], id="nothing granted"),
        pytest.param(2, [5, 5, 5], ["0", "1"], id="no more than granted"),
        pytest.param(9, [2, 2, 2], ["0", "1"], id="no more than the limit"),
        pytest.param(9, [1, 1, 3, 3], ["0", "2", "3"], id="a full lane does not stop others"),
        pytest.param(2, [1, 3, 3], ["0", "1"], id="lanes share what is granted"),
    ],
)
async def test_who_runs(granted: int, limits: list[int], running: list[str]) -> None:
    gate, seen, end = _gate(granted), list[str](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number, limit in enumerate(limits):
            group.create_task(_caller(str(number), gate, limit, seen, end))
        await _settled()
        started = list(seen)
        end.set()
        gate.grant(100)

    assert started == running
    assert sorted(seen) == [str(number) for number in range(len(limits))]


async def test_less_is_granted_while_slots_are_in_use() -> None:
    gate, seen = _gate(3), list[str]()
    ends = [asyncio.Event() for _ in range(5)]
    async with asyncio.TaskGroup() as group:
        for number, end in enumerate(ends):
            group.create_task(_caller(str(number), gate, 10, seen, end))
        await _settled()
        gate.grant(1)
        ends[0].set()
        ends[1].set()
        await _settled()
        before_last = list(seen)
        ends[2].set()
        await _settled()
        after_last = list(seen)
        for end in ends:
            end.set()

    assert before_last == ["0", "1", "2"]
    assert after_last == ["0", "1", "2", "3"]


@pytest.mark.parametrize("granted_first", [False, True], ids=["waiting", "just granted"])
async def test_a_cancelled_caller_leaves_no_trace(granted_first: bool) -> None:
    gate, seen, end = _gate(1), list[str](), asyncio.Event()
    first_end = asyncio.Event()
    first = asyncio.create_task(_caller("first", gate, 5, seen, first_end))
    second = asyncio.create_task(_caller("second", gate, 5, seen, end))
    third = asyncio.create_task(_caller("third", gate, 5, seen, end))
    await _settled()
    if granted_first:
        gate.grant(2)
    second.cancel()
    first_end.set()
    end.set()
    await asyncio.gather(first, second, third, return_exceptions=True)

    assert seen == ["first", "third"]
    assert (gate.in_use, gate.demand(), gate.waiting) == (0, 0, False)


async def test_peak_is_the_highest_demand_since_the_last_look() -> None:
    gate, end = _gate(2), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(_caller(str(number), gate, 10, [], end))
        await _settled()
        end.set()

    assert [gate.take_peak(), gate.take_peak()] == [3, 0]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ParameterError, match="max_connections is 0, expected 1 or more"):
        _gate(1).slot(0)


async def test_slots_that_are_not_granted_any_more_are_told_when_they_come_back() -> None:
    surplus: list[int] = []
    gate = Gate("key", on_surplus=lambda: surplus.append(gate.in_use))
    gate.grant(3)
    ends = [asyncio.Event() for _ in range(3)]
    async with asyncio.TaskGroup() as group:
        for number, end in enumerate(ends):
            group.create_task(_caller(str(number), gate, 10, [], end))
        await _settled()
        gate.grant(1)
        for end in ends:
            end.set()
            await _settled()

    assert surplus == [2, 1]


async def _burst(limited: int, calls: int) -> int:
    """Make `calls` at once, of which the first `limited` are refused; return the most at once."""
    running = most = 0
    left = iter(range(calls))

    async def call() -> None:
        nonlocal running, most
        async with connection_slot("key", "auto"):
            running += 1
            most = max(most, running)
            number = next(left)
            await _settled()
            connection_feedback("key", limited=number < limited)
            running -= 1

    await asyncio.gather(*(call() for _ in range(calls)))
    return most


@pytest.mark.parametrize(
    ("limited", "calls", "most", "allowed"),
    [
        pytest.param(0, 9, 9, 10, id="fewer than are allowed"),
        pytest.param(0, 30, 20, 21, id="all were used, so there may be more"),
        pytest.param(0, 500, 100, 100, id="up to the most"),
        pytest.param(1, 10, 10, 5, id="one was refused"),
        pytest.param(10, 10, 10, 5, id="all of a round trip were refused"),
    ],
)
async def test_auto_follows_what_is_told(
    limited: int, calls: int, most: int, allowed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with use_connection_slots(LocalSlots()):
        assert await _burst(limited, calls) == most
        assert connection_slots().auto_connections("key") == allowed

    lines = ["key: 5 connections instead of 10; the provider refused a request for their number."]
    assert [record.getMessage() for record in caplog.records] == (lines if limited else [])


async def test_the_next_request_with_a_slot_may_be_refused_again() -> None:
    slots = LocalSlots()
    with use_connection_slots(slots):
        async with connection_slot("key", "auto", 8):
            seen = [slots.auto_connections("key")]
            for _ in range(3):
                connection_feedback("key", limited=True)
                seen.append(slots.auto_connections("key"))

    assert seen == [8, 1, 1, 1]


async def test_what_is_made_again_keeps_to_the_lowered_number() -> None:
    """Eight are in flight, one of which is refused: four may be."""
    slots, order = LocalSlots(), list[int]()
    ends = [asyncio.Event() for _ in range(8)]

    async def call(number: int) -> None:
        async with connection_slot("key", "auto", 8):
            if number == 0:
                await _settled()
                connection_feedback("key", limited=True)
                await regain_connection()
            else:
                await ends[number].wait()
            order.append(number)

    with use_connection_slots(slots):
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(call(number))
            for end in ends[1:]:
                await _settled()
                await _settled()
                end.set()

    assert order == [1, 2, 3, 4, 0, 5, 6, 7]
    assert slots.auto_connections("key") == 4


async def test_a_slot_that_may_be_kept_is_kept() -> None:
    with use_connection_slots(LocalSlots()):
        async with connection_slot("key", "auto", 1):
            connection_feedback("key", limited=True)
            waiting = asyncio.ensure_future(_burst(0, 1))
            await _settled()
            await regain_connection()
            assert not waiting.done()
        assert await waiting == 1


async def test_a_caller_that_is_cancelled_between_two_slots_leaves_no_trace() -> None:
    gate = _gate(2)
    first, second = gate.slot("auto", 2), gate.slot("auto", 2)

    async def refused() -> None:
        async with first:
            gate.feedback(limited=True)
            await regain_connection()

    async with second:
        caller = asyncio.ensure_future(refused())
        await _settled()
        assert (gate.in_use, gate.waiting) == (1, True)
        caller.cancel()
        await asyncio.wait([caller])
        assert (gate.in_use, gate.waiting) == (1, False)

    assert gate.in_use == 0


async def test_numbers_and_auto_share_a_key() -> None:
    slots = LocalSlots()
    with use_connection_slots(slots):
        async with connection_slot("key", 4):
            connection_feedback("key", limited=True)
            async with connection_slot("key", "auto"):
                pass
            connection_feedback("key", limited=True)

    assert slots.auto_connections("key") == 10
    assert slots.auto_connections("other") is None
