"""What each generation of Claude takes, and what it refuses by name."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib.model import get_model
from tasks_lib.model._providers._anthropic_options import claude_version, thinking_params
from tasks_lib.schema import GenerateConfig, JSONSchema, ResponseSchema


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-3-opus-20240229", (3, 0)),
        ("claude-3-5-sonnet-latest", (3, 5)),
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-4-opus-20250514", (4, 0)),
        ("claude-opus-4-1@20250805", (4, 1)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
        ("anthropic.claude-opus-4-6-v1", (4, 6)),
        ("anthropic/claude-opus-4.7", (4, 7)),
        ("claude-sonnet-5", (5, 0)),
        ("claude-opus-5-5", (5, 5)),
        ("claude-mythos-preview", (99, 0)),
        ("claude-opus-10", (99, 0)),
        ("my-finetune", (99, 0)),
    ],
)
def test_generation(name: str, expected: tuple[int, int]) -> None:
    assert claude_version(name) == expected


OLD, BOTH, ADAPTIVE, NEW = "claude-opus-4-1", "claude-opus-4-6", "claude-opus-4-8", "claude-opus-5"
SHOWN = {"type": "adaptive", "display": "summarized"}
HIDDEN = {"type": "adaptive", "display": "omitted"}


@pytest.mark.parametrize(
    ("model", "config", "expected"),
    [
        pytest.param(OLD, {}, {}, id="old: nothing by default"),
        pytest.param(
            OLD,
            {"reasoning_tokens": 2000},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            id="old: a budget",
        ),
        pytest.param(
            OLD,
            {"reasoning_tokens": 2000, "reasoning_summary": "none"},
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            id="old: not shown",
        ),
        pytest.param(OLD, {"reasoning_effort": "none"}, {}, id="old: it does not by itself"),
        pytest.param(OLD, {"reasoning_summary": "auto"}, {}, id="old: nothing to show"),
        pytest.param(
            BOTH,
            {"reasoning_tokens": 2000, "reasoning_effort": "low"},
            {
                "thinking": {"type": "enabled", "budget_tokens": 2000},
                "output_config": {"effort": "low"},
            },
            id="4.6: both",
        ),
        pytest.param(
            BOTH,
            {"reasoning_effort": "max"},
            {"thinking": SHOWN, "output_config": {"effort": "max"}},
            id="4.6: an effort",
        ),
        pytest.param(ADAPTIVE, {"reasoning_summary": "auto"}, {}, id="4.8: nothing to show"),
        pytest.param(
            ADAPTIVE,
            {"reasoning_effort": "high", "reasoning_summary": "none"},
            {"thinking": HIDDEN, "output_config": {"effort": "high"}},
            id="4.8: not shown",
        ),
        pytest.param(
            ADAPTIVE,
            {"reasoning_effort": "none"},
            {"thinking": {"type": "disabled"}},
            id="4.8: off",
        ),
        pytest.param(NEW, {}, {}, id="new: as the model likes"),
        pytest.param(NEW, {"reasoning_summary": "auto"}, {"thinking": SHOWN}, id="new: shown"),
        pytest.param(NEW, {"reasoning_summary": "none"}, {"thinking": HIDDEN}, id="new: hidden"),
        pytest.param(
            NEW, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}, id="new: off"
        ),
        pytest.param(
            "claude-sonnet-5-5",
            {"reasoning_effort": "none"},
            {"thinking": {"type": "between_tools"}},
            id="Sonnet 5.5: as little as it can",
        ),
    ],
)
def test_thinking(model: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert thinking_params(model, GenerateConfig(**config)) == expected


@pytest.mark.parametrize(
    ("model", "config", "expected"),
    [
        pytest.param(OLD, {}, 4096, id="old"),
        pytest.param(OLD, {"reasoning_tokens": 10_000}, 14_096, id="old: and its budget"),
        pytest.param(ADAPTIVE, {}, 4096, id="4.8: does not think by itself"),
        pytest.param(ADAPTIVE, {"reasoning_effort": "low"}, 20_096, id="4.8: with room to think"),
        pytest.param(NEW, {}, 20_096, id="new: thinks by itself"),
        pytest.param(NEW, {"reasoning_effort": "none"}, 4096, id="new: told not to"),
        pytest.param("bedrock/anthropic.claude-3-haiku-v1:0", {}, 4096, id="on a platform"),
    ],
)
def test_default_of_max_tokens(
    model: str, config: dict[str, Any], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    api = get_model(f"anthropic/{model}", api_key="k").api

    assert api.max_tokens_for_config(GenerateConfig(**config)) == expected


SCHEMA = ResponseSchema(name="a", json_schema=JSONSchema(type="object"))
VALUES: dict[str, Any] = {
    "max_tokens": 5000,
    "top_p": 0.5,
    "temperature": 0.0,
    "stop_seqs": ["."],
    "best_of": 2,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logit_bias": {5: 1.0},
    "seed": 0,
    "top_k": 5,
    "num_choices": 2,
    "logprobs": True,
    "top_logprobs": 2,
    "parallel_tool_calls": False,
    "internal_tools": True,
    "cache_prompt": True,
    "reasoning_effort": "low",
    "reasoning_tokens": 2000,
    "reasoning_summary": "auto",
    "response_schema": SCHEMA,
    "extra_body": {"a": 1},
}
DONE_BY_MODEL = {
    "max_retries": 2,
    "timeout": 5,
    "attempt_timeout": 5,
    "max_connections": "auto",
    "system_message": "S",
    "max_tool_output": 5,
    "reasoning_history": "none",
}
NEVER_TAKEN = {
    "best_of",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "seed",
    "num_choices",
    "logprobs",
    "top_logprobs",
}


@pytest.mark.parametrize(
    ("model", "not_taken"),
    [
        pytest.param(OLD, {"reasoning_effort"}, id="old"),
        pytest.param(BOTH, set(), id="4.6"),
        pytest.param(
            "claude-opus-4-7", {"reasoning_tokens", "temperature", "top_p", "top_k"}, id="4.7"
        ),
        pytest.param(NEW, {"reasoning_tokens", "temperature", "top_p", "top_k"}, id="new"),
    ],
)
def test_every_option_is_taken_or_refused_by_name(model: str, not_taken: set[str]) -> None:
    api = get_model(f"anthropic/{model}", api_key="k").api
    values = {**VALUES, **DONE_BY_MODEL}
    assert values.keys() == GenerateConfig.model_fields.keys()
    refused = set()
    for name, value in values.items():
        try:
            api.check_config(GenerateConfig.model_validate({name: value}))
        except ParameterError as error:
            assert error.name == name
            refused.add(name)

    assert refused == NEVER_TAKEN | not_taken


@pytest.mark.parametrize(
    ("model", "config", "message"),
    [
        pytest.param(
            OLD,
            {"reasoning_effort": "low"},
            "anthropic/claude-opus-4-1: reasoning_effort is 'low', expected no value: models "
            "before Claude 4.6 take reasoning_tokens.",
            id="effort",
        ),
        pytest.param(
            NEW,
            {"reasoning_tokens": 2000},
            "models from Claude 4.7 on take reasoning_effort",
            id="budget",
        ),
        pytest.param(OLD, {"reasoning_tokens": 1000}, "expected 1024 or more", id="small budget"),
        pytest.param(
            OLD,
            {"reasoning_tokens": 2000, "max_tokens": 2000},
            "max_tokens is 2000, expected more than reasoning_tokens, which is 2000",
            id="no room for an answer",
        ),
        pytest.param(
            BOTH,
            {"reasoning_tokens": 2000, "reasoning_effort": "none"},
            "reasoning_tokens is 2000, expected no value: reasoning_effort is 'none'",
            id="contradiction",
        ),
        pytest.param(
            NEW, {"reasoning_effort": "minimal"}, "expected 'none', or 'low' and more", id="minimal"
        ),
        pytest.param(
            NEW, {"reasoning_summary": "detailed"}, "expected 'auto' or 'none'", id="summary"
        ),
        pytest.param(OLD, {"num_choices": 2}, "expected 1: the interface gives one", id="choices"),
    ],
)
def test_refusals(model: str, config: dict[str, Any], message: str) -> None:
    api = get_model(f"anthropic/{model}", api_key="k").api

    with pytest.raises(ParameterError) as caught:
        api.check_config(GenerateConfig(**config))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"num_choices": 1},
        {"internal_tools": False},
        {"reasoning_tokens": 1024, "max_tokens": 1025},
        {"reasoning_summary": "none"},
    ],
)
def test_what_has_no_need_to_be_refused(config: dict[str, Any]) -> None:
    get_model(f"anthropic/{BOTH}", api_key="k").api.check_config(GenerateConfig(**config))
