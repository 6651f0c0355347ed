"""The approver that does not ask."""

from __future__ import annotations

from typing import get_args

from tasks_lib._errors import ParameterError
from tasks_lib.approval._approval import Approval, ApprovalDecision
from tasks_lib.approval._approver import Approver, approver
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView

_DECISIONS = tuple(d for d in get_args(ApprovalDecision) if d != "modify")


@approver(name="auto")
def auto_approver(decision: ApprovalDecision = "approve") -> Approver:
    """Decide the same on every call, without asking anybody. Its name in policies is `auto`.

    Args:
        decision: What is decided. Anything but `modify`, which would need another call.

    Raises:
        ParameterError: There is no such decision, or it is `modify`.
    """
    if decision not in _DECISIONS:
        raise ParameterError("auto_approver", "decision", decision, f"one of {_DECISIONS}")
    approval = Approval(decision=decision, explanation="Decided automatically.")

    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return approval

    return approve
