"""The conversations of programs, interface by interface."""

from __future__ import annotations

from typing import Any

import pytest

from solvers.agents._bridge._call import JSONObject
from solvers.agents._bridge._responses import read_responses
from tasks_lib.schema import ChatMessage, ChatMessageUser
from tests.solvers.agents._bridge_reading import ARGUMENTS, PIXEL, read, shown

CALL = {"id": "c1", "function": "add", "arguments": {"a": 1, "b": 2}, "type": "function"}
ASSISTANT = {"role": "assistant", "content": "Let me add.", "tool_calls": [CALL]}
TOOL = {"role": "tool", "content": "3", "tool_call_id": "c1", "function": "add"}
IMAGE = [{"text": "Look"}, {"image": PIXEL}]


@pytest.mark.parametrize(
    ("interface", "body", "expected"),
    [
        pytest.param(
            "chat",
            {
                "messages": [
                    {"role": "developer", "content": "Be kind."},
                    {"role": "user", "content": [{"type": "text", "text": "1+2?"}], "name": "Bo"},
                    {
                        "role": "assistant",
                        "content": "Let me add.",
                        "annotations": [],
                        "tool_calls": [
                            {
                                "id": "c1",
                                "type": "function",
                                "function": {"name": "add", "arguments": ARGUMENTS},
                            }
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c1", "content": "3"},
                ]
            },
            [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "1+2?", "metadata": {"name": "Bo"}},
                ASSISTANT,
                TOOL,
            ],
            id="chat: a conversation with tools",
        ),
        pytest.param(
            "chat",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Look"},
                            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                            {
                                "type": "input_audio",
                                "input_audio": {"data": "UklG", "format": "wav"},
                            },
                            {
                                "type": "file",
                                "file": {
                                    "file_data": "data:application/pdf;base64,JVBE",
                                    "filename": "a.pdf",
                                },
                            },
                        ],
                    }
                ]
            },
            [
                {
                    "role": "user",
                    "content": [
                        {"text": "Look"},
                        {"image": PIXEL, "detail": "low"},
                        {"audio": "data:audio/wav;base64,UklG", "format": "wav"},
                        {"document": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
                    ],
                }
            ],
            id="chat: media",
        ),
        pytest.param(
            "chat",
            {
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {
                        "role": "assistant",
                        "content": None,
                        "refusal": "No.",
                        "reasoning_content": "Hm.",
                    },
                ]
            },
            [
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": [{"reasoning": "Hm."}, {"text": "No.", "refusal": True}],
                },
            ],
            id="chat: a refusal after a thought",
        ),
        pytest.param(
            "responses",
            {"input": "Hi", "instructions": "Be kind."},
            [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
            id="responses: a text",
        ),
        pytest.param(
            "responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "1+2?"}]},
                    {
                        "type": "reasoning",
                        "id": "rs_1",
                        "summary": [{"type": "summary_text", "text": "Hm."}],
                    },
                    {
                        "type": "message",
                        "id": "msg_1",
                        "role": "assistant",
                        "status": "completed",
                        "content": [
                            {"type": "output_text", "text": "Let me add.", "annotations": []}
                        ],
                    },
                    {
                        "type": "function_call",
                        "call_id": "c1",
                        "name": "add",
                        "arguments": ARGUMENTS,
                    },
                    {"type": "function_call_output", "call_id": "c1", "output": "3"},
                    {"role": "assistant", "content": "3."},
                    {"type": "message", "role": "developer", "content": "Go on."},
                ]
            },
            [
                {"role": "user", "content": "1+2?"},
                {**ASSISTANT, "content": [{"reasoning": "Hm."}, {"text": "Let me add."}]},
                TOOL,
                {"role": "assistant", "content": "3."},
                {"role": "system", "content": "Go on."},
            ],
            id="responses: the items of an answer are one message",
        ),
        pytest.param(
            "responses",
            {
                "input": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "Look"},
                            {"type": "input_image", "image_url": PIXEL},
                        ],
                    },
                    {
                        "type": "function_call_output",
                        "call_id": "c1",
                        "output": [{"type": "input_image", "image_url": PIXEL}],
                    },
                ]
            },
            [
                {"role": "user", "content": IMAGE},
                {"role": "tool", "content": [{"image": PIXEL}], "tool_call_id": "c1"},
            ],
            id="responses: media",
        ),
        pytest.param(
            "anthropic",
            {
                "system": [{"type": "text", "text": "Be kind.", "cache_control": None}],
                "messages": [
                    {"role": "user", "content": "1+2?"},
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                            {"type": "text", "text": "Let me add."},
                            {
                                "type": "tool_use",
                                "id": "c1",
                                "name": "add",
                                "input": {"a": 1, "b": 2},
                            },
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Go on."},
                            {"type": "tool_result", "tool_use_id": "c1", "content": "3"},
                        ],
                    },
                ],
            },
            [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "1+2?"},
                {
                    **ASSISTANT,
                    "content": [
                        {"reasoning": "Hm.", "signature": "s"},
                        {"text": "Let me add."},
                    ],
                },
                TOOL,
                {"role": "user", "content": "Go on."},
            ],
            id="anthropic: results of tools come before what the user says",
        ),
        pytest.param(
            "anthropic",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Look"},
                            {
                                "type": "image",
                                "source": {
                                    "type": "base64",
                                    "media_type": "image/png",
                                    "data": "iVBORw0KGgo=",
                                },
                            },
                            {
                                "type": "document",
                                "source": {
                                    "type": "text",
                                    "media_type": "text/plain",
                                    "data": "é",
                                },
                                "title": "a",
                                "citations": {"enabled": True},
                            },
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "c9",
                                "content": [{"type": "text", "text": "No file."}],
                                "is_error": True,
                            }
                        ],
                    },
                ]
            },
            [
                {
                    "role": "user",
                    "content": [
                        *IMAGE,
                        {
                            "document": "data:text/plain;base64,w6k=",
                            "filename": "a",
                            "mime_type": "text/plain",
                            "citations": True,
                        },
                    ],
                },
                {
                    "role": "tool",
                    "content": "No file.",
                    "tool_call_id": "c9",
                    "error": {"type": "unknown", "message": "No file."},
                },
            ],
            id="anthropic: media, and a tool that failed",
        ),
    ],
)
def test_messages(interface: str, body: JSONObject, expected: list[dict[str, Any]]) -> None:
    assert shown(read(interface, **body).messages) == expected


def test_a_response_goes_on_from_an_earlier_one() -> None:
    earlier: list[ChatMessage] = [ChatMessageUser(content="Hi")]
    body = {
        "model": "inspect",
        "input": "And now?",
        "instructions": "Be kind.",
        "previous_response_id": "resp_1",
    }

    call = read_responses(body, {"resp_1": earlier}.__getitem__)

    assert [message.text for message in call.messages] == ["Be kind.", "Hi", "And now?"]
    assert [message.text for message in call.history or ()] == ["Hi", "And now?"]
