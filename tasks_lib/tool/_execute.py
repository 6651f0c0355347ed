"""Doing what a model asks its tools to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tasks_lib._errors import (
    OutputLimitExceededError,
    ParameterError,
    ToolParsingError,
    nearest_hint,
)
from tasks_lib._util._aio import run_workers
from tasks_lib._util._models import build
from tasks_lib.context import current_sample, span, transcript
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ModelOutput,
    ToolCall,
    ToolCallContent,
    ToolCallError,
    ToolEvent,
    utc_now,
)
from tasks_lib.tool._expand import AnyTools, tool_definitions
from tasks_lib.tool._output import DEFAULT_MAX_OUTPUT, ToolOutput, tool_output
from tasks_lib.tool._tool_def import ToolDef
from tasks_lib.tool._tool_error import innermost_error, tool_call_error


class ExecuteToolsResult(NamedTuple):
    """What the tool calls of a message came to."""

    messages: list[ChatMessage]
    """What is to be added to the conversation: a result for each call, in their order."""

    output: ModelOutput | None = None
    """What a tool generated that took over the conversation; None if none did."""


async def execute_tools(
    messages: Sequence[ChatMessage], tools: AnyTools, max_output: int | None = None
) -> ExecuteToolsResult:
    """Do the tool calls of the last message, if it is the model's and has any.

    Calls that follow each other run at the same time if their tools allow it (`parallel`);
    a call of a tool that does not waits for those before it and holds back those after it.

    What the model did wrong it is told, as a result with an `error`: a tool that does not
    exist, arguments that do not fit. So it is of these exceptions of tools: ToolError (and
    its kinds), TimeoutError, UnicodeDecodeError, PermissionError, FileNotFoundError,
    IsADirectoryError, LimitExceededError, OutputLimitExceededError (with the output up to
    the limit); of a group of exceptions the first one counts.

    Each call is a span of type "tool" with one `ToolEvent` in the sample's transcript.

    Args:
        messages: The conversation. It is not changed.
        tools: Tools that may be called.
        max_output: Bytes of a result's text that the model gets to see; of longer ones the
            beginning in a notice that says so. 0: all. By default 16384.

    Raises:
        ToolDefinitionError: One of `tools` is none, or two have the same name.
        ParameterError: `max_output` is negative.
        Exception: Whatever else a tool raised; other calls that still ran are cancelled.
    """
    limit = DEFAULT_MAX_OUTPUT if max_output is None else max_output
    if limit < 0:
        raise ParameterError("execute_tools", "max_output", max_output, "0 or more")
    message = messages[-1] if messages else None
    if not isinstance(message, ChatMessageAssistant) or not message.tool_calls:
        return ExecuteToolsResult([])
    known = {definition.name: definition for definition in await tool_definitions(tools)}
    results: list[ChatMessage] = []
    for stage in _stages(message.tool_calls, known):
        results += await _all([partial(_execute, call, known, limit) for call in stage])
    return ExecuteToolsResult(results)


def _stages(calls: Sequence[ToolCall], tools: Mapping[str, ToolDef]) -> Iterator[list[ToolCall]]:
    """Yield the calls that may run at the same time, in the order of `calls`."""
    stage: list[ToolCall] = []
    for call in calls:
        definition = tools.get(call.function)
        if definition is None or definition.parallel:
            stage.append(call)
            continue
        if stage:
            yield stage
        yield [call]
        stage = []
    if stage:
        yield stage


async def _all(
    jobs: Sequence[Callable[[], Coroutine[object, object, ChatMessageTool]]],
) -> list[ChatMessageTool]:
    """Run `jobs` at the same time; return their results in order."""
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, ChatMessageTool] = {}
    numbered = iter(enumerate(jobs))

    async def worker() -> None:
        number, job = next(numbered)
        results[number] = await job()

    await run_workers(len(jobs), worker)
    if len(results) < len(jobs):
        # A tool let a cancellation through that nobody had asked for, as it would alone.
        raise asyncio.CancelledError
    return [results[number] for number in range(len(jobs))]


async def _execute(
    call: ToolCall, tools: Mapping[str, ToolDef], max_output: int
) -> ChatMessageTool:
    """Do one call and record it."""
    async with span(call.function, type="tool"):
        record = _CallRecord(call)
        error: ToolCallError | None = None
        try:
            result = await _result(call, tools, record)
            output = tool_output(result, call.function, max_output)
        except asyncio.CancelledError:
            record.fail()
            raise
        except Exception as raised:
            output, error = _failure(raised, call, record, max_output)
        record.finish(output, error)
    return ChatMessageTool(
        content=output.content, tool_call_id=call.id, function=call.function, error=error
    )


async def _result(call: ToolCall, tools: Mapping[str, ToolDef], record: _CallRecord) -> object:
    """Call the tool and return what it returns."""
    if call.parse_error is not None:
        raise ToolParsingError(call.parse_error)
    definition = tools.get(call.function)
    if definition is None:
        hint = nearest_hint(call.function, tools)
        raise ToolParsingError(f"No tool is named {call.function!r}. {hint}")
    arguments = definition.read_arguments(call.arguments)
    if definition.viewer is not None and call.view is None:
        record.show(definition.viewer(call).call)
    return await definition.tool(**arguments)


def _failure(
    raised: Exception, call: ToolCall, record: _CallRecord, max_output: int
) -> tuple[ToolOutput, ToolCallError]:
    """Return what the model is told of what a tool raised; raise it if it fails the sample."""
    cause = innermost_error(raised)
    error = tool_call_error(cause)
    if error is None:
        record.fail()
        cause.add_note(f"Raised by the tool {call.function!r}.")
        raise cause
    begun = cause.truncated_output if isinstance(cause, OutputLimitExceededError) else None
    return tool_output(begun or "", call.function, max_output), error


class _CallRecord:
    """The event of a call: recorded when it begins, completed when it ends."""

    __slots__ = ("_clock", "_event", "_started", "_waited")

    def __init__(self, call: ToolCall) -> None:
        context = current_sample()
        self._clock = context.clock if context is not None else None
        self._started = time.perf_counter()
        self._waited = self._clock.waited if self._clock is not None else 0.0
        # Not checked: a model may have passed what our schema of JSON would refuse.
        self._event = build(
            ToolEvent,
            timestamp=utc_now(),
            pending=True,
            id=call.id,
            function=call.function,
            arguments=call.arguments,
            internal=call.internal,
            view=call.view,
        )
        transcript().record(self._event)

    def show(self, view: ToolCallContent | None) -> None:
        """Say how the call is shown to people."""
        self._event.view = view

    def finish(self, output: ToolOutput, error: ToolCallError | None) -> None:
        """Complete the event of a call that ended, well or with an error that the model is told."""
        self._event.result = output.as_json()
        self._event.truncated = output.truncated
        self._event.error = error
        self._end()

    def fail(self) -> None:
        """Complete the event of a call that was cut off or raised what fails the sample."""
        self._event.failed = True
        self._end()

    def _end(self) -> None:
        waited = (self._clock.waited if self._clock is not None else 0.0) - self._waited
        # Not less than nothing: the clocks are read one after the other.
        working = max(0.0, time.perf_counter() - self._started - waited)
        self._event.pending = None
        self._event.completed = utc_now()
        self._event.working_time = round(working, 6)
