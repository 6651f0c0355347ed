"""The tool by which a model submits its answer, and what it tells who listens."""

from __future__ import annotations

from typing import Any

import pytest

from solvers.agents._submit import SubmitTool
from tasks_lib.approval import Approval, ApprovalPolicy, Approver, approver, use_approval
from tasks_lib.schema import ChatMessage, ContentImage, ContentText, ToolCall, ToolCallView
from tasks_lib.tool import Tool, ToolDef, execute_tools, tool, tool_def, tool_with
from tests.solvers.agents._scripts import Call, echo, lines, says

PARTS = [ContentText(text="a"), ContentImage(image="data:,"), ContentText(text="b")]


@tool(parallel=False)
def hand_in() -> Tool:
    async def execute(work: str) -> str:
        """Hand it in.

        Args:
            work: The work.
        """
        return work

    return execute


class Desk:
    async def __call__(self, work: str) -> str:
        """Put it on the desk.

        Args:
            work: The work.
        """
        return f"desk: {work}"


def asking(*calls: Call) -> list[ChatMessage]:
    return [says("", *calls).message]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            SubmitTool(),
            ("submit", "Report your answer, which ends your work on the task.", ["answer"], True),
            id="default",
        ),
        pytest.param(
            SubmitTool(name="done", description="Do."),
            ("done", "Do.", ["answer"], True),
            id="other words",
        ),
        pytest.param(
            SubmitTool(hand_in()), ("hand_in", "Hand it in.", ["work"], False), id="another tool"
        ),
        pytest.param(
            SubmitTool(ToolDef(hand_in(), description="Do."), name="done"),
            ("done", "Do.", ["work"], False),
            id="a definition",
        ),
        pytest.param(
            SubmitTool(tool_with(hand_in(), "give", parameters={"work": "What."})),
            ("give", "Hand it in.", ["work"], False),
            id="a changed tool",
        ),
        pytest.param(
            SubmitTool(ToolDef(Desk(), "desk")),
            ("desk", "Put it on the desk.", ["work"], True),
            id="an object",
        ),
    ],
)
def test_what_the_model_is_told(made: SubmitTool, expected: tuple[object, ...]) -> None:
    known = tool_def(made.tool)

    assert made.name == known.name
    assert (
        known.name,
        known.description,
        list(known.parameters.properties),
        known.parallel,
    ) == expected


def test_the_tool_that_is_given_stays_what_it_is() -> None:
    given = hand_in()

    SubmitTool(given, name="done", description="Do.")

    assert (tool_def(given).name, tool_def(given).description) == ("hand_in", "Hand it in.")


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        pytest.param("x" * 20_000, "x" * 20_000, id="long text"),
        pytest.param(42, "42", id="a number"),
        pytest.param(True, "True", id="a truth"),
        pytest.param(PARTS[0], "a", id="a part"),
        pytest.param(PARTS, "a\nb", id="parts"),
        pytest.param([1, 2], "[1, 2]", id="something else"),
    ],
)
async def test_the_answer_is_the_text_of_the_result(result: Any, answer: str) -> None:
    async def give() -> Any:
        """Give it."""
        return result

    submit = SubmitTool(ToolDef(give))
    with submit.listening() as answers:
        await execute_tools(asking(("give", {})), [submit.tool])

    assert answers == [answer]


async def test_answers_in_their_order_without_what_was_rejected() -> None:
    submit = SubmitTool()
    calls: list[Call] = [
        ("submit", {}),
        ("submit", {"answer": "1"}),
        ("echo", {"text": "0"}),
        ("submit", {"answer": "2"}),
    ]

    with submit.listening() as answers:
        results = await execute_tools(asking(*calls), [submit.tool, echo])

    assert answers == ["1", "2"]
    assert lines(results.messages) == ["tool:  (parsing)", "tool: 1", "tool: 0", "tool: 2"]


async def test_who_listens_further_inside_gets_the_answers() -> None:
    submit = SubmitTool()
    call = asking(("submit", {"answer": "1"}))

    with submit.listening() as outer:
        with submit.listening() as inner:
            await execute_tools(call, [submit.tool])
        await execute_tools(call, [submit.tool])

    assert (outer, inner) == (["1"], ["1"])
    await execute_tools(call, [submit.tool])
    assert (outer, inner) == (["1"], ["1"])


@approver
def submit_checker() -> Approver:
    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        if call.arguments["answer"] == "no":
            return Approval(decision="reject", explanation="Not this one.")
        better = call.model_copy(update={"arguments": {"answer": "better"}})
        return Approval(decision="modify", modified=better)

    return approve


async def test_what_an_approver_rejects_is_no_answer_and_what_it_changes_is_the_changed_one() -> (
    None
):
    submit = SubmitTool()
    calls: list[Call] = [("submit", {"answer": "no"}), ("submit", {"answer": "good"})]

    with use_approval([ApprovalPolicy(submit_checker(), "submit")]), submit.listening() as answers:
        results = await execute_tools(asking(*calls), [submit.tool])

    assert answers == ["better"]
    assert lines(results.messages) == ["tool:  (approval)", "tool: better"]
