"""A conversation as the JSON of a request of the Responses API.

Its input is a list of items: messages, reasoning, calls of tools and their results. What an
answer was made of is remembered in `internal` of its parts, see `_openai_responses_output`,
so that it goes back as it came, encrypted reasoning included. Ids go back only to a service
that keeps its responses: others look them up in vain and refuse the request.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks_lib.model._providers._openai_content import document_name
from tasks_lib.model._providers._openai_request import (
    arguments_text,
    described_schema,
    thought_text,
    tool_function,
)
from tasks_lib.model._providers._wire import JSONObject, unsendable
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentData,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentToolUse,
    GenerateConfig,
    ToolCall,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)
from tasks_lib.tool import native_search

REASONING_ITEM = "reasoning"
"""Type of the items that hold reasoning."""

SEARCH_ITEM = "web_search_call"
"""Type of the items that say what the model searched for in the web."""

KEPT_ITEM = "item"
"""`internal` of content that is an item as it came, of a kind that we have no words for."""

_SENT_AS = {
    "max_tokens": "max_output_tokens",
    "top_p": "top_p",
    "temperature": "temperature",
    "top_logprobs": "top_logprobs",
}
"""Options that are sent as they are, by their name in the request."""

_TAKES = "text, images and documents; chat completions take sound too (responses_api=False)"


def responses_request(
    messages: Sequence[ChatMessage],
    tools: Sequence[ToolInfo],
    tool_choice: ToolChoice,
    config: GenerateConfig,
    system_role: str = "system",
    *,
    store: bool = False,
) -> JSONObject:
    """Return a request but for the model's name.

    Args:
        messages: The conversation, see `with_content_read`.
        tools: What the model may call.
        tool_choice: Whether and which it may or must call.
        config: Options; those that the Responses API lacks are left out.
        system_role: The role of system messages.
        store: Whether the service keeps its responses.

    Raises:
        ModelError: A message has content that cannot be sent.
    """
    items: list[JSONObject] = []
    for message in messages:
        items.extend(input_items(message, system_role, store=store))
    body: JSONObject = {"input": items, "store": store}
    for name, sent_as in _SENT_AS.items():
        value = getattr(config, name)
        if value is not None:
            body[sent_as] = value
    reasoning = _reasoning(config)
    if reasoning:
        body["reasoning"] = reasoning
    if config.response_schema is not None:
        described = described_schema(config.response_schema)
        body["text"] = {"format": {"type": "json_schema", **described}}
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(tool_choice, tools)
        if config.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = config.parallel_tool_calls
    return {**body, **(config.extra_body or {})}


def input_items(
    message: ChatMessage, system_role: str = "system", *, store: bool = False
) -> list[JSONObject]:
    """Return one message as it is sent."""
    if isinstance(message, ChatMessageAssistant):
        items = _answer_items(message)
        return items if store else [_alone(item) for item in items if not _is_reference(item)]
    if isinstance(message, ChatMessageTool):
        output = {"type": "function_call_output", "call_id": message.tool_call_id}
        return [{**output, "output": _tool_output(message)}]
    role = message.role if message.role == "user" else system_role
    return [{"role": role, "content": _input_content(message.content)}]


def _answer_items(message: ChatMessageAssistant) -> list[JSONObject]:
    """Return the items of an answer, in the order in which they came."""
    parts = message.content
    if isinstance(parts, str):
        parts = [ContentText(text=parts)] if parts or not message.tool_calls else []
    items: list[JSONObject] = []
    for part in parts:
        _add_part(items, part)
    items += [_call_item(call) for call in message.tool_calls or ()]
    order = message.internal.get("order") if isinstance(message.internal, dict) else None
    if isinstance(order, list):
        places = {str(id): place for place, id in enumerate(order)}
        items.sort(key=lambda item: places.get(item.get("id") or "", len(places)))
    if not any(item.get("type") == REASONING_ITEM for item in items):
        # The service misses the reasoning that belongs to an id: without it, no ids.
        return [_alone(item) for item in items if item.get("type") != SEARCH_ITEM]
    return items


def _alone(item: JSONObject) -> JSONObject:
    """Return an item that stands for itself, without an id to be looked up."""
    return {name: value for name, value in item.items() if name != "id"}


def _is_reference(item: JSONObject) -> bool:
    """Tell whether an item is reasoning, or a search, that only the service has."""
    if item.get("type") == SEARCH_ITEM:
        return True
    is_reasoning = item.get("type") == REASONING_ITEM
    return is_reasoning and not (item.get("encrypted_content") or item.get("content"))


def _add_part(items: list[JSONObject], part: Content) -> None:
    """Add a part of an answer to `items`; parts of the same message join it."""
    if isinstance(part, ContentReasoning):
        kept = part.internal
        if isinstance(kept, dict) and kept.get("type") == REASONING_ITEM:
            items.append(dict(kept))
        elif not part.redacted:
            items.append({"role": "assistant", "content": thought_text(part)})
    elif isinstance(part, ContentText):
        came = part.internal if isinstance(part.internal, dict) else {}
        said = _said(part)
        if items and came.get("id") and items[-1].get("id") == came["id"]:
            items[-1]["content"].append(said)
        elif came.get("id") or part.refusal:
            more = {name: came[name] for name in ("id", "phase") if came.get(name)}
            message = {"type": "message", "role": "assistant", "status": "completed"}
            items.append({**message, **more, "content": [said]})
        else:
            items.append({"role": "assistant", "content": part.text})
    elif isinstance(part, ContentToolUse) and _item_type(part) == SEARCH_ITEM:
        items.append(dict(part.internal))  # type: ignore[arg-type]  # an object: it has a type
    elif isinstance(part, ContentData) and part.internal == KEPT_ITEM:
        items.append(dict(part.data))
    else:
        raise unsendable(part, "an assistant message", "text")


def _item_type(part: Content) -> object:
    return part.internal.get("type") if isinstance(part.internal, dict) else None


def _said(part: ContentText) -> JSONObject:
    if part.refusal:
        return {"type": "refusal", "refusal": part.text}
    return {"type": "output_text", "text": part.text, "annotations": []}


def _call_item(call: ToolCall) -> JSONObject:
    item = {
        "type": "function_call",
        "call_id": call.id,
        "name": call.function,
        "arguments": arguments_text(call.arguments),
    }
    id = call.internal.get("id") if isinstance(call.internal, dict) else None
    return {**item, "id": id} if id else item


def _tool_output(message: ChatMessageTool) -> str | list[JSONObject]:
    if message.error is not None:
        return f"Error: {message.error.message}"
    return _input_content(message.content)


def _input_content(content: str | list[Content]) -> str | list[JSONObject]:
    return content if isinstance(content, str) else [_input_part(part) for part in content]


def _input_part(part: Content) -> JSONObject:
    if isinstance(part, ContentText):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, ContentImage):
        return {"type": "input_image", "image_url": part.image, "detail": part.detail}
    if isinstance(part, ContentDocument):
        name = document_name(part)
        return {"type": "input_file", "filename": name, "file_data": part.document}
    raise unsendable(part, "the Responses API", _TAKES)


def _reasoning(config: GenerateConfig) -> JSONObject:
    reasoning: JSONObject = {}
    if config.reasoning_effort is not None:
        reasoning["effort"] = config.reasoning_effort
    if config.reasoning_summary not in (None, "none"):
        reasoning["summary"] = config.reasoning_summary
    return reasoning


def _tool(tool: ToolInfo) -> JSONObject:
    search = native_search(tool, "openai")
    if search is not None:
        return {"type": "web_search", **search}
    # Not strict unless asked for, as in chat completions; here it is the default.
    return {"type": "function", "strict": False, **tool_function(tool)}


def _tool_choice(choice: ToolChoice, tools: Sequence[ToolInfo]) -> str | JSONObject:
    if isinstance(choice, ToolFunction):
        # A tool that is chosen is the only one that is sent.
        if all(native_search(tool, "openai") is not None for tool in tools):
            return "required"
        return {"type": "function", "name": choice.name}
    return "required" if choice == "any" else choice
