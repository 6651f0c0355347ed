"""The Responses API: conversations as items, and items as outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ModelError
from tasks_lib.model._providers._openai_responses_output import responses_output
from tasks_lib.model._providers._openai_responses_request import input_items, responses_request
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentData,
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

CALL = ToolCall(id="c1", function="add", arguments={"x": 1})
SENT_CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"x":1}'}
ADD = ToolInfo(name="add", description="Adds.")

THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Add."}, {"type": "summary_text", "text": "Up."}],
    "encrypted_content": "gAAAA",
}


def said(text: str = "4", id: str = "msg_1", **more: object) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "role": "assistant", "id": id, "status": "completed"}
    return {**message, **more, "content": content}


def called(id: str = "fc_1", call_id: str = "c1") -> dict[str, Any]:
    return {**SENT_CALL, "id": id, "call_id": call_id}


def response(*items: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"model": "gpt-test-0101", "status": "completed", "output": list(items), **more}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            ChatMessageSystem(content="Be kind."),
            [{"role": "developer", "content": "Be kind."}],
            id="system",
        ),
        pytest.param(
            ChatMessageUser(content="2+2?"), [{"role": "user", "content": "2+2?"}], id="user"
        ),
        pytest.param(
            ChatMessageAssistant(content="4"), [{"role": "assistant", "content": "4"}], id="answer"
        ),
        pytest.param(
            ChatMessageAssistant(content="", tool_calls=[CALL]), [SENT_CALL], id="call without text"
        ),
        pytest.param(
            ChatMessageAssistant(content="Wait.", tool_calls=[CALL]),
            [{"role": "assistant", "content": "Wait."}, SENT_CALL],
            id="call with text",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[ContentReasoning(reasoning="2+2", signature="s"), ContentText(text="4")]
            ),
            [
                {"role": "assistant", "content": "<think>\n2+2\n</think>\n"},
                {"role": "assistant", "content": "4"},
            ],
            id="reasoning of another provider",
        ),
        pytest.param(
            ChatMessageAssistant(
                content=[ContentText(text="4", internal={"id": "msg_1"})],
                tool_calls=[CALL.model_copy(update={"internal": {"id": "fc_1"}})],
            ),
            [
                {key: value for key, value in said().items() if key != "id"},
                SENT_CALL,
            ],
            id="no ids without the reasoning that they belong to",
        ),
        pytest.param(
            ChatMessageTool(content="2", tool_call_id="c1", function="add"),
            [{"type": "function_call_output", "call_id": "c1", "output": "2"}],
            id="tool",
        ),
        pytest.param(
            ChatMessageTool(
                content="",
                tool_call_id="c1",
                error=ToolCallError(type="timeout", message="too slow"),
            ),
            [{"type": "function_call_output", "call_id": "c1", "output": "Error: too slow"}],
            id="tool that failed",
        ),
    ],
)
def test_messages(message: ChatMessage, expected: list[dict[str, Any]]) -> None:
    assert input_items(message, "developer", store=True) == expected


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([THOUGHT, said()], id="thought and answer"),
        pytest.param([THOUGHT, said(), called()], id="and a call"),
        pytest.param(
            [THOUGHT, called(), {**THOUGHT, "id": "rs_2"}, called("fc_2", "c2")],
            id="thoughts between calls",
        ),
        pytest.param(
            [THOUGHT, said("Let me see.", phase="commentary"), said(id="msg_2")], id="phase"
        ),
        pytest.param(
            [THOUGHT, {**said(), "content": [*said()["content"], *said("5")["content"]]}],
            id="two texts in one message",
        ),
        pytest.param(
            [THOUGHT, {**said(), "content": [{"type": "refusal", "refusal": "No."}]}], id="refusal"
        ),
        pytest.param(
            [{"type": "mcp_list_tools", "id": "mcpl_1", "tools": []}, THOUGHT, said()],
            id="what we have no words for",
        ),
        pytest.param([{**THOUGHT, "summary": []}, said()], id="unreadable thought"),
    ],
)
def test_answers_go_back_as_they_came(items: list[dict[str, Any]]) -> None:
    """With their ids only to a service that keeps them."""
    message = responses_output(response(*items), "m").message

    logged = ChatMessageAssistant.model_validate_json(message.model_dump_json())

    assert input_items(logged, store=True) == items
    assert input_items(logged) == [
        {name: value for name, value in item.items() if name != "id"} for item in items
    ]


def test_reasoning_that_only_the_service_has() -> None:
    """A reference means nothing to a service that keeps nothing."""
    reference = {"type": "reasoning", "id": "rs_1", "summary": []}

    message = responses_output(response(reference, said()), "m").message

    assert input_items(message, store=True) == [reference, said()]
    assert input_items(message) == [{name: v for name, v in said().items() if name != "id"}]


@pytest.mark.parametrize(
    ("items", "content", "calls"),
    [
        pytest.param([said()], "4", [], id="text"),
        pytest.param([], "", [], id="nothing"),
        pytest.param([called()], "", [{"x": 1}], id="call"),
        pytest.param(
            [THOUGHT, said()],
            [
                ContentReasoning(reasoning="Add.\n\nUp.", internal=THOUGHT),
                ContentText(text="4", internal={"id": "msg_1"}),
            ],
            [],
            id="summary of thoughts",
        ),
        pytest.param(
            [{"type": "reasoning", "id": "r", "content": [{"text": "2+2"}], "summary": []}],
            [
                ContentReasoning(
                    reasoning="2+2",
                    internal={
                        "type": "reasoning",
                        "id": "r",
                        "content": [{"text": "2+2"}],
                        "summary": [],
                    },
                )
            ],
            [],
            id="thoughts of an open model",
        ),
        pytest.param(
            [{"type": "reasoning", "id": "r", "summary": [], "status": None}],
            [
                ContentReasoning(
                    reasoning="",
                    redacted=True,
                    internal={"type": "reasoning", "id": "r", "summary": []},
                )
            ],
            [],
            id="hidden thoughts",
        ),
        pytest.param(
            [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}],
            [ContentText(text="No.", refusal=True)],
            [],
            id="refusal",
        ),
        pytest.param(
            [{"type": "later", "x": 1}],
            [ContentData(data={"type": "later", "x": 1}, internal="item")],
            [],
            id="unknown item",
        ),
    ],
)
def test_answers(
    items: list[dict[str, Any]],
    content: str | list[Content],
    calls: list[dict[str, Any]],
) -> None:
    message = responses_output(response(*items), "m").message

    assert message.content == content
    assert [call.arguments for call in message.tool_calls or ()] == calls


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(response(said()), "stop", id="completed"),
        pytest.param(response(called()), "tool_calls", id="calls"),
        pytest.param(
            response(
                said(), status="incomplete", incomplete_details={"reason": "max_output_tokens"}
            ),
            "max_tokens",
            id="too long",
        ),
        pytest.param(
            response(status="incomplete", incomplete_details={"reason": "content_filter"}),
            "content_filter",
            id="filtered",
        ),
        pytest.param(response(status="incomplete"), "unknown", id="no reason"),
        pytest.param(response(status="queued"), "unknown", id="in the background"),
    ],
)
def test_stop_reasons(data: dict[str, Any], expected: StopReason) -> None:
    assert responses_output(data, "m").stop_reason == expected


def test_usage_and_logprobs() -> None:
    token = {"token": "4", "logprob": -0.5, "bytes": [52], "top_logprobs": []}
    item = said()
    item["content"][0]["logprobs"] = [token]
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    }

    output = responses_output(response(item, usage=usage), "m")

    assert output.usage == ModelUsage(
        input_tokens=10,
        output_tokens=5,
        total_tokens=15,
        input_tokens_cache_write=2,
        input_tokens_cache_read=4,
        reasoning_tokens=3,
    )
    logprobs = output.choices[0].logprobs
    assert logprobs is not None
    assert [entry.model_dump() for entry in logprobs.content] == [token]
    assert responses_output(response(said()), "m").usage is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(GenerateConfig(), {}, id="nothing by default"),
        pytest.param(
            GenerateConfig(max_tokens=5, temperature=0.0, top_p=0.5, top_logprobs=2),
            {"max_output_tokens": 5, "temperature": 0.0, "top_p": 0.5, "top_logprobs": 2},
            id="as they are",
        ),
        pytest.param(
            GenerateConfig(reasoning_effort="low", reasoning_summary="auto"),
            {"reasoning": {"effort": "low", "summary": "auto"}},
            id="reasoning",
        ),
        pytest.param(
            GenerateConfig(
                response_schema=ResponseSchema(
                    name="answer", json_schema=JSONSchema(type="object"), strict=True
                )
            ),
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "answer",
                        "schema": {"type": "object"},
                        "strict": True,
                    }
                }
            },
            id="structured",
        ),
        pytest.param(
            GenerateConfig(top_p=0.5, extra_body={"top_p": 0.6, "truncation": "auto"}),
            {"top_p": 0.6, "truncation": "auto"},
            id="the extra body wins",
        ),
        pytest.param(GenerateConfig(parallel_tool_calls=False), {}, id="no tools, no parallel"),
    ],
)
def test_options(config: GenerateConfig, expected: dict[str, Any]) -> None:
    assert responses_request([], [], "none", config) == {
        "input": [],
        "store": False,
        **expected,
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("any", "required"),
        ("none", "none"),
        (ToolFunction("add"), {"type": "function", "name": "add"}),
    ],
)
def test_tools(choice: ToolChoice, expected: object) -> None:
    body = responses_request([], [ADD], choice, GenerateConfig(parallel_tool_calls=False))

    assert (body["tool_choice"], body["parallel_tool_calls"]) == (expected, False)
    assert body["tools"] == [
        {
            "type": "function",
            "name": "add",
            "description": "Adds.",
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": {},
                "required": [],
                "additionalProperties": False,
            },
        }
    ]


def test_sound_cannot_be_sent() -> None:
    sound = ContentAudio(audio="data:audio/wav;base64,AA==", format="wav")

    with pytest.raises(ModelError, match=r"'audio' cannot be sent .* \(responses_api=False\)"):
        input_items(ChatMessageUser(content=[sound]))
