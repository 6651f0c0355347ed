"""Fields of samples and of their summaries, made from columns of the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tasks_lib.analysis._stored import StoredSamples, Values, messages_of
from tasks_lib.analysis._text import input_as_text, messages_as_text

_LONGEST = 1000
"""Most characters of a text in a summary's metadata."""
_SINGLE = frozenset((str, int, float, bool))
_REFERENCE = re.compile("(attachment|tc)://")
_WHITESPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
"""What `str.strip` removes."""

Read: TypeAlias = Callable[[StoredSamples], Values]
"""Makes the values of a field from columns of the log."""


class Field(NamedTuple):
    """How a field is made, and from which columns beside `KEY_COLUMNS`."""

    columns: tuple[str, ...]
    read: Read
    is_json: bool = False
    """Whether what it reads is JSON, not plain text."""


def _column(name: str) -> Field:
    return Field((name,), lambda samples: samples.text(name))


def _json(name: str, empty: str | None = None) -> Field:
    """Return a field whose values are JSON; `empty` is what a missing one stands for."""

    def read(samples: StoredSamples) -> Values:
        text = samples.text(name)
        return text if empty is None else pc.fill_null(text, empty)

    return Field((name,), read, is_json=True)


def _detail(name: str) -> Field:
    """Return a field that is in the details or missing."""

    def read(samples: StoredSamples) -> Values:
        values: list[Any] = [None] * len(samples)
        for row, details in samples.details.items():
            values[row] = details.get(name)
        return values

    return Field((), read)


def _text_or_detail(samples: StoredSamples, name: str) -> Values:
    """Return a field that is text, or else something in the details."""
    changed = {row: item[name] for row, item in samples.details.items() if name in item}
    if not changed:
        return samples.text(name)
    values: list[Any] = samples.text(name).to_pylist()
    for row, value in changed.items():
        values[row] = value
    return values


def _target(samples: StoredSamples) -> Values:
    return _text_or_detail(samples, "target")


def _input(samples: StoredSamples) -> Values:
    values = _text_or_detail(samples, "input")
    return _resolved(samples, values) if isinstance(values, list) else values


def _messages(samples: StoredSamples) -> Values:
    return _resolved(samples, [item or [] for item in samples.json("messages")])


def _resolved(samples: StoredSamples, values: list[Any]) -> list[Any]:
    """Return messages of samples with their attachments where they belong."""
    attachments = samples.json("attachments")
    return [
        _with_texts(value, texts) if texts and not isinstance(value, str) else value
        for value, texts in zip(values, attachments, strict=True)
    ]


def _with_texts(value: Any, texts: dict[str, str]) -> Any:
    if isinstance(value, str):
        return texts.get(value.partition("://")[2], value) if _REFERENCE.match(value) else value
    if isinstance(value, dict):
        return {key: _with_texts(item, texts) for key, item in value.items()}
    return [_with_texts(item, texts) for item in value] if isinstance(value, list) else value


def _epoch(samples: StoredSamples) -> Values:
    return samples.column("epoch").cast(pa.int64())


def _attempt(samples: StoredSamples) -> Values:
    return samples.column("attempt").cast(pa.int64())


def _ids(samples: StoredSamples) -> Values:
    if not pc.any(pc.equal(samples.column("sample_id_type"), "int")).as_py():
        return samples.column("sample_id")
    return [int(key.id) if key.is_int else key.id for key in samples.keys]


def _retries(samples: StoredSamples) -> Values:
    return pc.fill_null(samples.column("retries").cast(pa.int64()), 0)


def _started_at(samples: StoredSamples) -> Values:
    values = [
        None if at is None else at.astimezone(UTC).isoformat()
        for at in samples.column("started_at").to_pylist()
    ]
    for row, details in samples.details.items():
        values[row] = details.get("started_at", values[row])
    return values


def _completed(samples: StoredSamples) -> Values:
    return [True] * len(samples)


def _short_metadata(samples: StoredSamples) -> Values:
    return [_short(item or {}) for item in samples.json("metadata")]


def _short(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:_LONGEST] if type(value) is str else value
        for name, value in metadata.items()
        if type(value) in _SINGLE
    }


def id_text(samples: StoredSamples) -> Values:
    """Return each sample's id as text."""
    return samples.text("sample_id")


def target_text(samples: StoredSamples) -> Values:
    """Return each sample's target; several are joined by commas."""
    values = _target(samples)
    if isinstance(values, list):
        return [",".join(value) if isinstance(value, list) else value for value in values]
    return values


def input_text(samples: StoredSamples) -> Values:
    """Return each sample's input as a conversation."""
    text = pc.utf8_trim(samples.text("input"), characters=_WHITESPACE)
    shown = pc.binary_join_element_wise("user:\n", text, "\n", "")
    changed = {row: item["input"] for row, item in samples.details.items() if "input" in item}
    if not changed:
        return shown
    values = shown.to_pylist()
    for row, value in changed.items():
        values[row] = input_as_text(value if isinstance(value, str) else messages_of(value))
    return values


def messages_text(samples: StoredSamples) -> Values:
    """Return each sample's messages as a conversation."""
    return [messages_as_text(messages_of(item or [])) for item in samples.json("messages")]


def total_tokens(samples: StoredSamples) -> Values:
    """Return the tokens that each sample used."""
    return pc.fill_null(samples.column("total_tokens"), 0)


def cost(samples: StoredSamples) -> Values:
    """Return what each sample cost, None where that is not known."""
    return samples.column("cost")


_SHARED = {
    "id": Field((), _ids),
    "epoch": Field((), _epoch),
    "target": Field(("target",), _target),
    "model_usage": _json("model_usage", "{}"),
    "scores": _json("scores"),
    "total_time": Field(("total_time",), lambda samples: samples.column("total_time")),
    "working_time": Field(("working_time",), lambda samples: samples.column("working_time")),
    "uuid": Field((), lambda samples: samples.text("uuid")),
}

SUMMARY_FIELDS = _SHARED | {
    "input": _column("input"),
    "metadata": Field(("metadata",), _short_metadata),
    "error": _column("error"),
    "limit": _column("limit"),
    "retries": Field(("retries",), _retries),
    "completed": Field((), _completed),
}
"""Fields of `EvalSampleSummary` by name."""

SAMPLE_FIELDS = _SHARED | {
    "input": Field(("input", "attachments"), _input),
    "metadata": _json("metadata", "{}"),
    "choices": _json("choices"),
    "sandbox": _detail("sandbox"),
    "files": _detail("files"),
    "setup": _detail("setup"),
    "messages": Field(("messages", "attachments"), _messages),
    "store": _json("store", "{}"),
    "started_at": Field(("started_at",), _started_at),
    "error": _detail("error"),
    "error_retries": _detail("error_retries"),
    "limit": _detail("limit"),
    "attempt": Field(("attempt",), _attempt),
}
"""Fields of `EvalSample` by name, without those that take a transcript: events and output."""

STORED_PATHS = {"output.completion": _column("output")}
"""Paths into a transcript whose values have a column of their own."""
