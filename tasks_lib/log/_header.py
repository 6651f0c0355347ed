"""A log's header (all but its samples) in the metadata of a Parquet file."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tasks_lib._util._json import decode, to_plain
from tasks_lib.log._arrow import (
    HEADER_KEY,
    REDUCTIONS_KEY,
    SCHEMA_VERSION,
    SCORES_KEY,
    VERSION_KEY,
)
from tasks_lib.schema import EvalLog, EvalSampleReductions


def header_metadata(
    log: EvalLog, columns: Mapping[str, str], *, with_ids: bool = True
) -> dict[bytes, bytes]:
    """Return the metadata of a file of `log`.

    Args:
        log: Its samples are left out. Reductions are kept only if it has several epochs;
            otherwise they repeat the scores.
        columns: The column of each scorer.
        with_ids: Whether the ids of the samples are kept, which can be long.
    """
    plain = to_plain(log.model_dump(exclude={"samples", "reductions"}))
    if not with_ids:
        plain["eval"]["dataset"]["sample_ids"] = None
    metadata = {
        VERSION_KEY: str(SCHEMA_VERSION).encode(),
        SCORES_KEY: _ascii_json(dict(columns)),
        HEADER_KEY: _ascii_json(plain),
    }
    if log.reductions and (log.eval.config.epochs or 1) > 1:
        reductions = to_plain([item.model_dump() for item in log.reductions])
        metadata[REDUCTIONS_KEY] = _compress(_ascii_json(reductions))
    return metadata


def read_header(metadata: Mapping[bytes, bytes]) -> EvalLog:
    """Return the log of a file's metadata, without its samples.

    Raises:
        ValueError: The header is not one of ours.
    """
    log = EvalLog.model_validate(decode(metadata[HEADER_KEY]))
    if REDUCTIONS_KEY in metadata:
        items = decode(_decompress(metadata[REDUCTIONS_KEY]))
        log.reductions = [EvalSampleReductions.model_validate(item) for item in items]
    return log


def read_score_columns(metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the column of each scorer of a file."""
    columns: dict[str, str] = decode(metadata.get(SCORES_KEY, b"{}"))
    return columns


def score_names(log: EvalLog) -> list[str]:
    """Return the names of the scorers of a log: of its results, its spec and its samples."""
    names = [score.scorer for score in log.results.scores] if log.results else []
    names += [scorer.name for scorer in log.eval.scorers or ()]
    names += [name for sample in log.samples or () for name in sample.scores or ()]
    return list(dict.fromkeys(names))


def _ascii_json(plain: Any) -> bytes:
    # Escapes instead of UTF-8: a lone surrogate then needs no special care.
    return json.dumps(plain, separators=(",", ":")).encode("ascii")


def _compress(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return b64encode(sink.getvalue().to_pybytes())


def _decompress(content: bytes) -> bytes:
    source = pa.BufferReader(b64decode(content))
    with pa.CompressedInputStream(source, "zstd") as stream:
        plain: bytes = stream.read()
    return plain
