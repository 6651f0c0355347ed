"""The JSON of a chat completions response as a model output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks_lib.model._providers._openai_request import REASONING_FIELDS
from tasks_lib.model._tool_call import parse_tool_call
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Content,
    ContentReasoning,
    ContentText,
    Logprobs,
    ModelOutput,
    ModelUsage,
    StopReason,
    ToolInfo,
)

_STOP_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}

_WITH_REASONING = frozenset({*REASONING_FIELDS, "reasoning_details"})

_THINKING = re.compile(r"\s*<think[^>]*>(.*?)</think>\s*", re.DOTALL)

_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (length|window|size)|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_FILTER_CODES = frozenset(
    {
        "bio_policy",
        "content_filter",
        "content_policy_violation",
        "image_content_policy_violation",
        "invalid_prompt",
        "misalignment_policy_violation",
    }
)


def model_output(
    data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo] = (), service: str = ""
) -> ModelOutput:
    """Return the output that a response says.

    Args:
        data: The response.
        model: The model that was asked, for responses that name none.
        tools: The tools that were sent, to read arguments that are no JSON object.
        service: Whose response it is, see `ChatForm`.

    Raises:
        ValueError: It is not a response of chat completions.
    """
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError("no choices")
    name = data.get("model") or model
    return ModelOutput(
        model=name,
        choices=[_choice(choice, name, tools, service) for choice in choices],
        usage=model_usage(data.get("usage")),
    )


def model_usage(usage: Mapping[str, Any] | None) -> ModelUsage | None:
    """Return the usage that a response reports, None if it does not."""
    if not usage:
        return None
    sent = usage.get("prompt_tokens") or 0
    generated = usage.get("completion_tokens") or 0
    total = usage.get("total_tokens") or sent + generated
    cached = usage.get("prompt_tokens_details") or {}
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if reasoning and total == sent + generated + reasoning:
        generated += reasoning  # some services count them apart
    return ModelUsage(
        input_tokens=sent,
        output_tokens=generated,
        total_tokens=total,
        input_tokens_cache_write=cached.get("cache_write_tokens") if cached else None,
        input_tokens_cache_read=cached.get("cached_tokens", usage.get("prompt_cache_hit_tokens")),
        reasoning_tokens=reasoning,
    )


def refusal_output(model: str, error: Mapping[str, Any]) -> ModelOutput | None:
    """Return the output that stands for a refused request, None if it is an error.

    A conversation that is too long, and one that the provider's filter rejects, are
    answers of a kind: the sample goes on and is scored.
    """
    message = str(error.get("message") or "")
    codes = {code for code in (error.get("code"), error.get("type")) if isinstance(code, str)}
    if codes & _CONTEXT_CODES or _CONTEXT_WORDS.search(message):
        return ModelOutput.from_content(model, message, "model_length", message)
    if codes & _FILTER_CODES:
        return ModelOutput.from_content(model, message, "content_filter", message)
    return None


def _choice(
    data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo], service: str
) -> ChatCompletionChoice:
    said = data.get("message")
    if not isinstance(said, dict):
        raise ValueError("a choice without a message")
    calls = [
        parse_tool_call(
            call.get("id") or "", call["function"]["name"], call["function"]["arguments"], tools
        )
        for call in said.get("tool_calls") or ()
    ]
    message = ChatMessageAssistant(
        content=_content(said, service), tool_calls=calls or None, model=model, source="generate"
    )
    logprobs = data.get("logprobs")
    return ChatCompletionChoice(
        message=message,
        stop_reason=_STOP_REASONS.get(data.get("finish_reason") or "", "unknown"),
        logprobs=Logprobs(content=logprobs["content"])
        if logprobs and logprobs["content"]
        else None,
    )


def _content(said: Mapping[str, Any], service: str) -> str | list[Content]:
    """Return what was said, with the reasoning before it as a part of its own.

    Reasoning remembers how it came, to be sent back the same way, see `_openai_request`.
    """
    text = said.get("content") or ""
    thoughts: list[Content] = []
    if not _WITH_REASONING.isdisjoint(said):
        thoughts = _thoughts(said, service)
    if not isinstance(text, str):
        parts, text = _listed(text, service)
        thoughts = [*thoughts, *parts]
    # Servers of open models send reasoning beside the text, or in tags at its beginning.
    if not thoughts and "<think" in text and (match := _THINKING.match(text)):
        thoughts, text = [ContentReasoning(reasoning=match[1].strip())], text[match.end() :]
    refusal = said.get("refusal")
    if not thoughts and not refusal:
        return text
    return [*thoughts, ContentText(text=refusal or text, refusal=True if refusal else None)]


def _thoughts(said: Mapping[str, Any], service: str) -> list[Content]:
    """Return the reasoning that came in a field of its own."""
    came: dict[str, Any] = {"service": service}
    if details := said.get("reasoning_details"):
        came["details"] = details
    for field in REASONING_FIELDS:
        if reasoning := said.get(field):
            return [ContentReasoning(reasoning=reasoning, internal={**came, "field": field})]
    return [ContentReasoning(reasoning="", redacted=True, internal=came)] if details else []


def _listed(content: Sequence[Mapping[str, Any]], service: str) -> tuple[list[Content], str]:
    """Return the reasoning and the text of a list of parts, as Mistral sends them."""
    thoughts: list[Content] = []
    texts = []
    came: dict[str, Any] = {"service": service, "parts": True}
    for part in content:
        if part["type"] == "thinking":
            reasoning = "".join(piece.get("text") or "" for piece in part["thinking"])
            thoughts.append(ContentReasoning(reasoning=reasoning, internal=came))
        elif part["type"] == "text":
            texts.append(part["text"])
    return thoughts, "".join(texts)
