"""The policies of the running evaluation, and what they say of a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_lib._errors import (
    ApproverError,
    EvalsError,
    SampleTerminatedError,
    ToolApprovalError,
)
from tasks_lib._util._models import build
from tasks_lib._util._registry import registry_name
from tasks_lib.approval._approval import Approval
from tasks_lib.approval._policy import ApprovalPolicy
from tasks_lib.context import transcript
from tasks_lib.schema import ApprovalEvent, ChatMessage, ToolCall, ToolCallView, utc_now

_active: ContextVar[Sequence[ApprovalPolicy] | None] = ContextVar("approval", default=None)

_NOBODY = "policy"
"""Who rejects what nobody decided on."""


@contextmanager
def use_approval(policies: Sequence[ApprovalPolicy] | None) -> Iterator[None]:
    """Let `policies` decide on the calls of tools in this block; None or none: all are done."""
    token = _active.set(policies)
    try:
        yield
    finally:
        _active.reset(token)


def needs_approval() -> bool:
    """Tell whether calls of tools are decided on here."""
    return bool(_active.get())


async def approve_call(
    message: str, call: ToolCall, view: ToolCallView, history: Sequence[ChatMessage]
) -> ToolCall:
    """Return the call that is to be done: `call`, or what an approver made of it.

    The approvers whose policies are for this call are asked in order, until one does not
    escalate. If there is none, or all escalate, the call is rejected. Every decision is an
    `ApprovalEvent` of the sample's transcript. Without policies every call is done.

    Args:
        message: What the model said beside the call.
        call: The call, its arguments found valid.
        view: How it is shown to people.
        history: The conversation, with the message that has the call as its last.

    Raises:
        ToolApprovalError: It was rejected; the model is told why.
        SampleTerminatedError: An approver ended the sample.
        ApproverError: An approver raised something or did not return a decision.
    """
    policies = _active.get()
    if not policies:
        return call
    approval = await _decision(policies, message, call, view, history)
    match approval.decision:
        case "approve":
            return call
        case "modify" if approval.modified is not None:
            # The model expects an answer to the call that it made.
            return approval.modified.model_copy(update={"id": call.id})
        case "terminate":
            default = f"An approver ended the sample at a call of {call.function!r}."
            raise SampleTerminatedError(approval.explanation or default)
    raise ToolApprovalError(approval.explanation)


async def _decision(
    policies: Sequence[ApprovalPolicy],
    message: str,
    call: ToolCall,
    view: ToolCallView,
    history: Sequence[ChatMessage],
) -> Approval:
    asked = False
    for policy in policies:
        if not policy.applies_to(call):
            continue
        asked = True
        name = registry_name(policy.approver)
        approval = await _ask(name, policy, message, call, view, history)
        _record(name, message, call, view, approval)
        if approval.decision != "escalate":
            return approval
    reason = "Nobody approved" if asked else "No approver is responsible for"
    approval = Approval(decision="reject", explanation=f"{reason} the call of {call.function!r}.")
    _record(_NOBODY, message, call, view, approval)
    return approval


async def _ask(
    name: str,
    policy: ApprovalPolicy,
    message: str,
    call: ToolCall,
    view: ToolCallView,
    history: Sequence[ChatMessage],
) -> Approval:
    try:
        approval: object = await policy.approver(message, call, view, list(history))
    except EvalsError:
        raise
    except Exception as error:
        # Some of these the model would be told as if the tool itself had raised them.
        problem = f"raised {type(error).__name__}: {error}"
        raise ApproverError(name, call.function, problem) from error
    if not isinstance(approval, Approval):
        problem = f"returned {approval!r}: return an Approval."
        raise ApproverError(name, call.function, problem)
    return approval


def _record(
    approver: str, message: str, call: ToolCall, view: ToolCallView, approval: Approval
) -> None:
    # Not checked: a model may have passed what our schema of JSON would refuse.
    event = build(
        ApprovalEvent,
        timestamp=utc_now(),
        message=message,
        call=call,
        view=view,
        approver=approver,
        decision=approval.decision,
        modified=approval.modified,
        explanation=approval.explanation,
    )
    transcript().record(event)
