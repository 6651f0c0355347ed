"""Logs of older versions of the reference's formats, as plain data, made like today's.

Everything changes the data in place. What is not of the expected form is left to validation.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Digits of ids, the same as those of random ones."""
_ID_LENGTH = 22
_SCORE_PLACEHOLDER = "88F74D2C"
"""Name that the reference once gave to the score of a sample with only one."""
_HISTORIES = {True: "all", False: "none"}


def migrate_header(header: dict[str, Any]) -> None:
    """Make the header of an older log like today's."""
    spec = header.get("eval")
    if isinstance(spec, dict):
        _migrate_spec(spec)
    results = header.get("results")
    if isinstance(results, dict):
        _migrate_results(results)
        reductions = results.pop("sample_reductions", None)
        if reductions is not None:
            header.setdefault("reductions", reductions)
    plan = header.get("plan")
    if isinstance(plan, dict):
        migrate_config(plan.get("config"))


def migrate_sample(sample: dict[str, Any], scorer: str) -> None:
    """Make a sample of an older log like today's.

    Args:
        sample: The sample.
        scorer: Name for a score that has none.
    """
    _migrate_sandbox(sample)
    transcript = sample.pop("transcript", None)
    if isinstance(transcript, dict):
        sample.setdefault("events", transcript.get("events", []))
        sample.setdefault("attachments", transcript.get("content", {}))
    score = sample.pop("score", None)
    if score is not None:
        sample.setdefault("scores", {scorer: score})
    scores = sample.get("scores")
    if isinstance(scores, dict):
        if _SCORE_PLACEHOLDER in scores:
            scores[scorer] = scores.pop(_SCORE_PLACEHOLDER)
        for score in scores.values():
            migrate_score(score)


def migrate_event(event: dict[str, Any]) -> None:
    """Make an event of an older log like today's."""
    for name in ("timestamp", "completed"):
        if isinstance(event.get(name), str):
            event[name] = _with_offset(event[name])
    if event.get("event") == "score":
        migrate_score(event.get("score"))
    elif event.get("event") == "model":
        migrate_config(event.get("config"))


def migrate_message(message: dict[str, Any]) -> None:
    """Make a message of an older log like today's; one without an id has none."""
    message.setdefault("id", None)
    error = message.pop("tool_error", None)
    if error:
        message.setdefault("error", {"type": "unknown", "message": error})


def migrate_score(score: object) -> None:
    """Give a score that has no value NaN."""
    if isinstance(score, dict) and score.get("value") is None:
        score["value"] = math.nan


def migrate_config(config: object) -> None:
    """Make the options of an older log like today's."""
    if isinstance(config, dict) and isinstance(config.get("reasoning_history"), bool):
        config["reasoning_history"] = _HISTORIES[config["reasoning_history"]]


def first_scorer(header: dict[str, Any]) -> str:
    """Return the name of the first score of a log's results, for samples that name none."""
    results = header.get("results")
    scores = results.get("scores") if isinstance(results, dict) else None
    first = scores[0] if isinstance(scores, list) and scores else None
    return str(first["name"]) if isinstance(first, dict) and "name" in first else "score"


def _migrate_spec(spec: dict[str, Any]) -> None:
    if not spec.get("eval_id"):
        created = _in_utc(str(spec.get("created", "")))
        spec["eval_id"] = _id_of(f"{spec.get('run_id', '')}{spec.get('task_id', '')}{created}")
    _migrate_sandbox(spec)
    spec.setdefault("task_args_passed", spec.get("task_args", {}))
    migrate_config(spec.get("model_generate_config"))
    config = spec.get("config")
    if isinstance(config, dict):
        limit = config.pop("max_messages", None)
        if limit:
            config.setdefault("message_limit", limit)


def _migrate_results(results: dict[str, Any]) -> None:
    scorer = results.pop("scorer", None)
    if isinstance(scorer, dict):
        metrics = results.pop("metrics", None)
        if metrics:
            scorer["metrics"] = metrics
        scorer.setdefault("scorer", scorer.get("name"))
        results.setdefault("scores", [scorer])
    for score in _dicts(results.get("scores")):
        metrics = score.get("metrics")
        for metric in _dicts(list(metrics.values()) if isinstance(metrics, dict) else None):
            metric.setdefault("value", None)


def _migrate_sandbox(holder: dict[str, Any]) -> None:
    match holder.get("sandbox"):
        case [kind]:
            holder["sandbox"] = {"type": kind}
        case [kind, config]:
            holder["sandbox"] = {"type": kind} | ({} if config is None else {"config": config})


def _dicts(items: object) -> list[dict[str, Any]]:
    return [i for i in items if isinstance(i, dict)] if isinstance(items, list) else []


def _with_offset(moment: str) -> str:
    """Return an ISO 8601 time with an offset; a time without one is UTC."""
    if moment.endswith(("Z", "z")) or moment[-6:-5] in ("+", "-"):
        return moment
    return f"{moment}+00:00"


def _in_utc(moment: str) -> str:
    """Return an ISO 8601 time as one in UTC; anything else as it is."""
    try:
        return datetime.fromisoformat(_with_offset(moment)).astimezone(UTC).isoformat()
    except ValueError:
        return moment


def _id_of(text: str) -> str:
    """Return the id that the reference gives to a log without one, from what identifies it."""
    number = int.from_bytes(blake2s(text.encode(), digest_size=16).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_ID_LENGTH, _ALPHABET[0])[-_ID_LENGTH:]
