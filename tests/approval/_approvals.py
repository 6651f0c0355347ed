"""Calls that are decided on, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks_lib.approval import ApprovalPolicy, use_approval
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.schema import ApprovalEvent, ChatMessageAssistant, ChatMessageUser, ToolCall
from tasks_lib.tool import ExecuteToolsResult, ToolDef, execute_tools


def call(function: str = "shell", **arguments: Any) -> ToolCall:
    return ToolCall(id="call-1", function=function, arguments=arguments)


async def shell(command: str) -> str:
    """Run a command.

    Args:
        command: What to run.
    """
    return f"ran {command}"


async def shell_session(command: str) -> str:
    """Run a command in a session.

    Args:
        command: What to run.
    """
    return f"session ran {command}"


TOOLS = [ToolDef(shell), ToolDef(shell_session)]


async def decide(
    policies: Sequence[ApprovalPolicy] | None,
    *calls: ToolCall,
    sample: SampleContext | None = None,
    tools: Sequence[ToolDef] = TOOLS,
) -> ExecuteToolsResult:
    """Return what calls (by default of `shell`) come to, with `policies` in force."""
    asked = list(calls) or [call(command="ls")]
    message = ChatMessageAssistant(content="Let me see.", tool_calls=asked)
    with use_sample(sample or SampleContext()), use_approval(policies):
        return await execute_tools([ChatMessageUser(content="Do."), message], list(tools))


def outcome(result: ExecuteToolsResult) -> list[str]:
    """Return what the model is told of each call."""
    errors = [getattr(message, "error", None) for message in result.messages]
    return [
        f"{error.type}: {error.message}" if error else message.text
        for message, error in zip(result.messages, errors, strict=True)
    ]


def approval_events(sample: SampleContext) -> list[ApprovalEvent]:
    return [event for event in sample.transcript.events if isinstance(event, ApprovalEvent)]
