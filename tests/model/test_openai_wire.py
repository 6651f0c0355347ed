"""Messages and options as the JSON of chat completions."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ModelError
from tasks_lib.model._providers._openai_request import chat_request, message_param
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentAudio,
    ContentData,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentVideo,
    GenerateConfig,
    JSONSchema,
    ResponseSchema,
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
PDF = "data:application/pdf;base64,AA=="
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
            ChatMessageUser(
                content=[ContentAudio(audio="data:audio/wav;base64,AA==", format="wav")]
            ),
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
                ],
            },
            id="sound",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentDocument(document=PDF, filename="paper.pdf")]),
            {
                "role": "user",
                "content": [{"type": "file", "file": {"filename": "paper.pdf", "file_data": PDF}}],
            },
            id="document",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentDocument(document="data:text/plain,Hi")]),
            {
                "role": "user",
                "content": [
                    {
                        "type": "file",
                        "file": {"filename": "document.txt", "file_data": "data:text/plain,Hi"},
                    }
                ],
            },
            id="document without a name",
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
    ("message", "text"),
    [
        pytest.param(
            ChatMessageUser(
                content=[ContentVideo(video="data:video/mp4;base64,AA==", format="mp4")]
            ),
            "'video' cannot be sent in this message: chat completions takes text, and .* videos",
            id="video",
        ),
        pytest.param(
            ChatMessageTool(content=[IMAGE], tool_call_id="1"),
            "'image' cannot be sent in this message: a tool message takes text",
            id="image of a tool",
        ),
        pytest.param(
            ChatMessageAssistant(content=[IMAGE]),
            "'image' cannot be sent in this message: an assistant message takes text",
            id="image of the model",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentData(data={"x": 1})]), "'data' cannot", id="data"
        ),
    ],
)
def test_what_cannot_be_sent(message: ChatMessage, text: str) -> None:
    with pytest.raises(ModelError, match=text):
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
