"""What solver tests share: a state, and a model that answers from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Unpack

import pytest

from tasks_lib.model import ModelName
from tasks_lib.schema import ChatMessage, ChatMessageUser, GenerateConfigArgs, ModelOutput
from tasks_lib.task import TaskState

MODEL = "mockllm/model"


class ScriptedGenerate:
    """Answers one text after the other, and remembers how it was called."""

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)
        self.calls: list[dict[str, Any]] = []

    async def __call__(
        self,
        state: TaskState,
        tool_calls: Literal["loop", "single", "none"] = "loop",
        cache: bool = False,
        **kwargs: Unpack[GenerateConfigArgs],
    ) -> TaskState:
        self.calls.append({"tool_calls": tool_calls, "cache": cache, **kwargs})
        state.output = ModelOutput.from_content(MODEL, next(self._answers))
        state.messages.append(state.output.message)
        return state


def _state(
    *,
    messages: list[ChatMessage] | None = None,
    choices: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> TaskState:
    return TaskState(
        model=ModelName(MODEL),
        sample_id=7,
        epoch=1,
        input="question",
        messages=[ChatMessageUser(content="question")] if messages is None else messages,
        choices=choices,
        metadata=metadata,
    )


@pytest.fixture
def new_state() -> Callable[..., TaskState]:
    """Return a function that makes a state; by default of one user message "question"."""
    return _state


@pytest.fixture
def scripted() -> Callable[..., ScriptedGenerate]:
    """Return a function that makes a `Generate` out of answers."""
    return ScriptedGenerate
