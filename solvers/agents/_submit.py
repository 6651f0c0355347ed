"""The tool by which a model submits its answer."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol

from tasks_lib._errors import ToolDefinitionError
from tasks_lib.model import execute_tools
from tasks_lib.schema import ChatMessage, ContentBase, ContentText, ModelOutput
from tasks_lib.tool import AnyTools, TakesOver, Tool, ToolDef, ToolResult, tool_def

_answers: ContextVar[list[str] | None] = ContextVar("submitted_answers", default=None)


class SubmitTool:
    """A tool whose result is an answer.

    The answer is what the tool returned, before it was cut for the model. A call that was
    rejected, because of its arguments or by an approver, or that failed, has none.
    """

    def __init__(
        self,
        tool: Tool | ToolDef | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        """Make the tool.

        Args:
            tool: What does it; by default what returns its one argument, `answer`.
            name: Its name; by default that of `tool`, else "submit".
            description: What the model is told; by default what `tool` says.

        Raises:
            ToolDefinitionError: `tool` is none, hands over to an agent, or the model could not
                be told what it does and takes.
        """
        given = submit if tool is None else tool
        called = given.as_tool() if isinstance(given, ToolDef) else given
        self.name = name or tool_def(called).name
        """Its name."""
        if isinstance(called, TakesOver):
            raise ToolDefinitionError(self.name, "hands over to an agent: it cannot submit.")
        self.tool = ToolDef(_telling(called), self.name, description).as_tool()
        """What the model is given."""

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """Yield a list that gets the answers that are submitted in this block."""
        answers: list[str] = []
        token = _answers.set(answers)
        try:
            yield answers
        finally:
            _answers.reset(token)


class Acting(Protocol):
    """Who acts by calling tools: the state of an agent, or of a sample."""

    messages: list[ChatMessage]
    output: ModelOutput


async def call_tools(
    state: Acting, tools: AnyTools, max_output: int | None, submit: SubmitTool | None
) -> str | None:
    """Do what the last message asks for. Return the first answer that was submitted.

    Without one, the output of a tool that took the conversation over is that of the state.

    Args:
        state: The conversation; results are added to it.
        tools: Tools that may be called.
        max_output: As for `execute_tools`.
        submit: By which of the tools answers are submitted; None: by none.
    """
    answers: list[str] = []
    with submit.listening() if submit is not None else nullcontext(answers) as answers:
        results = await execute_tools(state.messages, tools, max_output)
    state.messages.extend(results.messages)
    if answers:
        return answers[0]
    if results.output is not None:
        state.output = results.output
    return None


async def submit(answer: str) -> str:
    """Report your answer, which ends your work on the task.

    Args:
        answer: The answer.
    """
    return answer


def _telling(called: Tool) -> Tool:
    """Return a function that calls `called` and tells who listens what it returned."""

    @functools.wraps(called)
    async def execute(*args: Any, **kwargs: Any) -> ToolResult:
        result: ToolResult = await called(*args, **kwargs)
        answers = _answers.get()
        if answers is not None:
            answers.append(_text(result))
        return result

    return execute


def _text(result: ToolResult) -> str:
    """Return the text that the model sees of a result."""
    parts = result if isinstance(result, Sequence) else [result]
    if not all(isinstance(part, ContentBase) for part in parts):
        return str(result)
    return "\n".join(part.text for part in parts if isinstance(part, ContentText))
