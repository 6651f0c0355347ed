"""What decisions do to calls, and what the transcript says of them."""

from __future__ import annotations

import pytest

from tasks_lib._errors import ApproverError, SampleTerminatedError
from tasks_lib.approval import (
    Approval,
    ApprovalDecision,
    ApprovalPolicy,
    Approver,
    approve_call,
    approver,
    auto_approver,
    use_approval,
)
from tasks_lib.context import SampleContext
from tasks_lib.schema import (
    ApprovalEvent,
    ChatMessage,
    ToolCall,
    ToolCallContent,
    ToolCallView,
    ToolEvent,
)
from tests.approval._approvals import approval_events, call, decide, outcome


@approver(name="scripted_in_test_approve_call")
def scripted(*approvals: Approval, seen: list[object] | None = None) -> Approver:
    left = list(approvals)

    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        if seen is not None:
            seen.extend([message, call.arguments, view, [m.role for m in history]])
        return left.pop(0)

    return approve


SCRIPTED = "scripted_in_test_approve_call"


def auto(decision: ApprovalDecision, tools: str = "*") -> ApprovalPolicy:
    return ApprovalPolicy(auto_approver(decision), tools)


@pytest.mark.parametrize(
    ("policies", "told", "decisions"),
    [
        pytest.param(None, ["ran ls"], [], id="without policies all is done"),
        pytest.param([], ["ran ls"], [], id="nor with none"),
        pytest.param([auto("approve")], ["ran ls"], [("auto", "approve")], id="approve"),
        pytest.param(
            [auto("reject")],
            ["approval: Decided automatically."],
            [("auto", "reject")],
            id="reject",
        ),
        pytest.param(
            [auto("escalate"), auto("approve")],
            ["ran ls"],
            [("auto", "escalate"), ("auto", "approve")],
            id="the next one decides what is escalated",
        ),
        pytest.param(
            [auto("approve"), auto("reject")],
            ["ran ls"],
            [("auto", "approve")],
            id="the first one decides",
        ),
        pytest.param(
            [auto("escalate")],
            ["approval: Nobody approved the call of 'shell'."],
            [("auto", "escalate"), ("policy", "reject")],
            id="nobody is left",
        ),
        pytest.param(
            [auto("approve", "other")],
            ["approval: No approver is responsible for the call of 'shell'."],
            [("policy", "reject")],
            id="nobody is responsible",
        ),
        pytest.param(
            [auto("reject", "shell_session"), auto("approve")],
            ["ran ls"],
            [("auto", "approve")],
            id="only those for the tool",
        ),
    ],
)
async def test_decisions(
    policies: list[ApprovalPolicy] | None, told: list[str], decisions: list[tuple[str, str]]
) -> None:
    sample = SampleContext()

    result = await decide(policies, sample=sample)

    assert outcome(result) == told
    assert [(e.approver, e.decision) for e in approval_events(sample)] == decisions


async def test_each_call_of_a_message_is_decided_on() -> None:
    policies = [auto("reject", "shell"), auto("approve")]
    calls = [call(command="a"), call("shell_session", command="b")]

    result = await decide(policies, *calls)

    assert outcome(result) == ["approval: Decided automatically.", "session ran b"]


@pytest.mark.parametrize(
    ("modified", "told"),
    [
        pytest.param(call(command="pwd"), "ran pwd", id="other arguments"),
        pytest.param(call("shell_session", command="ls"), "session ran ls", id="another tool"),
        pytest.param(
            call(),
            "parsing: The arguments do not fit the tool:\n- 'command' is a required property",
            id="arguments that do not fit",
        ),
        pytest.param(
            call("shel", command="ls"),
            "parsing: No tool is named 'shel'. Did you mean 'shell'?",
            id="no tool",
        ),
    ],
)
async def test_what_is_done_instead(modified: ToolCall, told: str) -> None:
    sample = SampleContext()
    other = modified.model_copy(update={"id": "made up"})
    policy = ApprovalPolicy(scripted(Approval(decision="modify", modified=other)), "*")

    result = await decide([policy], sample=sample)

    (event,) = [e for e in sample.transcript.events if isinstance(e, ToolEvent)]
    (decision,) = approval_events(sample)
    assert outcome(result) == [told]
    assert [getattr(m, "tool_call_id", None) for m in result.messages] == ["call-1"]
    assert (event.id, event.function, event.arguments) == ("call-1", "shell", {"command": "ls"})
    assert decision.modified == other


async def test_what_is_done_instead_answers_the_same_call() -> None:
    other = call(command="pwd").model_copy(update={"id": "made up"})
    policy = ApprovalPolicy(scripted(Approval(decision="modify", modified=other)), "*")

    with use_approval([policy]):
        approved = await approve_call("", call(command="ls"), ToolCallView(), [])

    assert approved == call(command="pwd")


@pytest.mark.parametrize(
    ("explanation", "told"),
    [
        pytest.param("Too risky.", "Too risky.", id="with a reason"),
        pytest.param(None, "The call was not approved.", id="without"),
    ],
)
async def test_the_model_is_told_why_its_call_was_rejected(
    explanation: str | None, told: str
) -> None:
    rejects = scripted(Approval(decision="reject", explanation=explanation))

    assert outcome(await decide([ApprovalPolicy(rejects, "*")])) == [f"approval: {told}"]


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        pytest.param("Enough.", "Enough.", id="with a reason"),
        pytest.param(None, "An approver ended the sample at a call of 'shell'.", id="without"),
    ],
)
async def test_terminate_ends_the_sample(explanation: str | None, said: str) -> None:
    sample = SampleContext()
    ends = scripted(Approval(decision="terminate", explanation=explanation))

    with pytest.raises(SampleTerminatedError) as caught:
        await decide([ApprovalPolicy(ends, "*")], sample=sample)

    (event,) = [e for e in sample.transcript.events if isinstance(e, ToolEvent)]
    assert str(caught.value) == said
    assert [e.decision for e in approval_events(sample)] == ["terminate"]
    assert (event.failed, event.result) == (True, None)


async def test_what_an_approver_gets_and_the_transcript_says() -> None:
    sample = SampleContext()
    seen: list[object] = []
    approves = scripted(Approval(decision="approve", explanation="Fine."), seen=seen)
    view = ToolCallView(
        call=ToolCallContent(format="markdown", content="```python\nshell(command='ls')\n```")
    )

    await decide([ApprovalPolicy(approves, "*")], sample=sample)

    (event,) = approval_events(sample)
    assert seen == ["Let me see.", {"command": "ls"}, view, ["user", "assistant"]]
    assert event.model_dump(exclude={"timestamp", "working_start"}, exclude_none=True) == {
        "event": "approval",
        "span_id": "span-1",
        "message": "Let me see.",
        "call": call(command="ls").model_dump(exclude_none=True),
        "view": view.model_dump(exclude_none=True),
        "approver": SCRIPTED,
        "decision": "approve",
        "explanation": "Fine.",
    }
    assert ApprovalEvent.model_validate_json(event.model_dump_json()) == event


async def test_calls_that_do_not_fit_are_not_decided_on() -> None:
    sample = SampleContext()

    result = await decide([auto("terminate")], call(wrong=1), sample=sample)

    assert outcome(result)[0].startswith("parsing: ")
    assert approval_events(sample) == []


@approver(name="broken_in_test_approve_call")
def broken(error: Exception) -> Approver:
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        raise error

    return approve


@approver(name="nothing_in_test_approve_call")
def returns_nothing() -> Approver:
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        return None  # type: ignore[return-value]  # what a careless approver does

    return approve


@pytest.mark.parametrize(
    ("approves", "said"),
    [
        pytest.param(
            broken(FileNotFoundError("no list")),
            "The approver 'broken_in_test_approve_call', asked about 'shell', raised "
            "FileNotFoundError: no list",
            id="what a tool may raise",
        ),
        pytest.param(
            returns_nothing(),
            "The approver 'nothing_in_test_approve_call', asked about 'shell', returned None: "
            "return an Approval.",
            id="no decision",
        ),
    ],
)
async def test_a_broken_approver_fails_the_sample(approves: Approver, said: str) -> None:
    with pytest.raises(ApproverError) as caught:
        await decide([ApprovalPolicy(approves, "*")])

    assert str(caught.value) == said


async def test_policies_hold_in_their_block_only() -> None:
    with use_approval([auto("reject")]):
        inner = await decide(None)
    outer = await decide([auto("reject")])

    assert (outcome(inner), outcome(outer)) == (
        ["ran ls"],
        ["approval: Decided automatically."],
    )


def test_modify_needs_a_call() -> None:
    with pytest.raises(ValueError, match="needs the call that is done instead"):
        Approval(decision="modify")
