"""The order in which slots of one process are handed out."""

from __future__ import annotations

import asyncio

import pytest

from flows._gate import Gate, Slot
from tasks_lib._errors import ParameterError


def _gate(granted: int) -> Gate:
    gate = Gate(on_shortage=lambda: None)
    gate.grant(granted)
    return gate


async def _caller(name: str, gate: Gate, limit: int, seen: list[str], end: asyncio.Event) -> None:
    async with Slot(gate.lane(limit)):
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
        _gate(1).lane(0)
