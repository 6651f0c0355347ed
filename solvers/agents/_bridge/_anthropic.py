"""Anthropic's messages: requests read, answers and errors written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import to_json

from solvers.agents._bridge._answer import refusal_text, said_text, too_long
from solvers.agents._bridge._anthropic_messages import (
    MessageParam,
    SystemText,
    anthropic_messages,
)
from solvers.agents._bridge._call import (
    Call,
    History,
    JSONObject,
    Options,
    Refusal,
    Unused,
    Wire,
    checked,
    generate_config,
    response_schema,
    tool_info,
)
from tasks_lib._util._ids import short_uuid
from tasks_lib.schema import (
    ChatMessageAssistant,
    ContentReasoning,
    ModelOutput,
    ModelUsage,
    StopReason,
    ToolCall,
    ToolChoice,
    ToolFunction,
)


class _Tool(Wire):
    type: Literal["custom"] = "custom"
    name: str
    description: str | None = None
    input_schema: dict[str, Any]


class _Choice(Wire):
    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: bool = False


class _ChosenTool(Wire):
    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: bool = False


class _Thinking(Wire):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None


class _Format(Wire):
    type: Literal["json_schema"]
    json_schema: dict[str, Any] = Field(alias="schema")


class _OutputConfig(Options):
    effort: str | None = None
    format: _Format | None = None


class _Request(Options):
    model: str
    max_tokens: int
    messages: Annotated[list[MessageParam], Field(min_length=1)]
    system: SystemText = Field(default_factory=list)
    tools: list[_Tool] = Field(default_factory=list)
    tool_choice: Annotated[_Choice | _ChosenTool | None, Field(discriminator="type")] = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig = _OutputConfig()
    cache_control: Unused = None
    metadata: Unused = None
    service_tier: Unused = None
    speed: Unused = None


def read_anthropic(body: JSONObject, history: History) -> Call:
    """Return what a request of the messages interface asks for.

    Args:
        body: The request.
        history: Not used: the interface remembers nothing.

    Raises:
        Refusal: It is wrong, or asks for something that cannot be passed on.
    """
    request = checked(_Request, body)
    tools = [tool_info(tool.name, tool.description, tool.input_schema) for tool in request.tools]
    choice = request.tool_choice
    one_by_one = choice is not None and choice.disable_parallel_tool_use
    thinking, output = request.thinking, request.output_config
    is_off = thinking is not None and thinking.type == "disabled"
    config = generate_config(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop_seqs=request.stop_sequences,
        parallel_tool_calls=False if one_by_one else None,
        reasoning_tokens=thinking.budget_tokens if thinking is not None else None,
        reasoning_effort="none" if is_off else output.effort,
        response_schema=response_schema(output.format.json_schema) if output.format else None,
    )
    messages = anthropic_messages(request.system, request.messages)
    return Call(request.model, messages, config, tools, _tool_choice(choice), request.stream, body)


def anthropic_answer(call: Call, output: ModelOutput) -> JSONObject:
    """Return an output as a message. Of several choices it is the first.

    Raises:
        Refusal: The conversation is too long for the model, or a call of a tool has arguments
            that cannot be read: the interface has no way to say so.
    """
    too_long(output)
    return {
        "id": f"msg_{short_uuid()}",
        "type": "message",
        "role": "assistant",
        "model": output.model,
        "content": _blocks(output.message),
        "stop_reason": _STOPPED.get(output.stop_reason, "end_turn"),
        "stop_sequence": None,
        "usage": _usage(output.usage),
    }


def anthropic_events(call: Call, answer: JSONObject) -> Iterator[tuple[str, JSONObject]]:
    """Yield the events of a stream that makes `answer`: their names and their data."""
    for event in _events(answer):
        yield event["type"], event


def anthropic_error(refusal: Refusal) -> JSONObject:
    """Return an error as Anthropic's interface writes it."""
    kind = _ERRORS.get(refusal.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": refusal.message}}


_STOPPED: dict[StopReason, str] = {
    "stop": "end_turn",
    "max_tokens": "max_tokens",
    "model_length": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "unknown": "end_turn",
}

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
}


def _tool_choice(choice: _Choice | _ChosenTool | None) -> ToolChoice | None:
    if isinstance(choice, _ChosenTool):
        return ToolFunction(choice.name)
    return choice.type if choice is not None else None


def _blocks(message: ChatMessageAssistant) -> list[JSONObject]:
    blocks: list[JSONObject] = []
    if not isinstance(message.content, str):
        thoughts = [part for part in message.content if isinstance(part, ContentReasoning)]
        blocks += [_thinking(part) for part in thoughts if part.reasoning]
    text = said_text(message) or refusal_text(message)
    if text or not message.tool_calls:
        blocks.append({"type": "text", "text": text, "citations": None})
    blocks += [_tool_use(call) for call in message.tool_calls or ()]
    return blocks


def _thinking(part: ContentReasoning) -> JSONObject:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.reasoning}
    return {"type": "thinking", "thinking": part.reasoning, "signature": part.signature or ""}


def _tool_use(call: ToolCall) -> JSONObject:
    if call.parse_error:
        raise Refusal(502, f"The model's answer cannot be passed on: {call.parse_error}")
    return {"type": "tool_use", "id": call.id, "name": call.function, "input": call.arguments}


def _usage(usage: ModelUsage | None) -> JSONObject:
    """Return the tokens as the interface counts them: those of its cache beside the others."""
    usage = usage or ModelUsage()
    written, read = usage.input_tokens_cache_write or 0, usage.input_tokens_cache_read or 0
    return {
        "input_tokens": usage.input_tokens - written - read,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }


def _events(answer: JSONObject) -> Iterator[JSONObject]:
    usage = answer["usage"]
    begun = {**answer, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 0}}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(answer["content"]):
        empty, deltas = _pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": usage}
    yield {"type": "message_stop"}


def _pieces(block: JSONObject) -> tuple[JSONObject, list[JSONObject]]:
    """Return a block as it begins, and what then comes to it."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
    if kind == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        written = to_json(block["input"]).decode()
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": written}]
    return block, []
