from __future__ import annotations

import gc

import pytest

from tasks_lib._util._gc import THRESHOLDS, calm_gc


def test_collector_is_left_as_it_was_found() -> None:
    before = gc.get_threshold()

    with pytest.raises(ZeroDivisionError), calm_gc():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
        _ = 1 / 0

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
