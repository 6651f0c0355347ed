"""Tables of scores, as samples fill them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from scorers import Score, Value
from tasks_lib.schema import EvalError, EvalSample, EvalSampleLimit
from tasks_lib.task import ScoreTable

Row = tuple[str | int, Mapping[str, Value]]
"""Id, and values by scorer. An id that comes again is the next epoch."""

ERROR = EvalError(message="ValueError: broken", traceback="")
LIMIT = EvalSampleLimit(type="token", limit=10)


def sample(
    id: str | int, scores: Mapping[str, Value] | None = None, epoch: int = 1, **fields: Any
) -> EvalSample:
    """Return a sample with scores of these values."""
    given = {name: Score(value=cast(Any, value)) for name, value in (scores or {}).items()}
    return EvalSample(id=id, epoch=epoch, input="?", scores=given, **fields)


def table_of(rows: Sequence[Row], errors: Sequence[str | int] = ()) -> ScoreTable:
    """Return a table of samples with scores, and of some that ended with an error."""
    table = ScoreTable()
    epochs: Counter[str | int] = Counter()
    for id, scores in rows:
        epochs[id] += 1
        table.add(sample(id, scores, epochs[id]))
    for id in errors:
        epochs[id] += 1
        table.add(EvalSample(id=id, epoch=epochs[id], input="?", error=ERROR))
    return table
