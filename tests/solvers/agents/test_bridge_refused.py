"""Requests that a bridge does not pass on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.agents._bridge._call import JSONObject, Refusal
from tests.solvers.agents._bridge_reading import READERS, read


@pytest.mark.parametrize(
    ("interface", "body", "expected"),
    [
        pytest.param(
            "chat",
            {"audio": {"voice": "alloy"}},
            "the bridge does not support the option 'audio'",
            id="chat: an option that would change the answer",
        ),
        pytest.param(
            "chat",
            {"functions": [{"name": "f"}], "verbosity": "low"},
            "the bridge does not support the option 'functions'; "
            "the bridge does not support the option 'verbosity'",
            id="chat: several",
        ),
        pytest.param(
            "chat",
            {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
            "tools.0.type: Input should be 'function', not 'custom'; "
            "tools.0.function: Field required",
            id="chat: a tool that is no function",
        ),
        pytest.param(
            "chat",
            {"messages": []},
            "messages: List should have at least 1 item after validation, not 0",
            id="chat: no messages",
        ),
        pytest.param(
            "chat",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "/etc/passwd.png"}}],
                    }
                ]
            },
            "An image must be a data URI or a web address, not '/etc/passwd.png'.",
            id="chat: a file of this machine",
        ),
        pytest.param(
            "chat",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "file", "file": {"file_data": "/etc/passwd"}}],
                    }
                ]
            },
            "The file_data of a file must be a data URI (data:<type>;base64,…).",
            id="chat: another file of this machine",
        ),
        pytest.param(
            "chat",
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 1}}}]},
            "tools: the parameters of 'f': type: Input should be 'object', not '1'",
            id="chat: a schema that is none",
        ),
        pytest.param(
            "responses",
            {"input": "Hi", "tools": [{"type": "web_search"}]},
            "tools.0.type: Input should be 'function', not 'web_search'; tools.0.name: "
            "Field required",
            id="responses: a tool of OpenAI's own",
        ),
        pytest.param(
            "responses",
            {"input": "Hi", "text": {"verbosity": "low"}},
            "the bridge does not support the option 'text.verbosity'",
            id="responses: an option within an option",
        ),
        pytest.param(
            "responses",
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            "input.0: Input tag 'item_reference' found using _kind() does not match any of the "
            "expected tags: 'message', 'reasoning', 'function_call', 'function_call_output'",
            id="responses: a reference",
        ),
        pytest.param(
            "anthropic",
            {"mcp_servers": [{"url": "https://example.org"}]},
            "the bridge does not support the option 'mcp_servers'",
            id="anthropic: an option that would change the answer",
        ),
        pytest.param(
            "anthropic",
            {"tools": [{"type": "bash_20250124", "name": "bash"}]},
            "tools.0.type: Input should be 'custom', not 'bash_20250124'; "
            "tools.0.input_schema: Field required",
            id="anthropic: a tool of Anthropic's own",
        ),
        pytest.param(
            "anthropic",
            {"output_config": {"effort": "heroic"}},
            "reasoning_effort: Input should be 'none', 'minimal', 'low', 'medium', 'high', "
            "'xhigh' or 'max', not 'heroic'",
            id="anthropic: a value that there is not",
        ),
    ],
)
def test_refused(interface: str, body: JSONObject, expected: str) -> None:
    with pytest.raises(Refusal) as raised:
        read(interface, **body)

    assert (raised.value.status, raised.value.message) == (400, expected)


_WORDS = st.sampled_from(
    [
        "text",
        "user",
        "assistant",
        "tool",
        "message",
        "function",
        "function_call",
        "reasoning",
        "image_url",
        "tool_use",
        "tool_result",
        "input_text",
        "output_text",
        "add",
        "{",
    ]
)
_FIELDS = st.sampled_from(
    [
        "role",
        "type",
        "content",
        "text",
        "name",
        "id",
        "call_id",
        "function",
        "arguments",
        "input",
        "tool_calls",
        "output",
        "summary",
        "source",
        "tools",
        "messages",
        "parameters",
        "image_url",
        "tool_choice",
        "tool_call_id",
        "input_schema",
        "format",
        "response_format",
        "max_tokens",
    ]
)
_JSON = st.recursive(
    _WORDS | st.none() | st.booleans() | st.integers(-3, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    interface=st.sampled_from(sorted(READERS)),
    body=st.dictionaries(_FIELDS, _JSON, max_size=5),
)
def test_any_request_is_read_or_refused(interface: str, body: dict[str, Any]) -> None:
    try:
        call = read(interface, **body)
    except Refusal as refusal:
        assert refusal.message
    else:
        assert call.messages is not None
