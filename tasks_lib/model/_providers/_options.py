"""Options that a provider cannot honour."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks_lib._errors import ParameterError
from tasks_lib.schema import GenerateConfig

DONE_BY_MODEL = frozenset(
    {
        "max_retries",
        "timeout",
        "attempt_timeout",
        "max_connections",
        "system_message",
        "max_tool_output",
        "reasoning_history",
    }
)
"""Options that no provider sees to, and none may refuse."""

_NO_WISH = {"internal_tools": False, "reasoning_summary": "none"}
"""Values that ask for nothing, so that who cannot give it need not refuse."""


def refuse_options(provider: str, config: GenerateConfig, reasons: Mapping[str, str]) -> None:
    """Raise ParameterError if `config` sets one of the options that have a reason not to."""
    for name, reason in reasons.items():
        value = getattr(config, name)
        if value is not None:
            raise ParameterError(provider, name, value, f"no value: {reason}")


def refuse_all_but(
    honoured: Collection[str], provider: str, config: GenerateConfig, reasons: Mapping[str, str]
) -> None:
    """Raise ParameterError if `config` sets an option that is neither honoured nor ours.

    Closed by construction: an option that is added to `GenerateConfig` is refused until a
    provider says that it honours it.

    Args:
        honoured: Options that the provider is told of, whatever their value.
        provider: Who refuses, for the message.
        config: The options.
        reasons: What to do instead, by option; the others just do not exist there.
    """
    for name in type(config).model_fields:
        value = getattr(config, name)
        unset = value is None or _NO_WISH.get(name) == value
        if unset or name in honoured or name in DONE_BY_MODEL:
            continue
        reason = reasons.get(name, "it has no such option")
        raise ParameterError(provider, name, value, f"no value: {reason}")
