"""A conversation as the JSON of a messages request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tasks_lib._errors import ModelError
from tasks_lib._util._media import Media
from tasks_lib.model._providers._anthropic_media import document_block, image_block
from tasks_lib.model._providers._anthropic_options import SAMPLING_OPTIONS, thinking_params
from tasks_lib.model._providers._wire import JSONObject, unsendable
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    Content,
    ContentData,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentToolUse,
    GenerateConfig,
    JSONSchema,
    ToolCall,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)
from tasks_lib.tool import native_search

INTERNAL: Final = "anthropic"
"""`internal` of content that only this provider understands."""

PARTS_BEFORE = "parts_before"
"""In `internal` of a tool call: how many parts of the content came before it. Without it,
all did. Signed thoughts must be sent back in the order in which they came."""

_SEARCH_TOOL = "web_search_20250305"
"""The version of their web search that all models have that search at all."""

_CITED_SEARCH = "web_search_result_location"
"""The kind of citation that belongs to a search and goes back with it."""

_NOTHING_SAID = "(nothing was said)"
"""Stands for a message without content, which the interface refuses."""

_CACHED_TURNS = 2
"""Turns of the user that are marked: what is written for this request is found by the
next, which has one turn more. Tools, system and two turns are the four marks allowed."""


def messages_request(
    model: str,
    messages: Sequence[ChatMessage],
    tools: Sequence[ToolInfo],
    tool_choice: ToolChoice,
    config: GenerateConfig,
    media: Mapping[str, Media],
) -> JSONObject:
    """Return the request for the next message of a conversation.

    Args:
        model: The model, as the server names it.
        messages: The conversation. System messages go before it, wherever they are.
        tools: What the model may call.
        tool_choice: Whether and which of them it may or must call.
        config: Options; `max_tokens` must be set.
        media: Images and documents by their location, see `message_media`.

    Raises:
        ModelError: A message has content that cannot be sent.
    """
    body: JSONObject = {"model": model, "max_tokens": config.max_tokens}
    system = [block for message in messages for block in _system_blocks(message)]
    if system:
        body["system"] = system
    body["messages"] = turns = _turns(messages, media)
    for name in SAMPLING_OPTIONS:
        if (value := getattr(config, name)) is not None:
            body[name] = value
    if config.stop_seqs is not None:
        body["stop_sequences"] = config.stop_seqs
    body.update(thinking_params(model, config))
    if config.response_schema is not None:
        schema = {"type": "json_schema", "schema": _closed(config.response_schema.json_schema)}
        body.setdefault("output_config", {})["format"] = schema
    if tools:
        body["tools"] = [tool_param(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(tool_choice, tools, config.parallel_tool_calls)
    if _is_cached(config, body):
        _mark_cached(body.get("tools", []), system, turns)
    if config.extra_body:
        body.update(config.extra_body)
    return body


def continued_request(body: JSONObject, answer: JSONObject) -> JSONObject:
    """Return the request that goes on with an answer that was paused."""
    begun = {"role": "assistant", "content": answer["content"]}
    return {**body, "messages": [*body["messages"], begun]}


def tool_param(tool: ToolInfo) -> JSONObject:
    """Return a tool as it is sent."""
    search = native_search(tool, INTERNAL)
    if search is not None:
        return {"type": _SEARCH_TOOL, "name": "web_search", **search}
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters.model_dump(exclude_none=True),
    }


def message_blocks(message: ChatMessage, media: Mapping[str, Media]) -> list[JSONObject]:
    """Return the content of a message of user, assistant or tool as it is sent."""
    if isinstance(message, ChatMessageTool):
        return [_tool_result(message, media)]
    if isinstance(message, ChatMessageAssistant):
        blocks = _assistant_blocks(message, media)
    else:
        blocks = _blocks(message.content, media)
    return blocks or [_text_block(_NOTHING_SAID)]


def _turns(messages: Sequence[ChatMessage], media: Mapping[str, Media]) -> list[JSONObject]:
    """Return the messages with neighbours of one role in one turn, as the model sees them."""
    turns: list[JSONObject] = []
    for message in messages:
        if isinstance(message, ChatMessageSystem):
            continue
        role = "assistant" if isinstance(message, ChatMessageAssistant) else "user"
        blocks = message_blocks(message, media)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _system_blocks(message: ChatMessage) -> list[JSONObject]:
    if not isinstance(message, ChatMessageSystem):
        return []
    for part in message.content:
        if not isinstance(part, str | ContentText):
            raise unsendable(part, "a system message", "text")
    return _blocks(message.content, {})


def _assistant_blocks(
    message: ChatMessageAssistant, media: Mapping[str, Media]
) -> list[JSONObject]:
    if not message.tool_calls:
        return _blocks(message.content, media)
    parts = message.content
    if isinstance(parts, str):
        parts = [ContentText(text=parts)]
    calls: dict[int, list[ToolCall]] = {}
    for call in message.tool_calls:
        calls.setdefault(min(_parts_before(call, len(parts)), len(parts)), []).append(call)
    blocks: list[JSONObject] = []
    for index in range(len(parts) + 1):
        blocks.extend(_tool_use(call) for call in calls.get(index, ()))
        blocks.extend(_blocks(parts[index : index + 1], media))
    return blocks


def _parts_before(call: ToolCall, default: int) -> int:
    internal = call.internal
    before = internal.get(PARTS_BEFORE) if isinstance(internal, dict) else None
    return before if isinstance(before, int) else default


def _tool_use(call: ToolCall) -> JSONObject:
    return {"type": "tool_use", "id": call.id, "name": call.function, "input": call.arguments}


def _tool_result(message: ChatMessageTool, media: Mapping[str, Media]) -> JSONObject:
    result: JSONObject = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    if message.error is not None:
        return {**result, "content": message.error.message, "is_error": True}
    content = message.content
    return {**result, "content": content if isinstance(content, str) else _blocks(content, media)}


def _blocks(content: str | Sequence[Content], media: Mapping[str, Media]) -> list[JSONObject]:
    """Return content as it is sent, without empty text, which the interface refuses."""
    if isinstance(content, str):
        return [_text_block(content)] if content else []
    blocks: list[JSONObject] = []
    for part in content:
        if isinstance(part, ContentToolUse):
            blocks += _search_blocks(part)
        elif not isinstance(part, ContentText) or part.text:
            blocks.append(_block(part, media))
    return blocks


def _block(part: Content, media: Mapping[str, Media]) -> JSONObject:
    if isinstance(part, ContentText):
        return {**_text_block(part.text), **_citations(part)}
    if isinstance(part, ContentReasoning):
        return _thinking_block(part)
    if isinstance(part, ContentImage):
        return image_block(part, media)
    if isinstance(part, ContentDocument):
        return document_block(part, media)
    if isinstance(part, ContentData) and part.internal == INTERNAL:
        return part.data
    raise _unsendable(part)


def _search_blocks(part: ContentToolUse) -> list[JSONObject]:
    """Return a search and what it found, as they came."""
    came = part.internal.get(INTERNAL) if isinstance(part.internal, dict) else None
    if not isinstance(came, list):
        raise _unsendable(part)
    return came  # type: ignore[return-value]  # the blocks that `_anthropic_response` put there


def _citations(part: ContentText) -> JSONObject:
    cited = [
        citation.internal
        for citation in part.citations or ()
        if citation.internal and citation.internal.get("type") == _CITED_SEARCH
    ]
    return {"citations": cited} if cited else {}


def _unsendable(part: Content) -> ModelError:
    return unsendable(part, "the messages interface", "text, images and documents")


def _text_block(text: str) -> JSONObject:
    return {"type": "text", "text": text}


def _thinking_block(part: ContentReasoning) -> JSONObject:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.reasoning}
    if part.signature is None:
        # Another model's: the interface takes only thoughts that it has signed.
        return _text_block(f"<think>\n{part.reasoning}\n</think>")
    return {"type": "thinking", "thinking": part.reasoning, "signature": part.signature}


def _tool_choice(
    choice: ToolChoice, tools: Sequence[ToolInfo], parallel: bool | None
) -> JSONObject:
    if choice == "none":
        return {"type": "none"}
    if all(native_search(tool, INTERNAL) is not None for tool in tools):
        # A tool that is chosen is the only one that is sent; theirs go by other names.
        choice = "auto" if choice == "auto" else "any"
    param: JSONObject = (
        {"type": "tool", "name": choice.name}
        if isinstance(choice, ToolFunction)
        else {"type": choice}
    )
    if parallel is False:
        param["disable_parallel_tool_use"] = True
    return param


def _closed(schema: JSONSchema) -> JSONObject:
    """Return a schema in which no object has more than its properties, as is required."""
    dumped = schema.model_dump(exclude_none=True)
    _close(dumped)
    return dumped


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for name in ("items", "anyOf", "additionalProperties"):
            _close(schema.get(name))
        _close(list(schema.get("properties", {}).values()))


def _is_cached(config: GenerateConfig, body: JSONObject) -> bool:
    """Tell whether the prompt is marked for the cache.

    Writing costs a quarter more than reading afresh, so "auto" marks only what is likely
    to be read again: conversations with tools or with an answer in them.
    """
    if config.cache_prompt in (None, "auto"):
        return "tools" in body or any(turn["role"] == "assistant" for turn in body["messages"])
    return bool(config.cache_prompt)


def _mark_cached(
    tools: list[JSONObject], system: list[JSONObject], turns: Iterable[JSONObject]
) -> None:
    of_user = [turn["content"] for turn in turns if turn["role"] == "user"]
    for blocks in (tools, system, *of_user[-_CACHED_TURNS:]):
        if blocks:
            # A new object: the block may be a part of the conversation.
            blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
