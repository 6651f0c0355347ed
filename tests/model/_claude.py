"""What Claude's servers answer."""

from __future__ import annotations

from typing import Any

from tests.model._scripted_server import event_stream

KEY = "sk-ant-very-secret-0123456789"
"""A key that must not turn up anywhere."""

EVENTS = {"content-type": "text/event-stream"}
"""Headers of a stream."""


def said(*content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a message, "Paris" by default."""
    return {
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-6-0101",
        "content": list(content) or [{"type": "text", "text": "Paris"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2},
        **fields,
    }


def streamed(text: str = "Paris", *, stop: bool = True) -> bytes:
    """Return the stream of a message; without `stop` it breaks off at its end."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**said(), "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": character},
            }
            for character in text
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
    ]
    return event_stream([*events, {"type": "message_stop"}] if stop else events)


def error(type: str, message: str) -> dict[str, Any]:
    """Return an error."""
    return {"type": "error", "error": {"type": type, "message": message}, "request_id": "r"}
