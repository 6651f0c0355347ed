"""react: turns, answers, attempts and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from solvers.agents import (
    AgentAttempts,
    AgentState,
    AgentSubmit,
    agent,
    handoff,
    react,
    run,
)
from tasks_lib._errors import LimitExceededError, PrerequisiteError, ToolError
from tasks_lib.context import message_limit
from tasks_lib.model import get_model
from tasks_lib.schema import ChatMessageUser, GenerateConfig, ModelOutput, Score, Target
from tasks_lib.task import TaskState
from tasks_lib.tool import Tool, ToolDef
from tests.solvers.agents._scripts import (
    MODEL,
    Script,
    echo,
    is_target,
    lines,
    running,
    says,
    submits,
)

GO_ON = (
    "user: Go on with whatever you think is the best next step. If the task is done, report "
    "your answer with submit()."
)
WRONG = (
    "user: That answer is not correct. Look at the task again, go on, and try to find the "
    "correct one."
)


async def even(number: int) -> str:
    """Submit an even number.

    Args:
        number: The number.
    """
    if number % 2:
        raise ToolError("That is odd.")
    return f"{number}!"


async def react_to(script: Script, text: str = "?", **options: Any) -> AgentState:
    options.setdefault("prompt", None)
    with running(script, [is_target]):
        return await run(react(**options), text)


@pytest.mark.parametrize(
    ("replies", "options", "expected"),
    [
        pytest.param([submits("42")], {}, ["assistant: 42"], id="an answer"),
        pytest.param(
            [submits("42", "I know.")], {}, ["assistant: I know.\n\n42"], id="an answer after text"
        ),
        pytest.param([submits("", "It is 42.")], {}, ["assistant: It is 42."], id="an empty one"),
        pytest.param([submits("")], {}, ["assistant: "], id="nothing at all"),
        pytest.param(
            [submits("42", "I know.")],
            {"submit": AgentSubmit(answer_only=True)},
            ["assistant: 42"],
            id="the answer only",
        ),
        pytest.param(
            [submits("42", "I know.")],
            {"submit": AgentSubmit(answer_delimiter=" -> ")},
            ["assistant: I know. -> 42"],
            id="another delimiter",
        ),
        pytest.param(
            [says("", ("echo", {"text": "hi"})), submits("hi")],
            {"tools": [echo]},
            ["assistant:  [echo]", "tool: hi", "assistant: hi"],
            id="a tool first",
        ),
        pytest.param(
            [says("", ("echo", {"text": "hi"}), ("submit", {"answer": "42"}))],
            {"tools": [ToolDef(echo)]},
            ["assistant: 42 [echo]", "tool: hi"],
            id="with another call",
        ),
        pytest.param(
            [says("", ("submit", {"answer": "1"}), ("submit", {"answer": "2"}))],
            {},
            ["assistant: 1"],
            id="the first of two",
        ),
        pytest.param(
            [says("", ("submit", {}), ("submit", {"answer": "2"}))],
            {},
            ["assistant: 2"],
            id="the first that counts",
        ),
        pytest.param(
            [says("Hm."), submits("42")],
            {},
            ["assistant: Hm.", GO_ON, "assistant: 42"],
            id="no call",
        ),
        pytest.param(
            [says("", ("done", {"number": 42}))],
            {"submit": AgentSubmit(name="done", tool=even)},
            ["assistant: 42!"],
            id="another tool",
        ),
        pytest.param(
            [says("", ("even", {"number": 41})), says("", ("even", {"number": 42}))],
            {"submit": AgentSubmit(tool=ToolDef(even, description="Do."))},
            ["assistant: ", "assistant: 42!"],
            id="a tool that refuses",
        ),
        pytest.param([says("42")], {"submit": False}, ["assistant: 42"], id="nothing to submit"),
        pytest.param(
            [says("", ("echo", {"text": "hi"})), says("hi")],
            {"submit": False, "tools": [echo]},
            ["assistant:  [echo]", "tool: hi", "assistant: hi"],
            id="nothing to submit, after a tool",
        ),
    ],
)
async def test_turns(
    replies: list[ModelOutput], options: dict[str, Any], expected: list[str]
) -> None:
    script = Script(*replies)

    state = await react_to(script, **options)

    assert lines(state.messages) == ["user: ?", *expected]
    assert len(script.asked) == len(replies)
    said = [line for line in expected if line.startswith("assistant: ")]
    assert f"assistant: {state.output.completion}" == said[-1].removesuffix(" [echo]")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="missing"),
        pytest.param({"answer": 42}, id="of another type"),
        pytest.param({"answer": "42", "sure": True}, id="one too many"),
    ],
)
async def test_a_submission_whose_arguments_do_not_fit_is_no_answer(
    arguments: dict[str, Any],
) -> None:
    script = Script(says("", ("submit", arguments)), submits("42"))

    state = await react_to(script)

    assert script.asked[1].messages == ["user: ?", "assistant:  [submit]", "tool:  (parsing)"]
    assert state.output.completion == "42"


async def test_the_output_is_the_last_message_without_the_submission() -> None:
    script = Script(says("Both.", ("echo", {"text": "hi"}), ("submit", {"answer": "42"})))

    state = await react_to(script, tools=[echo])

    assert state.output.message is state.messages[1]
    assert [call.function for call in state.output.message.tool_calls or ()] == ["echo"]


async def test_a_message_that_only_submitted_has_no_calls_left() -> None:
    state = await react_to(Script(submits("42")))

    assert state.output.message.tool_calls is None


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(says("I give up."), ["assistant: I give up."], id="a reply"),
        pytest.param(ModelOutput(model="model"), [], id="no reply at all"),
    ],
)
async def test_the_output_stays_the_last_reply_when_submissions_are_removed(
    last: ModelOutput, expected: list[str]
) -> None:
    decisions = iter([True, False])

    async def once(state: AgentState) -> bool:
        return next(decisions)

    script = Script(submits("1"), last)

    state = await react_to(script, attempts=AgentAttempts(2, "No."), on_continue=once)

    assert lines(state.messages) == ["user: ?", "assistant: 1", "user: No.", *expected]
    assert lines([choice.message for choice in state.output.choices]) == expected


async def test_submissions_of_others_are_replaced_not_changed() -> None:
    earlier = submits("old").message
    script = Script(submits("new"))
    given = AgentState(messages=[ChatMessageUser(content="?"), earlier])

    with running(script):
        await react(prompt=None)(given)

    assert lines(given.messages) == ["user: ?", "assistant: ", "assistant: new"]
    assert lines([earlier]) == ["assistant:  [submit]"]


async def test_long_answers_are_not_cut() -> None:
    answer = "x" * 100_000

    state = await react_to(Script(submits(answer)))

    assert state.output.completion == answer


async def test_tool_output_is_cut_as_the_options_of_the_model_say() -> None:
    script = Script(says("", ("echo", {"text": "x" * 50})), submits("done"))
    model = script.model(GenerateConfig(max_tool_output=10))

    with running(get_model(MODEL)):
        await run(react(prompt=None, tools=[echo], model=model), "?")

    assert "xxxxxxxxxx\n" in script.asked[1].messages[-1]
    assert "x" * 11 not in script.asked[1].messages[-1]


@pytest.mark.parametrize(
    ("replies", "attempts", "expected"),
    [
        pytest.param([submits("wrong")], 1, ["assistant: wrong"], id="one"),
        pytest.param(
            [submits("wrong"), submits("right")],
            2,
            ["assistant: wrong", WRONG, "assistant: right"],
            id="the last is not judged",
        ),
        pytest.param(
            [submits("wrong"), submits("right")],
            5,
            ["assistant: wrong", WRONG, "assistant: right"],
            id="right before the last",
        ),
        pytest.param(
            [submits("wrong"), says("", ("submit", {})), submits("bad")],
            AgentAttempts(2, incorrect_message="No {submit}!"),
            ["assistant: wrong", "user: No {submit}!", "assistant: ", "assistant: bad"],
            id="a rejected one is none",
        ),
        pytest.param(
            [submits("right"), submits("right")],
            AgentAttempts(2, score_value=lambda value: 0.99),
            ["assistant: right", WRONG, "assistant: right"],
            id="what the scores are worth",
        ),
    ],
)
async def test_attempts(
    replies: list[ModelOutput], attempts: int | AgentAttempts, expected: list[str]
) -> None:
    script = Script(*replies)

    state = await react_to(script, attempts=attempts)

    assert lines(state.messages) == ["user: ?", *expected]
    assert len(script.asked) == len(replies)


async def test_a_function_says_what_is_wrong() -> None:
    async def tell(state: AgentState, scores: list[Score]) -> str:
        return f"{state.output.completion} is {scores[0].value}"

    script = Script(submits("wrong"), submits("right"))

    await react_to(script, attempts=AgentAttempts(2, incorrect_message=tell))

    assert script.asked[1].messages[-1] == "user: wrong is I"


async def test_a_scorer_without_a_verdict_does_not_make_an_answer_right() -> None:
    async def abstains(state: TaskState, target: Target) -> Score | None:
        return None

    script = Script(submits("1"), submits("2"))
    with running(script, [abstains]):
        state = await run(react(prompt=None, attempts=2), "?")

    assert state.output.completion == "2"


async def test_attempts_where_nothing_scores() -> None:
    with (
        running(Script(submits("1"))),
        pytest.raises(PrerequisiteError, match="Task\\(scorer=…\\)"),
    ):
        await run(react(attempts=2), "?")


@pytest.mark.parametrize(
    ("submit", "expected"),
    [
        pytest.param(None, ["user: ?", GO_ON, "assistant: 42"], id="urged"),
        pytest.param(False, ["user: ?"], id="ends"),
    ],
)
async def test_no_reply_at_all(submit: bool | None, expected: list[str]) -> None:
    state = await react_to(Script(ModelOutput(model="model"), submits("42")), submit=submit)

    assert lines(state.messages) == expected


async def test_a_limit_leaves_what_was_said() -> None:
    script = Script(says("1"), says("2"), says("3"))
    state = AgentState(messages=[ChatMessageUser(content="?")])

    with running(script), message_limit(4), pytest.raises(LimitExceededError):
        await react(prompt=None)(state)

    assert lines(state.messages) == ["user: ?", "assistant: 1", GO_ON, "assistant: 2"]
    assert state.output.completion == "2"


async def test_sources_of_tools_are_asked_when_it_runs() -> None:
    class Source:
        async def tools(self) -> list[Tool]:
            return [ToolDef(echo).as_tool()]

    script = Script(says("", ("echo", {"text": "hi"})), submits("hi"))

    state = await react_to(script, tools=[Source()])

    assert script.asked[0].tools == ["echo", "submit"]
    assert lines(state.messages)[2] == "tool: hi"


@agent(description="Answers.")
def react_helper(*replies: ModelOutput) -> Any:
    return react(prompt=None, model=Script(*replies).model())


HANDOFF = says("", ("transfer_to_react_helper", {}))
HELPED = [
    "assistant:  [transfer_to_react_helper]",
    "tool: Now react_helper goes on with the conversation.",
    "assistant: [react_helper] helped",
    "user: react_helper is done. Go on from here.",
]


async def test_a_handoff() -> None:
    script = Script(HANDOFF, submits("done", "Thanks."))

    state = await react_to(script, tools=[handoff(react_helper(submits("helped")))])

    assert lines(state.messages) == ["user: ?", *HELPED, "assistant: Thanks.\n\ndone"]
    assert state.output.completion == "Thanks.\n\ndone"


async def test_the_output_of_a_handoff_is_that_of_the_agent_until_it_says_more() -> None:
    async def stop(state: AgentState) -> bool:
        return False

    tools = [handoff(react_helper(submits("helped")))]

    state = await react_to(Script(HANDOFF), tools=tools, on_continue=stop)

    assert lines(state.messages) == ["user: ?", *HELPED]
    assert state.output.completion == "helped"


async def test_an_answer_is_that_of_who_submits_it_not_of_a_handoff_in_the_same_message() -> None:
    script = Script(says("Mine:", ("transfer_to_react_helper", {}), ("submit", {"answer": "42"})))

    state = await react_to(script, tools=[handoff(react_helper(submits("helped")))])

    assert state.output.completion == "Mine:\n\n42"


async def test_one_agent_runs_many_samples_at_once_without_mixing_their_answers() -> None:
    solver = react(prompt=None)

    async def sample(number: int) -> str:
        with running(Script(says("Hm."), submits(str(number)))):
            return (await run(solver, "?")).output.completion

    answers = await asyncio.gather(*(sample(number) for number in range(20)))

    assert answers == [str(number) for number in range(20)]
