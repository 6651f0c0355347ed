"""Our models as JSON of the reference's formats, in the form that its own reader accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks_lib._util._json import SURROGATE, encode, to_plain
from tasks_lib.schema import EvalLog, EvalSample, InfoEvent

_SUMMARY_FIELDS = (
    "choices",
    "description",
    "role_usage",
    "model_fallbacks",
    "started_at",
    "completed_at",
    "turn_count",
    "token_limit",
    "token_limit_type",
    "token_limit_usage",
    "message_limit",
    "time_limit",
)
"""Fields of samples that the reference's summaries have besides ours."""
_EXPLANATION_LENGTH = 1000
"""Characters of a score's explanation that a summary has."""


def start_document(header: EvalLog) -> bytes:
    """Return what is known of a log when it begins."""
    return _json({"version": header.version, "eval": header.eval, "plan": header.plan})


def header_document(header: EvalLog, ids: Sequence[int | str] = ()) -> bytes:
    """Return a log without samples and reductions, which stand beside it.

    Args:
        header: The log.
        ids: The ids of its samples, for a log that does not say which were selected: the
            reference looks for samples by them. Empty: nothing is said of them.
    """
    plain = to_plain(header.model_copy(update={"samples": None, "reductions": None}))
    plain.pop("location", None)
    if ids:
        plain["eval"]["dataset"].setdefault("sample_ids", list(ids))
    for score in (plain.get("results") or {}).get("scores", ()):
        for metric in score.get("metrics", {}).values():
            metric.setdefault("value", math.nan)  # it must have one
    return _json(plain)


def reductions_document(header: EvalLog) -> bytes:
    """Return the reductions of a log."""
    return _json(header.reductions)


def sample_document(sample: EvalSample) -> bytes:
    """Return a sample."""
    if not any(isinstance(event, InfoEvent) and event.data is None for event in sample.events):
        return _json(sample)
    plain = to_plain(sample)
    for event in plain["events"]:
        if event["event"] == "info":
            event.setdefault("data", None)  # it must be there
    return _json(plain)


def summary_document(sample: EvalSample) -> bytes:
    """Return the summary of a sample: ours, and what the reference's viewer shows besides."""
    extra = sample.model_extra or {}
    more: dict[str, object] = {
        name: getattr(sample, name) if name in EvalSample.model_fields else extra.get(name)
        for name in _SUMMARY_FIELDS
    }
    scores = {
        name: {
            "value": score.value,
            "answer": score.answer,
            "explanation": _short(score.explanation),
        }
        for name, score in (sample.scores or {}).items()
    }
    more["scores"] = {name: _given(score) for name, score in scores.items()} or None
    more["message_count"] = len(sample.messages)
    more["limit_reason"] = (sample.limit.model_extra or {}).get("reason") if sample.limit else None
    return _json({**to_plain(sample.summary()), **_given(more)})


def utf8(encoded: bytes | str) -> bytes:
    r"""Return JSON as UTF-8; a lone surrogate becomes the text of its escape (`\ud800`).

    An escaped one would be JSON too, but the reference refuses the whole document then.
    """
    if isinstance(encoded, bytes):
        return encoded
    return SURROGATE.sub(lambda found: rf"\\u{ord(found[0]):04x}", encoded).encode()


def _json(value: object) -> bytes:
    return utf8(encode(value))


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _short(text: str | None) -> str | None:
    if text is None or len(text) <= _EXPLANATION_LENGTH:
        return text
    return f"{text[: _EXPLANATION_LENGTH - 1]}…"
