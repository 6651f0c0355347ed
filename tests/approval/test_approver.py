"""What `@approver` makes of functions and classes, and the arguments of those that ship."""

from __future__ import annotations

from typing import Any

import pytest

from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import registry_info, registry_params
from tasks_lib.approval import (
    Approval,
    ApprovalPolicy,
    Approver,
    approver,
    auto_approver,
    human_approver,
)
from tasks_lib.schema import ChatMessage, ToolCall, ToolCallView
from tests.approval._approvals import decide, outcome


@approver
def plain_in_test_approver(word: str = "no") -> Approver:
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return Approval(decision="reject", explanation=word)

    return approve


@approver(name="class_in_test_approver")
class OfClass:
    def __init__(self, word: str) -> None:
        self._word = word

    async def __call__(
        self, message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return Approval(decision="reject", explanation=self._word)


class Judge:
    async def decide(
        self, message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return Approval(decision="reject", explanation="by method")


@approver(name="method_in_test_approver")
def of_method() -> Approver:
    return Judge().decide


@pytest.mark.parametrize(
    ("made", "name", "params", "told"),
    [
        pytest.param(plain_in_test_approver(), "plain_in_test_approver", {}, "no", id="function"),
        pytest.param(
            plain_in_test_approver("never"),
            "plain_in_test_approver",
            {"word": "never"},
            "never",
            id="with an argument",
        ),
        pytest.param(
            OfClass("by class"),
            "class_in_test_approver",
            {"word": "by class"},
            "by class",
            id="class",
        ),
        pytest.param(of_method(), "method_in_test_approver", {}, "by method", id="method"),
    ],
)
async def test_what_makes_approvers(
    made: Approver, name: str, params: dict[str, Any], told: str
) -> None:
    info = registry_info(made)

    result = await decide([ApprovalPolicy(made, "*")])

    assert (info.type, info.name, registry_params(made)) == ("approver", name, params)
    assert outcome(result) == [f"approval: {told}"]


@approver(name="sync_in_test_approver")
def sync() -> Approver:
    def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return Approval(decision="approve")

    return approve  # type: ignore[return-value]  # what is to be refused


def test_approvers_are_async() -> None:
    with pytest.raises(TypeError, match="@approver sync_in_test_approver returned <function sync"):
        sync()


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        pytest.param(
            auto_approver, {"decision": "maybe"}, "auto_approver: decision is 'maybe'", id="unknown"
        ),
        pytest.param(
            auto_approver,
            {"decision": "modify"},
            "auto_approver: decision is 'modify', expected one of ('approve', 'reject', "
            "'terminate', 'escalate').",
            id="modify needs a call",
        ),
        pytest.param(
            human_approver, {"choices": []}, "human_approver: choices is []", id="no choice"
        ),
        pytest.param(
            human_approver,
            {"choices": ["approve", "maybe"]},
            "human_approver: choices is ['approve', 'maybe'], expected a list of ('approve', "
            "'modify', 'reject', 'terminate', 'escalate').",
            id="unknown choice",
        ),
        pytest.param(
            human_approver,
            {"choices": "approve"},
            "human_approver: choices is 'approve'",
            id="text",
        ),
        pytest.param(
            human_approver, {"choices": [["approve"]]}, "human_approver: choices is [[", id="nested"
        ),
        pytest.param(human_approver, {"choices": 1}, "human_approver: choices is 1", id="number"),
        pytest.param(
            human_approver, {"timeout": "1"}, "human_approver: timeout is '1'", id="time as text"
        ),
        pytest.param(human_approver, {"timeout": 0}, "human_approver: timeout is 0", id="no time"),
        pytest.param(
            human_approver,
            {"timeout": float("nan")},
            "human_approver: timeout is nan, expected seconds, more than 0.",
            id="no number",
        ),
    ],
)
def test_wrong_arguments(make: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make(**arguments)

    assert str(caught.value).startswith(said)
