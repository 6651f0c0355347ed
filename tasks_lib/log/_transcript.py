"""A sample's messages and events as JSON in which a message is written once.

Where an event holds a message of the sample, there stands a reference: the position (in
`messages`, then `message_pool`) in a model event's `input`, `{"$ref":"#/messages/<position>"}`
elsewhere. A score of the sample is `{"$ref":"#/scores/<scorer>"}`, its input
`{"$ref":"#/input"}`, the output of the model event before `{"$ref":"#/output"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from tasks_lib._util._json import (
    ENCODING_ERRORS,
    Encoded,
    encode,
    encode_exactly,
    encode_fast,
    may_hold_nan,
    plain_model,
    to_plain,
)
from tasks_lib.log._references import (
    INPUT,
    MESSAGES,
    OUTPUT,
    REFERENCE_BYTES,
    SCORES,
    has_references,
)
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    EvalSample,
    JsonChange,
    ModelEvent,
    ModelOutput,
    Sample,
    Score,
)


class TranscriptJson(NamedTuple):
    """A transcript as JSON, None where there is nothing."""

    messages: Encoded | None
    pool: Encoded | None
    """Messages that model events saw and the sample no longer has."""
    events: Encoded | None
    output: Encoded | None
    """The sample's output; None: that of the last model event, or none at all."""
    is_literal: bool
    """Whether what looks like a `$ref` of ours in `events` is content."""


def encode_transcript(sample: EvalSample) -> TranscriptJson:
    """Return messages, events and output of a sample; never fails because of what they hold."""
    try:
        fast = _encode_fast(sample)
        parts = (fast.messages, fast.pool, fast.events, fast.output)
        if not any(part is not None and may_hold_nan(part) for part in parts):
            return fast
    except ENCODING_ERRORS:
        pass  # something that only the exact way can write
    return _encode_exactly(sample)


def _encode_fast(sample: EvalSample) -> TranscriptJson:
    encoder = _Encoder(sample)
    events = encode_fast(sample.events, encoder.plain)
    if events.count(b"$") != encoder.references and (
        len(REFERENCE_BYTES.findall(events)) != encoder.references
    ):
        return _encode_exactly(sample)
    output = None
    if not encoder.is_last_output(sample.output):
        output = encode_fast(sample.output)
    return TranscriptJson(
        encode_fast(sample.messages) if sample.messages else None,
        encode_fast(encoder.pool) if encoder.pool else None,
        events if sample.events else None,
        output,
        False,
    )


def _encode_exactly(sample: EvalSample) -> TranscriptJson:
    encoder = _Encoder(sample)
    plain: list[dict[str, object]] = []
    for event in sample.events:
        if isinstance(event, ModelEvent):
            encoder.last_output = event.output
            seen = encoder.positions(event.input)
            plain.append({**to_plain(event.model_copy(update={"input": []})), "input": seen})
        else:
            plain.append(to_plain(event))
    events = encode_exactly(plain)
    return TranscriptJson(
        encode_exactly(sample.messages) if sample.messages else None,
        encode_exactly(encoder.pool) if encoder.pool else None,
        events if plain else None,
        None if encoder.is_last_output(sample.output) else encode_exactly(sample.output),
        has_references(events),
    )


class _Encoder:
    """Writes the events of one sample."""

    def __init__(self, sample: EvalSample) -> None:
        self.references = 0
        """How many were written, other than in `input`."""
        self.last_output: ModelOutput | None = None
        """The output of the last model event."""
        self._messages: list[ChatMessage] = [*sample.messages]
        count = self._first_of_pool = len(self._messages)
        self._positions = dict(zip(map(id, self._messages), range(count), strict=True))
        """Positions of messages by their `id()`."""
        ids = [_likeness(message) for message in self._messages]
        self._alike = dict(zip(ids, range(count), strict=True))
        """Position of the last message with an id; of those without, with some JSON."""
        self._before: dict[int, int] = {}
        """Position of the message with the same id before the one at a position."""
        if len(self._alike) < count:
            self._alike.clear()
            for position, likeness in enumerate(ids):
                self._know(likeness, position)
        self._scores = {id(score): name for name, score in (sample.scores or {}).items()}
        self._input = sample.input
        self._fragments: dict[object, orjson.Fragment] = {}

    @property
    def pool(self) -> list[ChatMessage]:
        """The messages that were only found in the input of model events."""
        return self._messages[self._first_of_pool :]

    def plain(self, model: Any) -> object:
        """Return what is written of a model."""
        write = _WRITE.get(type(model))
        return plain_model(model) if write is None else write(self, model)

    def _message(self, message: ChatMessage) -> object:
        position = self._positions.get(id(message))
        if position is None:
            position = self._equal(message)
            if position is None:
                return plain_model(message)
        return self._reference(f"{MESSAGES}{position}")

    def _sample(self, sample: Sample) -> object:
        values = plain_model(sample)
        if _is_same(sample.input, self._input):
            values["input"] = self._reference(INPUT)
        return values

    def _change(self, change: JsonChange) -> object:
        fields = change.__dict__
        value = fields["value"]
        if fields["from_"] is not None or value is None or change.__pydantic_extra__:
            return plain_model(change)
        if type(value) is ModelOutput and self._repeats_output(value):
            value = self._reference(OUTPUT)
        return {"op": fields["op"], "path": fields["path"], "value": value}

    def _score(self, score: Score) -> object:
        name = self._scores.get(id(score))
        return plain_model(score) if name is None else self._reference(f"{SCORES}{name}")

    def _model_event(self, event: ModelEvent) -> object:
        values = plain_model(event)
        self.last_output = event.output
        values["input"] = self.positions(event.input)
        values["config"] = self._fragment(id(event.config), event.config)
        if event.tools:
            values["tools"] = self._fragment((*map(id, event.tools),), event.tools)
        return values

    def positions(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return the positions of the input of a model event; what is new joins the pool."""
        known, seen = self._positions, []
        for message in messages:
            position = known.get(id(message))
            if position is None:  # a copy, or a message that the sample no longer has
                position = self._add(message)
            seen.append(position)
        return seen

    def is_last_output(self, output: ModelOutput) -> bool:
        """Whether `output` is that of the last model event (without one: empty)."""
        last = self.last_output
        if last is None:
            return output == _NO_OUTPUT
        if last is output or self._is_same_output(last, output):
            return True
        return encode(last) == encode(output)

    def _is_same_output(self, left: ModelOutput, right: ModelOutput) -> bool:
        """Whether two outputs surely are equal: they share all their parts."""
        if len(left.choices) != len(right.choices) or not _share_values(left, right, "choices"):
            return False
        for a, b in zip(left.choices, right.choices, strict=True):
            position = self._positions.get(id(a.message))
            if position is None or position != self._positions.get(id(b.message)):
                return False
            if not _share_values(a, b, "message"):
                return False
        return True

    def _add(self, message: ChatMessage) -> int:
        position = self._equal(message)
        if position is None:
            position = self._positions[id(message)] = len(self._messages)
            self._messages.append(message)
            self._know(_likeness(message), position)
        return position

    def _know(self, likeness: object, position: int) -> None:
        if likeness in self._alike:
            self._before[position] = self._alike[likeness]
        self._alike[likeness] = position

    def _equal(self, message: ChatMessage) -> int | None:
        """Return the position of a message that is written like `message`.

        Equality would not do: 1, 1.0 and True are equal but are not written alike.
        """
        position = self._alike.get(_likeness(message))
        while position is not None:
            other = self._messages[position]
            if type(other) is type(message) and (
                _share_values(other, message) or encode(other) == encode(message)
            ):
                self._positions[id(message)] = position
                return position
            position = self._before.get(position)
        return None

    def _repeats_output(self, output: ModelOutput) -> bool:
        """Whether `output` surely equals that of the last model event."""
        last = self.last_output
        return last is not None and (last is output or _share_values(last, output))

    def _reference(self, target: str) -> dict[str, str]:
        self.references += 1
        return {"$ref": target}

    def _fragment(self, key: object, value: object) -> orjson.Fragment:
        """Return what many events share as JSON, which is made once."""
        fragment = self._fragments.get(key)
        if fragment is None:
            fragment = self._fragments[key] = orjson.Fragment(encode_fast(value))
        return fragment


_WRITE: dict[type, Callable[[_Encoder, Any], object]] = {
    ChatMessageSystem: _Encoder._message,
    ChatMessageUser: _Encoder._message,
    ChatMessageAssistant: _Encoder._message,
    ChatMessageTool: _Encoder._message,
    JsonChange: _Encoder._change,
    ModelEvent: _Encoder._model_event,
    Sample: _Encoder._sample,
    Score: _Encoder._score,
}
"""How models are written that `plain_model` does not write, or not fast enough."""

_NO_OUTPUT = ModelOutput()


def _is_same(left: object, right: object) -> bool:
    """Whether these are the same object, or lists of the same objects."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_, left, right))
    return left is right


def _likeness(message: ChatMessage) -> object:
    """Return what messages have in common that may be written alike."""
    return message.__dict__["id"] or encode(message)


def _share_values(left: BaseModel, right: BaseModel, besides: str | None = None) -> bool:
    """Whether all fields of two models, `besides` excepted, are the very same objects."""
    fields, others = left.__dict__, right.__dict__
    if left.__pydantic_extra__ or right.__pydantic_extra__:
        return False
    if besides is None:
        return all(map(is_, fields.values(), others.values()))
    return all(value is others[name] for name, value in fields.items() if name != besides)
