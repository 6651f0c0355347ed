"""OpenAI's chat completions: requests read, answers and errors written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from solvers.agents._bridge._answer import (
    arguments_text,
    logprobs,
    refusal_text,
    said_text,
    thought_text,
    too_long,
)
from solvers.agents._bridge._call import (
    Call,
    History,
    JSONObject,
    Options,
    Refusal,
    Unused,
    Wire,
    any_object,
    checked,
    generate_config,
    response_schema,
    tool_info,
)
from solvers.agents._bridge._chat_messages import ChatParam, chat_messages
from tasks_lib._util._ids import short_uuid
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
    StopReason,
    ToolChoice,
    ToolFunction,
)


class _Function(Wire):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(Wire):
    type: Literal["function"]
    function: _Function


class _Name(Wire):
    name: str


class _ChosenTool(Wire):
    type: Literal["function"]
    function: _Name


class _Schema(Wire):
    name: str
    json_schema: dict[str, Any] = Field(alias="schema", default_factory=dict)
    description: str | None = None
    strict: bool | None = None


class _SchemaFormat(Wire):
    type: Literal["json_schema"]
    json_schema: _Schema


class _PlainFormat(Wire):
    type: Literal["text", "json_object"]


class _StreamOptions(Wire):
    include_usage: bool = False


class _Request(Options):
    model: str
    messages: Annotated[list[ChatParam], Field(min_length=1)]
    tools: list[_Tool] = Field(default_factory=list)
    tool_choice: Literal["none", "auto", "required"] | _ChosenTool | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    response_format: Annotated[_SchemaFormat | _PlainFormat | None, Field(discriminator="type")] = (
        None
    )
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    stop: str | list[str] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[int, float] | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    modalities: list[Literal["text"]] | None = None
    metadata: Unused = None
    prediction: Unused = None
    prompt_cache_key: Unused = None
    prompt_cache_options: Unused = None
    prompt_cache_retention: Unused = None
    safety_identifier: Unused = None
    service_tier: Unused = None
    store: Unused = None
    user: Unused = None


def read_chat(body: JSONObject, history: History) -> Call:
    """Return what a request of chat completions asks for.

    Args:
        body: The request.
        history: Not used: the interface remembers nothing.

    Raises:
        Refusal: It is wrong, or asks for something that cannot be passed on.
    """
    request = checked(_Request, body)
    tools = [
        tool_info(tool.name, tool.description, tool.parameters, tool.strict)
        for tool in (param.function for param in request.tools)
    ]
    stop = [request.stop] if isinstance(request.stop, str) else request.stop
    config = generate_config(
        max_tokens=request.max_completion_tokens or request.max_tokens,
        top_p=request.top_p,
        temperature=request.temperature,
        stop_seqs=stop,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        logit_bias=request.logit_bias,
        seed=request.seed,
        num_choices=request.n,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
        parallel_tool_calls=request.parallel_tool_calls,
        reasoning_effort=request.reasoning_effort,
        response_schema=_response_schema(request.response_format),
    )
    messages = chat_messages(request.messages, tools)
    choice = _tool_choice(request.tool_choice)
    return Call(request.model, messages, config, tools, choice, request.stream, body)


def chat_answer(call: Call, output: ModelOutput) -> JSONObject:
    """Return an output as a chat completion.

    Raises:
        Refusal: The conversation is too long for the model.
    """
    too_long(output)
    return {
        "id": f"chatcmpl-{short_uuid()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": output.model,
        "choices": [_choice(index, choice) for index, choice in enumerate(output.choices)],
        "usage": _usage(output.usage),
    }


def chat_events(call: Call, answer: JSONObject) -> Iterator[tuple[str | None, JSONObject | str]]:
    """Yield the events of a stream that makes `answer`: their names, if any, and their data."""
    about = {name: answer[name] for name in ("id", "created", "model")}
    options = call.body.get("stream_options") or {}
    usage: JSONObject = {"usage": None} if options.get("include_usage") else {}
    chunk = {**about, "object": "chat.completion.chunk", **usage}
    for choice in answer["choices"]:
        for delta in _deltas(choice):
            yield None, {**chunk, "choices": [delta]}
    if usage:
        yield None, {**chunk, "choices": [], "usage": answer["usage"]}
    yield None, "[DONE]"


def openai_error(refusal: Refusal) -> JSONObject:
    """Return an error as OpenAI's interfaces write it."""
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    error = {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
    return {"error": error}


def _response_schema(form: _SchemaFormat | _PlainFormat | None) -> ResponseSchema | None:
    if isinstance(form, _SchemaFormat):
        said = form.json_schema
        return response_schema(said.json_schema, said.name, said.description, said.strict)
    return any_object() if form is not None and form.type == "json_object" else None


def _tool_choice(choice: str | _ChosenTool | None) -> ToolChoice | None:
    if isinstance(choice, _ChosenTool):
        return ToolFunction(choice.function.name)
    return TOOL_CHOICES[choice] if choice is not None else None


TOOL_CHOICES: dict[str, ToolChoice] = {"none": "none", "auto": "auto", "required": "any"}
"""OpenAI's words for what may be called."""

_FINISHED: dict[StopReason, str] = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "unknown": "stop",
}


def _choice(index: int, choice: ChatCompletionChoice) -> JSONObject:
    probabilities = logprobs(choice)
    return {
        "index": index,
        "message": _message(choice.message),
        "finish_reason": _FINISHED.get(choice.stop_reason, "stop"),
        "logprobs": {"content": probabilities, "refusal": None} if probabilities else None,
    }


def _message(message: ChatMessageAssistant) -> JSONObject:
    said: JSONObject = {
        "role": "assistant",
        "content": said_text(message) or None,
        "refusal": refusal_text(message) or None,
    }
    if thought := thought_text(message):
        # No field of OpenAI's, but the one that most servers of open models use.
        said["reasoning_content"] = thought
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": arguments_text(call)},
            }
            for call in message.tool_calls
        ]
    elif not said["refusal"]:
        said["content"] = said["content"] or ""
    return said


def _usage(usage: ModelUsage | None) -> JSONObject:
    usage = usage or ModelUsage()
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.input_tokens_cache_read or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
    }


def _deltas(choice: JSONObject) -> Iterator[JSONObject]:
    """Yield the pieces of one answer: its role, each thing that it says, and how it ended."""
    message = choice["message"]
    pieces: list[JSONObject] = [{"role": "assistant", "content": ""}]
    pieces += [
        {field: message[field]}
        for field in ("reasoning_content", "content", "refusal")
        if message.get(field)
    ]
    pieces += [
        {"tool_calls": [{"index": index, **call}]}
        for index, call in enumerate(message.get("tool_calls", ()))
    ]
    for piece in pieces:
        said = choice["logprobs"] if piece.get("content") else None
        yield {"index": choice["index"], "delta": piece, "finish_reason": None, "logprobs": said}
    yield {
        "index": choice["index"],
        "delta": {},
        "finish_reason": choice["finish_reason"],
        "logprobs": None,
    }
