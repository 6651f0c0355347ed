"""basic_agent: turns, answers, attempts and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from solvers import chain, system_message, use_tools
from solvers._basic_agent import DEFAULT_SYSTEM_MESSAGE, basic_agent
from solvers.agents import handoff, react
from tasks_lib._errors import LimitExceededError, ParameterError, ToolDefinitionError
from tasks_lib.context import current_sample
from tasks_lib.schema import (
    GenerateConfig,
    InfoEvent,
    ModelOutput,
    ModelUsage,
    Score,
    SpanBeginEvent,
    Target,
)
from tasks_lib.task import Generate, Solver, TaskState
from tests.solvers.agents._scripts import (
    Script,
    echo,
    is_target,
    lines,
    running,
    says,
    submits,
)

GO_ON = "user: Go on with whatever you think is the best next step."
WRONG = (
    "user: The answer that you submitted is not correct. Go on and try to find the correct one.\n"
)


def answered(answer: str) -> list[str]:
    """Return what is left of the turn in which an answer was submitted."""
    return [f"assistant: {answer} [submit]", f"tool: {answer}"]


async def no_generate(state: TaskState, **options: Any) -> TaskState:
    raise AssertionError("basic_agent asks the model itself")


async def solve(solver: Solver, state: TaskState) -> TaskState:
    generate: Any = no_generate
    return await solver(state, generate)


async def nothing(state: TaskState, generate: Generate) -> TaskState:
    return state


async def solved(script: Script, **options: Any) -> TaskState:
    options.setdefault("init", [])
    with running(script, [is_target]) as state:
        return await solve(basic_agent(**options), state)


@pytest.mark.parametrize(
    ("replies", "options", "expected", "completion"),
    [
        pytest.param(
            [submits("42", "I know.")],
            {},
            answered("42"),
            "42",
            id="an answer replaces what was said",
        ),
        pytest.param(
            [submits("42", "I know.")],
            {"submit_append": True},
            ["assistant: I know.\n\n42 [submit]", "tool: 42"],
            "I know.\n\n42",
            id="an answer is appended",
        ),
        pytest.param(
            [submits("", "I give up.")],
            {},
            answered(""),
            "",
            id="an empty answer is one",
        ),
        pytest.param(
            [says("", ("submit", {"answer": 5})), submits("42")],
            {},
            ["assistant:  [submit]", "tool:  (parsing)", *answered("42")],
            "42",
            id="a rejected one is none",
        ),
        pytest.param(
            [says("Hm."), says("", ("echo", {"text": "hi"})), submits("hi")],
            {"tools": [echo]},
            ["assistant: Hm.", GO_ON, "assistant:  [echo]", "tool: hi", *answered("hi")],
            "hi",
            id="turns",
        ),
        pytest.param(
            [says("Hm."), submits("42")],
            {"continue_message": "Go!"},
            ["assistant: Hm.", "user: Go!", *answered("42")],
            "42",
            id="another word to go on",
        ),
        pytest.param(
            [ModelOutput(model="model"), submits("42")],
            {},
            [GO_ON, *answered("42")],
            "42",
            id="no reply at all",
        ),
        pytest.param(
            [says("", ("done", {"answer": "42"}))],
            {"submit_name": "done"},
            ["assistant: 42 [done]", "tool: 42"],
            "42",
            id="another name",
        ),
        pytest.param(
            [submits("wrong"), submits("right"), submits("no more")],
            {"max_attempts": 3},
            [*answered("wrong"), WRONG, *answered("right")],
            "right",
            id="right before the last attempt",
        ),
        pytest.param(
            [submits("wrong"), submits("bad"), submits("no more")],
            {"max_attempts": 2, "incorrect_message": "No."},
            [*answered("wrong"), "user: No.", *answered("bad")],
            "bad",
            id="the last attempt is not judged",
        ),
        pytest.param(
            [submits("right"), submits("right")],
            {"max_attempts": 2, "score_value": lambda value: 0.5, "incorrect_message": "No."},
            [*answered("right"), "user: No.", *answered("right")],
            "right",
            id="what the scores are worth",
        ),
        pytest.param(
            [says("Too long.", stop="model_length")],
            {},
            ["assistant: Too long."],
            "Too long.",
            id="too long for the model",
        ),
    ],
)
async def test_turns(
    replies: list[ModelOutput], options: dict[str, Any], expected: list[str], completion: str
) -> None:
    script = Script(*replies)

    state = await solved(script, **options)

    assert lines(state.messages) == ["user: ?", *expected]
    assert state.output.completion == completion


async def test_the_output_of_a_handoff_is_that_of_the_agent_until_the_model_says_more() -> None:
    helper = Script(submits("helped"))
    agent = react(name="basic_helper", description="Helps.", prompt=None, model=helper.model())
    script = Script(says("", ("transfer_to_basic_helper", {})))

    with running(script) as state, pytest.raises(LimitExceededError):
        solver = basic_agent(init=[], tools=[handoff(agent)], message_limit=5)
        await solve(solver, state)

    assert state.output.completion == "helped"
    assert lines(state.messages)[-2:] == [
        "assistant: [basic_helper] helped",
        "user: basic_helper is done. Go on from here.",
    ]


async def test_that_it_ended_for_length_is_in_the_transcript() -> None:
    with running(Script(says("", stop="model_length"))) as state:
        await solve(basic_agent(), state)
        context = current_sample()

    assert context is not None
    infos = [event for event in context.transcript.events if isinstance(event, InfoEvent)]
    assert [(info.source, info.data) for info in infos] == [
        ("basic_agent", "The conversation is too long for the model: the agent ends.")
    ]


def wrong(state: TaskState, scores: list[Score]) -> str:
    return f"{state.output.completion}: {scores[0].value}"


async def wrong_async(state: TaskState, scores: list[Score]) -> str:
    return wrong(state, scores)


@pytest.mark.parametrize("message", [wrong, wrong_async])
async def test_a_function_says_what_is_wrong(message: Callable[..., Any]) -> None:
    script = Script(submits("wrong"), submits("right"))

    await solved(script, max_attempts=2, incorrect_message=message)

    assert script.asked[1].messages[-1] == "user: wrong: I"


async def test_a_scorer_without_a_verdict_does_not_make_an_answer_right() -> None:
    async def abstains(state: TaskState, target: Target) -> Score | None:
        return None

    with running(Script(submits("1"), submits("2")), [abstains]) as state:
        await solve(basic_agent(max_attempts=2), state)

    assert state.output.completion == "2"


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        pytest.param(None, "system: " + DEFAULT_SYSTEM_MESSAGE, id="default"),
        pytest.param(system_message("Be brief."), "system: Be brief.", id="a solver"),
        pytest.param(
            [system_message("Be brief."), nothing], "system: Be brief.", id="several solvers"
        ),
    ],
)
async def test_what_runs_first(init: Any, expected: str) -> None:
    script = Script(says("", ("report", {"answer": "42"})))

    await solved(script, init=init, submit_name="report", submit_description="Report it.")

    assert script.asked[0].messages == [expected.replace("{submit}", "report"), "user: ?"]


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        pytest.param(None, ["given", "submit"], id="none"),
        pytest.param([echo], ["given", "echo", "submit"], id="more"),
        pytest.param(use_tools(echo), ["echo", "submit"], id="a solver"),
        pytest.param(chain(use_tools(echo), nothing), ["echo", "submit"], id="a solver of solvers"),
    ],
)
async def test_tools(tools: Any, expected: list[str]) -> None:
    async def given() -> str:
        """Do it."""
        return ""

    script = Script(submits("42"))

    await solved(script, init=use_tools(given), tools=tools)

    assert script.asked[0].tools == expected


@pytest.mark.parametrize(
    ("of_sample", "of_agent", "expected"),
    [
        pytest.param(None, None, 50, id="default"),
        pytest.param(7, None, 7, id="that of the sample"),
        pytest.param(None, 6, 6, id="that of the agent"),
        pytest.param(5, 6, 6, id="that of the agent before that of the sample"),
    ],
)
async def test_the_message_limit(
    of_sample: int | None, of_agent: int | None, expected: int
) -> None:
    with running(Script(*[says("Hm.")] * 50)) as state:
        state.message_limit = of_sample
        with pytest.raises(LimitExceededError) as reached:
            await solve(basic_agent(init=[], message_limit=of_agent), state)

    assert (reached.value.type, reached.value.limit) == ("message", expected)
    assert state.message_limit == expected


async def test_the_token_limit_counts_from_the_first_turn() -> None:
    def costs(reply: ModelOutput) -> ModelOutput:
        return reply.model_copy(update={"usage": ModelUsage(total_tokens=10)})

    script = Script(*[costs(says("Hm.")) for _ in range(5)])
    with running(script) as state:

        async def spend(state: TaskState, generate: Generate) -> TaskState:
            await model.generate("?")
            return state

        model = script.model()
        with pytest.raises(LimitExceededError) as reached:
            await solve(basic_agent(init=spend, token_limit=25), state)

    assert (reached.value.type, reached.value.value, reached.value.limit) == ("token", 30, 25)
    assert len(script.asked) == 4
    assert state.token_usage == 40


@pytest.mark.parametrize(
    ("of_agent", "of_model", "shown"),
    [
        pytest.param(None, None, 50, id="all"),
        pytest.param(10, None, 10, id="that of the agent"),
        pytest.param(None, 20, 20, id="that of the model"),
        pytest.param(10, 20, 10, id="that of the agent before that of the model"),
    ],
)
async def test_tool_output_is_cut(of_agent: int | None, of_model: int | None, shown: int) -> None:
    script = Script(says("", ("echo", {"text": "x" * 50})), submits("x" * 50))

    with running(script.model(GenerateConfig(max_tool_output=of_model)), [is_target]) as state:
        await solve(basic_agent(init=[], tools=[echo], max_tool_output=of_agent), state)

    assert script.asked[1].messages[-1].count("x") == shown
    assert state.output.completion == "x" * 50


async def test_it_ends_when_the_state_is_completed() -> None:
    async def complete(state: TaskState, generate: Generate) -> TaskState:
        state.completed = True
        return state

    state = await solved(Script(), init=complete)

    assert lines(state.messages) == ["user: ?"]


async def test_the_cache_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("EVAL_CACHE_DIR", str(tmp_path))
    script = Script(submits("42"))

    first = await solved(script, cache=True)
    second = await solved(script, cache=True)

    assert [first.output.completion, second.output.completion] == ["42", "42"]
    assert len(script.asked) == 1


async def test_its_steps_are_in_the_transcript() -> None:
    with running(Script(submits("42"))) as state:
        await solve(basic_agent(), state)
        context = current_sample()

    assert context is not None
    begun = [event for event in context.transcript.events if isinstance(event, SpanBeginEvent)]
    assert [(event.name, event.type) for event in begun] == [
        ("system_message", "solver"),
        ("use_tools", "solver"),
        ("submit", "tool"),
    ]


async def test_max_messages_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="use message_limit") as warned:
        solver = basic_agent(max_messages=3)
    assert warned[0].filename == __file__

    with running(Script(*[says("Hm.")] * 5)) as state, pytest.raises(LimitExceededError):
        await solve(solver, state)
    assert state.message_limit == 3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"max_attempts": 0}, ParameterError, "max_attempts is 0", id="attempts"),
        pytest.param({"message_limit": 0}, ParameterError, "message_limit is 0", id="messages"),
        pytest.param({"token_limit": -1}, ParameterError, "token_limit is -1", id="tokens"),
        pytest.param({"max_tool_output": -1}, ParameterError, "max_tool_output is -1", id="bytes"),
        pytest.param({"tools": echo}, ParameterError, "expected a list of tools", id="one tool"),
        pytest.param({"tools": [5]}, ToolDefinitionError, "'5' is no tool", id="no tool"),
        pytest.param(
            {"tools": [echo], "submit_name": "echo"},
            ToolDefinitionError,
            "'echo' is there twice",
            id="two of a name",
        ),
        pytest.param({"init": 5}, TypeError, "5 is not a solver", id="no solver"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        basic_agent(**options)
