"""What of a request decides whether it is the one that was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise, product
from typing import Literal, NamedTuple

from pydantic import BaseModel

from tasks_lib.model._api import ModelAPI
from tasks_lib.model._input import Request, messages_for
from tasks_lib.model._providers._options import DONE_BY_MODEL
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageBase,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentReasoning,
    GenerateConfig,
    ModelOutput,
    ToolCall,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)

_NOT_SENT = frozenset({"id", "source", "metadata", "model"})
"""Fields of messages that no provider sends."""

_HISTORIES: tuple[Literal["all", "last", "none"], ...] = ("all", "last", "none")


class RequestForm(NamedTuple):
    """A request as JSON; equal for equal requests."""

    messages: list[bytes]
    tools: bytes
    options: bytes
    """An object: the options of the config that are sent, and `tool_choice`."""

    def digest(self) -> bytes:
        """Return 16 bytes that are the same for the same request only."""
        digest = blake2b(digest_size=16)
        for part in (*self.messages, self.tools, self.options):
            # With its length: no two lists of parts can be written the same way.
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return digest.digest()


def request_form(request: Request, known: dict[int, bytes] | None = None) -> RequestForm:
    """Return the form of `request`.

    Args:
        request: As the provider gets it.
        known: Forms of messages by their `id()`, for requests that share messages; those
            that are made here are added. The messages must outlive it.
    """
    known = {} if known is None else known
    messages = []
    for message in request.input:
        form = known.get(id(message))
        if form is None:
            form = known[id(message)] = canonical(message)
        messages.append(form)
    choice = request.tool_choice
    options = {
        "tool_choice": f"tool {choice.name}" if isinstance(choice, ToolFunction) else choice,
        **{n: v for n, v in _fields(request.config).items() if n not in DONE_BY_MODEL},
    }
    return RequestForm(messages, canonical(request.tools), canonical(options))


def canonical(value: object) -> bytes:
    """Return `value` as JSON that does not depend on the order of fields."""
    return _ENCODER.encode(value).encode()


def as_others_get_it(request: Request, default_max_tokens: int | None) -> Iterator[Request]:
    """Yield the forms in which providers with other wishes get the same request.

    The replay does not know what the recorded provider wanted: which reasoning of earlier
    turns, images in tool results or after them, user and assistant messages in a row as
    one, tools that may not be called, and how many tokens when no number is asked for.

    Args:
        request: The request, with all reasoning, images in tool results, and all tools.
        default_max_tokens: What `max_tokens` may be when none is asked for.
    """
    messages = request.input
    has_reasoning = any(_parts(m, ContentReasoning) for m in messages)
    has_images = any(isinstance(m, ChatMessageTool) and _parts(m, ContentImage) for m in messages)
    config, configs = request.config, [request.config]
    if config.max_tokens is None and default_max_tokens is not None:
        configs.append(config.model_copy(update={"max_tokens": default_max_tokens}))
    unused = request.tools and request.tool_choice == "none"
    wishes = product(
        _HISTORIES if has_reasoning else _HISTORIES[:1],
        (True, False) if has_images else (True,),
        _collapsing(messages),
        (request.tools, []) if unused else (request.tools,),
        configs,
    )
    for history, images, collapsed, tools, config in wishes:
        provider = _Provider(history, images, collapsed)
        sent = messages_for(provider, messages, config)
        yield Request(sent, list(tools), request.tool_choice, config)


class _Provider(ModelAPI):
    """Stands for a provider with certain wishes; it is never asked."""

    def __init__(
        self,
        history: Literal["all", "last", "none"],
        images: bool,
        collapsed: tuple[bool, bool],
    ) -> None:
        super().__init__("recorded")
        self._history = history
        self._images = images
        self._collapsed = collapsed

    def force_reasoning_history(self) -> Literal["none", "all", "last"]:
        """Return which reasoning is sent."""
        return self._history

    def tool_result_images(self) -> bool:
        """Tell whether images stay in tool results."""
        return self._images

    def collapse_user_messages(self) -> bool:
        """Tell whether user messages in a row become one."""
        return self._collapsed[0]

    def collapse_assistant_messages(self) -> bool:
        """Tell whether assistant messages in a row become one."""
        return self._collapsed[1]

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Never called."""
        raise NotImplementedError


def _collapsing(messages: Sequence[ChatMessage]) -> list[tuple[bool, bool]]:
    """Return which of user and assistant messages may have been joined, "neither" first."""
    # Images that move out of tool results may make user messages that follow each other.
    kinds = [ChatMessageUser if isinstance(m, ChatMessageTool) else type(m) for m in messages]
    in_a_row = {first for first, second in pairwise(kinds) if first is second}
    users = (False, True) if ChatMessageUser in in_a_row else (False,)
    assistants = (False, True) if ChatMessageAssistant in in_a_row else (False,)
    return list(product(users, assistants))


def _parts(message: ChatMessage, kind: type[Content]) -> bool:
    content = message.content
    return not isinstance(content, str) and any(isinstance(part, kind) for part in content)


def _fields(model: BaseModel) -> dict[str, object]:
    fields = {**model.__dict__, **(model.model_extra or {})}
    return {name: value for name, value in fields.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        fields = _fields(value)
        if isinstance(value, ChatMessageBase):
            fields = {name: item for name, item in fields.items() if name not in _NOT_SENT}
            if isinstance(value, ChatMessageUser):
                fields.pop("tool_call_id", None)  # says where images come from
        elif isinstance(value, ToolCall):
            fields.pop("view", None)
        return fields
    return str(value)


_ENCODER = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"))
"""It tells NaN from null and takes lone surrogates."""
