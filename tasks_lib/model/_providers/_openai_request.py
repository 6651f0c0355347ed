"""A conversation as the JSON of a chat completions request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import to_json

from tasks_lib._util._media import parse_data_uri
from tasks_lib.model._providers._openai_content import document_name
from tasks_lib.model._providers._wire import JSONObject, unsendable
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ResponseSchema,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)

CHAT_OPTIONS: Mapping[str, str] = {
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "temperature": "temperature",
    "stop_seqs": "stop",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "logit_bias": "logit_bias",
    "seed": "seed",
    "num_choices": "n",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
    "response_schema": "response_format",
}
"""The options of OpenAI's chat completions, with their names in the request."""

REASONING_FIELDS = ("reasoning_content", "reasoning")
"""Fields of messages in which services send reasoning; the first one that is there counts."""

_TAKES = (
    "text, and from users images, sound (wav, mp3) and documents too; videos have to be "
    "sent as images of theirs"
)


class ChatForm(NamedTuple):
    """How a service wants its chat completions."""

    options: Mapping[str, str] = CHAT_OPTIONS
    """The options that it takes, with their names in the request."""
    system_role: str = "system"
    """The role of system messages."""
    service: str = ""
    """Whose reasoning goes back in the field in which it came: others refuse the field."""


_USUAL = ChatForm()


def chat_request(
    model: str,
    messages: Sequence[ChatMessage],
    tools: Sequence[ToolInfo],
    tool_choice: ToolChoice,
    config: GenerateConfig,
    form: ChatForm = _USUAL,
) -> JSONObject:
    """Return the request for the next message of a conversation.

    Args:
        model: The model, as the service names it.
        messages: The conversation, see `with_content_read`.
        tools: What the model may call.
        tool_choice: Whether and which it may or must call.
        config: Options; those that the service does not take are left out.
        form: How the service wants it.

    Raises:
        ModelError: A message has content that cannot be sent.
    """
    body: JSONObject = {
        "model": model,
        "messages": [message_param(message, form) for message in messages],
    }
    values = config.__dict__
    for name, sent_as in form.options.items():
        if (value := values[name]) is not None:
            body[sent_as] = _CONVERTED[name](value) if name in _CONVERTED else value
    if tools:
        body["tools"] = [tool_param(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(tool_choice)
    elif config.parallel_tool_calls is not None:
        body.pop(form.options.get("parallel_tool_calls", ""), None)
    if config.extra_body:
        body.update(config.extra_body)
    return body


def message_param(message: ChatMessage, form: ChatForm = _USUAL) -> JSONObject:
    """Return one message as it is sent."""
    if isinstance(message, ChatMessageAssistant):
        return _assistant_param(message, form.service)
    if isinstance(message, ChatMessageTool):
        return {
            "role": "tool",
            "tool_call_id": message.tool_call_id,
            "content": _tool_text(message),
        }
    role = "user" if message.role == "user" else form.system_role
    content = message.content
    if isinstance(content, str):
        return {"role": role, "content": content}
    return {"role": role, "content": [_part(part) for part in content]}


def tool_param(tool: ToolInfo) -> JSONObject:
    """Return a tool as it is sent."""
    return {"type": "function", "function": tool_function(tool)}


def tool_function(tool: ToolInfo) -> JSONObject:
    """Return name, description and parameters of a tool."""
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters.model_dump(exclude_none=True),
    }


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Return the arguments of a call as the text that a model would have written."""
    return to_json(arguments).decode()


def described_schema(schema: ResponseSchema) -> JSONObject:
    """Return the schema of an answer with its name and what else is said of it."""
    described: JSONObject = {
        "name": schema.name,
        "schema": schema.json_schema.model_dump(exclude_none=True),
    }
    if schema.description is not None:
        described["description"] = schema.description
    if schema.strict is not None:
        described["strict"] = schema.strict
    return described


def thought_text(part: ContentReasoning) -> str:
    """Return reasoning as text, for models that cannot take it back as what it is."""
    return f"<think>\n{part.reasoning}\n</think>\n"


def _assistant_param(message: ChatMessageAssistant, service: str) -> JSONObject:
    content = message.content
    if isinstance(content, str):
        param: JSONObject = {"role": "assistant", "content": content}
    else:
        param = {"role": "assistant", "content": _spoken(content, service)}
        param.update(_thoughts(content, service))
    if message.tool_calls:
        param["content"] = param["content"] or None
        param["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": arguments_text(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return param


def _spoken(content: Sequence[Content], service: str) -> str | list[JSONObject]:
    """Return text and, in tags, the reasoning that did not come in a field of its own.

    A list of parts if the service sent its reasoning so.
    """
    texts, thoughts = [], []
    for part in content:
        if isinstance(part, ContentText):
            texts.append(part.text)
        elif not isinstance(part, ContentReasoning):
            raise unsendable(part, "an assistant message", "text")
        elif "parts" in (came := _how_it_came(part, service)):
            said = [{"type": "text", "text": part.reasoning}]
            thoughts.append({"type": "thinking", "thinking": said})
        elif not came and not part.redacted:
            texts.append(thought_text(part))
    text = "\n".join(texts)
    return [*thoughts, {"type": "text", "text": text}] if thoughts else text


def _thoughts(content: Sequence[Content], service: str) -> JSONObject:
    """Return the fields in which the service sent its reasoning."""
    fields: JSONObject = {}
    for part in content:
        if isinstance(part, ContentReasoning):
            came = _how_it_came(part, service)
            if (field := came.get("field")) in REASONING_FIELDS:
                fields[field] = fields.get(field, "") + part.reasoning
            if "details" in came:
                fields["reasoning_details"] = came["details"]
    return fields


def _how_it_came(part: ContentReasoning, service: str) -> JSONObject:
    """Return what `_openai_response` remembered of the service's own reasoning, else {}."""
    came = part.internal
    return came if isinstance(came, dict) and came.get("service") == service else {}


def _tool_text(message: ChatMessageTool) -> str:
    if message.error is not None:
        return f"Error: {message.error.message}"
    if isinstance(message.content, str):
        return message.content
    for part in message.content:
        if not isinstance(part, ContentText):
            raise unsendable(part, "a tool message", "text")
    return message.text


def _part(part: Content) -> JSONObject:
    if isinstance(part, ContentText):
        return {"type": "text", "text": part.text}
    if isinstance(part, ContentImage):
        return {"type": "image_url", "image_url": {"url": part.image, "detail": part.detail}}
    if isinstance(part, ContentAudio):
        sound = {"data": parse_data_uri(part.audio).base64, "format": part.format}
        return {"type": "input_audio", "input_audio": sound}
    if isinstance(part, ContentDocument):
        file = {"filename": document_name(part), "file_data": part.document}
        return {"type": "file", "file": file}
    raise unsendable(part, "chat completions", _TAKES)


def _tool_choice(choice: ToolChoice) -> str | JSONObject:
    if isinstance(choice, ToolFunction):
        return {"type": "function", "function": {"name": choice.name}}
    return "required" if choice == "any" else choice


def _logit_bias(biases: Mapping[int, float]) -> dict[str, float]:
    return {str(token): bias for token, bias in biases.items()}


def _response_format(schema: ResponseSchema) -> JSONObject:
    return {"type": "json_schema", "json_schema": described_schema(schema)}


_CONVERTED: Mapping[str, Callable[[Any], object]] = {
    "logit_bias": _logit_bias,
    "response_schema": _response_format,
}
"""Options that are not sent as they are."""
