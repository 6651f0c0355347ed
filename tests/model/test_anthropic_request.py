"""Conversations and options as JSON of the messages interface."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ModelError
from tasks_lib._util._media import Media
from tasks_lib.model._providers._anthropic_request import message_blocks, messages_request
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
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
    ToolParams,
)

PNG = "data:image/png;base64,aWNvbg=="
PDF = "data:application/pdf;base64,JVBERg=="
TEXT = "data:text/markdown;base64,SGVsbG8="
WORD = "data:application/msword;base64,AAAA"
LATIN = "data:text/plain;base64,/w=="
MEDIA = {
    PNG: Media("image/png", "aWNvbg=="),
    "icon.png": Media("image/png", "aWNvbg=="),
    PDF: Media("application/pdf", "JVBERg=="),
    TEXT: Media("text/markdown", "SGVsbG8="),
    WORD: Media("application/msword", "AAAA"),
    LATIN: Media("text/plain", "/w=="),
}
PNG_BLOCK = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aWNvbg=="},
}
PDF_SOURCE = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}

ADD = ToolInfo(
    name="add",
    description="Adds.",
    parameters=ToolParams(properties={"x": JSONSchema(type="integer")}, required=["x"]),
)
CALL = ToolCall(id="t1", function="add", arguments={"x": 1})
CALL_BLOCK = {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}}
THOUGHT = ContentReasoning(reasoning="hm", signature="s1")
THOUGHT_BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s1"}
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def request(
    messages: list[ChatMessage],
    tools: list[ToolInfo] | None = None,
    choice: ToolChoice = "auto",
    config: GenerateConfig | None = None,
) -> dict[str, Any]:
    config = (config or GenerateConfig()).model_copy(update={"max_tokens": 100})
    return messages_request("claude-opus-4-1", messages, tools or [], choice, config, MEDIA)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(ChatMessageUser(content="Hi"), [text("Hi")], id="text"),
        pytest.param(ChatMessageUser(content=""), [text("(nothing was said)")], id="nothing"),
        pytest.param(
            ChatMessageUser(content=[ContentText(text=""), ContentImage(image=PNG)]),
            [PNG_BLOCK],
            id="no empty text",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentImage(image="icon.png")]), [PNG_BLOCK], id="file"
        ),
        pytest.param(
            ChatMessageUser(content=[ContentImage(image="https://x.org/a.png")]),
            [{"type": "image", "source": {"type": "url", "url": "https://x.org/a.png"}}],
            id="image by URL",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentDocument(document=PDF, filename="a.pdf")]),
            [{"type": "document", "source": PDF_SOURCE, "title": "a.pdf"}],
            id="PDF",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentDocument(document="https://x.org/a.pdf")]),
            [{"type": "document", "source": {"type": "url", "url": "https://x.org/a.pdf"}}],
            id="PDF by URL",
        ),
        pytest.param(
            ChatMessageUser(content=[ContentDocument(document=TEXT, citations=True)]),
            [
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Hello"},
                    "citations": {"enabled": True},
                }
            ],
            id="text to be cited",
        ),
        pytest.param(
            ChatMessageAssistant(content="1", tool_calls=[CALL]),
            [text("1"), CALL_BLOCK],
            id="text and call",
        ),
        pytest.param(
            ChatMessageAssistant(content="", tool_calls=[CALL]), [CALL_BLOCK], id="only a call"
        ),
        pytest.param(
            ChatMessageAssistant(content=""), [text("(nothing was said)")], id="empty answer"
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[THOUGHT, ContentReasoning(reasoning="x1", redacted=True)],
                tool_calls=[CALL],
            ),
            [THOUGHT_BLOCK, {"type": "redacted_thinking", "data": "x1"}, CALL_BLOCK],
            id="signed and redacted thoughts",
        ),
        pytest.param(
            ChatMessageAssistant(content=[ContentReasoning(reasoning="hm")]),
            [text("<think>\nhm\n</think>")],
            id="thoughts of another model",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[THOUGHT, ContentText(text="more")],
                tool_calls=[
                    CALL.model_copy(update={"internal": {"parts_before": 1}}),
                    CALL.model_copy(update={"internal": {"parts_before": 99}}),
                ],
            ),
            [THOUGHT_BLOCK, CALL_BLOCK, text("more"), CALL_BLOCK],
            id="calls between parts",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[ContentData(data={"type": "server_tool_use"}, internal="anthropic")]
            ),
            [{"type": "server_tool_use"}],
            id="what only the provider understands",
        ),
        pytest.param(
            ChatMessageTool(content="2", tool_call_id="t1"),
            [{"type": "tool_result", "tool_use_id": "t1", "content": "2"}],
            id="result",
        ),
        pytest.param(
            ChatMessageTool(
                content=[ContentText(text="seen"), ContentImage(image=PNG)], tool_call_id="t1"
            ),
            [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [text("seen"), PNG_BLOCK],
                }
            ],
            id="result with an image",
        ),
        pytest.param(
            ChatMessageTool(
                content="", tool_call_id="t1", error=ToolCallError(type="timeout", message="slow")
            ),
            [{"type": "tool_result", "tool_use_id": "t1", "content": "slow", "is_error": True}],
            id="failed call",
        ),
    ],
)
def test_content(message: ChatMessage, expected: list[dict[str, Any]]) -> None:
    assert message_blocks(message, MEDIA) == expected


@pytest.mark.parametrize(
    ("part", "message"),
    [
        pytest.param(ContentAudio(audio="a.wav", format="wav"), "type 'audio'", id="sound"),
        pytest.param(ContentVideo(video="a.mp4", format="mp4"), "type 'video'", id="video"),
        pytest.param(ContentData(data={}), "type 'data'", id="another provider's data"),
        pytest.param(ContentDocument(document=WORD), "application/msword", id="Word"),
        pytest.param(
            ContentDocument(document=LATIN, filename="a.txt"), "'a.txt' is not text", id="Latin-1"
        ),
    ],
)
def test_what_cannot_be_sent(part: Content, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        message_blocks(ChatMessageUser(content=[part]), MEDIA)


def test_system_messages_take_text_only() -> None:
    parts: list[Content] = [ContentText(text="Be"), ContentText(text=""), ContentText(text="brief")]

    body = request([ChatMessageSystem(content=parts), ChatMessageSystem(content="")])

    assert body["system"] == [text("Be"), text("brief")]
    with pytest.raises(ModelError, match="type 'image' cannot be sent"):
        request([ChatMessageSystem(content=[ContentImage(image=PNG)])])


def test_conversation() -> None:
    """System messages go before it, neighbours of one role are one turn."""
    body = request(
        [
            ChatMessageSystem(content="Be brief."),
            ChatMessageUser(content="1+1, 2+2?"),
            ChatMessageUser(content="Use the tool."),
            ChatMessageAssistant(content="", tool_calls=[CALL]),
            ChatMessageTool(content="2", tool_call_id="t1"),
            ChatMessageTool(content="4", tool_call_id="t2"),
            ChatMessageSystem(content="Hurry."),
            ChatMessageUser(content="And?"),
        ],
        config=GenerateConfig(cache_prompt=False),
    )

    assert body == {
        "model": "claude-opus-4-1",
        "max_tokens": 100,
        "system": [text("Be brief."), text("Hurry.")],
        "messages": [
            {"role": "user", "content": [text("1+1, 2+2?"), text("Use the tool.")]},
            {"role": "assistant", "content": [CALL_BLOCK]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "2"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": "4"},
                    text("And?"),
                ],
            },
        ],
    }


SCHEMA = ResponseSchema(
    name="answer",
    json_schema=JSONSchema(
        type="object",
        properties={
            "steps": JSONSchema(type="array", items=JSONSchema(type="object")),
            "more": JSONSchema(anyOf=[JSONSchema(type="object", additionalProperties=True)]),
        },
    ),
)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(GenerateConfig(), {}, id="nothing by default"),
        pytest.param(
            GenerateConfig(temperature=0.0, top_p=0.9, top_k=5),
            {"temperature": 0.0, "top_p": 0.9, "top_k": 5},
            id="sampling; zero is a value",
        ),
        pytest.param(GenerateConfig(stop_seqs=["\n"]), {"stop_sequences": ["\n"]}, id="stop"),
        pytest.param(
            GenerateConfig(response_schema=SCHEMA),
            {
                "output_config": {
                    "format": {
                        "type": "json_schema",
                        "schema": {
                            "type": "object",
                            "properties": {
                                "steps": {
                                    "type": "array",
                                    "items": {"type": "object", "additionalProperties": False},
                                },
                                "more": {
                                    "anyOf": [{"type": "object", "additionalProperties": True}]
                                },
                            },
                            "additionalProperties": False,
                        },
                    }
                }
            },
            id="structured; objects are closed",
        ),
        pytest.param(
            GenerateConfig(top_k=1, extra_body={"top_k": 2, "metadata": {"user_id": "u"}}),
            {"top_k": 2, "metadata": {"user_id": "u"}},
            id="the extra body wins",
        ),
        pytest.param(
            GenerateConfig(max_retries=2, timeout=9, max_connections=3, parallel_tool_calls=False),
            {},
            id="ours, and those without effect, are not sent",
        ),
    ],
)
def test_options(config: GenerateConfig, expected: dict[str, Any]) -> None:
    body = request([], config=config)

    assert body == {"model": "claude-opus-4-1", "max_tokens": 100, "messages": [], **expected}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", None, {"type": "auto"}),
        ("auto", True, {"type": "auto"}),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("any", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("none", False, {"type": "none"}),
        (ToolFunction("add"), None, {"type": "tool", "name": "add"}),
    ],
)
def test_tools(choice: ToolChoice, parallel: bool | None, expected: object) -> None:
    config = GenerateConfig(parallel_tool_calls=parallel, cache_prompt=False)

    body = request([], [ADD], choice, config)

    assert body["tool_choice"] == expected
    assert body["tools"] == [
        {
            "name": "add",
            "description": "Adds.",
            "input_schema": {
                "type": "object",
                "properties": {"x": {"type": "integer"}},
                "required": ["x"],
                "additionalProperties": False,
            },
        }
    ]


QUESTION = ChatMessageUser(content="Q")
ANSWER = ChatMessageAssistant(content="A")


@pytest.mark.parametrize(
    ("messages", "tools", "cache_prompt", "marked"),
    [
        pytest.param([QUESTION], [], None, [], id="a single question is not read again"),
        pytest.param([QUESTION], [], "auto", [], id="auto is the default"),
        pytest.param([QUESTION], [], True, ["system", 0], id="asked for"),
        pytest.param([QUESTION], [ADD], None, ["tools", "system", 0], id="with tools"),
        pytest.param([QUESTION], [ADD], False, [], id="forbidden"),
        pytest.param([QUESTION, ANSWER, QUESTION], [], None, ["system", 0, 2], id="in turns"),
        pytest.param(
            [QUESTION, ANSWER, QUESTION, ANSWER, QUESTION, ANSWER],
            [ADD],
            True,
            ["tools", "system", 2, 4],
            id="never more than four marks",
        ),
    ],
)
def test_what_is_marked_for_the_cache(
    messages: list[ChatMessage], tools: list[ToolInfo], cache_prompt: Any, marked: list[object]
) -> None:
    config = GenerateConfig(cache_prompt=cache_prompt)

    body = request([ChatMessageSystem(content="S"), *messages], tools, config=config)

    found: list[object] = [
        name for name in ("tools", "system") if name in body and "cache_control" in body[name][-1]
    ]
    for index, turn in enumerate(body["messages"]):
        if "cache_control" in turn["content"][-1]:
            found.append(index)
    assert found == marked
    assert str(body).count(str(EPHEMERAL)[1:-1]) == len(marked)


def test_marks_do_not_reach_the_messages_themselves() -> None:
    """Content of the provider is passed on by reference; a mark must not stay in it."""
    data: dict[str, Any] = {"type": "container_upload"}
    part = ContentData(data=data, internal="anthropic")

    request([ChatMessageUser(content=[part])], config=GenerateConfig(cache_prompt=True))

    assert part.data == {"type": "container_upload"}
