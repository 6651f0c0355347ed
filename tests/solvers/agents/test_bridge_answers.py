"""What programs get for an answer, interface by interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from solvers.agents._bridge._anthropic import anthropic_answer, anthropic_events
from solvers.agents._bridge._call import Call, JSONObject, Refusal
from solvers.agents._bridge._chat import chat_answer, chat_events
from solvers.agents._bridge._responses import responses_answer
from solvers.agents._bridge._responses_events import responses_events
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Content,
    ContentReasoning,
    ContentText,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
    ToolCall,
)
from tests.solvers.agents._bridge_reading import read


class Interface(NamedTuple):
    answer: Callable[[Call, ModelOutput], JSONObject]
    events: Callable[[Call, JSONObject], Any]


INTERFACES = {
    "chat": Interface(chat_answer, chat_events),
    "responses": Interface(responses_answer, responses_events),
    "anthropic": Interface(anthropic_answer, anthropic_events),
}

USAGE = ModelUsage(
    input_tokens=20,
    output_tokens=9,
    total_tokens=29,
    input_tokens_cache_read=5,
    input_tokens_cache_write=1,
    reasoning_tokens=4,
)


def output(
    content: str | list[Content] = "Hi.",
    stop_reason: Any = "stop",
    calls: list[ToolCall] | None = None,
    logprobs: Logprobs | None = None,
) -> ModelOutput:
    message = ChatMessageAssistant(content=content, tool_calls=calls)
    choice = ChatCompletionChoice(message=message, stop_reason=stop_reason, logprobs=logprobs)
    return ModelOutput(model="big", choices=[choice], usage=USAGE)


def call(id: str = "c1", **fields: Any) -> ToolCall:
    return ToolCall(id=id, function="add", arguments={"a": 1}, **fields)


def answer(interface: str, said: ModelOutput, **body: Any) -> JSONObject:
    return INTERFACES[interface].answer(read(interface, **body), said)


WHOLE = output([ContentReasoning(reasoning="Hm.", signature="s"), ContentText(text="Let me.")])
WHOLE.choices[0].message.tool_calls = [call()]
WHOLE.choices[0].stop_reason = "tool_calls"


def test_chat() -> None:
    said = answer("chat", WHOLE)

    assert said.pop("id").startswith("chatcmpl-")
    assert said.pop("created") > 1_700_000_000
    assert said == {
        "object": "chat.completion",
        "model": "big",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Let me.",
                    "refusal": None,
                    "reasoning_content": "Hm.",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "add", "arguments": '{"a":1}'},
                        }
                    ],
                },
                "finish_reason": "tool_calls",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 9,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    }


def test_responses() -> None:
    said = answer("responses", WHOLE, input="Hi", temperature=0.5, metadata={"a": "b"})

    assert said.pop("id").startswith("resp_")
    assert said.pop("created_at") > 1_700_000_000
    ids = [item.pop("id").partition("_")[0] for item in said["output"]]
    assert ids == ["rs", "msg", "fc"]
    assert said == {
        "object": "response",
        "status": "completed",
        "incomplete_details": None,
        "error": None,
        "model": "big",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Let me.",
                        "annotations": [],
                        "logprobs": [],
                    }
                ],
            },
            {
                "type": "function_call",
                "call_id": "c1",
                "name": "add",
                "arguments": '{"a":1}',
                "status": "completed",
            },
        ],
        "usage": {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 1},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 4},
            "total_tokens": 29,
        },
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {"a": "b"},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": None,
        "store": True,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": None,
        "top_p": None,
        "truncation": "disabled",
        "user": None,
    }


def test_anthropic() -> None:
    said = answer("anthropic", WHOLE)

    assert said.pop("id").startswith("msg_")
    assert said == {
        "type": "message",
        "role": "assistant",
        "model": "big",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "text", "text": "Let me.", "citations": None},
            {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 14,
            "cache_creation_input_tokens": 1,
            "cache_read_input_tokens": 5,
            "output_tokens": 9,
        },
    }


@pytest.mark.parametrize(
    ("stop_reason", "chat", "responses", "anthropic"),
    [
        ("stop", "stop", ("completed", None), "end_turn"),
        ("max_tokens", "length", ("incomplete", "max_output_tokens"), "max_tokens"),
        (
            "model_length",
            "length",
            ("incomplete", "max_output_tokens"),
            "model_context_window_exceeded",
        ),
        ("tool_calls", "tool_calls", ("completed", None), "tool_use"),
        ("content_filter", "content_filter", ("incomplete", "content_filter"), "refusal"),
        ("unknown", "stop", ("completed", None), "end_turn"),
        ("of a newer version", "stop", ("completed", None), "end_turn"),
    ],
)
def test_why_it_stopped(
    stop_reason: str, chat: str, responses: tuple[str, str | None], anthropic: str
) -> None:
    said = output(stop_reason=stop_reason)
    response = answer("responses", said, input="Hi")
    details = response["incomplete_details"]

    assert answer("chat", said)["choices"][0]["finish_reason"] == chat
    assert (response["status"], details and details["reason"]) == responses
    assert answer("anthropic", said)["stop_reason"] == anthropic


REFUSED: list[Content] = [ContentText(text="I won't.", refusal=True)]
REDACTED: list[Content] = [ContentReasoning(reasoning="x9", redacted=True), ContentText(text="A")]


@pytest.mark.parametrize(
    ("interface", "said", "expected"),
    [
        pytest.param(
            "chat",
            output(REFUSED),
            {"role": "assistant", "content": None, "refusal": "I won't."},
            id="chat: a refusal",
        ),
        pytest.param(
            "chat",
            output(REDACTED),
            {"role": "assistant", "content": "A", "refusal": None},
            id="chat: a thought that cannot be read",
        ),
        pytest.param(
            "chat",
            output(""),
            {"role": "assistant", "content": "", "refusal": None},
            id="chat: nothing",
        ),
        pytest.param(
            "responses",
            output(REFUSED),
            [{"type": "refusal", "refusal": "I won't."}],
            id="responses: a refusal",
        ),
        pytest.param(
            "anthropic",
            output(REFUSED),
            [{"type": "text", "text": "I won't.", "citations": None}],
            id="anthropic: a refusal",
        ),
        pytest.param(
            "anthropic",
            output(REDACTED),
            [
                {"type": "redacted_thinking", "data": "x9"},
                {"type": "text", "text": "A", "citations": None},
            ],
            id="anthropic: a thought that cannot be read",
        ),
    ],
)
def test_content(interface: str, said: ModelOutput, expected: object) -> None:
    if interface == "chat":
        assert answer("chat", said)["choices"][0]["message"] == expected
    elif interface == "responses":
        assert answer("responses", said, input="Hi")["output"][0]["content"] == expected
    else:
        assert answer("anthropic", said)["content"] == expected


def test_choices_and_log_probabilities() -> None:
    token = Logprob(token="Hi", logprob=-0.5, bytes=[72, 105])
    said = output(logprobs=Logprobs(content=[token]))
    said.choices.append(output("Ho.").choices[0])
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}

    choices = answer("chat", said)["choices"]
    [item] = answer("responses", said, input="Hi")["output"]

    assert [(c["index"], c["message"]["content"]) for c in choices] == [(0, "Hi."), (1, "Ho.")]
    assert [c["logprobs"] for c in choices] == [{"content": [entry], "refusal": None}, None]
    assert item["content"][0]["logprobs"] == [entry]


@pytest.mark.parametrize("interface", sorted(INTERFACES))
def test_a_conversation_that_is_too_long_is_an_error(interface: str) -> None:
    said = ModelOutput.from_content("big", "Too long.", "model_length", "Too long.")

    with pytest.raises(Refusal, match=r"^Too long\.$") as raised:
        answer(interface, said)

    assert (raised.value.status, raised.value.code) == (400, "context_length_exceeded")


def test_arguments_that_cannot_be_read() -> None:
    broken = call(parse_error="Not JSON: {a}")
    said = output(calls=[broken])

    [chat_call] = answer("chat", said)["choices"][0]["message"]["tool_calls"]
    with pytest.raises(Refusal, match="cannot be passed on: Not JSON") as raised:
        answer("anthropic", said)

    assert chat_call["function"] == {"name": "add", "arguments": "Not JSON: {a}"}
    assert raised.value.status == 502


def test_events_of_chat() -> None:
    request = read("chat", stream=True, stream_options={"include_usage": True})
    said = chat_answer(request, WHOLE)
    *events, last = [data for _, data in chat_events(request, said)]
    chunks = [event for event in events if isinstance(event, dict)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]

    assert last == "[DONE]"
    assert {(chunk["id"], chunk["object"]) for chunk in chunks} == {
        (said["id"], "chat.completion.chunk")
    }
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"content": "Let me."},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"a":1}'},
                }
            ]
        },
        {},
    ]
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"]][-1] == "tool_calls"
    assert [chunk["usage"] for chunk in chunks] == [None] * 5 + [said["usage"]]


def test_events_of_responses() -> None:
    request = read("responses", input="Hi", stream=True)
    said = responses_answer(request, WHOLE)
    events = list(responses_events(request, said))

    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [data["sequence_number"] for _, data in events] == list(range(19))
    assert events[-1][1]["response"] == said


def test_events_of_anthropic() -> None:
    request = read("anthropic", stream=True)
    said = anthropic_answer(request, WHOLE)
    events = [data for _, data in anthropic_events(request, said)]

    assert events[0]["message"] == {
        **said,
        "content": [],
        "stop_reason": None,
        "usage": {**said["usage"], "output_tokens": 0},
    }
    assert [event["delta"] for event in events if "delta" in event] == [
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "signature_delta", "signature": "s"},
        {"type": "text_delta", "text": "Let me."},
        {"type": "input_json_delta", "partial_json": '{"a":1}'},
        {"stop_reason": "tool_use", "stop_sequence": None},
    ]
    assert [event["type"] for event in events][-2:] == ["message_delta", "message_stop"]
