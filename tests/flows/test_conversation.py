"""The display that prints what is said in samples, and when it is refused."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows._display import Display
from flows.eval import eval as run_eval
from flows.eval_set import eval_set
from scorers import Score, Scorer, Target, accuracy, scorer
from solvers import Generate, Solver, TaskState, generate, solver, use_tools
from tasks_lib import Task
from tasks_lib._errors import DisplayError, ParameterError
from tasks_lib.context import SampleContext, Transcript, transcript, use_sample
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ApprovalEvent,
    ChatMessageUser,
    ErrorEvent,
    EvalError,
    InfoEvent,
    ModelOutput,
    Sample,
    SampleInitEvent,
    SampleLimitEvent,
    ScoreEvent,
    ToolCall,
    ToolEvent,
)
from tasks_lib.schema import (
    Score as LoggedScore,
)
from tasks_lib.tool import Tool, tool


@tool(name="add_for_show")
def _add() -> Tool:
    async def execute(x: int, y: int) -> str:
        """Add two numbers.

        Args:
            x: One.
            y: The other.
        """
        return f"the sum is {x + y}\x1b[2J"

    return execute


@scorer(metrics=[accuracy()], name="judges_for_show")
def _judge() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C", answer=state.output.completion, explanation="as it [b]should[/b]")

    return score


@solver(name="breaks_for_show")
def _breaks() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "last":
            raise ValueError("broke\x07")
        return state

    return solve


SHOWN = """
━━ shown on mockllm/model: sample 'first', epoch 1

── user
What is 1+2?

── assistant model
Calling the tool add_for_show.
→ add_for_show(x=1, y=2)

── tool add_for_show
the sum is 3\\x1b[2J

── assistant model
It is [red]3[/red].

── score judges_for_show: C
answer: It is [red]3[/red].
as it [b]should[/b]

━━ shown on mockllm/model: sample 'last', epoch 1

── user
Break.

── error ValueError: broke\\x07
shown on mockllm/model: 2/2 · score 1.000 · 1 errors · 0 tokens · """


@pytest.mark.usefixtures("prefect_harness")
def test_one_sample_after_another(log_dir: str, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [
        ModelOutput.for_tool_call("model", "add_for_show", {"x": 1, "y": 2}),
        ModelOutput.from_content("model", "It is [red]3[/red]."),
    ]
    task = Task(
        dataset=[Sample(id="first", input="What is 1+2?"), Sample(id="last", input="Break.")],
        solver=[_breaks(), use_tools(_add()), generate()],
        scorer=_judge(),
        name="shown",
        fail_on_error=False,
    )

    [log] = run_eval(
        task, get_model("mockllm/model", custom_outputs=answers), log_dir=log_dir, trace=True
    )

    shown = capsys.readouterr().err
    assert shown[: len(SHOWN)] == SHOWN
    assert log.status == "success"
    assert read_eval_log(log.location, header_only=True).eval.config.max_samples == 1


def conversation() -> tuple[Display, StringIO]:
    text = StringIO()
    return Display("conversation", Console(file=text, width=100)), text


def test_what_happens_during_a_question_is_printed_after_it() -> None:
    display, text = conversation()
    with display.show(), use_sample(SampleContext("s", 1)):
        transcript().record(limit("before"))
        with display.paused(resume=False):
            transcript().record(limit("meanwhile"))
            within = text.getvalue()
        transcript().record(limit("after"))

    assert within == "\n── limit before\n"
    assert text.getvalue() == within + "\n── limit meanwhile\n\n── limit after\n"


def limit(message: str) -> SampleLimitEvent:
    return SampleLimitEvent(type="token", message=message, limit=1)


def call(arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(id="c", function="sh", arguments=arguments)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(limit("too\x1b[2J much"), "── limit too\\x1b[2J much", id="limit"),
        pytest.param(
            ErrorEvent(error=EvalError(message="a\nb", traceback="")), "── error a b", id="error"
        ),
        pytest.param(
            ApprovalEvent(
                message="", call=call({}), approver="human", decision="reject", explanation="no\x07"
            ),
            "── approval sh: reject by human\nno\\x07",
            id="rejected",
        ),
        pytest.param(
            ApprovalEvent(message="", call=call({}), approver="auto", decision="approve"),
            "",
            id="approved: the call says it",
        ),
        pytest.param(
            ScoreEvent(score=LoggedScore(value={"a": 1, "b": "\ud800"})),
            "── score score: {'a': 1, 'b': '\\ud800'}",
            id="a score that is no JSON, of no scorer",
        ),
        pytest.param(
            ToolEvent(id="c", function="sh", arguments={}, result=["a", 1]),
            '── tool sh\n["a",1]',
            id="result that is no text",
        ),
        pytest.param(
            ToolEvent(id="c", function="sh", arguments={}, pending=True), "", id="tool that runs"
        ),
        pytest.param(InfoEvent(data="x"), "", id="not said"),
    ],
)
def test_events(event: Any, expected: str) -> None:
    display, text = conversation()
    with display.show(), use_sample(SampleContext("s", 1)):
        transcript().record(event)
        transcript().record(InfoEvent(data="the next event"))

    assert text.getvalue().strip("\n") == expected


def test_a_sample_that_is_run_again_is_printed_again() -> None:
    display, text = conversation()
    message = ChatMessageUser(content="Once more.", id="m")
    begin = SampleInitEvent(sample=Sample(id=1, input=""), state={"messages": [message]})
    with display.show():
        display.task("sums", "a/x", 1)
        for epoch in (1, 2):
            with use_sample(SampleContext(1, epoch)):
                transcript().record(begin.model_copy())

    head = "\n━━ sums on a/x: sample 1, epoch {}\n\n── user\nOnce more.\n"
    assert text.getvalue() == head.format(1) + head.format(2)


def test_nobody_listens_outside() -> None:
    display, text = conversation()
    with display.show():
        pass
    Transcript().record(limit("unheard"))

    assert text.getvalue() == ""


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"max_tasks": 2}, ParameterError, "max_tasks is 2.*conversation", id="tasks"),
        pytest.param(
            {"max_samples": 2}, ParameterError, "max_samples is 2.*conversation", id="samples"
        ),
        pytest.param(
            {"model": ["mockllm/one", "mockllm/two"]},
            DisplayError,
            "conversation.*2: mockllm/one, mockllm/two",
            id="models",
        ),
        pytest.param(
            {"display": "plain", "trace": True},
            ParameterError,
            "trace.*'plain'",
            id="other display",
        ),
    ],
)
def test_refused_before_anything_runs(
    options: dict[str, Any], error: type[Exception], message: str, own_folder: Path
) -> None:
    task = Task(dataset=[Sample(input="x")], name="unseen")
    arguments = {"model": "mockllm/model", "display": "conversation", **options}

    with pytest.raises(error, match=message):
        run_eval(task, **arguments)

    assert list(own_folder.iterdir()) == []


def test_an_eval_set_is_no_conversation(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_DISPLAY", "conversation")

    with pytest.raises(RuntimeError, match="eval_set: display is 'conversation'") as refused:
        eval_set(Task(dataset=[Sample(input="x")], name="unseen"), "logs", "mockllm/model")

    assert isinstance(refused.value, DisplayError)
    assert list(own_folder.iterdir()) == []
