"""The clock of a sample while it stands still."""

from __future__ import annotations

import time

import pytest

from tasks_lib.context import Clock


def test_it_stands_still_and_goes_on() -> None:
    clock = Clock()
    with clock.waiting():
        time.sleep(0.05)
    with clock.stopped():
        before = (clock.total, clock.waited, clock.working)
        with clock.waiting():
            time.sleep(0.2)
        assert (clock.total, clock.waited, clock.working) == before
    assert clock.total == pytest.approx(before[0], abs=0.1)
    assert clock.waited == before[1]
    time.sleep(0.05)
    assert clock.total >= before[0] + 0.05
    assert clock.working >= before[2] + 0.05


def test_it_goes_on_after_an_error() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="broken"), clock.stopped():
        raise ValueError("broken")
    total = clock.total
    time.sleep(0.01)
    assert clock.total > total
