"""A snapshot of a score table: what another thread computes metrics of while samples go on."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._util._spool import MEMORY_BYTES, Spool
from tasks_lib.schema import EvalError, EvalSample, Score
from tasks_lib.task import ScoreTable


def sample(id: int, **fields: Any) -> EvalSample:
    return EvalSample(id=id, epoch=1, input="", target="", **fields)


def read(table: ScoreTable) -> list[tuple[int | str, list[Any]]]:
    return [
        (table.sample(found.entry)[0], [score and score.value for score in found.scores])
        for found in table.scored_samples("s", with_errors=True)
    ]


def test_a_snapshot_stays_as_it_was() -> None:
    with ScoreTable(["s"]) as table:
        table.add(sample(1, scores={"s": Score(value="one")}))
        table.add(sample(2, error=EvalError(message="", traceback="")))
        with table.snapshot() as copy:
            table.add(sample(3, scores={"s": Score(value="three"), "t": Score(value=1)}))

            counts = (copy.completed, copy.errored, copy.scored, copy.limited, copy.epochs)
            assert counts == (1, 1, 1, 0, 1)
            assert (copy.names, read(copy)) == (["s"], [(1, ["one"]), (2, [None])])
        assert read(table) == [(1, ["one"]), (2, [None]), (3, ["three"])]


@pytest.mark.parametrize("records", [pytest.param(3, id="memory"), pytest.param(40, id="file")])
def test_records_after_the_other_was_closed(records: int) -> None:
    spool = Spool()
    size = MEMORY_BYTES // 20

    def record(number: int) -> bytes:
        return b"%d" % number * (size // 2)

    for number in range(records):
        spool.append(record(number))
    copy = spool.snapshot()
    for number in range(records):
        spool.append(record(100 + number))
    middle = [spool[records // 2], copy[records // 2], spool[2 * records - 1]]
    spool.close()

    assert len(copy) == records
    assert [copy[number] for number in range(records)] == [record(n) for n in range(records)]
    assert middle == [record(records // 2), record(records // 2), record(99 + records)]
    copy.close()
