"""What a model and others have said so far."""

from __future__ import annotations

from typing import Protocol

from tasks_lib.schema import ChatMessage, ModelOutput


class ModelConversation(Protocol):
    """A conversation with the model's last output: a `TaskState`, an `AgentState`, or yours."""

    @property
    def messages(self) -> list[ChatMessage]:
        """The conversation."""
        ...

    @property
    def output(self) -> ModelOutput:
        """The last output."""
        ...
