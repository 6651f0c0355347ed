"""Asking a person: what they are asked, what they can answer, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks_lib._errors import NoTerminalError
from tasks_lib.approval import (
    Approval,
    ApprovalPolicy,
    Question,
    auto_approver,
    human_approver,
    needs_person,
    use_ask,
)
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.schema import InputEvent, ToolCall, ToolCallContent, ToolCallView
from tasks_lib.tool import ToolDef
from tests.approval._approvals import call, decide, outcome, shell
from tests.approval._person import at_terminal

ASKS = [ApprovalPolicy(human_approver(), "*")]
ALL = human_approver(["approve", "modify", "reject", "escalate", "terminate"])


def _view(call: ToolCall) -> ToolCallView:
    return ToolCallView(
        context=ToolCallContent(title="Folder", format="text", content="/tmp\n"),
        call=ToolCallContent(format="markdown", content="*{{command}}*"),
    )


@pytest.mark.parametrize(
    ("tool", "sections"),
    [
        pytest.param(
            ToolDef(shell),
            [("The model says", "Let me see."), ("Call", "shell(command='ls')")],
            id="as they are",
        ),
        pytest.param(
            ToolDef(shell, viewer=_view),
            [
                ("The model says", "Let me see."),
                ("Folder", "/tmp"),
                ("View", "*ls*"),
                ("Call", "shell(command='ls')"),
            ],
            id="as their tool shows them, and as they are",
        ),
    ],
)
async def test_what_a_person_is_asked(tool: ToolDef, sections: list[tuple[str, str]]) -> None:
    questions: list[Question] = []

    async def ask(question: Question) -> Approval:
        questions.append(question)
        return Approval(decision="approve")

    with use_ask(ask):
        result = await decide(ASKS, tools=[tool])

    (question,) = questions
    assert outcome(result) == ["ran ls"]
    assert [tuple(section) for section in question.sections] == sections
    assert question.title == "shell(command='ls')"
    assert question.choices == ("approve", "reject", "terminate")
    assert question.timeout is None


async def test_waiting_for_a_person_is_not_working() -> None:
    sample = SampleContext()

    async def ask(question: Question) -> Approval:
        await asyncio.sleep(0.05)
        return Approval(decision="approve")

    with use_ask(ask):
        await decide(ASKS, sample=sample)

    assert sample.clock.waited > 0.04


async def test_what_is_not_decided_in_time_is_rejected() -> None:
    async def ask(question: Question) -> None:
        assert question.timeout == 0.5

    with use_ask(ask):
        result = await decide([ApprovalPolicy(human_approver(timeout=0.5), "*")])

    assert outcome(result) == ["approval: Nobody decided on the call within 0.5 seconds."]


async def test_without_a_terminal_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(NoTerminalError):
        await decide(ASKS)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(None, False, id="no policies"),
        pytest.param([ApprovalPolicy(auto_approver(), "*")], False, id="none asks"),
        pytest.param([ApprovalPolicy(auto_approver(), "a"), *ASKS], True, id="one asks"),
    ],
)
def test_which_policies_need_a_person(policies: Any, expected: bool) -> None:
    assert needs_person(policies) is expected


CHOICES = "approve (y), modify (m), reject (n), escalate (e), terminate (t): "
EDIT = "The arguments, as JSON on one line (empty: back): "
WHY = "Why? (may be empty) "


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([(CHOICES, "y\n")], ["approve", None, None], id="y"),
        pytest.param([(CHOICES, " Approve \n")], ["approve", None, None], id="a word"),
        pytest.param(
            [(CHOICES, "\n"), (CHOICES, "what\n"), (CHOICES, "a\n")],
            ["approve", None, None],
            id="asked again until it is clear",
        ),
        pytest.param(
            [(CHOICES, "n\n"), (WHY, "too risky\n")], ["reject", None, "too risky"], id="n"
        ),
        pytest.param(
            [(CHOICES, "r\n"), (WHY, "\n")],
            ["reject", None, "A person rejected the call."],
            id="no reason",
        ),
        pytest.param([(CHOICES, "e\n")], ["escalate", None, None], id="e"),
        pytest.param(
            [(CHOICES, "t\n"), (WHY, "\n")],
            ["terminate", None, "A person ended the sample."],
            id="t",
        ),
        pytest.param(
            [(CHOICES, "m\n"), (EDIT, '{"command": "pwd"}\n')],
            ["modify", {"command": "pwd"}, None],
            id="m",
        ),
        pytest.param(
            [(CHOICES, "m\n"), (EDIT, "pwd\n"), (EDIT, "[1]\n"), (EDIT, '{"a": 1}\n')],
            ["modify", {"a": 1}, None],
            id="no JSON, no object",
        ),
        pytest.param(
            [(CHOICES, "m\n"), (EDIT, "\n"), (CHOICES, "y\n")],
            ["approve", None, None],
            id="back from modify",
        ),
        pytest.param(
            [(CHOICES, "\x04")],
            ["reject", None, "The person who was asked ended the input."],
            id="Ctrl-D",
        ),
    ],
)
async def test_what_a_person_types(answers: list[tuple[str, str]], expected: list[object]) -> None:
    asked = call(command="ls")
    with at_terminal() as person, use_sample(SampleContext()):
        person.answers(*answers)
        async with asyncio.timeout(5):
            approval = await ALL("", asked, ToolCallView(), [])

    modified = approval.modified and approval.modified.arguments
    assert [approval.decision, modified, approval.explanation] == expected


async def test_the_time_on_the_terminal_begins_with_the_question() -> None:
    sample = SampleContext()
    calls = [call("shell", command="a"), call("shell", command="b")]
    policies = [
        ApprovalPolicy(human_approver(timeout=0.05), "shell(command='b')"),
        ApprovalPolicy(human_approver(), "*"),
    ]
    with at_terminal() as person:
        person.answers(("(t): ", "n\n"))
        asyncio.get_running_loop().call_later(0.1, person.answers, ("Why?", "no\n"))
        async with asyncio.timeout(5):
            result = await decide(policies, *calls, sample=sample)

    assert outcome(result) == [
        "approval: no",
        "approval: Nobody decided on the call within 0.05 seconds.",
    ]
    inputs = [e.input for e in sample.transcript.events if isinstance(e, InputEvent)]
    assert [text.splitlines()[-1] for text in inputs] == ["Decided: reject.", "Too late."]


async def test_a_cancelled_sample_is_no_timeout() -> None:
    with at_terminal() as person:
        work = asyncio.create_task(decide([ApprovalPolicy(human_approver(timeout=60), "*")]))
        person.answers(("(t): ", work.cancel))
        with pytest.raises(asyncio.CancelledError):
            await work


async def test_only_the_choices_count() -> None:
    with at_terminal() as person:
        person.answers(("approve (y), reject (n): ", "t\n"), ("reject (n): ", "y\n"))
        async with asyncio.timeout(5):
            approval = await human_approver(["approve", "reject"])("", call(), ToolCallView(), [])

    assert approval.decision == "approve"


async def test_what_is_shown_on_the_terminal_is_not_obeyed() -> None:
    asked = call(command="\x1b[2Jrm \u202e-rf\n[bold]/[/bold]")
    sample = SampleContext(sample_id="[red]q1", epoch=2)
    with at_terminal() as person, use_sample(sample):
        person.answers(("terminate (t): ", "y\n"))
        async with asyncio.timeout(5):
            await human_approver()("\x1b[2JI [b]will[/b].", asked, ToolCallView(), [])

    (event,) = sample.transcript.events
    assert isinstance(event, InputEvent)
    lines = event.input.splitlines()
    assert "Is this call of sample [red]q1, epoch 2, to be done?" in lines[0]
    assert lines[1:] == [
        "The model says",
        "\\x1b[2JI [b]will[/b].",
        "",
        "Call",
        "shell(",
        "    command='''\\x1b[2Jrm \\u202e-rf",
        "[bold]/[/bold]''',",
        ")",
        "",
        "approve (y), reject (n), terminate (t): y",
        "Decided: approve.",
    ]
    assert "\x1b[2J" not in person.saw


async def test_one_question_is_asked_at_a_time_while_others_go_on() -> None:
    calls = [call("shell", command="a"), call("shell", command="b")]
    with at_terminal() as person:
        person.answers(("(t): ", "y\n"), ("(t): ", "n\n"), ("Why?", "no\n"))
        async with asyncio.timeout(5):
            result = await decide(ASKS, *calls)

    assert outcome(result) == ["ran a", "approval: no"]
    assert person.saw.index("Decided: approve.") < person.saw.index("shell(command='b')")
