"""fork: branches that do not touch each other, and what becomes of the one that is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pytest
from pydantic import Field

from solvers import (
    Generate,
    Solver,
    TaskState,
    chain,
    fork,
    generate,
    solver,
    use_tools,
    user_message,
)
from solvers.agents import Agent, AgentState, agent
from tasks_lib._errors import LimitExceededError
from tasks_lib.context import SampleContext, SampleLimits, StoreModel, store, use_sample
from tasks_lib.model import Model, ModelName, get_model
from tasks_lib.schema import ChatMessage, ChatMessageUser, ModelOutput, ModelUsage
from tasks_lib.steps import generate_with
from tasks_lib.task import run_solver, sample_state
from tasks_lib.tool import Tool, tool

MODEL = "mockllm/model"
EIGHT = range(8)

Branches = Callable[[TaskState], Solver | Sequence[Solver]]


class Numbers(StoreModel):
    seen: list[int] = Field(default_factory=list)


@solver
def forking(branches: Any, choose: int | None = None) -> Solver:
    """Fork, and go on with one of the branches, or with the state as it was."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        results = await fork(state, branches)
        assert (sample_state(), store()) == (state, state.store)
        store_of_forks.append(results)
        return state if choose is None else results[choose]

    return solve


store_of_forks: list[Any] = []
"""What the latest forks returned."""


@solver
def branch_numbered(number: int, meeting: asyncio.Barrier | None = None) -> Solver:
    """Ask for a number, and leave traces of it wherever a branch can."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if meeting is not None:
            await meeting.wait()
        state.messages.append(ChatMessageUser(content=f"say {number}"))
        state.metadata["list"].append(number)
        state.store.get("shared").append(number)
        state.store_as(Numbers).seen.append(number)
        store().set("number", number)
        state.choices.mark_choice(0, number % 2 == 0)
        if meeting is not None:
            await meeting.wait()
        state = await generate(state)
        assert store() is state.store
        assert sample_state() is state
        return state

    return solve


@solver
def branch_failing() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        raise ZeroDivisionError("no")

    return solve


@solver
def branch_endless(cancelled: list[bool]) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return state

    return solve


@tool
def fork_hammer() -> Tool:
    async def execute() -> str:
        """Hit."""
        return "ouch"

    return execute


@agent
def fork_agent(word: str) -> Agent:
    async def execute(state: AgentState) -> AgentState:
        """Say a word."""
        state.messages.append(ChatMessageUser(content=word))
        return state

    return execute


def _echo(tokens: int = 0) -> Model:
    def answer(input: list[ChatMessage], *_: object) -> ModelOutput:
        output = ModelOutput.from_content(MODEL, input[-1].text.replace("say", "said"))
        output.usage = ModelUsage(output_tokens=tokens, total_tokens=tokens)
        return output

    return get_model(MODEL, custom_outputs=answer)


def _new_state() -> TaskState:
    state = TaskState(
        model=ModelName(MODEL),
        sample_id=7,
        epoch=1,
        input="question",
        messages=[ChatMessageUser(content="question")],
        choices=["one"],
        metadata={"list": [0]},
    )
    state.store.set("shared", [0])
    return state


async def _run(
    step: Solver, *, limits: SampleLimits | None = None, tokens: int = 0
) -> tuple[TaskState, SampleContext]:
    with use_sample(SampleContext(7, 1, limits)) as context:
        return await run_solver(step, _new_state(), generate_with(_echo(tokens))), context


def _traces(state: TaskState) -> dict[str, object]:
    return {
        "messages": [message.text for message in state.messages],
        "completion": state.output.completion,
        "metadata": state.metadata,
        "store": dict(state.store.items()),
        "choice": state.choices[0].correct,
    }


UNTOUCHED = {
    "messages": ["question"],
    "completion": "",
    "metadata": {"list": [0]},
    "store": {"shared": [0]},
    "choice": None,
}


def _touched(number: int) -> dict[str, object]:
    return {
        "messages": ["question", f"say {number}", f"said {number}"],
        "completion": f"said {number}",
        "metadata": {"list": [0, number]},
        "store": {"shared": [0, number], "Numbers:seen": [number], "number": number},
        "choice": number % 2 == 0,
    }


async def test_eight_branches_at_once_do_not_touch_each_other() -> None:
    # Nobody passes before all have come, so they run at the same time.
    meeting = asyncio.Barrier(len(EIGHT))
    branches = [branch_numbered(number, meeting) for number in EIGHT]

    state, context = await _run(forking(branches), tokens=3)

    assert [_traces(branch) for branch in store_of_forks[-1]] == [_touched(n) for n in EIGHT]
    assert _traces(state) == UNTOUCHED
    assert dict(context.store.items()) == UNTOUCHED["store"]
    assert context.state is state
    assert state.token_usage == 3 * len(EIGHT)


async def test_what_the_transcript_says_of_branches() -> None:
    _, context = await _run(forking([branch_numbered(n) for n in range(2)]))

    events = context.transcript.events
    tasks = [(e.name, e.type, e.input, e.result) for e in events if e.event == "subtask"]
    spans = {e.id: e for e in events if e.event == "span_begin"}
    changed = [
        (change.path, change.value, spans[event.span_id or ""].name)
        for event in events
        if event.event == "store"
        for change in event.changes
        if change.path == "/number"
    ]
    assert sorted(tasks, key=str) == [
        ("branch_numbered", "fork", {"number": 0}, "said 0"),
        ("branch_numbered", "fork", {"number": 1}, "said 1"),
    ]
    assert sorted(changed, key=str) == [
        ("/number", 0, "branch_numbered"), ("/number", 1, "branch_numbered"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        pytest.param(branch_numbered(1), ["question", "say 1", "said 1"], id="a solver"),
        pytest.param(
            chain(user_message("say x"), generate(), user_message("y")),
            ["question", "say x", "said x", "y"],
            id="a chain is one solver",
        ),
        pytest.param(fork_agent("word"), ["question", "word"], id="an agent"),
        pytest.param([], [], id="none"),
        pytest.param(
            (chain(user_message("a"), user_message("b")), fork_agent("c")),
            [["question", "a", "b"], ["question", "c"]],
            id="a chain and an agent",
        ),
        pytest.param(
            [forking([branch_numbered(1), branch_numbered(2)], choose=1), branch_numbered(3)],
            [["question", "say 2", "said 2"], ["question", "say 3", "said 3"]],
            id="branches of branches",
        ),
    ],
)
async def test_returned(branches: Any, expected: list[Any]) -> None:
    state, _ = await _run(forking(branches))

    def texts(result: TaskState | list[TaskState]) -> list[Any]:
        if isinstance(result, list):
            return [texts(branch) for branch in result]
        return [message.text for message in result.messages]

    assert texts(store_of_forks[-1]) == expected
    assert _traces(state) == UNTOUCHED


async def test_a_branch_that_is_chosen_goes_on_as_the_sample() -> None:
    @solver
    def after_fork() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            store().set("after", store().get("number"))
            return state

        return solve

    branches = [branch_numbered(number) for number in range(3)]

    state, context = await _run(chain(forking(branches, choose=2), after_fork()))

    expected = _touched(2)
    assert _traces(state) == {**expected, "store": {**expected["store"], "after": 2}}  # type: ignore[dict-item]
    assert state.store is context.store
    assert context.state is state
    assert sum("/number" in str(e) for e in context.transcript.events if e.event == "store") == 4


async def test_what_a_branch_deletes_is_gone() -> None:
    @solver
    def branch_deleting() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            store().delete("shared")
            return state

        return solve

    state, context = await _run(forking([branch_deleting()], choose=0))

    assert (dict(state.store.items()), dict(context.store.items())) == ({}, {})


async def test_a_state_that_is_made_in_a_branch_has_its_store() -> None:
    @solver
    def branch_replacing() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            made = _new_state()
            assert made.store is store()
            made.store.set("made", True)
            return made

        return solve

    state, _ = await _run(forking([branch_replacing()]))

    assert dict(store_of_forks[-1][0].store.items()) == {"shared": [0], "made": True}
    assert _traces(state) == UNTOUCHED


async def test_tools_are_not_copied() -> None:
    hammer = fork_hammer()

    state, _ = await _run(chain(use_tools(hammer), forking([use_tools(hammer, append=True)], 0)))

    assert state.tools == [hammer, hammer]


async def test_an_error_ends_all_branches() -> None:
    cancelled: list[bool] = []

    with pytest.raises(ZeroDivisionError, match="no"):
        await _run(forking([branch_endless(cancelled), branch_failing()]))

    assert cancelled == [True]


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        pytest.param(SampleLimits(token_limit=30), "token", id="tokens of all branches"),
        pytest.param(SampleLimits(message_limit=2), "message", id="messages of one branch"),
    ],
)
async def test_a_limit_leaves_the_state_that_forked(limits: SampleLimits, kind: str) -> None:
    context = SampleContext(7, 1, limits)
    branches = [chain(branch_numbered(number), branch_numbered(number)) for number in EIGHT]

    with use_sample(context), pytest.raises(LimitExceededError) as reached:
        await run_solver(forking(branches), _new_state(), generate_with(_echo(10)))

    assert reached.value.type == kind
    assert isinstance(context.state, TaskState)
    assert _traces(context.state) == UNTOUCHED


async def test_messages_of_branches_do_not_add_up() -> None:
    state, _ = await _run(
        forking([branch_numbered(number) for number in EIGHT], 7),
        limits=SampleLimits(message_limit=3),
    )

    assert len(state.messages) == 3


async def test_outside_of_samples() -> None:
    with pytest.raises(RuntimeError, match="fork works within an evaluation only"):
        await fork(_new_state(), generate())

    with use_sample(SampleContext()):
        state = await run_solver(user_message("x"), _new_state(), generate_with(_echo()))
        with pytest.raises(RuntimeError, match="call it in a solver"):
            await fork(state, generate())


@pytest.mark.parametrize("wrong", [5, [5], [[generate()]], "generate", generate])
async def test_no_solver(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"fork: .* is not a solver"):
        await _run(forking(wrong))


def test_a_deep_copy_keeps_what_belongs_together() -> None:
    state = _new_state()
    state.output = ModelOutput.from_content(MODEL, "answer")
    state.messages.append(state.output.message)

    twin = deepcopy(state)

    assert _traces(twin) == _traces(state)
    assert twin.messages[-1] is twin.output.message
    assert twin.messages[-1] is not state.messages[-1]
    assert twin.messages[-1].id == state.messages[-1].id
    assert (twin.uuid, twin.model, twin.sample_id) == (state.uuid, state.model, state.sample_id)
    assert twin.store is not state.store


def test_a_deep_copy_shares_limits_but_not_its_list_of_tools() -> None:
    state = _new_state()

    twin = deepcopy(state)
    twin.message_limit = 5
    twin.tools.append(fork_hammer())

    assert (state.message_limit, state.tools) == (5, [])
