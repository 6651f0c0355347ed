"""Rows of samples as Arrow batches."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from tasks_lib.log._arrow import BASE_SCHEMA, RUN_COLUMNS
from tasks_lib.log._rows import SAMPLE_COLUMNS, Row
from tasks_lib.schema import EvalSpec


def sample_batch(rows: Sequence[Row], spec: EvalSpec, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows of `sample_row` as a batch of this schema, with the columns of the run."""
    scores = [name for name in schema.names if name not in BASE_SCHEMA.names]
    names = (*SAMPLE_COLUMNS, *scores)
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    arrays = {
        name: pa.array(column, schema.field(name).type)
        for name, column in zip(names, columns, strict=True)
    }
    for name in RUN_COLUMNS:
        text = str(getattr(spec, name)).encode("utf-8", "replace").decode()
        arrays[name] = pa.repeat(pa.scalar(text, pa.string()), len(rows))
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)
