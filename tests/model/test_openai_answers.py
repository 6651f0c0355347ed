"""The JSON of chat completions as outputs, and what of it goes back."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue

from tasks_lib.model._providers._openai_request import ChatForm, message_param
from tasks_lib.model._providers._openai_response import model_output
from tasks_lib.schema import (
    ChatMessageAssistant,
    Content,
    ContentReasoning,
    ContentText,
    ModelUsage,
    StopReason,
)

FOUR = ContentText(text="4")


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
            {"reasoning_content": None, "reasoning": "", "reasoning_details": []},
            "Hi",
            id="no thoughts",
        ),
        pytest.param(
            {"content": "<think>\nhm\n</think>\n\nHi"},
            [ContentReasoning(reasoning="hm"), ContentText(text="Hi")],
            id="thoughts in tags",
        ),
        pytest.param({"content": "a <think>b</think>"}, "a <think>b</think>", id="only in front"),
        pytest.param(
            {"content": None, "refusal": "No."},
            [ContentText(text="No.", refusal=True)],
            id="refusal",
        ),
    ],
)
def test_content(message: dict[str, Any], expected: str | list[Content]) -> None:
    assert model_output(response(**message), "m").message.content == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {"content": "4", "reasoning_content": "2+2"},
            [
                ContentReasoning(
                    reasoning="2+2", internal={"service": "s", "field": "reasoning_content"}
                ),
                FOUR,
            ],
            id="in a field",
        ),
        pytest.param(
            {"content": "4", "reasoning": "2+2"},
            [
                ContentReasoning(reasoning="2+2", internal={"service": "s", "field": "reasoning"}),
                FOUR,
            ],
            id="in another",
        ),
        pytest.param(
            {"content": "4", "reasoning": "2+2", "reasoning_details": [{"signature": "s"}]},
            [
                ContentReasoning(
                    reasoning="2+2",
                    internal={
                        "service": "s",
                        "field": "reasoning",
                        "details": [{"signature": "s"}],
                    },
                ),
                FOUR,
            ],
            id="with details",
        ),
        pytest.param(
            {"content": "4", "reasoning_details": [{"data": "encrypted"}]},
            [
                ContentReasoning(
                    reasoning="",
                    redacted=True,
                    internal={"service": "s", "details": [{"data": "encrypted"}]},
                ),
                FOUR,
            ],
            id="details only",
        ),
        pytest.param(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]},
                    {"type": "text", "text": "4"},
                ]
            },
            [ContentReasoning(reasoning="2+2", internal={"service": "s", "parts": True}), FOUR],
            id="as a part",
        ),
    ],
)
def test_reasoning_goes_back_as_it_came(said: dict[str, Any], expected: list[Content]) -> None:
    message = model_output(response(**said), "m", service="s").message

    assert message.content == expected
    assert message_param(message, ChatForm(service="s")) == {"role": "assistant", **said}


@pytest.mark.parametrize(
    "internal",
    [
        pytest.param({"service": "t", "field": "reasoning"}, id="of another service"),
        pytest.param({"type": "reasoning", "id": "rs_1"}, id="of another interface"),
        pytest.param("reasoning", id="a text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_other_reasoning_is_text(internal: JsonValue) -> None:
    part = ContentReasoning(reasoning="2+2", internal=internal)

    sent = message_param(ChatMessageAssistant(content=[part, FOUR]), ChatForm(service="s"))

    assert sent == {"role": "assistant", "content": "<think>\n2+2\n</think>\n\n4"}


def test_a_log_cannot_name_other_fields() -> None:
    part = ContentReasoning(reasoning="x", internal={"service": "s", "field": "role"})

    sent = message_param(ChatMessageAssistant(content=[part, FOUR]), ChatForm(service="s"))

    assert sent == {"role": "assistant", "content": "4"}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            ModelUsage(
                input_tokens=10,
                output_tokens=5,
                total_tokens=15,
                input_tokens_cache_write=2,
                input_tokens_cache_read=4,
                reasoning_tokens=3,
            ),
            id="by kind",
        ),
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            ModelUsage(input_tokens=10, output_tokens=8, total_tokens=18, reasoning_tokens=3),
            id="reasoning counted apart",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6},
            ModelUsage(
                input_tokens=10, output_tokens=5, total_tokens=15, input_tokens_cache_read=6
            ),
            id="DeepSeek's name",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": None, "prompt_tokens_details": None},
            ModelUsage(input_tokens=10, output_tokens=0, total_tokens=10),
            id="nulls",
        ),
        pytest.param(None, None, id="none"),
    ],
)
def test_usage(usage: dict[str, Any] | None, expected: ModelUsage | None) -> None:
    assert model_output({**response(), "usage": usage}, "m").usage == expected


def test_logprobs() -> None:
    data = response()
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    data["choices"][0]["logprobs"] = {"content": [token]}

    logprobs = model_output(data, "m").choices[0].logprobs

    assert logprobs is not None
    assert [entry.model_dump() for entry in logprobs.content] == [token]
