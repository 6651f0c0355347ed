"""Requests of programs, read as the bridge reads them."""

from __future__ import annotations

from typing import Any

from solvers.agents._bridge._anthropic import read_anthropic
from solvers.agents._bridge._call import Call, Refusal
from solvers.agents._bridge._chat import read_chat
from solvers.agents._bridge._responses import read_responses
from tasks_lib.schema import ChatMessage

READERS = {"chat": read_chat, "responses": read_responses, "anthropic": read_anthropic}

PIXEL = "data:image/png;base64,iVBORw0KGgo="

ARGUMENTS = '{"a": 1, "b": 2}'


def no_history(id: str) -> list[ChatMessage]:
    raise Refusal(404, f"no {id}")


def read(interface: str, **body: Any) -> Call:
    least = {"model": "inspect"}
    if interface != "responses":
        least["messages"] = [{"role": "user", "content": "Hi"}]  # type: ignore[assignment]
    if interface == "anthropic":
        least["max_tokens"] = 100  # type: ignore[assignment]
    return READERS[interface]({**least, **body}, no_history)


def shown(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages without what every one has of its own, and without their defaults."""
    return [
        message.model_dump(exclude={"id"}, exclude_defaults=True, exclude_none=True)
        | {"role": message.role}
        for message in messages
    ]
