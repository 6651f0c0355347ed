"""Samples in the form in which `.json` and `.eval` logs hold them, and back.

Condensed, a long text of events, or base64 data of messages, is an attachment of the sample;
a reference stands where it was. Condensing happens only where every reader of those formats
resolves references (`_TEXTS`, `_MESSAGES`, messages and input); resolving happens everywhere
in input, messages, output and events, so it is exact whoever made the references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from tasks_lib._util._json import MAX_DEPTH
from tasks_lib.log._attachments import Attachments, Change
from tasks_lib.schema import EvalSample, Event

T = TypeVar("T")

_Path = tuple[str, ...]
"""Names of fields from an event down; `*` is every item of a list."""

_TEXTS: Mapping[str, Sequence[_Path]] = {
    "sample_init": [("state",)],
    "model": [("tools", "*", "description"), ("call", "request"), ("call", "response")],
    "state": [("changes", "*", "value")],
    "store": [("changes", "*", "value")],
    "tool": [("arguments",)],
    "info": [("data",)],
}
"""Where an event of a kind holds text, or JSON with texts, of any length."""

_MESSAGES: Mapping[str, Sequence[_Path]] = {
    "sample_init": [("sample", "input")],
    "model": [("input",), ("output", "choices", "*", "message")],
}
"""Where an event of a kind holds messages."""

_PARTS = ("text", "reasoning", "data", "image", "audio", "video")
"""Types of content parts whose content is in the field called like the type."""
_MEDIA = ("image", "audio", "video", "document")
"""Those that are more than text."""


def condense_sample(sample: EvalSample, log_images: bool = True) -> EvalSample:
    """Return `sample` with long texts as attachments; `sample` itself stays as it is.

    In events these are texts of more than 100 characters and base64 data URIs, in messages
    and input only data URIs. Attachments that the sample has keep their keys; a new one gets
    the first half of the SHA-256 of its text, in hexadecimal. `resolve_sample_attachments`
    restores everything but what `log_images` took away.

    Args:
        sample: Condensed or not.
        log_images: Whether base64 data of images, audio and video is kept; if not,
            `<base64-data-removed>` stands in its place.
    """
    attachments = Attachments(sample.attachments, log_images)
    # No references but to what only looks like one: condensing starts from plain text.
    sample = _changed(sample, attachments.plain)
    long = _Walk(attachments.reference_long)
    media = _Walk(attachments.reference_data)
    update: dict[str, object] = {
        "messages": media.messages(sample.messages),
        "events": [_condensed(event, long, media) for event in sample.events],
        "attachments": attachments.texts,
    }
    if not isinstance(sample.input, str):
        update["input"] = media.messages(sample.input)
    return sample.model_copy(update=update)


def resolve_sample_attachments(sample: EvalSample) -> EvalSample:
    """Return `sample` with its attachments where they belong, and none beside.

    A reference to an attachment that the sample does not have stays. `sample` itself stays
    as it is.
    """
    if not sample.attachments:
        return sample
    resolved = _changed(sample, Attachments(sample.attachments).resolve)
    return resolved.model_copy(update={"attachments": {}})


def _changed(sample: EvalSample, change: Change) -> EvalSample:
    """Return `sample` with `change` made to every text that may be a reference."""
    walk = _Walk(change)
    update: dict[str, object] = {
        "messages": walk(sample.messages),
        "output": walk(sample.output),
        "events": walk(sample.events),
    }
    if not isinstance(sample.input, str):
        update["input"] = walk(sample.input)
    return sample.model_copy(update=update)


def _condensed(event: Event, long: _Walk, media: _Walk) -> Event:
    for path in _TEXTS.get(event.event, ()):
        event = _at(event, path, long)
    for path in _MESSAGES.get(event.event, ()):
        event = _at(event, path, long.messages)
    if event.event == "tool":
        # The text of a result stays: the message that answers the call repeats it anyway.
        event = _at(event, ("result",), media.result)
    return event


def _at(value: Any, path: _Path, change: Callable[[Any], Any]) -> Any:
    """Return `value` with `change` made at `path`, a copy where something changed."""
    if not path:
        return change(value)
    name, below = path[0], path[1:]
    if name == "*":
        return _unless_same(value, [_at(item, below, change) for item in value])
    child = getattr(value, name, None)
    new = None if child is None else _at(child, below, change)
    return value if new is child else value.model_copy(update={name: new})


class _Walk:
    """Makes a change to all texts in nested data, without changing the data in place.

    What occurs several times is changed once, so messages that events share stay shared.
    Nesting deeper than logs keep, and the way back in a cycle, are left as they are.
    """

    def __init__(self, change: Change) -> None:
        self._change = change
        self._depth = 0
        self._done: dict[int, tuple[object, object]] = {}
        """What was made of an object, by its id; it is held so that the id stays its own."""

    def __call__(self, value: T) -> T:
        """Return `value` with all its texts changed, dict keys excepted."""
        return cast(T, self._walked(value, self._container))  # of the type that it was

    def messages(self, value: Any) -> Any:
        """Return messages (a list of them, one, or just text) with their content changed."""
        if isinstance(value, str):
            return self._change(value)
        if isinstance(value, list):
            return _unless_same(value, [self.messages(message) for message in value])
        return self._walked(value, self._message)

    def result(self, value: Any) -> Any:
        """Return the result of a tool with the content of images, audio and video changed."""
        if isinstance(value, list):
            return _unless_same(value, [self._part(part, _MEDIA) for part in value])
        return self._part(value, _MEDIA)

    def _walked(self, value: object, walk: Callable[[Any], object]) -> object:
        if isinstance(value, str):
            return self._change(value)
        if not isinstance(value, list | tuple | dict | BaseModel) or self._depth >= MAX_DEPTH:
            return value
        known = self._done.get(id(value))
        if known is not None:
            return known[1]
        self._done[id(value)] = (value, value)
        self._depth += 1
        result = walk(value)
        self._depth -= 1
        self._done[id(value)] = (value, result)
        return result

    def _container(self, value: Any) -> object:
        if isinstance(value, BaseModel):
            fields = {**value.__dict__, **(value.__pydantic_extra__ or {})}
            update = self._changed_items(fields)
            return value.model_copy(update=update) if update else value
        if isinstance(value, dict):
            update = self._changed_items(value)
            return {**value, **update} if update else value
        items = [self(item) for item in value]
        if isinstance(value, list):
            return _unless_same(value, items)
        return _unless_same(value, tuple(items)) if type(value) is tuple else value

    def _changed_items(self, items: Mapping[Any, object]) -> dict[Any, object]:
        walked = ((name, item, self(item)) for name, item in items.items())
        return {name: new for name, old, new in walked if new is not old}

    def _message(self, message: Any) -> object:
        content = message.content
        if isinstance(content, str):
            new: object = self._change(content)
        else:
            new = _unless_same(content, [self._part(part, _PARTS) for part in content])
        return message if new is content else message.model_copy(update={"content": new})

    def _part(self, part: Any, types: Sequence[str]) -> Any:
        """Return a content part, a model or (in results) its JSON, with its content changed."""
        fields = part if isinstance(part, dict) else getattr(part, "__dict__", {})
        kind = fields.get("type")
        if kind not in types or kind not in fields:
            return part
        update = self._changed_items({kind: fields[kind]})
        if not update:
            return part
        return {**part, **update} if isinstance(part, dict) else part.model_copy(update=update)


def _unless_same(old: Any, new: Any) -> Any:
    """Return `new`, or `old` if every item of it is the same object."""
    return old if all(a is b for a, b in zip(old, new, strict=True)) else new
