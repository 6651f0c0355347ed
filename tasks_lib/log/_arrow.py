"""The columns of a log: one row per sample and epoch.

Columns are only ever added, at the end of their group; types never change. Small typed
columns come first, so that a query reads little; `*_JSON` columns last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of the columns and metadata keys; a reader refuses newer ones."""

HEADER_KEY = b"evals.header"
"""Metadata key of the header: EvalLog without samples and reductions, as JSON."""
VERSION_KEY = b"evals.schema_version"
"""Metadata key of `SCHEMA_VERSION`."""
REDUCTIONS_KEY = b"evals.reductions"
"""Metadata key of the reductions: JSON, zstd, base64. Only with several epochs."""
SCORES_KEY = b"evals.score_columns"
"""Metadata key of a JSON object: scorer name to the name of its column."""

RUN_COLUMNS = ("eval_id", "run_id", "task", "task_id", "model")
"""The same in all rows of a log, so that logs can be queried together."""

_UTC = pa.timestamp("us", tz="UTC")

_HEAD = (
    *((name, pa.string()) for name in RUN_COLUMNS),
    ("sample_id", pa.string()),
    ("sample_id_type", pa.string()),  # "int" or "str": 1 and "1" are different samples
    ("epoch", pa.int32()),
    ("uuid", pa.string()),
    ("attempt", pa.int32()),
    ("input", pa.string()),  # text; the messages, if it is a conversation, are in `details`
    ("target", pa.string()),  # several targets: a JSON array
    ("choices", pa.string()),  # a JSON array
    ("output", pa.string()),  # the completion
    ("answer", pa.string()),  # of the first scorer that names one
    ("stop_reason", pa.string()),
)
_TAIL = (
    ("scores", pa.string()),  # JSON: scorer to score
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("total_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()),
    ("input_tokens_cache_read", pa.int64()),
    ("input_tokens_cache_write", pa.int64()),
    ("started_at", _UTC),
    ("total_time", pa.float64()),  # seconds
    ("working_time", pa.float64()),  # seconds
    ("error", pa.string()),  # the message; its traceback is in `details`
    ("limit", pa.string()),  # type of the limit that ended the sample
    ("retries", pa.int32()),
    ("cost", pa.float64()),  # US dollars; null: not known
    ("retry_tokens", pa.int64()),  # tokens of the attempts that failed and were repeated
    ("retry_cost", pa.float64()),
    ("digest", pa.string()),  # of what the dataset's sample asked and expected
    ("messages", pa.string()),
    ("events", pa.string()),  # messages and scores by position or `$ref`: see `_transcript`
    ("message_pool", pa.string()),  # what model events saw and `messages` lacks
    ("model_output", pa.string()),  # null: the output of the last model event
    ("model_usage", pa.string()),  # by model
    ("store", pa.string()),
    ("metadata", pa.string()),
    ("attachments", pa.string()),  # images and the like, as `attachment://<key>` refers to them
    ("details", pa.string()),  # what no other column holds faithfully
)

BASE_SCHEMA = pa.schema([*_HEAD, *_TAIL])
"""The columns of every log. A log also has a `score_<scorer>` per scorer, before `scores`."""

HEAVY_COLUMNS = ("messages", "events", "message_pool", "model_output", "store", "attachments")
"""What summaries leave unread."""

DICTIONARY_COLUMNS = (*RUN_COLUMNS, "sample_id_type", "stop_reason", "limit")
"""Columns of few distinct values. The others grow by a dictionary."""

STATISTICS_COLUMNS = ("sample_id", "epoch", "total_tokens", "error")
"""Columns by which row groups are skipped; more statistics would cost 100 bytes each."""


def columns_of_scorers(scorers: Iterable[str]) -> dict[str, str]:
    """Return the column of each scorer: `score_<scorer>`, fit for SQL without quotes.

    Characters other than ASCII letters, digits and underscores become underscores. Columns
    that would differ by nothing but case get `_2`, `_3`, …
    """
    columns: dict[str, str] = {}
    taken: set[str] = {name.lower() for name in BASE_SCHEMA.names}
    for scorer in dict.fromkeys(scorers):
        wanted = "score_" + re.sub(r"[^A-Za-z0-9_]", "_", scorer)[:100]
        column, number = wanted, 1
        while column.lower() in taken:
            number += 1
            column = f"{wanted}_{number}"
        taken.add(column.lower())
        columns[scorer] = column
    return columns


def sample_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a log whose scorers have these columns (see `columns_of_scorers`)."""
    scores = [(column, pa.float64()) for column in columns.values()]
    return pa.schema([*_HEAD, *scores, *_TAIL])
