"""The options and tools of programs, interface by interface."""

from __future__ import annotations

from typing import Any

import pytest

from solvers.agents._bridge._call import JSONObject
from tasks_lib.schema import ToolFunction
from tests.solvers.agents._bridge_asking import ADD
from tests.solvers.agents._bridge_reading import read

SCHEMA = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}


@pytest.mark.parametrize(
    ("interface", "body", "expected"),
    [
        pytest.param(
            "chat",
            {
                "max_tokens": 5,
                "temperature": 0,
                "top_p": 0.5,
                "stop": "X",
                "frequency_penalty": 0.1,
                "presence_penalty": 0.2,
                "logit_bias": {"42": -100},
                "seed": 7,
                "n": 2,
                "logprobs": True,
                "top_logprobs": 3,
                "parallel_tool_calls": False,
                "reasoning_effort": "low",
                "user": "Bo",
                "metadata": {"a": "b"},
                "service_tier": "auto",
                "audio": None,
            },
            {
                "max_tokens": 5,
                "temperature": 0,
                "top_p": 0.5,
                "stop_seqs": ["X"],
                "frequency_penalty": 0.1,
                "presence_penalty": 0.2,
                "logit_bias": {42: -100},
                "seed": 7,
                "num_choices": 2,
                "logprobs": True,
                "top_logprobs": 3,
                "parallel_tool_calls": False,
                "reasoning_effort": "low",
            },
            id="chat: all",
        ),
        pytest.param(
            "chat", {"max_completion_tokens": 6}, {"max_tokens": 6}, id="chat: newer name"
        ),
        pytest.param(
            "chat", {"stop": ["a", "b"]}, {"stop_seqs": ["a", "b"]}, id="chat: several stops"
        ),
        pytest.param(
            "chat",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "point", "schema": SCHEMA, "strict": True},
                }
            },
            {"response_schema": {"name": "point", "json_schema": SCHEMA, "strict": True}},
            id="chat: a schema",
        ),
        pytest.param(
            "chat",
            {"response_format": {"type": "json_object"}},
            {
                "response_schema": {
                    "name": "json_object",
                    "json_schema": {"type": "object", "additionalProperties": True},
                }
            },
            id="chat: any object",
        ),
        pytest.param("chat", {"response_format": {"type": "text"}}, {}, id="chat: text"),
        pytest.param(
            "responses",
            {
                "max_output_tokens": 5,
                "temperature": 0.5,
                "top_p": 0.5,
                "parallel_tool_calls": True,
                "reasoning": {"effort": "high", "summary": "auto"},
                "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
                "truncation": "disabled",
                "store": False,
                "text": {"format": {"type": "json_schema", "name": "point", "schema": SCHEMA}},
            },
            {
                "max_tokens": 5,
                "temperature": 0.5,
                "top_p": 0.5,
                "parallel_tool_calls": True,
                "reasoning_effort": "high",
                "reasoning_summary": "auto",
                "logprobs": True,
                "response_schema": {"name": "point", "json_schema": SCHEMA},
            },
            id="responses: all",
        ),
        pytest.param(
            "responses",
            {"top_logprobs": 2},
            {"logprobs": True, "top_logprobs": 2},
            id="responses: logprobs",
        ),
        pytest.param(
            "anthropic",
            {
                "temperature": 1,
                "top_p": 0.5,
                "top_k": 5,
                "stop_sequences": ["X"],
                "thinking": {"type": "enabled", "budget_tokens": 2000},
                "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
                "metadata": {"user_id": "Bo"},
            },
            {
                "max_tokens": 100,
                "temperature": 1,
                "top_p": 0.5,
                "top_k": 5,
                "stop_seqs": ["X"],
                "reasoning_tokens": 2000,
                "parallel_tool_calls": False,
                "response_schema": {"name": "answer", "json_schema": SCHEMA},
            },
            id="anthropic: all",
        ),
        pytest.param(
            "anthropic",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            {"max_tokens": 100, "reasoning_effort": "low"},
            id="anthropic: effort",
        ),
        pytest.param(
            "anthropic",
            {"thinking": {"type": "disabled"}},
            {"max_tokens": 100, "reasoning_effort": "none"},
            id="anthropic: no thinking",
        ),
    ],
)
def test_options(interface: str, body: JSONObject, expected: dict[str, Any]) -> None:
    config = read(interface, **body).config

    assert config.model_dump(exclude_none=True) == expected


@pytest.mark.parametrize(
    ("interface", "tools"),
    [
        pytest.param(
            "chat",
            [
                {
                    "type": "function",
                    "function": {
                        "name": "add",
                        "description": "Adds.",
                        "parameters": ADD,
                        "strict": True,
                    },
                },
                {"type": "function", "function": {"name": "now"}},
            ],
            id="chat",
        ),
        pytest.param(
            "responses",
            [
                {
                    "type": "function",
                    "name": "add",
                    "description": "Adds.",
                    "parameters": ADD,
                    "strict": True,
                },
                {"type": "function", "name": "now"},
            ],
            id="responses",
        ),
    ],
)
def test_tools(interface: str, tools: list[JSONObject]) -> None:
    add, now = read(interface, tools=tools).tools

    assert add.model_dump(exclude_none=True) == {
        "name": "add",
        "description": "Adds.",
        "parameters": ADD,
        "options": {"strict": True},
    }
    assert now.model_dump(exclude_none=True) == {
        "name": "now",
        "description": "",
        "parameters": {"type": "object", "properties": {}, "required": []},
    }


def test_tools_of_anthropic_keep_their_whole_schema() -> None:
    schema = {**ADD, "$defs": {"n": {"minimum": 1}}, "additionalProperties": False}
    [add] = read("anthropic", tools=[{"name": "add", "input_schema": schema}]).tools

    assert add.parameters.model_dump(exclude_none=True) == schema


@pytest.mark.parametrize(
    ("interface", "choice", "expected"),
    [
        pytest.param("chat", "required", "any", id="chat: any"),
        pytest.param("chat", "none", "none", id="chat: none"),
        pytest.param("chat", None, None, id="chat: not given"),
        pytest.param(
            "chat",
            {"type": "function", "function": {"name": "add"}},
            ToolFunction("add"),
            id="chat: one",
        ),
        pytest.param("responses", "auto", "auto", id="responses: auto"),
        pytest.param(
            "responses",
            {"type": "function", "name": "add"},
            ToolFunction("add"),
            id="responses: one",
        ),
        pytest.param("anthropic", {"type": "any"}, "any", id="anthropic: any"),
        pytest.param(
            "anthropic", {"type": "tool", "name": "add"}, ToolFunction("add"), id="anthropic: one"
        ),
    ],
)
def test_tool_choice(interface: str, choice: object, expected: object) -> None:
    assert read(interface, tool_choice=choice).tool_choice == expected
