"""JSON of the reference's formats to our models, without loss.

Fields and kinds of events that this version does not know are kept. Messages and requests
that several model events share are in pools there; here the events share the objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter

from tasks_lib._errors import LogFormatError
from tasks_lib._util._json import NULLABLE_EVENT_FIELDS
from tasks_lib.log._eval_log_migrate import (
    migrate_event,
    migrate_header,
    migrate_message,
    migrate_sample,
    migrate_score,
)
from tasks_lib.schema import (
    EVAL_LOG_VERSION,
    ChatMessage,
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    input_text,
)

_MESSAGES: TypeAdapter[list[ChatMessage]] = TypeAdapter(list[ChatMessage])


def parse_header(header: dict[str, Any]) -> EvalLog:
    """Return a log without its samples.

    Args:
        header: As JSON; it is changed.

    Raises:
        ValueError: It is none. LogFormatError, which is one, if a newer version wrote it.
    """
    check_version(header)
    migrate_header(header)
    return EvalLog.model_validate({**header, "samples": None})


def check_version(header: dict[str, Any]) -> None:
    """Raise LogFormatError if a newer version of the format wrote this header."""
    version = header.get("version", 1)
    if not isinstance(version, int) or version > EVAL_LOG_VERSION:
        raise LogFormatError(
            f"it has version {version!r} of the log format, and versions up to "
            f"{EVAL_LOG_VERSION} can be read; upgrade this package"
        )
    header["version"] = EVAL_LOG_VERSION


def parse_sample(sample: dict[str, Any], scorer: str = "score") -> EvalSample:
    """Return a sample, with shared messages and requests where they belong.

    Args:
        sample: As JSON; it is changed.
        scorer: Name for a score that has none, which samples of old logs may have.

    Raises:
        ValueError: It is none.
    """
    migrate_sample(sample, scorer)
    _prepare_messages(sample.get("messages"))
    _prepare_messages(sample.get("input"))
    _prepare_output(sample.get("output"))
    pools = sample.pop("events_data", None) or {}
    messages = pools.get("messages", [])
    _prepare_messages(messages)
    shared = _MESSAGES.validate_python(messages)
    calls = pools.get("calls", [])
    for event in sample.get("events") or ():
        _prepare_event(event, shared, calls)
    return EvalSample.model_validate(sample)


def parse_summary(summary: dict[str, Any]) -> EvalSampleSummary:
    """Return a summary.

    Args:
        summary: As JSON; it is changed.

    Raises:
        ValueError: It is none.
    """
    messages = summary.get("input")
    if isinstance(messages, list):
        _prepare_messages(messages)
        summary["input"] = input_text(_MESSAGES.validate_python(messages))
    for score in (summary.get("scores") or {}).values():
        migrate_score(score)
    return EvalSampleSummary.model_validate(summary)


def _prepare_event(
    event: dict[str, Any], messages: Sequence[ChatMessage], calls: Sequence[Any]
) -> None:
    migrate_event(event)
    kind = event.get("event")
    if kind in NULLABLE_EVENT_FIELDS:
        event.setdefault(NULLABLE_EVENT_FIELDS[kind], None)
    if kind == "sample_init":
        _prepare_messages(event["sample"].get("input"))
    elif kind == "model":
        _prepare_output(event.get("output"))
        _prepare_messages(event.get("input"))
        references = event.pop("input_refs", None)
        if references is not None:
            event["input"] = list(_referred(references, messages))
        call = event.get("call")
        if isinstance(call, dict):
            _prepare_call(call, calls)


def _prepare_call(call: dict[str, Any], calls: Sequence[Any]) -> None:
    references = call.pop("call_refs", None)
    key = call.pop("call_key", None) or "messages"
    if references is not None:
        call["request"] = {**call.get("request", {}), key: list(_referred(references, calls))}


def _referred(references: Sequence[Sequence[int]], pool: Sequence[Any]) -> Iterator[Any]:
    """Yield the items of the pool that ranges (from, to before) refer to.

    Raises:
        ValueError: An item is not there.
    """
    for start, end in references:
        if not 0 <= start <= end <= len(pool):
            raise ValueError(f"an event refers to items {start} to {end} of {len(pool)}")
        yield from pool[start:end]


def _prepare_messages(messages: object) -> None:
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            migrate_message(message)


def _prepare_output(output: object) -> None:
    """Prepare the messages of a model's output, and leave out the text that repeats one."""
    if not isinstance(output, dict):
        return
    messages = [choice["message"] for choice in output.get("choices") or ()]
    _prepare_messages(messages)
    if "completion" in output and output["completion"] == _text(messages):
        del output["completion"]


def _text(messages: Sequence[dict[str, Any]]) -> str:
    content = messages[0].get("content", "") if messages else ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")
