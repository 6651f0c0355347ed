"""Runs in the reference's environment: prints what its own functions read from logs.

    python -m tests.log._peer_read FILES

FILES is a JSON list. Prints a list with an object for each: `log` (attachments where they
belong), `sample` (each one read on its own, by `id/epoch`), `streamed` (their ids, as
`read_eval_log_samples` yields them), `summaries` and `header`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from inspect_ai.log import (
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
)
from pydantic_core import to_jsonable_python


def plain(value: Any) -> Any:
    """Return models as JSON, numbers that JSON lacks as their names."""
    text = json.dumps(to_jsonable_python(value, exclude_none=True, inf_nan_mode="constants"))
    return json.loads(text, parse_constant=str)


def read(path: str) -> dict[str, Any]:
    """Return everything that the reference reads from a log."""
    log = read_eval_log(path, resolve_attachments="full")
    return {
        "log": plain(log),
        "sample": {
            f"{sample.id}/{sample.epoch}": plain(
                read_eval_log_sample(path, sample.id, sample.epoch, resolve_attachments="full")
            )
            for sample in log.samples or []
        },
        "streamed": [
            [sample.id, sample.epoch]
            for sample in (read_eval_log_samples(path) if log.status == "success" else ())
        ],
        "summaries": plain(read_eval_log_sample_summaries(path)),
        "header": plain(read_eval_log(path, header_only=True)),
    }


if __name__ == "__main__":
    json.dump([read(path) for path in json.loads(sys.argv[1])], sys.stdout)
