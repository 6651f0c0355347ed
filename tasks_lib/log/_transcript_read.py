"""A sample's messages and events from the JSON that `_transcript` has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from tasks_lib._util._json import NULLABLE_EVENT_FIELDS
from tasks_lib.log._references import INPUT, MESSAGES, OUTPUT, SCORES
from tasks_lib.schema import ChatMessage, Event, ModelEvent, ModelOutput

_MESSAGE: TypeAdapter[ChatMessage] = TypeAdapter(ChatMessage)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def read_messages(items: Sequence[dict[str, Any]]) -> list[ChatMessage]:
    """Return the messages of a JSON array. Raises ValueError if they are none."""
    return [_message(item) for item in items]


def read_events(
    items: Sequence[dict[str, Any]],
    raw: Sequence[dict[str, Any]],
    messages: Sequence[ChatMessage],
    sample: Mapping[str, Any] | None,
) -> list[Event]:
    """Return the events of a JSON array, with what their references stand for.

    Args:
        items: The events.
        raw: All messages of the row, those of the pool at the end, as JSON.
        messages: The same as objects.
        sample: `input` and `scores` of the row, as JSON. None: nothing but the `input` of
            model events refers to anything.

    Raises:
        ValueError: They are no events, or refer to what is not there.
    """
    references = _References(raw, sample) if sample is not None else None
    return [_event(item, messages, references) for item in items]


def read_output(item: dict[str, Any] | None, events: Sequence[Event]) -> ModelOutput:
    """Return the output of a sample: `item`, or None: that of the last model event."""
    if item is not None:
        _keep_missing_ids(item)
        return ModelOutput.model_validate(item)
    calls = (event.output for event in reversed(events) if isinstance(event, ModelEvent))
    return next(calls, None) or ModelOutput()


class _References:
    """Puts what references stand for in their place."""

    def __init__(self, raw: Sequence[dict[str, Any]], sample: Mapping[str, Any]) -> None:
        self._raw = raw
        self._sample = sample
        self._output: Any = None
        """The output of the last model event, as it is written."""

    def resolve_event(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of an event without references; events come in their order."""
        if item.get("event") == "model":
            self._output = item.get("output")
        resolved: dict[str, Any] = self.resolve(item)
        return resolved

    def resolve(self, value: Any) -> Any:
        """Return a copy of JSON data without references."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        target = value.get("$ref") if len(value) == 1 else None
        if isinstance(target, str):
            if target.startswith(MESSAGES):
                return _copy(self._raw[int(target[len(MESSAGES) :])])
            if target.startswith(SCORES):
                return _copy(self._sample["scores"][target[len(SCORES) :]])
            if target == INPUT:
                return _copy(self._sample["input"])
            if target == OUTPUT:
                return self.resolve(self._output)
        return {name: self.resolve(item) for name, item in value.items()}


def _copy(value: Any) -> Any:
    """Return a copy of JSON data, so that no two places share what can be changed."""
    if isinstance(value, list):
        return [_copy(item) for item in value]
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return value


def _message(item: dict[str, Any]) -> ChatMessage:
    item.setdefault("id", None)  # no id was written: it must not get a new one
    return _MESSAGE.validate_python(item)


def _event(
    item: dict[str, Any], messages: Sequence[ChatMessage], references: _References | None
) -> Event:
    kind = item.get("event")
    seen = item.pop("input", ()) if kind == "model" else ()
    if references is not None:
        item = references.resolve_event(item)
    if kind == "model":
        item["input"] = [messages[entry] if isinstance(entry, int) else entry for entry in seen]
        _keep_missing_ids(item.get("output"))
    elif kind in NULLABLE_EVENT_FIELDS:
        item.setdefault(NULLABLE_EVENT_FIELDS[kind], None)
    return _EVENT.validate_python(item)


def _keep_missing_ids(output: dict[str, Any] | None) -> None:
    for choice in (output or {}).get("choices", ()):
        choice["message"].setdefault("id", None)
