"""Models that say what a test wants them to, and samples in which they say it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tasks_lib.context import SampleContext, use_sample
from tasks_lib.model import Model, ModelName, get_model, use_active_model
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    Score,
    StopReason,
    Target,
    ToolCall,
    ToolChoice,
    ToolInfo,
)
from tasks_lib.task import Scorer, TaskState, use_scorers

MODEL = "mockllm/model"

Call = tuple[str, dict[str, Any]]


class Asked(NamedTuple):
    """A request that a model got."""

    messages: list[str]
    tools: list[str]


class Script:
    """A model that gives one reply after the other, and remembers what it was asked."""

    def __init__(self, *replies: ModelOutput) -> None:
        self.asked: list[Asked] = []
        self._replies = iter(replies)

    def model(self, config: GenerateConfig | None = None) -> Model:
        return get_model(MODEL, custom_outputs=self, config=config)

    async def __call__(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.asked.append(Asked(lines(messages), [tool.name for tool in tools]))
        await asyncio.sleep(0)  # others go on meanwhile, as with a real model
        return next(self._replies)


def says(text: str, *calls: Call, stop: StopReason = "stop") -> ModelOutput:
    """Return a reply of `text` that calls tools, with ids that are their names and places."""
    asked = [
        ToolCall(id=f"{name}-{place}", function=name, arguments=arguments)
        for place, (name, arguments) in enumerate(calls)
    ]
    message = ChatMessageAssistant(content=text, tool_calls=asked or None, source="generate")
    stop = "tool_calls" if calls else stop
    return ModelOutput(
        model="model", choices=[ChatCompletionChoice(message=message, stop_reason=stop)]
    )


def submits(answer: Any, text: str = "") -> ModelOutput:
    """Return a reply that submits `answer`."""
    return says(text, ("submit", {"answer": answer}))


def lines(messages: Sequence[ChatMessage]) -> list[str]:
    """Return a conversation to be compared: a line a message, with calls and errors."""
    return [_line(message) for message in messages]


def _line(message: ChatMessage) -> str:
    line = f"{message.role}: {message.text}"
    if isinstance(message, ChatMessageAssistant):
        line += "".join(f" [{call.function}]" for call in message.tool_calls or ())
    if isinstance(message, ChatMessageTool) and message.error is not None:
        line += f" ({message.error.type})"
    return line


@contextmanager
def running(
    model: Model | Script, scorers: Sequence[Scorer] = (), text: str = "?", target: str = "right"
) -> Iterator[TaskState]:
    """Run a sample, as an evaluation would: yield its state, with one message of the user."""
    evaluated = model.model() if isinstance(model, Script) else model
    context = SampleContext()
    named = [(f"scorer{place}", scorer) for place, scorer in enumerate(scorers)]
    with use_sample(context), use_active_model(evaluated), use_scorers(named):
        state = TaskState(
            model=ModelName(MODEL),
            sample_id=1,
            epoch=1,
            input=text,
            messages=[ChatMessageUser(content=text, source="input")],
            target=Target(target),
        )
        context.state = state
        yield state


async def is_target(state: TaskState, target: Target) -> Score | None:
    """Judge the completion: right if it is the target."""
    return Score(value="C" if state.output.completion == target.text else "I")


async def echo(text: str) -> str:
    """Return the text.

    Args:
        text: The text.
    """
    return text
