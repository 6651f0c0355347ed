"""react: its name and system message, and what it refuses when it is made."""

from __future__ import annotations

from typing import Any

import pytest

from solvers.agents import (
    AgentAttempts,
    AgentPrompt,
    AgentState,
    AgentSubmit,
    agent,
    as_tool,
    handoff,
    react,
    run,
)
from solvers.agents._types import (
    DEFAULT_ASSISTANT_PROMPT,
    DEFAULT_HANDOFF_PROMPT,
    DEFAULT_SUBMIT_PROMPT,
)
from tasks_lib._errors import AgentDefinitionError, ParameterError, ToolDefinitionError
from tasks_lib.context import current_sample
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    SpanBeginEvent,
    ToolInfo,
)
from tasks_lib.tool import ToolDef, tool_def
from tests.solvers.agents._scripts import (
    Script,
    echo,
    lines,
    running,
    says,
    submits,
)

ASSISTANT = DEFAULT_ASSISTANT_PROMPT
SUBMIT = DEFAULT_SUBMIT_PROMPT.replace("{submit}", "submit")


@agent(description="Helps.")
def react_assistant() -> Any:
    return react(prompt=None, submit=False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, [ASSISTANT, SUBMIT], id="default"),
        pytest.param({"prompt": None}, None, id="none"),
        pytest.param({"prompt": "Sum up."}, ["Sum up.", ASSISTANT, SUBMIT], id="a text"),
        pytest.param(
            {"prompt": AgentPrompt("Sum up.", assistant_prompt=None)}, ["Sum up."], id="no default"
        ),
        pytest.param({"prompt": AgentPrompt(assistant_prompt=None)}, None, id="nothing to say"),
        pytest.param(
            {"prompt": AgentPrompt(assistant_prompt="Call {submit}.")},
            ["Call submit."],
            id="an own word on how to submit",
        ),
        pytest.param(
            {"prompt": AgentPrompt(submit_prompt=None)}, [ASSISTANT], id="no word on how to submit"
        ),
        pytest.param({"submit": True}, [ASSISTANT, SUBMIT], id="submit as usual"),
        pytest.param({"submit": False}, [ASSISTANT], id="nothing is submitted"),
        pytest.param(
            {"submit": AgentSubmit(name="done")},
            [ASSISTANT, SUBMIT.replace("submit", "done")],
            id="another name",
        ),
        pytest.param(
            {"prompt": 'Reply in JSON: {"a": {}} or {{x}}, {, then {submit}.'},
            ['Reply in JSON: {"a": {}} or {{x}}, {, then submit.', ASSISTANT, SUBMIT],
            id="braces",
        ),
        pytest.param(
            {"tools": [handoff(react_assistant())], "prompt": "You lead."},
            ["You lead.", DEFAULT_HANDOFF_PROMPT, ASSISTANT, SUBMIT],
            id="a handoff",
        ),
        pytest.param(
            {"tools": [ToolDef(handoff(react_assistant()))], "prompt": AgentPrompt("A", "B", "C")},
            ["A", "B", "C", SUBMIT],
            id="own parts",
        ),
        pytest.param({"tools": [as_tool(react_assistant())]}, [ASSISTANT, SUBMIT], id="no handoff"),
    ],
)
async def test_the_system_message(options: dict[str, Any], expected: list[str] | None) -> None:
    script = Script(says("", ("submit", {"answer": ""}), ("done", {"answer": ""})), says("End."))

    with running(script):
        await run(react(**options), "?")

    first = script.asked[0].messages[0]
    assert first == ("user: ?" if expected is None else "system: " + "\n\n".join(expected))


async def test_the_system_message_comes_first() -> None:
    state = AgentState(messages=two_messages())

    with running(Script(submits("42"))):
        await react(prompt=AgentPrompt("I", assistant_prompt=None))(state)

    assert lines(state.messages) == ["system: I", "system: S", "user: ?", "assistant: 42"]


def two_messages() -> list[ChatMessage]:
    return [ChatMessageSystem(content="S"), ChatMessageUser(content="?")]


def test_its_name_and_what_it_does() -> None:
    known = tool_def(as_tool(react(name="finder", description="Finds.")))

    assert (known.name, known.description) == ("finder", "Finds.")
    assert tool_def(handoff(react(name="seer", description="Sees."))).name == "transfer_to_seer"


async def test_its_name_in_the_transcript() -> None:
    with running(Script(submits("42"))):
        await run(react(name="seeker"), "?")
        context = current_sample()

    assert context is not None
    begun = [event for event in context.transcript.events if isinstance(event, SpanBeginEvent)]
    assert [(event.name, event.type) for event in begun] == [
        ("seeker", "agent"),
        ("submit", "tool"),
    ]


def not_async(*args: object) -> str:
    return ""


async def takes_no_tools(state: AgentState) -> AgentState:
    return state


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"attempts": 0}, ParameterError, "attempts is 0, expected 1 or more", id="0"),
        pytest.param({"attempts": "2"}, ParameterError, "attempts is '2'", id="attempts"),
        pytest.param(
            {"attempts": 2, "submit": False},
            ParameterError,
            r"attempts is 2, expected 1, as nothing is submitted \(submit=False\)",
            id="attempts at nothing",
        ),
        pytest.param(
            {"attempts": AgentAttempts(2, incorrect_message=not_async)},  # type: ignore[arg-type]
            ParameterError,
            "incorrect_message is .*, expected a text or an async function",
            id="incorrect message",
        ),
        pytest.param({"submit": "done"}, ParameterError, "submit is 'done'", id="submit"),
        pytest.param(
            {"submit": AgentSubmit(tool=not_async)},  # type: ignore[arg-type]
            ToolDefinitionError,
            "'not_async' is not an async function",
            id="tool that submits",
        ),
        pytest.param(
            {"submit": AgentSubmit(tool=handoff(react_assistant()))},
            ToolDefinitionError,
            "hands over to an agent: it cannot submit",
            id="handoff that submits",
        ),
        pytest.param(
            {"submit": AgentSubmit(name="echo"), "tools": [echo]},
            ToolDefinitionError,
            "'echo' is there twice",
            id="two of a name",
        ),
        pytest.param({"tools": [not_async]}, ToolDefinitionError, "not_async", id="no tool"),
        pytest.param(
            {"tools": [ToolInfo(name="told", description="Told.")]},
            ToolDefinitionError,
            "'told' is only described",
            id="only described",
        ),
        pytest.param(
            {"tools": [react_assistant()]},
            ToolDefinitionError,
            r"'react_assistant' is an agent: pass handoff\(…\) or as_tool\(…\)",
            id="an agent",
        ),
        pytest.param(
            {"tools": [[echo], handoff(react(name="me", description="Me."))], "name": "me"},
            AgentDefinitionError,
            "'me' cannot hand over to itself",
            id="handoff to itself",
        ),
        pytest.param(
            {"tools": [handoff(react(description="Me."))]},
            AgentDefinitionError,
            "'react' cannot hand over to itself",
            id="handoff to another of no name",
        ),
        pytest.param({"prompt": 5}, ParameterError, "prompt is 5", id="prompt"),
        pytest.param(
            {"prompt": AgentPrompt(assistant_prompt="Call {submit}."), "submit": False},
            ParameterError,
            r"assistant_prompt is 'Call \{submit\}.', expected no \{submit\}",
            id="prompt of what is not there",
        ),
        pytest.param(
            {"on_continue": "Go!", "submit": False},
            ParameterError,
            "on_continue is 'Go!', expected a function",
            id="a text that is never said",
        ),
        pytest.param(
            {"on_continue": not_async}, ParameterError, "on_continue is .*async", id="not async"
        ),
        pytest.param({"truncation": "off"}, ParameterError, "truncation is 'off'", id="truncation"),
        pytest.param(
            {"truncation": not_async}, ParameterError, "truncation is .*async", id="filter"
        ),
        pytest.param({"model": 5}, ParameterError, "model is 5", id="model"),
        pytest.param(
            {"model": takes_no_tools}, ParameterError, "a parameter `tools`", id="agent as model"
        ),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        react(**options)
