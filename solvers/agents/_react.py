"""`react`: an agent that thinks, calls tools and looks at their results until it is done."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Literal

from solvers.agents._agent import Agent, agent, describe_agent
from solvers.agents._filter import MessageFilter
from solvers.agents._handoff import check_handoffs
from solvers.agents._react_run import ReactPlan, ReactRun, Submission, with_submit_name
from solvers.agents._state import AgentState
from solvers.agents._submit import SubmitTool
from solvers.agents._types import AgentAttempts, AgentContinue, AgentPrompt, AgentSubmit
from tasks_lib._errors import ParameterError
from tasks_lib._util._callables import is_async_callable
from tasks_lib.model import Model, get_model, trim_messages
from tasks_lib.tool import (
    AnyTool,
    TakesOver,
    Tool,
    ToolDef,
    ToolSource,
    known_tools,
    mcp_connection,
)

DEFAULT_CONTINUE_MESSAGE = "Go on with whatever you think is the best next step."
"""What a model is told that called no tool."""

DEFAULT_SUBMIT_REMINDER = "If the task is done, report your answer with {submit}()."
"""What it is told too where it has to submit an answer."""

_DEFAULT_PROMPT = AgentPrompt()


@agent
def react(  # noqa: PLR0913 - the documented signature
    *,
    name: str | None = None,
    description: str | None = None,
    prompt: str | AgentPrompt | None = _DEFAULT_PROMPT,
    tools: Sequence[Tool | ToolDef | ToolSource] | None = None,
    model: str | Model | Agent | None = None,
    attempts: int | AgentAttempts = 1,
    submit: AgentSubmit | bool | None = None,
    on_continue: str | AgentContinue | None = None,
    truncation: Literal["auto", "disabled"] | MessageFilter = "disabled",
) -> Agent:
    """Let a model reason and act: it calls tools, turn by turn, until it submits an answer.

    A call of the tool that submits counts once the tool has returned: one with arguments that
    do not fit, or that an approver rejects, is no answer, and the model may try again. The
    answer may be empty. It joins the completion (see `AgentSubmit`). At the end, all calls of
    that tool and their results are removed from the conversation, also from the output.

    A model that calls no tool is urged on, however often: it takes a limit on messages, tokens
    or time to end one that never submits.

    Sessions with MCP servers among the tools stay open while the agent runs.

    Args:
        name: Name of the agent; by default "react". Others hand over to it by this name.
        description: What it can do, for agents that may call it (`handoff`, `as_tool`).
        prompt: What the system message is made of; it comes first in the conversation. A text
            is the instructions, in front of the default parts. None: no system message.
            `{submit}` stands for the name of the tool that submits; other braces mean
            themselves and are not doubled.
        tools: Tools that the model may call.
        model: Who is asked: a model, its name, or an agent with a parameter `tools` that adds
            one reply to the conversation. By default the evaluated model.
        attempts: How many answers may be submitted. After each but the last the task's scorers
            judge; the model is told if the first score is not 1 (`AgentAttempts`).
        submit: How answers are submitted. None and True: with a tool "submit". False: without
            any; the agent ends when the model calls no tool.
        on_continue: What a model is told that called no tool. Or an async function that
            decides so after every turn: False ends the agent, True goes on, and a text is
            what the model is told in case that it called no tool.
        truncation: What happens when the conversation is too long for the model: the agent
            ends ("disabled"), the oldest is left out ("auto", see `trim_messages`), or a
            function returns a shorter one. If it has not become shorter, in messages or in
            text, the agent ends.

    Raises:
        ParameterError: An argument has another value, or one that is of no use without a tool
            that submits.
        ToolDefinitionError: One of the tools is none, or two have the same name.
        AgentDefinitionError: One of the tools hands over to an agent of the same name.
        TypeError: When it runs: `on_continue` decides something else.
    """
    submission = _submission(submit)
    used: list[AnyTool] = [*(tools or ())]
    if submission is not None:
        used.append(submission.tool.tool)
    known = known_tools(used)
    check_handoffs(name or "react", known)
    hands_over = any(isinstance(definition.tool, TakesOver) for definition in known)
    decides, told = _continuation(on_continue, submission)
    plan = ReactPlan(
        system=_system(prompt, hands_over, submission),
        tools=used,
        submission=submission,
        attempts=_attempts(attempts, submission),
        on_continue=decides,
        continue_message=told,
        shorten=_shorten(truncation),
    )
    _check_model(model)

    async def execute(state: AgentState) -> AgentState:
        asked = get_model(model) if model is None or isinstance(model, str) else model
        async with mcp_connection(plan.tools):
            await ReactRun(plan, asked, state).run()
        return state

    return describe_agent(execute, name, description)


def _submission(submit: AgentSubmit | bool | None) -> Submission | None:
    if submit is False:
        return None
    if submit is None or submit is True:
        submit = AgentSubmit()
    if not isinstance(submit, AgentSubmit):
        raise ParameterError("react", "submit", submit, "True, False, None or an AgentSubmit")
    tool = SubmitTool(submit.tool, submit.name, submit.description)
    return Submission(tool, submit.answer_only, submit.answer_delimiter)


def _system(
    prompt: str | AgentPrompt | None, hands_over: bool, submission: Submission | None
) -> str:
    """Return the text of the system message, "" if there is nothing to say."""
    if prompt is None:
        return ""
    if isinstance(prompt, str):
        prompt = AgentPrompt(instructions=prompt)
    if not isinstance(prompt, AgentPrompt):
        raise ParameterError("react", "prompt", prompt, "a text, an AgentPrompt or None")
    assistant = prompt.assistant_prompt
    parts = [prompt.instructions, prompt.handoff_prompt if hands_over else None, assistant]
    tells_how = assistant is not None and "{submit}" in assistant
    if submission is None and tells_how:
        expected = "no {submit}, as nothing is submitted (submit=False)"
        raise ParameterError("react", "assistant_prompt", assistant, expected)
    if submission is not None and assistant and not tells_how:
        parts.append(prompt.submit_prompt)
    text = "\n\n".join(part.strip("\n") for part in parts if part)
    return with_submit_name(text, submission)


def _attempts(attempts: int | AgentAttempts, submission: Submission | None) -> AgentAttempts:
    if isinstance(attempts, int):
        attempts = AgentAttempts(attempts)
    if not isinstance(attempts, AgentAttempts):
        raise ParameterError("react", "attempts", attempts, "a number or an AgentAttempts")
    if attempts.attempts < 1:
        raise ParameterError("react", "attempts", attempts.attempts, "1 or more")
    if attempts.attempts > 1 and submission is None:
        expected = "1, as nothing is submitted (submit=False)"
        raise ParameterError("react", "attempts", attempts.attempts, expected)
    message = attempts.incorrect_message
    if not isinstance(message, str) and not is_async_callable(message):
        expected = "a text or an async function of state and scores"
        raise ParameterError("AgentAttempts", "incorrect_message", message, expected)
    return attempts


def _continuation(
    on_continue: str | AgentContinue | None, submission: Submission | None
) -> tuple[AgentContinue | None, str]:
    """Return who decides whether there is a next turn, and what an idle model is told."""
    told = DEFAULT_CONTINUE_MESSAGE
    if submission is not None:
        told = f"{told} {DEFAULT_SUBMIT_REMINDER}"
    if on_continue is None:
        return None, with_submit_name(told, submission)
    if isinstance(on_continue, str):
        if submission is None:
            expected = "a function: without a tool that submits the agent ends instead"
            raise ParameterError("react", "on_continue", on_continue, expected)
        return None, with_submit_name(on_continue, submission)
    if not is_async_callable(on_continue):
        expected = "a text or an async function of the state"
        raise ParameterError("react", "on_continue", on_continue, expected)
    return on_continue, with_submit_name(told, submission)


def _shorten(truncation: Literal["auto", "disabled"] | MessageFilter) -> MessageFilter | None:
    if truncation == "disabled":
        return None
    if truncation == "auto":
        return trim_messages
    if isinstance(truncation, str) or not is_async_callable(truncation):
        expected = '"auto", "disabled" or an async function of messages'
        raise ParameterError("react", "truncation", truncation, expected)
    return truncation


def _check_model(model: str | Model | Agent | None) -> None:
    if model is None or isinstance(model, str | Model):
        return
    if not is_async_callable(model) or "tools" not in inspect.signature(model).parameters:
        expected = "a model, its name, or an agent with a parameter `tools`"
        raise ParameterError("react", "model", model, expected)
