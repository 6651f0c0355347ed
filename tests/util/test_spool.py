"""Records that are on disk once they are many."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from tasks_lib._errors import ScratchSpaceError
from tasks_lib._util import _spool
from tasks_lib._util._spool import MEMORY_BYTES, Spool


def _record(number: int) -> bytes:
    return b"%d:" % number + b"x" * (number * 37 % 5000)


@pytest.fixture
def spool() -> Spool:
    """A spool of 1,000 records, two thirds of which are on disk."""
    spool = Spool()
    for number in range(1000):
        spool.append(_record(number))
    assert spool._in_file > MEMORY_BYTES
    return spool


def test_every_record_comes_back_in_any_order(spool: Spool) -> None:
    order = list(range(1000))
    random.Random(1).shuffle(order)

    assert len(spool) == 1000
    assert all(spool[number] == _record(number) for number in order)
    assert [spool[number] for number in range(1000)] == [_record(n) for n in range(1000)]
    spool.close()


def test_reading_and_writing_take_turns() -> None:
    spool = Spool()
    for number in range(1000):
        spool.append(_record(number))
        assert spool[number // 2] == _record(number // 2)
        assert spool[number] == _record(number)
    spool.close()


def test_a_record_larger_than_a_block_and_empty_ones() -> None:
    spool = Spool()
    records = [b"", b"a" * (2 * _spool._BLOCK_BYTES), b"", b"b" * (2 * MEMORY_BYTES), b"", b"c"]
    for record in records:
        spool.append(record)

    assert [spool[position] for position in range(6)] == records
    spool.close()


@pytest.mark.parametrize("position", [-1, 1000])
def test_there_is_no_such_record(spool: Spool, position: int) -> None:
    with pytest.raises(IndexError):
        spool[position]
    spool.close()


def test_small_ones_touch_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    spool = Spool()
    spool.append(b"x" * (MEMORY_BYTES - 1))

    assert len(spool[0]) == MEMORY_BYTES - 1


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    spool = Spool()

    with pytest.raises(ScratchSpaceError, match=r"gone' \(No such file.*set TMPDIR") as raised:
        spool.append(b"x" * MEMORY_BYTES)

    assert isinstance(raised.value, OSError)


def test_closed_it_is_empty_and_can_be_filled_again(spool: Spool) -> None:
    spool.close()

    assert len(spool) == 0
    spool.append(b"new")
    assert spool[0] == b"new"
