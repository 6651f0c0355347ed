"""A program that knows nothing of evaluations: it asks its models with the providers' SDKs.

Prints one JSON object: what each way of asking came to.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import openai

MODEL = "gpt-9"
client = openai.OpenAI()
of_anthropic = anthropic.Anthropic()
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
FUNCTION: Any = {"name": "add", "description": "Adds.", "parameters": SCHEMA}


def ask(name: str) -> list[Any]:
    return [{"role": "user", "content": f"1+2? ({name})"}]


def add(arguments: dict[str, int]) -> str:
    return str(arguments["a"] + arguments["b"])


def chat() -> object:
    messages = ask("chat")
    while True:
        completion = client.chat.completions.create(
            model=MODEL, messages=messages, tools=[{"type": "function", "function": FUNCTION}]
        )
        message = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            assert completion.usage is not None
            return [message.content, completion.usage.total_tokens]
        for call in message.tool_calls:
            assert call.type == "function"
            result = add(json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def chat_stream() -> object:
    messages = ask("chat_stream")
    tools: Any = [{"type": "function", "function": {**FUNCTION, "strict": True}}]
    while True:
        with client.chat.completions.stream(
            model=MODEL, messages=messages, tools=tools, stream_options={"include_usage": True}
        ) as stream:
            completion = stream.get_final_completion()
        message: Any = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            assert completion.usage is not None
            return [message.content, completion.usage.total_tokens]
        for call in message.tool_calls:
            result = add(json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


async def responses() -> object:
    """Ask with an async client and a stream; go on from the response's id."""
    tools: Any = [{"type": "function", "strict": False, **FUNCTION}]
    async with openai.AsyncOpenAI() as own:
        async with own.responses.stream(model=MODEL, input=ask("responses"), tools=tools) as stream:
            first = await stream.get_final_response()
        [call] = [item for item in first.output if item.type == "function_call"]
        result: Any = {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": add(json.loads(call.arguments)),
        }
        second = await own.responses.create(
            model=MODEL, input=[result], previous_response_id=first.id, tools=tools
        )
        assert second.usage is not None
        return [second.output_text, second.usage.total_tokens]


def responses_with_items() -> object:
    """Send all items back, as programs do that keep nothing at the provider."""
    items = ask("responses_with_items")
    tools: Any = [{"type": "function", "strict": False, **FUNCTION}]
    while True:
        response = client.responses.create(model=MODEL, input=items, tools=tools, store=False)
        items += response.output
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        for call in calls:
            result = add(json.loads(call.arguments))
            items.append(
                {"type": "function_call_output", "call_id": call.call_id, "output": result}
            )


def claude() -> object:
    messages = ask("claude")
    tools: Any = [{"name": "add", "description": "Adds.", "input_schema": SCHEMA}]
    while True:
        with of_anthropic.messages.stream(
            model="claude-9", max_tokens=100, messages=messages, tools=tools
        ) as stream:
            message = stream.get_final_message()
        messages.append({"role": "assistant", "content": message.content})
        if message.stop_reason != "tool_use":
            [block] = message.content
            assert block.type == "text"
            return [block.text, message.usage.input_tokens + message.usage.output_tokens]
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": add(block.input)}  # type: ignore[arg-type]
            for block in message.content
            if block.type == "tool_use"
        ]
        messages.append({"role": "user", "content": results})


async def claude_async() -> object:
    async with anthropic.AsyncAnthropic() as own:
        message = await own.messages.create(
            model="claude-9", max_tokens=100, messages=ask("claude_async")
        )
        return [block.type for block in message.content]


def refused() -> object:
    try:
        client.chat.completions.create(
            model="inspect/nobody", messages=ask("refused"), extra_body={"functions": []}
        )
    except openai.BadRequestError as error:
        return str(error)
    return "not refused"


print(
    json.dumps(
        {
            "chat": chat(),
            "chat_stream": chat_stream(),
            "responses": asyncio.run(responses()),
            "responses_with_items": responses_with_items(),
            "claude": claude(),
            "claude_async": asyncio.run(claude_async()),
            "refused": refused(),
            "models": sorted(model.id for model in client.models.list()),
        }
    )
)
