"""OpenAI's Responses: requests read, answers written."""

from __future__ import annotations

import time
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
    Unused,
    Wire,
    any_object,
    checked,
    generate_config,
    response_schema,
    tool_info,
)
from solvers.agents._bridge._chat import TOOL_CHOICES
from solvers.agents._bridge._responses_items import InputItems, item_messages
from tasks_lib._util._ids import short_uuid
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageSystem,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
    StopReason,
    ToolChoice,
    ToolFunction,
)


class _Tool(Wire):
    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _ChosenTool(Wire):
    type: Literal["function"]
    name: str


class _SchemaFormat(Wire):
    type: Literal["json_schema"]
    name: str
    json_schema: dict[str, Any] = Field(alias="schema")
    description: str | None = None
    strict: bool | None = None


class _PlainFormat(Wire):
    type: Literal["text", "json_object"]


class _Text(Options):
    format: Annotated[_SchemaFormat | _PlainFormat, Field(discriminator="type")] = _PlainFormat(
        type="text"
    )


class _Reasoning(Options):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class _Request(Options):
    model: str
    input: InputItems = Field(default_factory=list)
    instructions: str | None = None
    previous_response_id: str | None = None
    tools: list[_Tool] = Field(default_factory=list)
    tool_choice: Literal["none", "auto", "required"] | _ChosenTool | None = None
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning: _Reasoning = _Reasoning()
    text: _Text = _Text()
    include: list[Literal["message.output_text.logprobs", "reasoning.encrypted_content"]] = Field(
        default_factory=list
    )
    truncation: Literal["disabled"] = "disabled"
    background: Literal[False] = False
    store: bool = True
    max_tool_calls: Unused = None
    metadata: Unused = None
    prompt_cache_key: Unused = None
    prompt_cache_options: Unused = None
    prompt_cache_retention: Unused = None
    safety_identifier: Unused = None
    service_tier: Unused = None
    stream_options: Unused = None
    user: Unused = None


def read_responses(body: JSONObject, history: History) -> Call:
    """Return what a request of the Responses interface asks for.

    Args:
        body: The request.
        history: What `previous_response_id` refers to.

    Raises:
        Refusal: It is wrong, or asks for something that cannot be passed on.
    """
    request = checked(_Request, body)
    tools = [
        tool_info(tool.name, tool.description, tool.parameters, tool.strict)
        for tool in request.tools
    ]
    messages: list[ChatMessage] = []
    if request.previous_response_id is not None:
        messages += history(request.previous_response_id)
    messages += item_messages(request.input, tools)
    instructions = request.instructions
    system = [ChatMessageSystem(content=instructions)] if instructions else []
    with_logprobs = "message.output_text.logprobs" in request.include or request.top_logprobs
    config = generate_config(
        max_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        logprobs=True if with_logprobs else None,
        top_logprobs=request.top_logprobs,
        parallel_tool_calls=request.parallel_tool_calls,
        reasoning_effort=request.reasoning.effort,
        reasoning_summary=request.reasoning.summary or request.reasoning.generate_summary,
        response_schema=_response_schema(request.text.format),
    )
    return Call(
        request.model,
        [*system, *messages],
        config,
        tools,
        _tool_choice(request.tool_choice),
        request.stream,
        body,
        messages if request.store else None,
    )


def responses_answer(call: Call, output: ModelOutput) -> JSONObject:
    """Return an output as a response. Of several choices it is the first.

    Raises:
        Refusal: The conversation is too long for the model.
    """
    too_long(output)
    reason = _INCOMPLETE.get(output.stop_reason)
    return {
        **_ECHOED,
        **{name: call.body[name] for name in _ECHOED if call.body.get(name) is not None},
        "id": f"resp_{short_uuid()}",
        "object": "response",
        "created_at": time.time(),
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "error": None,
        "model": output.model,
        "output": _items(output.choices[0]),
        "usage": _usage(output.usage),
    }


_ECHOED: JSONObject = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": None,
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, with what it says where that said nothing."""

_INCOMPLETE: dict[StopReason, str] = {
    "max_tokens": "max_output_tokens",
    "model_length": "max_output_tokens",
    "content_filter": "content_filter",
}


def _response_schema(form: _SchemaFormat | _PlainFormat) -> ResponseSchema | None:
    if isinstance(form, _SchemaFormat):
        return response_schema(form.json_schema, form.name, form.description, form.strict)
    return any_object() if form.type == "json_object" else None


def _tool_choice(choice: str | _ChosenTool | None) -> ToolChoice | None:
    if isinstance(choice, _ChosenTool):
        return ToolFunction(choice.name)
    return TOOL_CHOICES[choice] if choice is not None else None


def _items(choice: ChatCompletionChoice) -> list[JSONObject]:
    message = choice.message
    items: list[JSONObject] = []
    if thought := thought_text(message):
        summary = [{"type": "summary_text", "text": thought}]
        items.append({"type": "reasoning", "id": f"rs_{short_uuid()}", "summary": summary})
    text, refused = said_text(message), refusal_text(message)
    said: list[JSONObject] = []
    if text or not (refused or message.tool_calls):
        probabilities = logprobs(choice)
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": probabilities}
        said.append(part)
    if refused:
        said.append({"type": "refusal", "refusal": refused})
    if said:
        about = {"type": "message", "id": f"msg_{short_uuid()}", "role": "assistant"}
        items.append({**about, "status": "completed", "content": said})
    items += [
        {
            "type": "function_call",
            "id": f"fc_{short_uuid()}",
            "call_id": call.id,
            "name": call.function,
            "arguments": arguments_text(call),
            "status": "completed",
        }
        for call in message.tool_calls or ()
    ]
    return items


def _usage(usage: ModelUsage | None) -> JSONObject:
    usage = usage or ModelUsage()
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.input_tokens_cache_read or 0,
            "cache_write_tokens": usage.input_tokens_cache_write or 0,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total_tokens,
    }
