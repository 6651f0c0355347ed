"""The JSON of a chat completions response as a model output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

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

_THINKING = re.compile(r"\s*<think[^>]*>(.*?)</think>\s*", re.DOTALL)

_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (length|window|size)|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "invalid_prompt"})


def model_output(
    data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo] = ()
) -> ModelOutput:
    """Return the output that a response says.

    Args:
        data: The response.
        model: The model that was asked, for responses that name none.
        tools: The tools that were sent, to read arguments that are no JSON object.

    Raises:
        ValueError: It is not a response of chat completions.
    """
    choices = data.get("choices")
    if not isinstance(choices, list):
        raise ValueError("no list of choices")
    name = data.get("model") or model
    return ModelOutput(
        model=name,
        choices=[_choice(choice, name, tools) for choice in choices],
        usage=model_usage(data.get("usage")),
    )


def model_usage(usage: Mapping[str, Any] | None) -> ModelUsage | None:
    """Return the usage that a response reports, None if it does not."""
    if not usage:
        return None
    sent = usage.get("prompt_tokens") or 0
    generated = usage.get("completion_tokens") or 0
    return ModelUsage(
        input_tokens=sent,
        output_tokens=generated,
        total_tokens=usage.get("total_tokens") or sent + generated,
        input_tokens_cache_read=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    )


def refusal_output(model: str, error: Mapping[str, Any]) -> ModelOutput | None:
    """Return the output that stands for a refused request, None if it is an error.

    A conversation that is too long, and one that the provider's filter rejects, are
    answers of a kind: the sample goes on and is scored.
    """
    message = str(error.get("message") or "")
    codes = {error.get("code"), error.get("type")}
    if codes & _CONTEXT_CODES or _CONTEXT_WORDS.search(message):
        return ModelOutput.from_content(model, message, "model_length", message)
    if codes & _FILTER_CODES:
        return ModelOutput.from_content(model, message, "content_filter", message)
    return None


def _choice(data: Mapping[str, Any], model: str, tools: Sequence[ToolInfo]) -> ChatCompletionChoice:
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
        content=_content(said), tool_calls=calls or None, model=model, source="generate"
    )
    logprobs = data.get("logprobs")
    return ChatCompletionChoice(
        message=message,
        stop_reason=_STOP_REASONS.get(data.get("finish_reason") or "", "unknown"),
        logprobs=Logprobs(content=logprobs["content"])
        if logprobs and logprobs["content"]
        else None,
    )


def _content(said: Mapping[str, Any]) -> str | list[Content]:
    """Return what was said, with the reasoning before it as a part of its own."""
    text = said.get("content") or ""
    # Servers of open models send reasoning beside the text, or in tags at its beginning.
    reasoning = said.get("reasoning_content") or said.get("reasoning")
    if not reasoning and "<think" in text and (match := _THINKING.match(text)):
        reasoning, text = match[1].strip(), text[match.end() :]
    refusal = said.get("refusal")
    if not reasoning and not refusal:
        return str(text)
    parts: list[Content] = [ContentReasoning(reasoning=reasoning)] if reasoning else []
    parts.append(ContentText(text=refusal or text, refusal=True if refusal else None))
    return parts
