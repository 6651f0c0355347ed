"""The JSON of a messages response as a model output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from tasks_lib.model._providers._anthropic_request import INTERNAL, PARTS_BEFORE
from tasks_lib.model._providers._wire import JSONObject
from tasks_lib.model._tool_call import parse_tool_call
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Citation,
    Content,
    ContentCitation,
    ContentData,
    ContentReasoning,
    ContentText,
    ContentToolUse,
    DocumentCitation,
    DocumentRange,
    ModelOutput,
    ModelUsage,
    StopReason,
    ToolCall,
    ToolInfo,
    UrlCitation,
)

_STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "max_tokens",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "model_context_window_exceeded": "model_length",
}
"""What has no counterpart is unknown, such as `pause_turn`: the provider's own tools took too
long, again and again."""

PAUSED = "pause_turn"
"""Why a response stopped that wants to be gone on with."""

_SEARCH, _FOUND = "server_tool_use", "web_search_tool_result"
"""Types of the blocks that are a search and what it found."""

_TOO_LONG = re.compile(
    r"(prompt|input) is too long|exceeds? (the )?context (limit|window)", re.IGNORECASE
)
_FILTERED = re.compile(r"content filter", re.IGNORECASE)

_RANGES: dict[str, tuple[str, str]] = {
    "char": ("start_char_index", "end_char_index"),
    "page": ("start_page_number", "end_page_number"),
    "block": ("start_block_index", "end_block_index"),
}
_RANGE_TYPES = {
    "char_location": "char",
    "page_location": "page",
    "content_block_location": "block",
}


def message_output(
    data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo] = ()
) -> ModelOutput:
    """Return the output that a response says.

    Args:
        data: The response.
        model: The model that was asked, for responses that name none.
        tools: The tools that were sent, to read arguments that are no JSON object.

    Raises:
        ValueError: It is not a response of the messages interface.
    """
    blocks = data.get("content")
    if not isinstance(blocks, list):
        raise ValueError("no list of content")
    name = data.get("model") or model
    content, calls = _content(blocks, tools)
    message = ChatMessageAssistant(
        content=content, tool_calls=calls or None, model=name, source="generate"
    )
    stop_reason = _STOP_REASONS.get(data.get("stop_reason") or "", "unknown")
    output = ModelOutput(
        model=name,
        choices=[ChatCompletionChoice(message=message, stop_reason=stop_reason)],
        usage=message_usage(data.get("usage")),
    )
    details = data.get("stop_details")
    if details:
        output.metadata = {"stop_details": details}
        output.error = details.get("explanation")
    return output


def joined_messages(first: Mapping[str, Any], more: JSONObject) -> JSONObject:
    """Return a paused response and what came after the pause as one response.

    `more` may be an error: then it is returned.
    """
    if not isinstance(more.get("content"), list):
        return more
    usage = dict(first.get("usage") or {})
    for name, count in (more.get("usage") or {}).items():
        before = usage.get(name)
        usage[name] = count + before if isinstance(count, int) and before else count
    return {**more, "content": [*first["content"], *more["content"]], "usage": usage}


def message_usage(usage: Mapping[str, Any] | None) -> ModelUsage | None:
    """Return the usage that a response reports, None if it does not.

    The interface counts what it wrote to and read from its cache beside `input_tokens`;
    here these are a part of it, as with other providers.
    """
    if not usage:
        return None
    written = usage.get("cache_creation_input_tokens")
    read = usage.get("cache_read_input_tokens")
    sent = (usage.get("input_tokens") or 0) + (written or 0) + (read or 0)
    generated = usage.get("output_tokens") or 0
    details = usage.get("output_tokens_details") or {}
    return ModelUsage(
        input_tokens=sent,
        output_tokens=generated,
        total_tokens=sent + generated,
        input_tokens_cache_write=written,
        input_tokens_cache_read=read,
        reasoning_tokens=details.get("thinking_tokens"),
    )


def refusal_output(model: str, message: str) -> ModelOutput | None:
    """Return the output that stands for a refused request, None if it is an error.

    A conversation that is too long, and one that the provider's filter rejects, are
    answers of a kind: the sample goes on and is scored.
    """
    if _TOO_LONG.search(message):
        return ModelOutput.from_content(model, message, "model_length", message)
    if _FILTERED.search(message):
        return ModelOutput.from_content(model, message, "content_filter", message)
    return None


def _content(
    blocks: Sequence[Mapping[str, Any]], tools: Sequence[ToolInfo]
) -> tuple[str | list[Content], list[ToolCall]]:
    parts: list[Content] = []
    calls: list[ToolCall] = []
    before: list[int] = []
    searches = _searches(blocks)
    for block in blocks:
        if block["type"] == "tool_use":
            calls.append(_tool_call(block, tools))
            before.append(len(parts))
        elif block["type"] == _SEARCH and block["id"] in searches:
            parts.append(_search(block, searches[block["id"]]))
        elif block["type"] != _FOUND or block.get("tool_use_id") not in searches:
            parts.append(_part(block))
    for call, count in zip(calls, before, strict=True):
        if count < len(parts):
            call.internal = {PARTS_BEFORE: count}
    if not parts:
        return "", calls
    [first, *more] = parts
    if not more and isinstance(first, ContentText) and first.citations is None:
        return first.text, calls
    return parts, calls


def _tool_call(block: Mapping[str, Any], tools: Sequence[ToolInfo]) -> ToolCall:
    arguments = block["input"]
    if isinstance(arguments, dict):
        return ToolCall(
            id=block["id"], function=block["name"], arguments=arguments, type="function"
        )
    # A stream that ended within the arguments.
    return parse_tool_call(block["id"], block["name"], str(arguments), tools)


def _searches(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return what was found, by the ids of the searches."""
    asked = {block["id"] for block in blocks if block["type"] == _SEARCH}
    found = {
        block["tool_use_id"]: block
        for block in blocks
        if block["type"] == _FOUND and "tool_use_id" in block
    }
    return {id: block for id, block in found.items() if id in asked}


def _search(asked: Mapping[str, Any], found: Mapping[str, Any]) -> ContentToolUse:
    """Return a search with the titles and addresses of what it found; the rest is for them."""
    content = found["content"]
    failed = isinstance(content, dict)
    pages = () if failed else content
    told = [{name: page.get(name) for name in ("title", "url", "page_age")} for page in pages]
    return ContentToolUse(
        tool_type="web_search",
        id=asked["id"],
        name=asked["name"],
        arguments=to_json(asked["input"]).decode(),
        result=to_json(told).decode(),
        error=content.get("error_code") if failed else None,
        internal={INTERNAL: [dict(asked), dict(found)]},
    )


def _part(block: Mapping[str, Any]) -> Content:
    kind = block["type"]
    if kind == "text":
        citations = [_citation(citation) for citation in block.get("citations") or ()]
        return ContentText(text=block["text"], citations=citations or None)
    if kind == "thinking":
        return ContentReasoning(reasoning=block["thinking"], signature=block.get("signature"))
    if kind == "redacted_thinking":
        return ContentReasoning(reasoning=block["data"], redacted=True)
    return ContentData(data=dict(block), internal=INTERNAL)


def _citation(data: JSONObject) -> Citation:
    kind = data["type"]
    cited = data.get("cited_text")
    if kind in _RANGE_TYPES:
        unit = _RANGE_TYPES[kind]
        start, end = _RANGES[unit]
        return DocumentCitation(
            cited_text=cited,
            title=data.get("document_title"),
            range=DocumentRange.model_validate(
                {"type": unit, "start_index": data[start], "end_index": data[end]}
            ),
            internal=data,
        )
    if data.get("url"):
        return UrlCitation(
            cited_text=cited, title=data.get("title"), url=data["url"], internal=data
        )
    return ContentCitation(cited_text=cited, title=data.get("title"), internal=data)
