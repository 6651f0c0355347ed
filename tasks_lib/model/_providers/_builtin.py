"""Registers our providers; their modules are imported when they are used.

An SDK takes up to a second to import, which a run on another provider should not pay.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tasks_lib.model._api import ModelAPI, modelapi

BUILTIN_PROVIDERS = {
    "local": ("_local", "LocalAPI"),
    "mockllm": ("_mock", "MockAPI"),
    "none": ("_none", "NoneAPI"),
    "openai": ("_openai", "OpenAIAPI"),
}
"""Name of each provider, with its module and class."""


def _register(name: str, module: str, class_name: str) -> None:
    @modelapi(name)
    def provider() -> type[ModelAPI]:
        loaded = import_module(f"tasks_lib.model._providers.{module}")
        return cast("type[ModelAPI]", getattr(loaded, class_name))


for _name, (_module, _class_name) in BUILTIN_PROVIDERS.items():
    _register(_name, _module, _class_name)
