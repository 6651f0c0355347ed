"""`EvalSample` to one flat row and back.

A message is serialised once (see `_transcript`), and so is base64 data of messages and events
(see `_attachments`). The sample's output is not repeated when it is that of the last model
event. Both directions are exact; what a flat column cannot hold faithfully is also in the
JSON column `details`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks_lib._util._json import (
    Encoded,
    as_text,
    decode,
    encode,
    is_utf8,
    shift_surrogates,
    without_surrogates,
)
from tasks_lib.log._arrow import BASE_SCHEMA, RUN_COLUMNS
from tasks_lib.log._attachments import Attachments
from tasks_lib.log._references import has_references
from tasks_lib.log._transcript import TranscriptJson, encode_transcript
from tasks_lib.log._transcript_read import read_events, read_messages, read_output
from tasks_lib.schema import EvalSample, Score, input_text, value_to_float

SAMPLE_COLUMNS = tuple(name for name in BASE_SCHEMA.names if name not in RUN_COLUMNS)
"""The columns of `sample_row`, without those of scores, which follow."""

Row = tuple[object, ...]
"""Values in the order of `SAMPLE_COLUMNS`, then one per scorer. JSON and text as UTF-8."""

_TOKEN_COLUMNS = (
    *("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens"),
    *("input_tokens_cache_read", "input_tokens_cache_write"),
)
_INT64_MAX = 2**63 - 1
_TO_FLOAT = value_to_float()
_DETAIL_FIELDS = ("chosen", "sandbox", "files", "setup", "error", "limit")
_TEXT_FIELDS = ("uuid", "digest", "input", "target")
"""Columns of text that show the field of the same name."""


def sample_row(sample: EvalSample, scorers: Sequence[str] = (), *, log_images: bool = True) -> Row:
    """Return `sample` as a row, with a number for each of `scorers`.

    Never fails because of what the sample holds: see `tasks_lib._util._json`.

    Args:
        sample: Its messages, input, output and events may hold base64 data, which becomes
            attachments if it is longer than 100 characters.
        scorers: Names of scorers.
        log_images: Whether base64 data is kept; if not, `<base64-data-removed>` stands in
            its place.
    """
    scores = sample.scores
    attachments = Attachments(sample.attachments, log_images)
    transcript = encode_transcript(sample)
    texts = _texts(sample)
    details = _details(sample, texts)
    if transcript.is_literal:
        details["literal_references"] = True
    json, messages = _referring(sample, transcript, attachments)
    if messages is not None:
        details["input"] = messages
    json["scores"] = None if scores is None else encode(scores)
    json["choices"] = None if sample.choices is None else encode(sample.choices)
    json["model_usage"] = encode(sample.model_usage) if sample.model_usage else None
    json["store"] = encode(sample.store) if sample.store else None
    json["metadata"] = encode(sample.metadata) if sample.metadata else None
    json["attachments"] = encode(attachments.texts) if attachments.texts else None
    json["details"] = encode(details) if details else None

    values: dict[str, object] = _numbers(sample)
    values.update(_shifted(json, details) if str in map(type, json.values()) else json)
    for name, text in texts.items():
        values[name] = None if text is None else _utf8(text)
    numbers = [_score_number(scores, scorer) for scorer in scorers]
    return (*map(values.get, SAMPLE_COLUMNS), *numbers)


def sample_id_text(id: int | str) -> str:
    """Return what the column `sample_id` holds of an id; different for different ids.

    UTF-8 has no lone surrogates, so an id with some begins with U+FDD0, which stands for no
    character, and has escapes in their place. (The id itself is then in `details`.)
    """
    text = str(id)
    if text.isascii() or is_utf8(text):
        return text
    return "\ufdd0" + text.encode("utf-8", "backslashreplace").decode()


def row_sample(row: Mapping[str, Any]) -> EvalSample:
    """Return the sample of a row. A column that is missing counts as empty.

    References to attachments stay (see `resolve_sample_attachments`).

    Raises:
        ValueError: The row is not one of ours.
    """
    surrogates = _surrogate_block(row.get("details"))

    def column(name: str, default: Any) -> Any:
        text = row.get(name)
        return default if text is None else decode(text, surrogates)

    details = column("details", {})
    details.pop("surrogates", None)
    literal = details.pop("literal_references", False) or not has_references(
        row.get("events") or ""
    )
    raw_messages, raw_pool = column("messages", []), column("message_pool", [])
    scores = column("scores", None)
    messages = read_messages(raw_messages)
    raw_input = details.get("input", row.get("input") or "")
    if isinstance(raw_input, list):
        details["input"] = read_messages(raw_input)
    events = read_events(
        column("events", []),
        [*raw_messages, *raw_pool],
        [*messages, *read_messages(raw_pool)],
        None if literal else {"input": raw_input, "scores": scores},
    )
    is_int = row.get("sample_id_type") == "int"
    values: dict[str, Any] = {
        "id": int(row["sample_id"]) if is_int else row["sample_id"],
        "epoch": row["epoch"],
        "input": row.get("input") or "",
        "target": row.get("target") or "",
        "choices": column("choices", None),
        "messages": messages,
        "output": read_output(column("model_output", None), events),
        "scores": scores,
        "metadata": column("metadata", {}),
        "store": column("store", {}),
        "events": events,
        "model_usage": column("model_usage", {}),
        "started_at": _iso(row.get("started_at")),
        "total_time": row.get("total_time"),
        "working_time": row.get("working_time"),
        "uuid": row.get("uuid"),
        "error_retries": [],
        "digest": row.get("digest"),
        "attachments": column("attachments", {}),
        "attempt": row.get("attempt") or 1,
    }
    return EvalSample.model_validate(details.pop("extra", {}) | values | details)


def _referring(
    sample: EvalSample, transcript: TranscriptJson, attachments: Attachments
) -> tuple[dict[str, Encoded | None], object]:
    """Return the columns of a transcript, and the input's messages, with their attachments."""
    given = sample.input
    columns: dict[str, Encoded | None] = {
        "messages": transcript.messages,
        "message_pool": transcript.pool,
        "events": transcript.events,
        "model_output": transcript.output,
    }
    if isinstance(given, str):
        return attachments.reference_json(columns), None
    encoded = encode(given)
    json = attachments.reference_json({**columns, "input": encoded})
    referring = json.pop("input")
    return json, given if referring is None or referring == encoded else decode(referring)


def _texts(sample: EvalSample) -> dict[str, str | None]:
    target = sample.target
    if not isinstance(target, str):
        target = target[0] if len(target) == 1 else as_text(encode(target))
    answer = None
    for score in (sample.scores or {}).values():
        if score.answer is not None:
            answer = score.answer
            break
    return {
        "sample_id": sample_id_text(sample.id),
        "uuid": sample.uuid,
        "digest": sample.digest,
        "input": sample.input if isinstance(sample.input, str) else input_text(sample.input),
        "target": target,
        "output": sample.output.completion,
        "answer": answer,
        "error": sample.error.message if sample.error else None,
    }


def _details(sample: EvalSample, texts: Mapping[str, str | None]) -> dict[str, object]:
    fields = sample.__dict__
    details: dict[str, object] = {
        name: fields[name] for name in _DETAIL_FIELDS if fields[name] is not None
    }
    if sample.error_retries != []:
        details["error_retries"] = sample.error_retries
    if sample.model_extra:
        details["extra"] = sample.model_extra
    if not isinstance(sample.target, str):
        details["target"] = sample.target
    started_at = sample.started_at
    if started_at is not None and not _is_canonical(started_at):
        details["started_at"] = started_at
    if texts["sample_id"] != str(sample.id):
        details["id"] = sample.id
    for name in _TEXT_FIELDS:
        text = texts[name]
        if text is not None and not text.isascii() and name not in details and not is_utf8(text):
            details[name] = fields[name]
    return details


def _numbers(sample: EvalSample) -> dict[str, object]:
    usages = [*sample.model_usage.values()]
    usage = sum(usages[1:], usages[0]) if usages else None
    values: dict[str, object] = {
        "sample_id_type": b"int" if isinstance(sample.id, int) else b"str",
        "epoch": sample.epoch,
        "attempt": sample.attempt,
        "stop_reason": sample.output.stop_reason if sample.output.choices else None,
        "started_at": _moment(sample.started_at),
        "total_time": sample.total_time,
        "working_time": sample.working_time,
        "limit": sample.limit.type if sample.limit else None,
        "retries": len(sample.error_retries or ()),
    }
    if usage is not None:
        values["cost"] = usage.total_cost
        for name in _TOKEN_COLUMNS:
            values[name] = _int64(getattr(usage, name))
    if sample.error_retries:
        spent = [u for retry in sample.error_retries for u in (retry.model_usage or {}).values()]
        if spent:
            whole = sum(spent[1:], spent[0])
            values["retry_tokens"] = _int64(whole.total_tokens)
            values["retry_cost"] = whole.total_cost
    return values


def _int64(count: int | None) -> int | None:
    """Return a count; a provider can report any number, one that does not fit is none."""
    return count if count is None or abs(count) <= _INT64_MAX else None


def _score_number(scores: Mapping[str, Score] | None, scorer: str) -> float | None:
    # NaN would be the average of the whole column; what is unscored must not count in SQL either.
    score = scores.get(scorer) if scores else None
    if score is None or isinstance(score.value, list | dict):
        return None
    try:
        number = _TO_FLOAT(score.value)
    except OverflowError:
        return None
    return number if number == number else None


def _shifted(json: Mapping[str, Encoded | None], details: dict[str, object]) -> dict[str, object]:
    block = shift_surrogates(text for text in json.values() if text is not None)
    texts = dict(json)
    texts["details"] = encode({**details, "surrogates": block})
    return {
        name: None if text is None else without_surrogates(text, block)
        for name, text in texts.items()
    }


def _surrogate_block(details: str | bytes | None) -> int | None:
    if details is None or '"surrogates"' not in as_text(details):
        return None
    block: int | None = decode(details).get("surrogates")
    return block


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text, None)


def _moment(iso: str | None) -> datetime | None:
    if not iso:
        return None
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_canonical(iso: str) -> bool:
    """Whether a time is written as `_iso` writes it."""
    if iso[10:11] == "T" and iso[19:20] == "." and len(iso) == 32 and iso.endswith("+00:00"):
        return _moment(iso) is not None  # asking `_iso` takes longer than the rest of a row's times
    return _iso(_moment(iso)) == iso


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()
