"""A conversation as the JSON of a chat completions request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic_core import to_json

from tasks_lib._errors import ModelError, ParameterError
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ResponseSchema,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object of the wire format."""

_SENT_AS = {
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "temperature": "temperature",
    "stop_seqs": "stop",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "top_k": "top_k",
    "num_choices": "n",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "reasoning_effort": "reasoning_effort",
}
"""Options that are sent as they are, by their name in the request."""


def refuse_options(provider: str, config: GenerateConfig, reasons: Mapping[str, str]) -> None:
    """Raise ParameterError if `config` sets one of the options that have a reason not to."""
    for name, reason in reasons.items():
        value = getattr(config, name)
        if value is not None:
            raise ParameterError(provider, name, value, f"no value: {reason}")


def chat_request(
    model: str,
    messages: Sequence[ChatMessage],
    tools: Sequence[ToolInfo],
    tool_choice: ToolChoice,
    config: GenerateConfig,
) -> JSONObject:
    """Return the request for the next message of a conversation.

    Raises:
        ModelError: A message has content that cannot be sent.
    """
    body: JSONObject = {
        "model": model,
        "messages": [message_param(message) for message in messages],
    }
    options = config.__dict__
    for name, sent_as in _SENT_AS.items():
        value = options[name]
        if value is not None:
            body[sent_as] = value
    if config.logit_bias is not None:
        body["logit_bias"] = {str(token): bias for token, bias in config.logit_bias.items()}
    if config.response_schema is not None:
        body["response_format"] = _response_format(config.response_schema)
    if tools:
        body["tools"] = [tool_param(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(tool_choice)
        if config.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = config.parallel_tool_calls
    if config.extra_body:
        body.update(config.extra_body)
    return body


def message_param(message: ChatMessage) -> JSONObject:
    """Return one message as it is sent."""
    if isinstance(message, ChatMessageAssistant):
        return _assistant_param(message)
    if isinstance(message, ChatMessageTool):
        return {
            "role": "tool",
            "tool_call_id": message.tool_call_id,
            "content": _tool_text(message),
        }
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def tool_param(tool: ToolInfo) -> JSONObject:
    """Return a tool as it is sent."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters.model_dump(exclude_none=True),
    }
    return {"type": "function", "function": function}


def _assistant_param(message: ChatMessageAssistant) -> JSONObject:
    text = message.content if isinstance(message.content, str) else _spoken(message.content)
    param: JSONObject = {"role": "assistant", "content": text}
    if message.tool_calls:
        param["content"] = text or None
        param["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": _arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return param


def _arguments(arguments: Mapping[str, Any]) -> str:
    return to_json(arguments).decode()


def _spoken(content: Sequence[Content]) -> str:
    """Return text and, in `<think>` tags, reasoning: chat completions cannot take it back."""
    texts = []
    for part in content:
        if isinstance(part, ContentText):
            texts.append(part.text)
        elif isinstance(part, ContentReasoning):
            if not part.redacted:
                texts.append(f"<think>\n{part.reasoning}\n</think>\n")
        else:
            raise _unsendable(part)
    return "\n".join(texts)


def _tool_text(message: ChatMessageTool) -> str:
    if message.error is not None:
        return f"Error: {message.error.message}"
    if isinstance(message.content, str):
        return message.content
    for part in message.content:
        if not isinstance(part, ContentText):
            raise _unsendable(part)
    return message.text


def _part(part: Content) -> JSONObject:
    if isinstance(part, ContentText):
        return {"type": "text", "text": part.text}
    if isinstance(part, ContentImage) and part.image.startswith(("https:", "http:", "data:")):
        url = {"url": part.image, "detail": part.detail}
        return {"type": "image_url", "image_url": url}
    raise _unsendable(part)


def _unsendable(part: Content) -> ModelError:
    return ModelError(
        f"Content of type {part.type!r} cannot be sent in this message: chat completions "
        "take text, and images by URL or data URI from users."
    )


def _tool_choice(choice: ToolChoice) -> str | JSONObject:
    if isinstance(choice, ToolFunction):
        return {"type": "function", "function": {"name": choice.name}}
    return "required" if choice == "any" else choice


def _response_format(schema: ResponseSchema) -> JSONObject:
    described: JSONObject = {
        "name": schema.name,
        "schema": schema.json_schema.model_dump(exclude_none=True),
    }
    if schema.description is not None:
        described["description"] = schema.description
    if schema.strict is not None:
        described["strict"] = schema.strict
    return {"type": "json_schema", "json_schema": described}
