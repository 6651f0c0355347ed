"""Agents to try things with, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from solvers.agents import Agent, AgentState, agent
from tasks_lib.context import SampleContext
from tasks_lib.model import ModelName
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ModelOutput,
    SpanBeginEvent,
    ToolCall,
)
from tasks_lib.task import TaskState

MODEL = "mockllm/model"


@agent
def echoing(shout: bool = False) -> Agent:
    async def execute(state: AgentState, times: int = 1) -> AgentState:
        """Repeat what was said last.

        Args:
            state: The conversation.
            times: How often.
        """
        text = state.messages[-1].text if state.messages else "nothing"
        for _ in range(times):
            said = text.upper() if shout else text
            state.messages.append(ChatMessageAssistant(content=said, model="m"))
        return state

    return execute


@agent
def rebuilding() -> Agent:
    async def execute(state: AgentState, times: int = 1) -> AgentState:
        """Work on states of its own.

        Args:
            state: The conversation.
            times: How often.
        """
        for number in range(times):
            said = ChatMessageAssistant(content=f"step {number}", model="m")
            state = AgentState(messages=[*state.messages, said])
        return state

    return execute


def user(text: str) -> ChatMessageUser:
    return ChatMessageUser(content=text)


def system(text: str) -> ChatMessageSystem:
    return ChatMessageSystem(content=text)


def said(text: str, *calls: ToolCall) -> ChatMessageAssistant:
    return ChatMessageAssistant(content=text, tool_calls=list(calls) or None)


def call(function: str, id: str = "1", **arguments: object) -> ToolCall:
    return ToolCall.model_validate({"id": id, "function": function, "arguments": arguments})


def texts(messages: Iterable[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


def output(text: str) -> ModelOutput:
    return ModelOutput.from_content(MODEL, text)


def task_state(messages: Sequence[ChatMessage] | None = None) -> TaskState:
    return TaskState(
        model=ModelName(MODEL),
        sample_id=1,
        epoch=1,
        input="question",
        messages=[user("question")] if messages is None else messages,
    )


def spans(context: SampleContext) -> list[tuple[str | None, str]]:
    begun = [event for event in context.transcript.events if isinstance(event, SpanBeginEvent)]
    return [(event.type, event.name) for event in begun]
