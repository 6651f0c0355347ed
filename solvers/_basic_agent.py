"""`basic_agent`: a solver that lets a model use tools until it submits an answer."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias, cast

from solvers._chain import chain
from solvers._prompt import system_message
from solvers._solver import solver
from solvers._use_tools import use_tools
from solvers.agents._submit import SubmitTool, call_tools
from tasks_lib._errors import ParameterError
from tasks_lib._util._registry import is_registered
from tasks_lib.context import token_limit as limit_tokens
from tasks_lib.context import transcript
from tasks_lib.model import CachePolicy, get_model
from tasks_lib.schema import ChatMessageUser, Score, ValueToFloat, value_to_float
from tasks_lib.task import Generate, Solver, TaskState, score
from tasks_lib.tool import Tool, ToolDef, ToolSource, known_tools, mcp_connection

IncorrectMessage: TypeAlias = str | Callable[[TaskState, list[Score]], str | Awaitable[str]]
"""What the model is told about a wrong answer, or a function, async or not, that says it."""

DEFAULT_SYSTEM_MESSAGE = """\
You are an assistant whose aim is the correct answer to a task. You can call functions that
help you: take one step at a time, say what you are about to do and why, call a function, and
look at its result before you take the next step. Once you have the answer, report it by
calling {submit}().
"""
"""What the model is told first; `{submit}` is the function that submits."""

DEFAULT_INCORRECT_MESSAGE = """\
The answer that you submitted is not correct. Go on and try to find the correct one.
"""
"""What the model is told about a wrong answer while it may submit another."""

DEFAULT_CONTINUE_MESSAGE = "Go on with whatever you think is the best next step."
"""What the model is told when it called no function."""

DEFAULT_MESSAGE_LIMIT = 50
"""Messages that the conversation may have where no other limit on them is set."""


@solver
def basic_agent(  # noqa: PLR0913 - the documented signature
    *,
    init: Solver | Sequence[Solver] | None = None,
    tools: Sequence[Tool | ToolDef | ToolSource] | Solver | None = None,
    cache: bool | CachePolicy = False,
    max_attempts: int = 1,
    message_limit: int | None = None,
    token_limit: int | None = None,
    max_tool_output: int | None = None,
    score_value: ValueToFloat | None = None,
    incorrect_message: IncorrectMessage = DEFAULT_INCORRECT_MESSAGE,
    continue_message: str = DEFAULT_CONTINUE_MESSAGE,
    submit_name: str = "submit",
    submit_description: str | None = None,
    submit_append: bool = False,
    max_messages: int | None = None,
) -> Solver:
    """Let the model call tools, turn by turn, until it submits an answer.

    The answer becomes the completion. It may be empty. A call of the tool that submits which
    does not fit or was not approved is no answer: the model is told, and may try again.

    The solver also ends when the conversation is too long for the model. A limit that is
    reached ends the sample, which is then scored.

    Args:
        init: What runs first; by default a system message that explains how to work with
            functions and how to submit.
        tools: Tools that the model may call beside those that it has; or a solver that
            gives it tools.
        cache: Whether an earlier answer to the same request may be used, and how long.
        max_attempts: How many answers may be submitted. After each but the last the task's
            scorers judge; the model is told if the first score is not 1.
        message_limit: Messages that the conversation may have; by default the limit of the
            sample, else 50.
        token_limit: Tokens that may be used, counted from the first turn.
        max_tool_output: Bytes of a tool's output that the model gets to see; by default the
            option of the evaluation, else 16384. 0: all.
        score_value: Makes a number of the first score; by default `value_to_float()`.
        incorrect_message: What the model is told about a wrong answer, or a function of state
            and scores, async or not, that says it.
        continue_message: What the model is told that called no tool.
        submit_name: Name of the tool that submits.
        submit_description: What the model is told of it.
        submit_append: Whether the answer is appended to what the model said with it, instead
            of replacing it.
        max_messages: Deprecated: `message_limit`.

    Raises:
        ParameterError: A number is too small, or `tools` is a single tool.
        ToolDefinitionError: One of the tools is none, or two have the same name.
    """
    if max_messages is not None:
        warnings.warn(
            "basic_agent(max_messages=…) is deprecated: use message_limit.",
            DeprecationWarning,
            stacklevel=3,
        )
        message_limit = max_messages if message_limit is None else message_limit
    _check_least("max_attempts", max_attempts, 1)
    _check_least("message_limit", message_limit, 1)
    _check_least("token_limit", token_limit, 0)
    _check_least("max_tool_output", max_tool_output, 0)
    submit = SubmitTool(name=submit_name, description=submit_description)
    prepare = chain(
        system_message(DEFAULT_SYSTEM_MESSAGE, submit=submit.name) if init is None else init,
        _tools(tools, submit),
        use_tools(submit.tool, tool_choice=None, append=True),
    )
    plan = _Plan(
        submit=submit,
        submit_append=submit_append,
        cache=cache,
        max_attempts=max_attempts,
        max_tool_output=max_tool_output,
        score_value=score_value or value_to_float(),
        incorrect_message=incorrect_message,
        continue_message=continue_message,
    )

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state = await prepare(state, generate)
        if message_limit is not None:
            state.message_limit = message_limit
        elif state.message_limit is None:
            state.message_limit = DEFAULT_MESSAGE_LIMIT
        async with mcp_connection(state.tools):
            with limit_tokens(token_limit):
                await _work(plan, state)
        return state

    return solve


class _Plan(NamedTuple):
    """What the turns need of what `basic_agent` was told."""

    submit: SubmitTool
    submit_append: bool
    cache: bool | CachePolicy
    max_attempts: int
    max_tool_output: int | None
    score_value: ValueToFloat
    incorrect_message: IncorrectMessage
    continue_message: str


async def _work(plan: _Plan, state: TaskState) -> None:
    """Let the model act, turn by turn, until it is done."""
    model = get_model()
    max_output = plan.max_tool_output
    if max_output is None:
        max_output = model.max_tool_output()
    submitted = 0
    while not state.completed:
        state.output = output = await model.generate(state.messages, state.tools, cache=plan.cache)
        if not output.empty:
            state.messages.append(output.message)
        if output.stop_reason == "model_length":
            told = "The conversation is too long for the model: the agent ends."
            transcript().info(told, source="basic_agent")
            return
        if output.empty or not output.message.tool_calls:
            state.messages.append(ChatMessageUser(content=plan.continue_message))
            continue
        answer = await call_tools(state, state.tools, max_output, plan.submit)
        if answer is None:
            continue
        appended = f"{output.completion}\n\n{answer}".strip()
        output.completion = appended if plan.submit_append else answer
        submitted += 1
        if submitted >= plan.max_attempts or await _is_right(plan, state):
            return


async def _is_right(plan: _Plan, state: TaskState) -> bool:
    """Return whether the task's first scorer finds the output right; else tell the model."""
    scores = await score(state)
    if scores and plan.score_value(scores[0].value) == 1:
        return True
    told = plan.incorrect_message
    if not isinstance(told, str):
        made = told(state, scores)
        told = await made if inspect.isawaitable(made) else made
    state.messages.append(ChatMessageUser(content=told))
    return False


def _tools(
    tools: Sequence[Tool | ToolDef | ToolSource] | Solver | None, submit: SubmitTool
) -> Solver | Sequence[Solver]:
    """Return the solver that gives the model its tools."""
    if tools is None:
        return []
    if is_registered(tools, "solver"):
        return cast(Solver, tools)
    if not isinstance(tools, Sequence):
        raise ParameterError("basic_agent", "tools", tools, "a list of tools or a solver")
    known_tools([*tools, submit.tool])
    return use_tools(*tools, tool_choice=None, append=True)


def _check_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise ParameterError("basic_agent", name, value, f"{least} or more")
