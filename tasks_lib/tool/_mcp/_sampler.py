"""Who answers when a server of tools asks for a model.

Tools never import models: the model layer says here how the evaluated one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from tasks_lib.schema import ChatMessage, GenerateConfig, ModelOutput

Sampler: TypeAlias = Callable[[list[ChatMessage], GenerateConfig], Coroutine[Any, Any, ModelOutput]]
"""Asks the evaluated model for its next message in a conversation."""

_samplers: list[Sampler] = []


def serve_sampling(sampler: Sampler) -> Sampler:
    """Let servers of tools ask `sampler`, the last one that was named so. Usable as a decorator."""
    _samplers[:] = [sampler]
    return sampler


def sampler() -> Sampler | None:
    """Return who is asked; None: servers are told that nobody is."""
    return _samplers[0] if _samplers else None
