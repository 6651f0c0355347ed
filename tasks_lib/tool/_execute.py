"""Doing what a model asks its tools to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial

from tasks_lib._errors import (
    OutputLimitExceededError,
    ParameterError,
)
from tasks_lib._util._aio import run_workers
from tasks_lib.context import span
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ToolCall,
    ToolCallError,
)
from tasks_lib.tool._call import call_tool
from tasks_lib.tool._call_record import CallRecord
from tasks_lib.tool._expand import AnyTools, tool_definitions
from tasks_lib.tool._output import DEFAULT_MAX_OUTPUT, ToolOutput, tool_output
from tasks_lib.tool._take_over import ExecuteToolsResult, takes_over
from tasks_lib.tool._tool_def import ToolDef
from tasks_lib.tool._tool_error import innermost_error, tool_call_error


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

    Each call is a span of type "tool" with one `ToolEvent` in the sample's transcript; if it
    hands over to an agent, it is in a span of type "handoff" that is called like the agent.

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
    results: list[ExecuteToolsResult] = []
    for stage in _stages(message.tool_calls, known):
        results += await _all([partial(_execute, call, known, messages, limit) for call in stage])
    outputs = [result.output for result in results if result.output is not None]
    # Providers want all calls answered before anything else is said.
    answers = [result.messages[0] for result in results]
    added = [message for result in results for message in result.messages[1:]]
    return ExecuteToolsResult([*answers, *added], outputs[-1] if outputs else None)


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
    jobs: Sequence[Callable[[], Coroutine[object, object, ExecuteToolsResult]]],
) -> list[ExecuteToolsResult]:
    """Run `jobs` at the same time; return their results in order."""
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, ExecuteToolsResult] = {}
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
    call: ToolCall, tools: Mapping[str, ToolDef], messages: Sequence[ChatMessage], max_output: int
) -> ExecuteToolsResult:
    """Do one call, in a span that tells of a handoff if it is one."""
    definition = tools.get(call.function)
    if definition is None or not takes_over(definition.tool):
        return await _recorded(call, tools, messages, max_output)
    agent = definition.tool.agent
    async with span(agent, type="handoff"):
        return await _recorded(call, tools, messages, max_output, agent)


async def _recorded(
    call: ToolCall,
    tools: Mapping[str, ToolDef],
    messages: Sequence[ChatMessage],
    max_output: int,
    agent: str | None = None,
) -> ExecuteToolsResult:
    """Do one call, which hands over to `agent` if that is not None, and record it."""
    async with span(call.function, type="tool"):
        record = CallRecord(call, agent)
        error: ToolCallError | None = None
        try:
            result = await call_tool(call, tools, messages, record)
            if isinstance(result, ExecuteToolsResult):
                record.finish(tool_output(result.messages[0].text, call.function, 0), None)
                return result
            output = tool_output(result, call.function, max_output)
        except asyncio.CancelledError:
            record.fail()
            raise
        except Exception as raised:
            output, error = _failure(raised, call, record, max_output)
        record.finish(output, error)
    answer = ChatMessageTool(
        content=output.content, tool_call_id=call.id, function=call.function, error=error
    )
    return ExecuteToolsResult([answer])


def _failure(
    raised: Exception, call: ToolCall, record: CallRecord, max_output: int
) -> tuple[ToolOutput, ToolCallError]:
    """Return what the model is told of what a tool raised; raise it if it fails the sample."""
    cause = innermost_error(raised)
    error = tool_call_error(cause)
    if error is None:
        record.fail()
        cause.add_note(f"Raised in a call of the tool {call.function!r}.")
        raise cause
    begun = cause.truncated_output if isinstance(cause, OutputLimitExceededError) else None
    return tool_output(begun or "", call.function, max_output), error
