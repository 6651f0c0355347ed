"""What tests of model-graded scorers share: a grader that says what it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks_lib.model import ModelName, get_model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ModelOutput,
    Score,
)
from tasks_lib.task import TaskState

MODEL = "mockllm/model"


class Grader:
    """Says the same each time, or raises it, and remembers what it was asked."""

    def __init__(self, says: str | ModelOutput | Exception, name: str = "grader") -> None:
        self.asked: list[ChatMessageUser] = []
        self._says = says
        self.model = get_model(f"mockllm/{name}", custom_outputs=self._answer)

    def _answer(self, input: list[ChatMessage], *_: object) -> ModelOutput:
        [message] = input
        assert isinstance(message, ChatMessageUser)
        self.asked.append(message)
        if isinstance(self._says, Exception):
            raise self._says
        if isinstance(self._says, ModelOutput):
            return self._says
        return ModelOutput.from_content("mockllm/grader", self._says)

    @property
    def prompts(self) -> list[str]:
        return [message.text for message in self.asked]


def answered(
    completion: str | list[Content] = "Paris",
    *,
    input: str | list[ChatMessage] = "Capital of France?",
    messages: Sequence[ChatMessage] | None = None,
    **metadata: Any,
) -> TaskState:
    """Return the state of a sample whose question got an answer."""
    output = ModelOutput.from_content(MODEL, completion)
    if messages is None:
        said = completion if isinstance(completion, str) else ""
        messages = [ChatMessageUser(content="Q"), ChatMessageAssistant(content=said)]
    return TaskState(
        model=ModelName(MODEL),
        sample_id=7,
        epoch=1,
        input=input,
        messages=messages,
        output=output,
        metadata=metadata,
    )


def plain(score: Score | None) -> dict[str, Any]:
    """Return what a score says; messages of its metadata as (role, text)."""
    assert score is not None
    metadata = dict(score.metadata or {})
    metadata["grading"] = [(message.role, message.text) for message in metadata["grading"]]
    value = "unscored" if score.is_unscored else score.value
    return {
        "value": value,
        "answer": score.answer,
        "explanation": score.explanation,
        "metadata": metadata,
    }
