"""Registers our providers; their modules are imported when they are used.

An SDK takes up to a second to import, which a run on another provider should not pay.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tasks_lib.model._api import ModelAPI, modelapi
from tasks_lib.model._providers._services import INSTEAD, SERVICES

_CLASSES = {
    "anthropic": ("_anthropic", "AnthropicAPI"),
    "local": ("_local", "LocalAPI"),
    "mockllm": ("_mock", "MockAPI"),
    "none": ("_none", "NoneAPI"),
    "openai": ("_openai", "OpenAIAPI"),
    "openai-api": ("_service_api", "AnyServiceAPI"),
    "replay": ("_replay", "ReplayAPI"),
}
"""Providers with a class of their own: its module and name."""

BUILTIN_PROVIDERS = tuple(sorted((*_CLASSES, *SERVICES)))
"""Names of the providers that come with us."""


def _register(name: str) -> None:
    @modelapi(name)
    def provider() -> type[ModelAPI]:
        module, attribute = _CLASSES.get(name) or ("_service_api", "")
        loaded = import_module(f"tasks_lib.model._providers.{module}")
        if attribute:
            return cast("type[ModelAPI]", getattr(loaded, attribute))
        made = loaded.service_class if name in SERVICES else loaded.other_interface_class
        return cast("type[ModelAPI]", made(name))


for _name in (*BUILTIN_PROVIDERS, *INSTEAD):
    _register(_name)
