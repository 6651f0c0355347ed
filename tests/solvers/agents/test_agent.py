"""@agent, is_agent and agent_with."""

from __future__ import annotations

from typing import Any, cast

import pytest

from solvers.agents import (
    Agent,
    AgentState,
    agent,
    agent_with,
    as_solver,
    as_tool,
    handoff,
    is_agent,
    run,
)
from tasks_lib._errors import AgentDefinitionError
from tasks_lib._util._registry import registry_create, registry_info, registry_params
from tasks_lib.context import SampleContext, use_sample
from tasks_lib.tool import tool_def
from tests.solvers.agents._agents import echoing, spans, texts


async def plain(state: AgentState) -> AgentState:
    """Do nothing."""
    return state


@agent(name="by_another_name", description="Does nothing, as it was told.")
def named() -> Agent:
    return plain


@agent
class Counting:
    def __init__(self, start: int = 0) -> None:
        self.count = start

    async def __call__(self, state: AgentState) -> AgentState:
        """Count."""
        self.count += 1
        return state


@agent
def method_of() -> Agent:
    class Worker:
        async def work(self, state: AgentState, times: int = 1) -> AgentState:
            """Work.

            Args:
                times: How often.
            """
            return state

    return Worker().work


@agent
def wrapping(description: str | None = None) -> Agent:
    inner = agent_with(echoing(), name="inner", description="Echoes, says the inner one.")
    return agent_with(inner, description=description)


@agent(description="Echoes, says the outer one.")
def describing() -> Agent:
    return wrapping()


def handed(made: Agent) -> tuple[str, str]:
    """Return by which name and description a model knows an agent."""
    info = tool_def(handoff(made)).info
    return info.name, info.description


@pytest.mark.parametrize(
    ("make", "name", "params"),
    [
        pytest.param(echoing, "echoing", {}, id="a function"),
        pytest.param(lambda: echoing(shout=True), "echoing", {"shout": True}, id="arguments"),
        pytest.param(named, "by_another_name", {}, id="with a name"),
        pytest.param(lambda: Counting(3), "Counting", {"start": 3}, id="a class"),
        pytest.param(method_of, "method_of", {}, id="a method"),
        pytest.param(wrapping, "wrapping", {}, id="an agent of another function"),
    ],
)
async def test_agents_are_registered(make: Any, name: str, params: dict[str, Any]) -> None:
    made = make()
    info = registry_info(made)

    assert (info.type, info.name, registry_params(made)) == ("agent", name, params)
    again = registry_create("agent", name, **params)
    assert is_agent(again)
    assert texts((await run(again, "hi")).messages)[0] == ("user", "hi")


async def undecorated(state: AgentState) -> AgentState:
    return state


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        pytest.param(echoing(), True, id="an agent"),
        pytest.param(Counting(), True, id="an object"),
        pytest.param(echoing, False, id="the function that makes it"),
        pytest.param(undecorated, False, id="not decorated"),
        pytest.param(as_solver(echoing()), False, id="as a solver"),
        pytest.param(as_tool(echoing()), False, id="as a tool"),
        pytest.param("echoing", False, id="its name"),
    ],
)
def test_is_agent(thing: object, expected: bool) -> None:
    assert is_agent(thing) is expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(echoing, ("transfer_to_echoing", "Repeat what was said last."), id="docs"),
        pytest.param(
            named, ("transfer_to_by_another_name", "Does nothing, as it was told."), id="@agent"
        ),
        pytest.param(
            lambda: agent_with(named(), name="n", description="d"),
            ("transfer_to_n", "d"),
            id="agent_with",
        ),
        pytest.param(
            lambda: agent_with(agent_with(named(), name="n"), description="d"),
            ("transfer_to_n", "d"),
            id="one after the other",
        ),
        pytest.param(
            wrapping,
            ("transfer_to_wrapping", "Echoes, says the inner one."),
            id="the outer one names, the inner one may describe",
        ),
        pytest.param(
            describing,
            ("transfer_to_describing", "Echoes, says the outer one."),
            id="the outer one describes",
        ),
    ],
)
def test_what_agents_are_called(make: Any, expected: tuple[str, str]) -> None:
    assert handed(make()) == expected


async def test_agent_with_changes_the_agent_but_not_its_registration() -> None:
    made = echoing(shout=True)
    assert agent_with(made, name="loud") is made
    with use_sample(SampleContext()) as context:
        await run(made, "hi")

    assert spans(context) == [("agent", "loud")]
    assert registry_info(made).name == "echoing"
    assert registry_info(as_solver(made)).name == "echoing"


def test_agent_with_of_one_changes_no_other() -> None:
    agent_with(echoing(), name="other")

    assert handed(echoing())[0] == "transfer_to_echoing"


def test_one_agent_that_two_functions_return_is_two() -> None:
    shared = echoing(shout=True)

    @agent
    def first_of_two() -> Agent:
        return shared

    @agent(name="second_of_two")
    def second() -> Agent:
        return shared

    made = [first_of_two(), second(), shared]

    assert [registry_info(one).name for one in made] == ["first_of_two", "second_of_two", "echoing"]
    assert [handed(one)[0] for one in made] == [
        "transfer_to_first_of_two",
        "transfer_to_second_of_two",
        "transfer_to_echoing",
    ]
    assert [list(tool_def(handoff(one)).info.parameters.properties) for one in made] == [
        ["times"]
    ] * 3


def test_an_object_that_two_functions_return() -> None:
    @agent
    def counting_otherwise() -> Agent:
        return Counting()

    info = tool_def(handoff(counting_otherwise())).info

    assert (info.name, info.description) == ("transfer_to_counting_otherwise", "Count.")
    assert info.parameters.properties == {}


def blocking(state: AgentState) -> AgentState:
    return state


async def stateless() -> None: ...


async def by_name(*, state: AgentState) -> AgentState:
    return state


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        pytest.param(blocking, "not an async callable", id="not async"),
        pytest.param(AgentState, "not an async callable", id="a class"),
        pytest.param(None, "not an async callable", id="nothing"),
        pytest.param(stateless, "does not take a state", id="no parameter"),
        pytest.param(by_name, "does not take a state", id="only by name"),
    ],
)
def test_agents_are_async_functions_of_a_state(returned: Any, problem: str) -> None:
    @agent
    def broken_agent() -> Agent:
        return cast(Agent, returned)

    with pytest.raises(
        TypeError, match=rf"@agent broken_agent returned .*{problem}: return `async"
    ):
        broken_agent()


@agent
def silent(sure: bool = True) -> Agent:
    async def execute(state: AgentState, words: int, *, polite: bool = True) -> AgentState:
        return state

    return execute


@agent
def asking_back() -> Agent:
    async def execute(state: AgentState, input: str) -> AgentState:
        """Ask back.

        Args:
            input: What.
        """
        return state

    return execute


@agent
def taking_all() -> Agent:
    async def execute(state: AgentState, **kwargs: Any) -> AgentState:
        """Take it."""
        return state

    return execute


@agent
def endless() -> Agent:
    return agent_with(echoing(), name=handed(endless())[0])


BAD: dict[str, tuple[Any, str]] = {
    "as_solver of a function": (
        lambda: as_solver(undecorated),
        "'undecorated' was not made by an @agent fun",
    ),
    "as_tool of a function": (
        lambda: as_tool(undecorated),
        "'undecorated' was not made by an @agent fun",
    ),
    "handoff of a function": (
        lambda: handoff(undecorated),
        "'undecorated' was not made by an @agent fun",
    ),
    "agent_with of a function": (
        lambda: agent_with(undecorated, name="x"),
        "was not made by an @agent",
    ),
    "the function that makes it": (
        lambda: as_solver(cast(Agent, echoing)),
        r"The agent 'echoing' was not made: pass echoing\(…\) instead",
    ),
    "something else": (lambda: as_tool(cast(Agent, 5)), "'5' was not made by an @agent function"),
    "as_solver without an argument": (
        lambda: as_solver(silent(), polite=False),
        "'silent' needs 'words': pass words=… too",
    ),
    "as_solver with another argument": (
        lambda: as_solver(silent(), word=1),
        "'silent' has no parameter 'word'. Did you mean 'words'",
    ),
    "as_solver with the state": (lambda: as_solver(taking_all(), state=1), "has no parameter 'sta"),
    "as_tool with another argument": (lambda: as_tool(echoing(), tims=1), "Did you mean 'times'"),
    "handoff with another argument": (lambda: handoff(echoing(), tims=1), "Did you mean 'times'"),
    "as_tool without a description": (
        lambda: as_tool(silent(), words=1, polite=True),
        r"'silent' does not say what it can do: pass description=…",
    ),
    "handoff without a description": (
        lambda: handoff(silent(), words=1, polite=True),
        r"'silent' does not say what it can do: pass description=…",
    ),
    "as_tool that takes an input": (
        lambda: as_tool(asking_back()),
        "'asking_back' takes 'input', which already is what the model says",
    ),
    "a name that no provider takes": (
        lambda: as_tool(agent_with(echoing(), name="my agent")),
        "'my agent' cannot be called as the tool 'my agent'",
    ),
    "a tool name that no provider takes": (
        lambda: handoff(echoing(), tool_name="x" * 65),
        "cannot be called as the tool 'xxx",
    ),
    "an agent that is made of itself": (endless, "'endless' cannot be made: to make it"),
}


@pytest.mark.parametrize(("make", "expected"), BAD.values(), ids=BAD)
def test_agents_that_cannot_be_used(make: Any, expected: str) -> None:
    with pytest.raises(AgentDefinitionError, match=expected) as caught:
        make()

    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, ValueError)


def test_an_input_that_is_given_is_no_other() -> None:
    parameters = tool_def(as_tool(taking_all())).info.parameters

    assert list(parameters.properties) == ["input"]
