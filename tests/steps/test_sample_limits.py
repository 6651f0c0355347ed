"""Limits of a sample: where they end it, and what is scored then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from scorers import scorer
from solvers import Plan, chain, fork, generate, solver
from solvers.agents import Agent, AgentState, agent, as_solver
from tasks_lib._errors import LimitExceededError
from tasks_lib.context import apply_limits, on_hold, token_limit, waiting
from tasks_lib.model import get_model
from tasks_lib.schema import (
    ChatMessageUser,
    EvalSample,
    ModelEvent,
    ModelOutput,
    SampleLimitEvent,
    Score,
    Target,
)
from tasks_lib.task import Generate, Scorer, Solver, TaskState
from tasks_lib.tool import Tool, tool
from tests.steps._limited import (
    MODEL,
    SHORT,
    Work,
    ask,
    evaluated,
    hang,
    limited_step,
    named,
    replace,
    says,
    talk,
)

STEP = limited_step


async def wait_and_go_on(state: TaskState, generate: Generate) -> TaskState:
    with waiting():
        await asyncio.sleep(3 * SHORT)
    with on_hold():
        await asyncio.sleep(SHORT)
    return await generate(state)


async def allow_two(state: TaskState, generate: Generate) -> TaskState:
    state.message_limit = 2
    return await talk(state, generate)


async def allow_few_tokens(state: TaskState, generate: Generate) -> TaskState:
    state = await generate(state)
    state.token_limit = 9
    return state


async def complain(state: TaskState, generate: Generate) -> TaskState:
    raise LimitExceededError("custom", value=3, limit=2, message="Too bold.")


async def begin_to_ask(state: TaskState, generate: Generate) -> TaskState:
    # The model answers at once: something must wait for the clock to be looked at.
    await asyncio.sleep(0)
    return await generate(state)


CASES = [
    pytest.param("message_limit", 0, [ask], 0, ["q"], "", id="no message"),
    pytest.param("message_limit", 1, [ask], 0, ["q"], "", id="no room for an answer"),
    pytest.param("message_limit", 2, [ask, ask], 1, ["q", "right"], "right", id="for one"),
    pytest.param("message_limit", 3, [talk], 0, ["q", "more", "more"], "", id="added"),
    pytest.param(None, 2, [allow_two], 0, ["q", "more"], "", id="set by the solver"),
    pytest.param("token_limit", 15, [ask, ask], 2, ["q", "right"], "right", id="tokens"),
    pytest.param("token_limit", 0, [ask], 1, ["q"], "", id="no tokens"),
    pytest.param(None, 9, [allow_few_tokens], 1, ["q", "right"], "right", id="tokens, set"),
    pytest.param("time_limit", SHORT, [ask, hang], 1, ["q", "right"], "right", id="time"),
    pytest.param("time_limit", SHORT, [wait_and_go_on], 0, ["q"], "", id="time waited"),
    pytest.param("time_limit", 0, [begin_to_ask], 0, ["q"], "", id="no time"),
    pytest.param("working_limit", SHORT, [ask, hang], 1, ["q", "right"], "right", id="work"),
    pytest.param("working_limit", 0, [begin_to_ask], 0, ["q"], "", id="no work"),
]


@pytest.mark.parametrize(("name", "limit", "steps", "calls", "texts", "completion"), CASES)
async def test_a_limit_ends_the_solvers_and_the_sample_is_scored(
    name: str | None, limit: float, steps: list[Work], calls: int, texts: list[str], completion: str
) -> None:
    config = {name: limit} if name else {}
    sample, error = await evaluated([STEP(step) for step in steps], config=config)

    kind = (name or ("message_limit" if "more" in texts else "token_limit")).partition("_")[0]
    assert (error, sample.error) == (None, None)
    assert sample.limit is not None
    assert (sample.limit.type, sample.limit.limit) == (kind, limit)
    assert [e.type for e in sample.events if isinstance(e, SampleLimitEvent)] == [kind]
    assert sum(isinstance(e, ModelEvent) for e in sample.events) == calls
    assert [m.text for m in sample.messages] == texts
    assert sample.output.completion == completion
    assert verdict(sample) == ("C" if completion == "right" else "I")


def verdict(sample: EvalSample) -> object:
    assert sample.scores is not None
    return sample.scores["match"].value


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        pytest.param({"message_limit": 2}, [ask], id="messages"),
        pytest.param({"token_limit": 20}, [ask, ask], id="tokens"),
        pytest.param({"time_limit": 60, "working_limit": 60}, [ask], id="times"),
        pytest.param({"working_limit": SHORT}, [wait_and_go_on], id="waiting is no work"),
    ],
)
async def test_what_is_just_allowed(config: dict[str, float], steps: list[Work]) -> None:
    sample, error = await evaluated([STEP(step) for step in steps], config=config)

    assert (error, sample.limit, verdict(sample)) == (None, None, "C")


@solver
class Replacing:
    """A solver that is an object."""

    async def __call__(self, state: TaskState, generate: Generate) -> TaskState:
        return await replace(state, generate)


@agent
def replacing_its_state() -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Return another state."""
        fresh = AgentState(messages=[ChatMessageUser(content="replaced")])
        fresh.output = says("right")
        return fresh

    return execute


async def fork_and_take_one(state: TaskState, generate: Generate) -> TaskState:
    _, second = await fork(state, [STEP(ask), STEP(replace)])
    return second


async def replace_and_hang_inside(state: TaskState, generate: Generate) -> TaskState:
    return await chain(STEP(replace), STEP(hang))(state, generate)


@pytest.mark.parametrize(
    "replacing",
    [
        pytest.param([STEP(replace), STEP(hang)], id="a function"),
        pytest.param([Replacing(), STEP(hang)], id="an object"),
        pytest.param([chain(STEP(replace), STEP(hang))], id="in a chain"),
        pytest.param([chain(STEP(ask), chain(STEP(replace))), STEP(hang)], id="a chain"),
        pytest.param([Plan([STEP(replace), STEP(hang)], internal=True)], id="in a plan"),
        pytest.param([Plan([STEP(replace)], internal=True), STEP(hang)], id="a plan"),
        pytest.param([STEP(fork_and_take_one), STEP(hang)], id="a branch"),
        pytest.param([STEP(replace_and_hang_inside)], id="in a chain of a solver"),
        pytest.param([as_solver(replacing_its_state()), STEP(hang)], id="an agent"),
    ],
)
@pytest.mark.parametrize("name", ["time_limit", "working_limit"])
async def test_the_state_that_a_solver_returned_last_is_scored(
    replacing: Sequence[Solver], name: str
) -> None:
    sample, error = await evaluated(replacing, config={name: 2 * SHORT})

    assert error is None and sample.limit is not None
    assert [m.text for m in sample.messages] == ["replaced"]
    assert (sample.output.completion, verdict(sample)) == ("right", "C")


@pytest.mark.parametrize(
    ("limit", "then"), [("message_limit", [talk]), ("token_limit", [ask, ask])]
)
async def test_it_is_scored_whatever_the_limit(limit: str, then: list[Work]) -> None:
    steps = [STEP(step) for step in (replace, *then)]
    sample, _ = await evaluated(steps, [says("wrong"), says("wrong")], config={limit: 5})

    assert sample.limit is not None and sample.limit.type == limit.partition("_")[0]
    assert sample.messages[0].text == "replaced"
    assert verdict(sample) == "C"


async def test_the_order_of_events() -> None:
    sample, _ = await evaluated([STEP(talk), generate()], config={"message_limit": 2})

    assert [named(event) for event in sample.events] == [
        "span_begin init",
        "sample_init",
        "span_end",
        "span_begin solvers",
        "span_begin limited_step",
        "state",
        "span_end",
        "span_end",
        "sample_limit message",
        "span_begin scorers",
        "span_begin match",
        "score",
        "span_end",
        "span_end",
    ]


async def test_a_limit_in_the_setup_leaves_the_solvers_out() -> None:
    cleaned: list[bool] = []

    async def clean(state: TaskState) -> None:
        cleaned.append(state._completed)

    sample, _ = await evaluated(
        generate(), config={"message_limit": 2}, task={"setup": STEP(talk), "cleanup": clean}
    )

    assert sample.limit is not None and sample.limit.type == "message"
    assert not any(isinstance(event, ModelEvent) for event in sample.events)
    assert (cleaned, verdict(sample)) == ([True], "I")


async def test_setup_and_solvers_share_the_time() -> None:
    async def nap(state: TaskState, generate: Generate) -> TaskState:
        await asyncio.sleep(0.6 * SHORT * 3)
        return state

    sample, _ = await evaluated(
        STEP(nap), config={"time_limit": SHORT * 3}, task={"setup": STEP(nap)}
    )

    assert sample.limit is not None and sample.limit.type == "time"


@scorer(metrics=[])
def asking_for_a_while(seconds: float) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        state.messages.append(ChatMessageUser(content="?"))
        for _ in range(2):
            await get_model().generate(state.messages)
        await asyncio.sleep(seconds)
        return Score(value="C")

    return score


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"message_limit": 1}, id="messages"),
        pytest.param({"token_limit": 1}, id="tokens"),
        pytest.param({"working_limit": 0}, id="work"),
        pytest.param({"time_limit": 0}, id="no time"),
        pytest.param({"time_limit": 10}, id="half of much time"),
    ],
)
async def test_limits_do_not_hold_for_scorers(config: dict[str, float]) -> None:
    sample, error = await evaluated(
        STEP(begin_to_ask), config=config, scorer=asking_for_a_while(0.01)
    )

    assert error is None and sample.scores is not None
    assert sample.scores["asking_for_a_while"].value == "C"


async def test_scoring_that_takes_more_than_half_the_time_limit_is_an_error() -> None:
    sample, error = await evaluated(
        generate(), config={"time_limit": 2 * SHORT}, scorer=asking_for_a_while(1.5 * SHORT)
    )

    assert isinstance(error, TimeoutError)
    assert (sample.limit, sample.scores) == (None, None)
    assert sample.error is not None
    assert sample.error.message == (
        "TimeoutError: Scoring took longer than 0.05 s, half the sample's time limit: raise "
        "time_limit if the scorers need more."
    )


@scorer(metrics=[])
def impatient() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        raise TimeoutError("the scorer's own")

    return score


async def test_a_timeout_of_the_scorer_is_its_own() -> None:
    _, error = await evaluated(generate(), config={"time_limit": 60}, scorer=impatient())

    assert isinstance(error, TimeoutError) and str(error) == "the scorer's own"


async def spend_within(state: TaskState, generate: Generate) -> TaskState:
    with apply_limits([token_limit(5)], catch_errors=True) as scope:
        await get_model().generate("?")
    state.metadata["caught"] = scope.limit_error is not None
    return await generate(state)


async def spend_too_much(state: TaskState, generate: Generate) -> TaskState:
    with apply_limits([token_limit(5)]):
        return await generate(state)


async def test_a_limit_that_was_caught_is_not_one_of_the_sample() -> None:
    sample, error = await evaluated(STEP(spend_within))

    assert (error, sample.limit, verdict(sample)) == (None, None, "C")
    assert sample.metadata == {"caught": True}
    assert not any(isinstance(event, SampleLimitEvent) for event in sample.events)


@pytest.mark.parametrize(
    ("work", "kind", "limit", "message"),
    [
        pytest.param(
            spend_too_much, "token", 5, "The token limit of 5 was exceeded: 10.", id="of a block"
        ),
        pytest.param(complain, "custom", 2, "Too bold.", id="of the solver's own"),
    ],
)
async def test_a_limit_that_nobody_catches_ends_the_sample(
    work: Work, kind: str, limit: float, message: str
) -> None:
    sample, error = await evaluated(STEP(work))

    assert error is None and sample.limit is not None
    assert (sample.limit.type, sample.limit.limit) == (kind, limit)
    told = [e.message for e in sample.events if isinstance(e, SampleLimitEvent)]
    assert (told, verdict(sample)) == ([message], "I")


@tool
def asking_a_model() -> Tool:
    async def execute(within: int) -> str:
        """Ask.

        Args:
            within: Tokens that it may use; 0: what is left.
        """
        with apply_limits([token_limit(within or None)]):
            return (await get_model().generate("?")).completion

    return execute


def calls_the_tool(within: int) -> ModelOutput:
    output = ModelOutput.for_tool_call(
        MODEL, "asking_a_model", {"within": within}, content="Calling it."
    )
    output.usage = says("").usage
    return output


@pytest.mark.parametrize(
    ("within", "limit", "completion"),
    [
        pytest.param(5, None, "right", id="of the tool"),
        pytest.param(0, 15, "Calling it.", id="of the sample"),
    ],
)
async def test_a_limit_in_a_tool_is_told_to_the_model(
    within: int, limit: int | None, completion: str
) -> None:
    outputs = [calls_the_tool(within), says("inside"), says("right")]

    async def use_the_tool(state: TaskState, generate: Generate) -> TaskState:
        state.tools = [asking_a_model()]
        return await generate(state)

    sample, error = await evaluated(STEP(use_the_tool), outputs, config={"token_limit": limit})

    assert error is None
    answer = sample.messages[2]
    assert answer.role == "tool" and answer.error is not None
    assert (answer.error.type, "token limit" in answer.error.message) == ("limit", True)
    assert (sample.limit.type if sample.limit else None) == ("token" if limit else None)
    assert sample.output.completion == completion
