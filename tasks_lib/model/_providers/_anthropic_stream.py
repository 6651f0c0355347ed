"""The events of a streamed response as the JSON of a whole one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterable

from pydantic_core import from_json

from tasks_lib.model._providers._wire import JSONObject

_ARGUMENTS = "partial_json"

_TEXTS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": _ARGUMENTS,
}
"""Kinds of deltas that add text, with the field that holds it."""


async def streamed_message(events: AsyncIterable[object]) -> JSONObject:
    """Return the message that the events tell, as if it had come at once.

    Events of unknown kinds are left out: the interface may add some at any time.

    Raises:
        ValueError: The stream ended before the message did, or its events make none.
    """
    message: _Message | None = None
    stopped = False
    # Read to its very end: only then can the connection be used again.
    async for event in events:
        if not isinstance(event, dict):
            raise ValueError("an event that is no JSON object")
        kind = event.get("type")
        if kind == "message_start":
            message = _Message(event["message"])
        elif message is None:
            raise ValueError("a stream that does not start with its message")
        elif kind == "message_stop":
            stopped = True
        else:
            message.add(event)
    if message is None or not stopped:
        raise ValueError("a stream that ended before its message did")
    return message.whole()


class _Message:
    """A message that is on its way."""

    def __init__(self, start: JSONObject) -> None:
        self.fields = start
        self.blocks: list[JSONObject] = []
        self.texts: list[defaultdict[str, list[str]]] = []
        """For each block, the pieces of its texts: joining them once is what is fast."""

    def add(self, event: JSONObject) -> None:
        kind = event.get("type")
        if kind == "content_block_start":
            self.blocks.append(dict(event["content_block"]))
            self.texts.append(defaultdict(list))
        elif kind == "content_block_delta":
            self._add_delta(event["index"], event["delta"])
        elif kind == "message_delta":
            self.fields.update(_known(event["delta"]))
            usage = _known(event.get("usage") or {})
            self.fields["usage"] = {**(self.fields.get("usage") or {}), **usage}

    def whole(self) -> JSONObject:
        for block, texts in zip(self.blocks, self.texts, strict=True):
            for field, pieces in texts.items():
                if field == _ARGUMENTS:
                    block["input"] = _arguments("".join(pieces))
                else:
                    block[field] = (block.get(field) or "") + "".join(pieces)
        return {**self.fields, "content": self.blocks}

    def _add_delta(self, index: int, delta: JSONObject) -> None:
        kind = delta["type"]
        if kind == "citations_delta":
            block = self.blocks[index]
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        elif kind in _TEXTS:
            field = _TEXTS[kind]
            self.texts[index][field].append(delta[field])


def _arguments(text: str) -> object:
    """Return a tool's arguments; those that are cut off stay text."""
    try:
        return from_json(text) if text else {}
    except ValueError:
        return text


def _known(fields: JSONObject) -> JSONObject:
    return {name: value for name, value in fields.items() if value is not None}
