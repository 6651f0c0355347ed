"""`EvalSample` to one flat row and back.

A message is serialised once: model events refer to it by its position among the sample's
messages (`messages`, then `message_pool`). The sample's output is not repeated when it is
that of the last model event. Both directions are exact; what a flat column cannot hold
faithfully is also in the JSON column `details`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter

from tasks_lib.log._arrow import BASE_SCHEMA, RUN_COLUMNS
from tasks_lib.log._json import (
    ENCODING_ERRORS,
    Encoded,
    as_text,
    decode,
    encode,
    encode_exactly,
    encode_fast,
    join,
    may_hold_nan,
    shift_surrogates,
    without_surrogates,
)
from tasks_lib.schema import (
    ChatMessage,
    EvalSample,
    Event,
    ModelEvent,
    ModelOutput,
    Score,
    input_text,
    value_to_float,
)

SAMPLE_COLUMNS = tuple(name for name in BASE_SCHEMA.names if name not in RUN_COLUMNS)
"""The columns of `sample_row`, without those of scores, which follow."""

Row = tuple[object, ...]
"""Values in the order of `SAMPLE_COLUMNS`, then one per scorer. JSON and text as UTF-8."""

Write = Callable[..., Encoded]
"""`encode_fast` or `encode_exactly`."""

_INT64_MAX = 2**63 - 1
_TO_FLOAT = value_to_float()
_MESSAGE: TypeAdapter[ChatMessage] = TypeAdapter(ChatMessage)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_MODEL_EVENT_SPLICED = {"input", "output"}
_NO_OUTPUT = encode(ModelOutput())
_DETAIL_FIELDS = ("sandbox", "files", "setup", "error", "error_retries", "limit")
_TEXT_FIELDS = (("sample_id", "id"), ("uuid", "uuid"), ("input", "input"), ("target", "target"))
"""Columns of text, with the field that they show."""
_NULLABLE: dict[str, str] = {"sample_init": "state", "info": "data"}
"""Required fields that may be null; nulls are not written."""


def sample_row(sample: EvalSample, scorers: Sequence[str] = ()) -> Row:
    """Return `sample` as a row, with a number for each of `scorers`.

    Never fails because of what the sample holds: see `tasks_lib.log._json`.
    """
    scores = sample.scores
    json: dict[str, Encoded | None] = _transcript(sample)
    json["scores"] = None if scores is None else encode(scores)
    json["choices"] = None if sample.choices is None else encode(sample.choices)
    json["model_usage"] = encode(sample.model_usage) if sample.model_usage else None
    json["store"] = encode(sample.store) if sample.store else None
    json["metadata"] = encode(sample.metadata) if sample.metadata else None
    json["attachments"] = encode(sample.attachments) if sample.attachments else None
    texts = _texts(sample)
    details = _details(sample, texts)
    json["details"] = encode(details) if details else None

    values: dict[str, object] = _numbers(sample)
    values.update(_shifted(json, details) if str in map(type, json.values()) else json)
    for name, text in texts.items():
        values[name] = None if text is None else _utf8(text)
    numbers = [_score_number(scores, scorer) for scorer in scorers]
    return (*map(values.get, SAMPLE_COLUMNS), *numbers)


def row_sample(row: Mapping[str, Any]) -> EvalSample:
    """Return the sample of a row. A column that is missing counts as empty.

    Raises:
        ValueError: The row is not one of ours.
    """
    surrogates = _surrogate_block(row.get("details"))

    def column(name: str, default: Any) -> Any:
        text = row.get(name)
        return default if text is None else decode(text, surrogates)

    details = column("details", {})
    messages = [_message(item) for item in column("messages", [])]
    pool = [*messages, *(_message(item) for item in column("message_pool", []))]
    events = [_event(item, pool) for item in column("events", [])]
    is_int = row.get("sample_id_type") == "int"
    values: dict[str, Any] = {
        "id": int(row["sample_id"]) if is_int else row["sample_id"],
        "epoch": row["epoch"],
        "input": row.get("input") or "",
        "target": row.get("target") or "",
        "choices": column("choices", None),
        "messages": messages,
        "output": _output(column("model_output", None), events),
        "scores": column("scores", None),
        "metadata": column("metadata", {}),
        "store": column("store", {}),
        "events": events,
        "model_usage": column("model_usage", {}),
        "started_at": _iso(row.get("started_at")),
        "total_time": row.get("total_time"),
        "working_time": row.get("working_time"),
        "uuid": row.get("uuid"),
        "attachments": column("attachments", {}),
        "attempt": row.get("attempt") or 1,
    }
    if isinstance(details.get("input"), list):
        details["input"] = [_message(item) for item in details["input"]]
    return EvalSample.model_validate(values | details)


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
        "sample_id": str(sample.id),
        "uuid": sample.uuid,
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
    if not isinstance(sample.input, str):
        details["input"] = sample.input
    if not isinstance(sample.target, str):
        details["target"] = sample.target
    started_at = sample.started_at
    if started_at and _iso(_moment(started_at)) != started_at:
        details["started_at"] = started_at
    for column, name in _TEXT_FIELDS:
        text = texts[column]
        if text is not None and not text.isascii() and name not in details and not _is_utf8(text):
            details[name] = fields[name]
    return details


def _transcript(sample: EvalSample) -> dict[str, Encoded | None]:
    try:
        fast = _transcript_json(sample, encode_fast)
        if not any(may_hold_nan(text) for text in fast.values() if text is not None):
            return fast
    except ENCODING_ERRORS:
        pass  # something that only the exact way can write
    return _transcript_json(sample, encode_exactly)


def _transcript_json(sample: EvalSample, write: Write) -> dict[str, Encoded | None]:
    messages = [write(message) for message in sample.messages]
    pool: list[Encoded] = []
    positions = {id(message): index for index, message in enumerate(sample.messages)}
    same_json = {text: index for index, text in enumerate(messages)}

    def position(message: BaseModel) -> int:
        known = positions.get(id(message))
        if known is not None:
            return known
        text = write(message)
        index = same_json.setdefault(text, len(messages) + len(pool))
        if index == len(messages) + len(pool):
            pool.append(text)
        positions[id(message)] = index
        return index

    events: list[Encoded] = []
    last_output = _NO_OUTPUT
    for event in sample.events:
        if event.event == "model":
            last_output = write(event.output)
            seen = ",".join([str(position(message)) for message in event.input])
            events.append(_spliced(write(event, _MODEL_EVENT_SPLICED), seen, last_output))
        else:
            events.append(write(event))
    output = write(sample.output)
    return {
        "messages": join(messages) if messages else None,
        "message_pool": join(pool) if pool else None,
        "events": join(events) if events else None,
        "model_output": None if output == last_output else output,
    }


def _spliced(event: Encoded, positions: str, output: Encoded) -> Encoded:
    if isinstance(event, bytes) and isinstance(output, bytes):
        return b'%s,"input":[%s],"output":%s}' % (event[:-1], positions.encode(), output)
    head, output = as_text(event)[:-1], as_text(output)
    return f'{head},"input":[{positions}],"output":{output}}}'


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
        for name, count in usage.__dict__.items():
            # A provider can report any number; one that does not fit counts as not reported.
            values[name] = count if count is None or abs(count) <= _INT64_MAX else None
    return values


def _score_number(scores: Mapping[str, Score] | None, scorer: str) -> float | None:
    score = scores.get(scorer) if scores else None
    if score is None or isinstance(score.value, list | dict):
        return None
    if isinstance(score.value, float):
        return score.value
    try:
        number = _TO_FLOAT(score.value)
    except OverflowError:
        return None
    return number if number == number else None  # text that no one understands is no NaN


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


def _message(item: dict[str, Any]) -> ChatMessage:
    item.setdefault("id", None)  # no id was written: it must not get a new one
    return _MESSAGE.validate_python(item)


def _event(item: dict[str, Any], pool: Sequence[ChatMessage]) -> Event:
    kind = item.get("event")
    if kind == "model":
        item["input"] = [
            pool[entry] if isinstance(entry, int) else entry for entry in item.get("input", ())
        ]
        _keep_missing_ids(item.get("output"))
    elif kind in _NULLABLE:
        item.setdefault(_NULLABLE[kind], None)
    return _EVENT.validate_python(item)


def _output(item: dict[str, Any] | None, events: Sequence[Event]) -> ModelOutput:
    if item is not None:
        _keep_missing_ids(item)
        return ModelOutput.model_validate(item)
    calls = (event.output for event in reversed(events) if isinstance(event, ModelEvent))
    return next(calls, None) or ModelOutput()


def _keep_missing_ids(output: dict[str, Any] | None) -> None:
    for choice in (output or {}).get("choices", ()):
        choice["message"].setdefault("id", None)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text, None)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(iso: str | None) -> datetime | None:
    if not iso:
        return None
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()
