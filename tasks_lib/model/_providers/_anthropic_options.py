"""What a generation of Claude takes: how it thinks, and which options it lost.

The interface is the same for all models, what a model accepts is not: up to Claude 4.5
thinking has a budget of tokens, from 4.6 on the model decides itself, guided by an effort;
4.7 lost budgets and sampling options. Names tell the generation. A name without a known
one is taken as new.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from tasks_lib._errors import ParameterError
from tasks_lib.model._providers._options import refuse_all_but, refuse_options
from tasks_lib.schema import GenerateConfig

Version: TypeAlias = tuple[int, int]

ANSWER_TOKENS = 4096
"""Default of `max_tokens`, before thinking."""

ADAPTIVE_TOKENS = 16_000
"""Tokens of `max_tokens` by default for thinking that has no budget. Together with the
answer it stays below what needs a stream."""

LEAST_BUDGET = 1024
"""The fewest `reasoning_tokens` that the interface takes."""

SAMPLING_OPTIONS = ("temperature", "top_p", "top_k")

_ADAPTIVE: Version = (4, 6)
"""The first that decides itself how much it thinks."""
_WITHOUT_BUDGET: Version = (4, 7)
"""The first that takes neither a budget nor sampling options."""
_ALWAYS_THINKING: Version = (5, 0)
"""The first that thinks unless it is told not to."""
_BETWEEN_TOOLS: Version = (5, 5)
"""The first Sonnet that calls its least thinking `between_tools`, and knows no `disabled`."""
_SEARCHING: Version = (3, 5)
"""The first that can search the web."""
_NEWEST: Version = (99, 0)

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?!\d)(?:[-.](\d)(?!\d))?")

_HONOURED = frozenset(
    {
        "max_tokens",
        "top_p",
        "temperature",
        "top_k",
        "stop_seqs",
        "num_choices",
        "parallel_tool_calls",
        "cache_prompt",
        "reasoning_effort",
        "reasoning_tokens",
        "reasoning_summary",
        "response_schema",
        "extra_body",
        "internal_tools",
    }
)

_REASONS = {
    "best_of": "the interface gives one answer; use epochs",
}


def claude_version(model: str) -> Version:
    """Return the generation that a model's name says, as (major, minor)."""
    match = _VERSION.search(model)
    return (int(match[1]), int(match[2] or 0)) if match else _NEWEST


def check_options(label: str, model: str, config: GenerateConfig) -> None:
    """Raise ParameterError for an option that the interface or this model does not have.

    Args:
        label: The model's full name, for the message.
        model: The model's name at the provider.
        config: The options.
    """
    version = claude_version(model)
    refuse_all_but(_HONOURED, label, config, _REASONS)
    if config.num_choices not in (None, 1):
        raise _refused(label, config, "num_choices", "1: the interface gives one answer")
    if version >= _WITHOUT_BUDGET:
        reason = "models from Claude 4.7 on don't take it"
        refuse_options(label, config, dict.fromkeys(SAMPLING_OPTIONS, reason))
    _check_thinking(label, version, config)


def thinks(model: str, config: GenerateConfig) -> bool:
    """Tell whether the model thinks before it answers."""
    if config.reasoning_tokens is not None:
        return True
    if config.reasoning_effort is None:
        return claude_version(model) >= _ALWAYS_THINKING
    return config.reasoning_effort != "none"


def can_search(model: str) -> bool:
    """Tell whether the model can search the web itself."""
    return claude_version(model) >= _SEARCHING


def default_max_tokens(model: str, config: GenerateConfig) -> int:
    """Return `max_tokens` of a request that says none: thinking counts as answer."""
    if not thinks(model, config):
        return ANSWER_TOKENS
    return ANSWER_TOKENS + (config.reasoning_tokens or ADAPTIVE_TOKENS)


def thinking_params(model: str, config: GenerateConfig) -> dict[str, Any]:
    """Return what a request says about thinking: `thinking` and `output_config`, or nothing.

    Newer models leave the text of their thoughts out unless they are asked for a summary.
    It is asked for wherever thinking was: a log should show why a model said something.
    """
    effort, tokens, summary = (
        config.reasoning_effort,
        config.reasoning_tokens,
        config.reasoning_summary,
    )
    version = claude_version(model)
    display = {} if summary is None else {"display": _display(summary)}
    if effort == "none":
        return {"thinking": _off(model, version)} if version >= _ADAPTIVE else {}
    params: dict[str, Any] = {} if effort is None else {"output_config": {"effort": effort}}
    if tokens is not None:
        params["thinking"] = {"type": "enabled", "budget_tokens": tokens, **display}
    elif effort is not None:
        params["thinking"] = {"type": "adaptive", "display": _display(summary)}
    elif display and thinks(model, config):
        params["thinking"] = {"type": "adaptive", **display}
    return params


def _check_thinking(label: str, version: Version, config: GenerateConfig) -> None:
    tokens, effort = config.reasoning_tokens, config.reasoning_effort
    if config.reasoning_summary in ("concise", "detailed"):
        raise _refused(label, config, "reasoning_summary", "'auto' or 'none'")
    if effort == "minimal":
        raise _refused(label, config, "reasoning_effort", "'none', or 'low' and more")
    if effort not in (None, "none") and version < _ADAPTIVE:
        expected = "no value: models before Claude 4.6 take reasoning_tokens"
        raise _refused(label, config, "reasoning_effort", expected)
    if tokens is None:
        return
    if version >= _WITHOUT_BUDGET:
        expected = "no value: models from Claude 4.7 on take reasoning_effort"
        raise _refused(label, config, "reasoning_tokens", expected)
    if effort == "none":
        raise _refused(label, config, "reasoning_tokens", "no value: reasoning_effort is 'none'")
    if tokens < LEAST_BUDGET:
        raise _refused(label, config, "reasoning_tokens", f"{LEAST_BUDGET} or more")
    if config.max_tokens is not None and config.max_tokens <= tokens:
        expected = f"more than reasoning_tokens, which is {tokens}"
        raise _refused(label, config, "max_tokens", expected)


def _refused(label: str, config: GenerateConfig, name: str, expected: str) -> ParameterError:
    return ParameterError(label, name, getattr(config, name), expected)


def _display(summary: str | None) -> str:
    return "omitted" if summary == "none" else "summarized"


def _off(model: str, version: Version) -> dict[str, str]:
    between_tools = "sonnet" in model and version >= _BETWEEN_TOOLS
    return {"type": "between_tools" if between_tools else "disabled"}
