"""The approver that asks a person, in whatever way the evaluation can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import registry_name
from tasks_lib.approval._approval import Approval, ApprovalDecision
from tasks_lib.approval._approver import Approver, approver
from tasks_lib.approval._policy import ApprovalPolicy
from tasks_lib.approval._question import Question, current_ask
from tasks_lib.approval._terminal import ask_on_terminal
from tasks_lib.context import on_hold
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView

_NAME = "human"
_DECISIONS = get_args(ApprovalDecision)
_CHOICES: Sequence[ApprovalDecision] = ("approve", "reject", "terminate")


@approver(name=_NAME)
def human_approver(
    choices: Sequence[ApprovalDecision] = _CHOICES, timeout: float | None = None
) -> Approver:
    """Ask a person: on the terminal, or where there is none by a paused Prefect flow run.

    On the terminal one question is asked at a time. In a deployed run each question is a flow
    run of its own, paused until somebody resumes it in the Prefect UI with a decision. Waiting
    for a person is not working time. Its name in policies is `human`.

    Args:
        choices: What the person can decide. With `modify` they edit the call's arguments.
        timeout: Seconds that the person has, from when they are asked; then the call is
            rejected. None: as long as it takes, though a paused flow run waits for a week at
            most.

    Raises:
        ParameterError: `choices` has none or an unknown one, or `timeout` is not above 0.
    """
    if not _is_choice(choices):
        raise ParameterError("human_approver", "choices", choices, f"a list of {_DECISIONS}")
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise ParameterError("human_approver", "timeout", timeout, "seconds, more than 0")
    offered = tuple(dict.fromkeys(choices))
    reason = f"Nobody decided on the call within {timeout} seconds."
    too_late = Approval(decision="reject", explanation=reason)

    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        question = Question(message, call, view, offered, timeout)
        ask = current_ask() or ask_on_terminal
        with on_hold():
            decision = await ask(question)
        return too_late if decision is None else decision

    return approve


def needs_person(policies: Sequence[ApprovalPolicy] | None) -> bool:
    """Tell whether one of `policies` asks a person."""
    return any(registry_name(policy.approver) == _NAME for policy in policies or ())


def _is_choice(choices: object) -> bool:
    return (
        isinstance(choices, Sequence)
        and not isinstance(choices, str)
        and len(choices) > 0
        and all(choice in _DECISIONS for choice in choices)
    )
