"""Every option is sent, done by Model, or refused by its name."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.model import get_model
from tasks_lib.model._providers._openai_chat import ChatCompletions
from tasks_lib.model._providers._openai_compatible import OpenAICompatibleAPI
from tasks_lib.model._providers._openai_responses import Responses
from tasks_lib.model._providers._options import DONE_BY_MODEL
from tasks_lib.schema import (
    ChatMessageSystem,
    GenerateConfig,
    JSONSchema,
    ResponseSchema,
    ToolInfo,
)

SCHEMA = ResponseSchema(name="answer", json_schema=JSONSchema(type="object"), strict=True)

VALUES: dict[str, Any] = {
    "max_retries": 2,
    "timeout": 9,
    "attempt_timeout": 9,
    "max_connections": 3,
    "system_message": "Be kind.",
    "max_tokens": 5,
    "top_p": 0.9,
    "temperature": 0.0,
    "stop_seqs": ["\n"],
    "best_of": 2,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logit_bias": {50: -100},
    "seed": 0,
    "top_k": 5,
    "num_choices": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "parallel_tool_calls": False,
    "internal_tools": True,
    "max_tool_output": 1,
    "cache_prompt": False,
    "reasoning_effort": "low",
    "reasoning_tokens": 9,
    "reasoning_summary": "auto",
    "reasoning_history": "none",
    "response_schema": SCHEMA,
    "extra_body": {"min_p": 0.1},
}
REFUSED_BY_CHAT = {"best_of", "top_k", "internal_tools", "reasoning_tokens", "reasoning_summary"}
REFUSED_BY_RESPONSES = {
    "best_of",
    "frequency_penalty",
    "logit_bias",
    "num_choices",
    "presence_penalty",
    "reasoning_tokens",
    "seed",
    "stop_seqs",
    "top_k",
}
ADD = ToolInfo(name="add", description="Adds.")


def api_of(name: str, **arguments: Any) -> OpenAICompatibleAPI:
    api = get_model(f"openai/{name}", api_key="sk-x", memoize=False, **arguments).api
    assert isinstance(api, OpenAICompatibleAPI)
    return api


def body_of(api: OpenAICompatibleAPI, config: GenerateConfig) -> dict[str, Any]:
    return api.interface.request("m", [ChatMessageSystem(content="Hi")], [ADD], "auto", config)


@pytest.mark.parametrize("name", GenerateConfig.model_fields)
@pytest.mark.parametrize(
    ("model", "refused"),
    [
        pytest.param("gpt-4o", REFUSED_BY_CHAT | {"cache_prompt"}, id="chat"),
        pytest.param("o3", REFUSED_BY_RESPONSES | {"cache_prompt"}, id="responses"),
        pytest.param("gpt-5.6", REFUSED_BY_RESPONSES, id="responses of newer models"),
    ],
)
def test_every_option(model: str, refused: set[str], name: str) -> None:
    api = api_of(model)
    config = GenerateConfig(**{name: VALUES[name]})

    if name in refused:
        with pytest.raises(ParameterError, match=f"openai/{model}: {name} is "):
            api.check_config(config)
        return
    api.check_config(config)
    is_sent = body_of(api, config) != body_of(api, GenerateConfig())
    # Which tools are internal is seen to before, see test_web_search_native.py.
    assert is_sent is (name not in DONE_BY_MODEL | {"internal_tools"})


@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache_prompt", True),
        ("cache_prompt", "auto"),
        ("internal_tools", False),
        ("reasoning_summary", "none"),
    ],
)
def test_wishes_that_need_nothing(model: str, name: str, value: object) -> None:
    api = api_of(model)
    config = GenerateConfig(**{name: value})

    api.check_config(config)

    assert body_of(api, config) == body_of(api, GenerateConfig())


@pytest.mark.parametrize(
    ("model", "arguments", "interface", "role"),
    [
        pytest.param("gpt-4o", {}, ChatCompletions, "system", id="a chat model"),
        pytest.param("gpt-5-chat-latest", {}, ChatCompletions, "system", id="of a newer kind"),
        pytest.param("o3-mini", {}, Responses, "developer", id="a model that thinks"),
        pytest.param("gpt-5.1-codex", {}, Responses, "developer", id="a newer one"),
        pytest.param(
            "o3",
            {"base_url": "https://eu.api.openai.com/v1"},
            Responses,
            "developer",
            id="in a region",
        ),
        pytest.param(
            "o3",
            {"base_url": "https://api.openai.com.example.org/v1"},
            ChatCompletions,
            "system",
            id="elsewhere",
        ),
        pytest.param(
            "o3", {"responses_api": False}, ChatCompletions, "developer", id="asked not to"
        ),
        pytest.param("gpt-4o", {"responses_api": True}, Responses, "system", id="asked to"),
        pytest.param(
            "o3",
            {"base_url": "http://127.0.0.1:9/v1", "responses_api": True},
            Responses,
            "system",
            id="asked to elsewhere",
        ),
    ],
)
def test_interface(
    model: str, arguments: dict[str, Any], interface: type[object], role: str
) -> None:
    api = api_of(model, **arguments)
    body = body_of(api, GenerateConfig())

    assert type(api.interface) is interface
    [message] = body.get("messages") or body["input"]
    assert message["role"] == role


def test_prompts_are_not_cached() -> None:
    config = GenerateConfig(cache_prompt=False)

    for arguments in ({"responses_api": True}, {"responses_api": False}):
        body = body_of(api_of("gpt-5.6-luna", **arguments), config)
        assert body["prompt_cache_options"] == {"mode": "explicit"}


def test_store_needs_the_responses_api() -> None:
    assert body_of(api_of("o3", responses_store=True), GenerateConfig())["store"] is True
    with pytest.raises(ParameterError, match=r"gpt-4o: responses_store is True"):
        api_of("gpt-4o", responses_store=True)


def test_values_cover_all_options() -> None:
    assert VALUES.keys() == GenerateConfig.model_fields.keys()
