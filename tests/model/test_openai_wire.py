"""Messages and options as JSON, and JSON as outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ModelError
from tasks_lib.model._providers._openai_errors import is_passing, retry_after_s
from tasks_lib.model._providers._openai_request import chat_request, message_param
from tasks_lib.model._providers._openai_response import model_output
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    JSONSchema,
    ModelUsage,
    ResponseSchema,
    StopReason,
    ToolCall,
    ToolCallError,
    ToolChoice,
    ToolFunction,
    ToolInfo,
)

CALL = ToolCall(id="c1", function="add", arguments={"x": 1, "text": "ä"})
SENT_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"x":1,"text":"ä"}'},
}
IMAGE = ContentImage(image="data:image/png;base64,AA==", detail="low")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            ChatMessageSystem(content="Be kind."),
            {"role": "system", "content": "Be kind."},
            id="system",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentText(text="What is it?"), IMAGE]),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": IMAGE.image, "detail": "low"}},
                ],
            },
            id="user with an image",
        ),
        pytest.param(
            ChatMessageAssistant(content="It is 4."),
            {"role": "assistant", "content": "It is 4."},
            id="assistant",
        ),
        pytest.param(
            ChatMessageAssistant(content="", tool_calls=[CALL]),
            {"role": "assistant", "content": None, "tool_calls": [SENT_CALL]},
            id="assistant that calls a tool",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[ContentReasoning(reasoning="2+2"), ContentText(text="4")]
            ),
            {"role": "assistant", "content": "<think>\n2+2\n</think>\n\n4"},
            id="assistant that thought",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[ContentReasoning(reasoning="x", redacted=True), ContentText(text="4")]
            ),
            {"role": "assistant", "content": "4"},
            id="unreadable thoughts are not sent",
        ),
        pytest.param(
            ChatMessageTool(content="2", tool_call_id="c1", function="add"),
            {"role": "tool", "tool_call_id": "c1", "content": "2"},
            id="tool",
        ),
        pytest.param(
            ChatMessageTool(
                content="",
                tool_call_id="c1",
                error=ToolCallError(type="timeout", message="too slow"),
            ),
            {"role": "tool", "tool_call_id": "c1", "content": "Error: too slow"},
            id="tool that failed",
        ),
    ],
)
def test_messages(message: ChatMessage, expected: dict[str, Any]) -> None:
    assert message_param(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            ChatMessageUser(content=[ContentAudio(audio="a.mp3", format="mp3")]), id="sound"
        ),
        pytest.param(ChatMessageUser(content=[ContentImage(image="cat.png")]), id="image file"),
        pytest.param(ChatMessageTool(content=[IMAGE], tool_call_id="1"), id="image of a tool"),
        pytest.param(ChatMessageAssistant(content=[IMAGE]), id="image of the model"),
    ],
)
def test_what_cannot_be_sent(message: ChatMessage) -> None:
    with pytest.raises(ModelError, match="cannot be sent"):
        message_param(message)


SCHEMA = ResponseSchema(name="answer", json_schema=JSONSchema(type="object"), strict=True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(GenerateConfig(), {}, id="nothing by default"),
        pytest.param(
            GenerateConfig(temperature=0.0, top_p=0.9, seed=0, max_tokens=5),
            {"temperature": 0.0, "top_p": 0.9, "seed": 0, "max_tokens": 5},
            id="zero is a value",
        ),
        pytest.param(
            GenerateConfig(stop_seqs=["\n"], num_choices=2, logprobs=True, top_logprobs=3),
            {"stop": ["\n"], "n": 2, "logprobs": True, "top_logprobs": 3},
            id="renamed ones",
        ),
        pytest.param(
            GenerateConfig(frequency_penalty=0.1, presence_penalty=0.2, logit_bias={50: -100}),
            {"frequency_penalty": 0.1, "presence_penalty": 0.2, "logit_bias": {"50": -100}},
            id="penalties",
        ),
        pytest.param(
            GenerateConfig(reasoning_effort="low", response_schema=SCHEMA),
            {
                "reasoning_effort": "low",
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "answer",
                        "schema": {"type": "object"},
                        "strict": True,
                    },
                },
            },
            id="structured",
        ),
        pytest.param(
            GenerateConfig(extra_body={"min_p": 0.1, "seed": 7}, seed=1),
            {"min_p": 0.1, "seed": 7},
            id="the extra body wins",
        ),
        pytest.param(
            GenerateConfig(max_retries=2, timeout=9, max_connections=3, max_tool_output=1),
            {},
            id="ours are not sent",
        ),
        pytest.param(GenerateConfig(parallel_tool_calls=False), {}, id="no tools, no parallel"),
    ],
)
def test_options(config: GenerateConfig, expected: dict[str, Any]) -> None:
    body = chat_request("m", [], [], "none", config)

    assert body == {"model": "m", "messages": [], **expected}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("any", "required"),
        ("none", "none"),
        (ToolFunction("add"), {"type": "function", "function": {"name": "add"}}),
    ],
)
def test_tools(choice: ToolChoice, expected: object) -> None:
    tool = ToolInfo(name="add", description="Adds.")
    config = GenerateConfig(parallel_tool_calls=False)

    body = chat_request("m", [], [tool], choice, config)

    assert body["tool_choice"] == expected
    assert body["parallel_tool_calls"] is False
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Adds.",
                "parameters": {
                    "type": "object",
                    "properties": {},
                    "required": [],
                    "additionalProperties": False,
                },
            },
        }
    ]


def response(reason: str = "stop", **message: object) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "Hi", **message}, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("abort", "unknown"),
    ],
)
def test_stop_reasons(reason: str, expected: StopReason) -> None:
    assert model_output(response(reason), "m").stop_reason == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": "Hi"}, "Hi", id="text"),
        pytest.param({"content": None}, "", id="nothing"),
        pytest.param(
            {"content": "<think>\nhm\n</think>\n\nHi"},
            [ContentReasoning(reasoning="hm"), ContentText(text="Hi")],
            id="thoughts in tags",
        ),
        pytest.param({"content": "a <think>b</think>"}, "a <think>b</think>", id="only in front"),
        pytest.param(
            {"content": "Hi", "reasoning_content": "hm"},
            [ContentReasoning(reasoning="hm"), ContentText(text="Hi")],
            id="thoughts beside",
        ),
        pytest.param(
            {"content": None, "refusal": "No."},
            [ContentText(text="No.", refusal=True)],
            id="refusal",
        ),
    ],
)
def test_content(message: dict[str, Any], expected: str | list[Content]) -> None:
    assert model_output(response(**message), "m").message.content == expected


def test_usage_by_kind() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }

    assert model_output({**response(), "usage": usage}, "m").usage == ModelUsage(
        input_tokens=10,
        output_tokens=5,
        total_tokens=15,
        input_tokens_cache_read=4,
        reasoning_tokens=3,
    )
    assert model_output(response(), "m").usage is None


def test_logprobs() -> None:
    data = response()
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    data["choices"][0]["logprobs"] = {"content": [token]}

    logprobs = model_output(data, "m").choices[0].logprobs

    assert logprobs is not None
    assert [entry.model_dump() for entry in logprobs.content] == [token]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after-ms": "250", "retry-after": "7"}, 0.25, id="milliseconds win"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, id="a past date"),
        pytest.param({"retry-after": "soon"}, None, id="nonsense"),
        pytest.param({"retry-after": "-3"}, 0.0, id="never negative"),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (408, None, True),
        (429, None, True),
        (429, "insufficient_quota", False),
        (500, None, True),
        (529, None, True),
        (400, None, False),
        (401, None, False),
        (404, None, False),
    ],
)
def test_what_passes(status: int, code: str | None, expected: bool) -> None:
    assert is_passing(status, code) is expected
