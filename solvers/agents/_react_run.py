"""What `react` does with one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from solvers.agents._agent import Agent
from solvers.agents._filter import MessageFilter
from solvers.agents._state import AgentState
from solvers.agents._submit import SubmitTool, call_tools
from solvers.agents._types import AgentAttempts, AgentContinue
from tasks_lib.context import transcript
from tasks_lib.model import Model
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
)
from tasks_lib.task import score
from tasks_lib.tool import AnyTool


class Submission(NamedTuple):
    """How answers are submitted."""

    tool: SubmitTool
    answer_only: bool
    """Whether the answer alone becomes the completion."""
    answer_delimiter: str
    """What stands between what the model said and the answer."""


class ReactPlan(NamedTuple):
    """What `react` was told, checked."""

    system: str
    """Its system message; "" for none."""
    tools: Sequence[AnyTool]
    """All its tools, that which submits included."""
    submission: Submission | None
    """None: it ends when the model calls no tool."""
    attempts: AgentAttempts
    on_continue: AgentContinue | None
    continue_message: str
    """What the model is told that called no tool."""
    shorten: MessageFilter | None
    """Makes a conversation shorter that is too long; None: it ends there."""


class ReactRun:
    """A plan that is carried out on one conversation, whose state is changed as it goes."""

    def __init__(self, plan: ReactPlan, model: Model | Agent, state: AgentState) -> None:
        self._plan = plan
        self._model = model
        self._state = state
        self._submitted = 0

    async def run(self) -> None:
        """Let the model act, turn by turn, until it is done."""
        plan, state = self._plan, self._state
        if plan.system:
            state.messages.insert(0, ChatMessageSystem(content=plan.system))
        while await self._turn():
            pass
        if plan.submission is not None:
            _forget_calls(state, plan.submission.tool.name)

    async def _turn(self) -> bool:
        """Let the model act once. Return whether there is a next turn."""
        reply = await self._reply()
        if self._state.output.stop_reason == "model_length":
            return await self._make_room(reply)
        if reply is None or not reply.tool_calls:
            return await self._goes_on(called_tools=False)
        plan, model = self._plan, self._model
        max_output = model.max_tool_output() if isinstance(model, Model) else None
        submit = plan.submission.tool if plan.submission is not None else None
        answer = await call_tools(self._state, plan.tools, max_output, submit)
        if self._plan.submission is not None and answer is not None:
            self._take(reply, answer, self._plan.submission)
            if await self._is_last_answer():
                return False
        return await self._goes_on(called_tools=True)

    async def _reply(self) -> ChatMessageAssistant | None:
        """Return the model's next message, now the last of the conversation; None: none came."""
        state, model = self._state, self._model
        if isinstance(model, Model):
            state.output = output = await model.generate(state.messages, self._plan.tools)
            if output.empty:
                return None
            state.messages.append(output.message)
            return output.message
        before = state.messages[-1] if state.messages else None
        answered = await model(state, tools=self._plan.tools)
        state.messages, state.output = answered.messages, answered.output
        last = state.messages[-1] if state.messages else None
        return last if isinstance(last, ChatMessageAssistant) and last is not before else None

    def _take(self, reply: ChatMessageAssistant, answer: str, submission: Submission) -> None:
        """Make the answer that came with `reply` the output."""
        output = self._state.output
        if not submission.answer_only:
            answer = f"{output.completion}{submission.answer_delimiter}{answer}".strip()
        output.completion = answer
        if output.message is not reply:
            reply.text = answer
        self._submitted += 1

    async def _is_last_answer(self) -> bool:
        """Return whether the output is right or no other attempt is left; else tell the model."""
        attempts = self._plan.attempts
        if self._submitted >= attempts.attempts:
            return True
        scores = await score(self._state)
        if scores and attempts.score_value(scores[0].value) == 1:
            return True
        told = attempts.incorrect_message
        if not isinstance(told, str):
            told = await told(self._state, scores)
        self._state.messages.append(ChatMessageUser(content=told))
        return False

    async def _goes_on(self, *, called_tools: bool) -> bool:
        """Return whether there is a next turn; a model that called no tool is urged on."""
        plan = self._plan
        told = plan.continue_message
        if plan.on_continue is not None:
            decision = await plan.on_continue(self._state)
            if not isinstance(decision, bool | str):
                raise TypeError(
                    f"react: on_continue returned {decision!r}, expected True, False or a text."
                )
            if decision is False:
                return False
            if isinstance(decision, str):
                told = with_submit_name(decision, plan.submission)
        elif plan.submission is None:
            return called_tools
        if not called_tools:
            self._state.messages.append(ChatMessageUser(content=told))
        return True

    async def _make_room(self, reply: ChatMessageAssistant | None) -> bool:
        """Shorten a conversation that is too long for the model. Return whether that was done."""
        state, shorten = self._state, self._plan.shorten
        if shorten is None:
            _note("The conversation is too long for the model: the agent ends.")
            return False
        # `reply` only says that the model could not answer.
        history = state.messages[:-1] if reply is not None else state.messages[:]
        before = _length(history)
        shortened = await shorten(history)
        after = _length(shortened)
        if after >= before:
            _note("The conversation is too long for the model and got no shorter: the agent ends.")
            return False
        state.messages = shortened
        _note(f"The conversation was shortened from {before[0]} to {after[0]} messages.")
        return True


def with_submit_name(text: str, submission: Submission | None) -> str:
    """Return `text` with the name of the tool that submits for `{submit}`, if there is one."""
    return text if submission is None else text.replace("{submit}", submission.tool.name)


def _length(messages: Sequence[ChatMessage]) -> tuple[int, int]:
    """Return what is compared: how many messages there are, then how long their text is."""
    return len(messages), sum(len(message.text) for message in messages)


def _note(text: str) -> None:
    transcript().info(text, source="react")


def _forget_calls(state: AgentState, tool: str) -> None:
    """Remove the calls of `tool` and their results from the conversation and the output.

    Agents that go on with the conversation have a tool of their own to submit, and must not
    take those for theirs. Messages are replaced, not changed: others may hold them too.
    """
    kept: list[ChatMessage] = []
    for message in state.messages:
        if isinstance(message, ChatMessageTool) and message.function == tool:
            continue
        if isinstance(message, ChatMessageAssistant) and message.tool_calls:
            calls = [call for call in message.tool_calls if call.function != tool]
            if len(calls) < len(message.tool_calls):
                bare = message.model_copy(update={"tool_calls": calls or None})
                if not state.output.empty and state.output.message is message:
                    state.output.choices[0].message = bare
                message = bare
        kept.append(message)
    state.messages = kept
