"""The JSON of the Responses API as a model output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from tasks_lib.model._providers._openai_responses_request import (
    KEPT_ITEM,
    REASONING_ITEM,
    SEARCH_ITEM,
)
from tasks_lib.model._tool_call import parse_tool_call
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Citation,
    Content,
    ContentData,
    ContentReasoning,
    ContentText,
    ContentToolUse,
    Logprobs,
    ModelOutput,
    ModelUsage,
    StopReason,
    ToolCall,
    ToolInfo,
    UrlCitation,
)

_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "content_filter",
}


def responses_output(
    data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo] = ()
) -> ModelOutput:
    """Return the output that a response says.

    The parts of the answer remember in `internal` what they came in: messages and calls
    their ids, reasoning its whole item. When calls came before other items, the message
    remembers the order of all.

    Args:
        data: The response.
        model: The model that was asked, for responses that name none.
        tools: The tools that were sent, to read arguments that are no JSON object.

    Raises:
        ValueError: It is not a response of the Responses API.
    """
    items = data.get("output")
    if not isinstance(items, list):
        raise ValueError("no list of output items")
    name = data.get("model") or model
    parts: list[Content] = []
    calls: list[ToolCall] = []
    logprobs: list[Any] = []
    for item in items:
        if item["type"] == "function_call":
            calls.append(_call(item, tools))
        else:
            parts.extend(_parts(item, logprobs))
    message = ChatMessageAssistant(
        content=_content(parts),
        tool_calls=calls or None,
        model=name,
        source="generate",
        internal=_order(items),
    )
    choice = ChatCompletionChoice(
        message=message,
        stop_reason=_stop_reason(data, calls),
        logprobs=Logprobs(content=logprobs) if logprobs else None,
    )
    return ModelOutput(model=name, choices=[choice], usage=responses_usage(data.get("usage")))


def responses_usage(usage: Mapping[str, Any] | None) -> ModelUsage | None:
    """Return the usage that a response reports, None if it does not."""
    if not usage:
        return None
    sent = usage.get("input_tokens") or 0
    generated = usage.get("output_tokens") or 0
    cached = usage.get("input_tokens_details") or {}
    return ModelUsage(
        input_tokens=sent,
        output_tokens=generated,
        total_tokens=usage.get("total_tokens") or sent + generated,
        input_tokens_cache_write=cached.get("cache_write_tokens"),
        input_tokens_cache_read=cached.get("cached_tokens"),
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
    )


def _call(item: Mapping[str, Any], tools: Sequence[ToolInfo]) -> ToolCall:
    call = parse_tool_call(item["call_id"], item["name"], item["arguments"], tools)
    if item.get("id"):
        call.internal = {"id": item["id"]}
    return call


def _parts(item: Mapping[str, Any], logprobs: list[Any]) -> list[Content]:
    """Return the content of an item; the log probabilities of its tokens go to `logprobs`."""
    if item["type"] == "message":
        came = {name: item[name] for name in ("id", "phase") if item.get(name)}
        for said in item["content"]:
            logprobs.extend(said.get("logprobs") or ())
        return [_text(said, came) for said in item["content"]]
    if item["type"] == REASONING_ITEM:
        told = item.get("content") or item.get("summary") or ()
        text = "\n\n".join(piece["text"] for piece in told)
        kept = {name: value for name, value in item.items() if value is not None}
        kept.pop("status", None)
        return [ContentReasoning(reasoning=text, redacted=not text, internal=kept)]
    if item["type"] == SEARCH_ITEM:
        return [_search(item)]
    return [ContentData(data=dict(item), internal=KEPT_ITEM)]


def _search(item: Mapping[str, Any]) -> ContentToolUse:
    """Return what the model searched for; what it found is in its answer's citations."""
    action = dict(item.get("action") or {})
    sources = [source.get("url") for source in action.pop("sources", None) or ()]
    failed = item.get("status") == "failed"
    return ContentToolUse(
        tool_type="web_search",
        id=item["id"],
        name=action.pop("type", "search"),
        arguments=to_json(action).decode(),
        result=to_json(sources).decode(),
        error="The search failed." if failed else None,
        internal=dict(item),
    )


def _text(said: Mapping[str, Any], came: dict[str, Any]) -> ContentText:
    if said["type"] == "refusal":
        return ContentText(text=said["refusal"], refusal=True, internal=came or None)
    citations: list[Citation] = [
        UrlCitation(
            cited_text=(note["start_index"], note["end_index"]),
            title=note.get("title"),
            url=note["url"],
        )
        for note in said.get("annotations") or ()
        if note["type"] == "url_citation"
    ]
    return ContentText(text=said["text"], citations=citations or None, internal=came or None)


def _content(parts: list[Content]) -> str | list[Content]:
    """Return a single text as such, unless it must be remembered how it came."""
    if not parts:
        return ""
    first = parts[0]
    if len(parts) > 1 or not isinstance(first, ContentText) or first.refusal or first.citations:
        return parts
    phase = first.internal.get("phase") if isinstance(first.internal, dict) else None
    return parts if phase else first.text


def _order(items: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the order of the items if calls do not come last."""
    is_call = [item["type"] == "function_call" for item in items]
    if is_call == sorted(is_call):
        return None
    return {"order": [item.get("id") or "" for item in items]}


def _stop_reason(data: Mapping[str, Any], calls: Sequence[ToolCall]) -> StopReason:
    if data.get("status") == "incomplete":
        reason = (data.get("incomplete_details") or {}).get("reason")
        return _INCOMPLETE.get(reason or "", "unknown")
    if data.get("status", "completed") != "completed":
        return "unknown"
    return "tool_calls" if calls else "stop"
