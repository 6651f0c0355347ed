"""One run of a program behind a bridge: its calls, and how it ends."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextvars import copy_context
from types import TracebackType
from typing import Protocol

from solvers.agents._bridge._call import Call, Refusal
from solvers.agents._bridge._conversations import Conversations
from solvers.agents._bridge._model_names import named_model
from tasks_lib._errors import (
    EvalsError,
    LimitExceededError,
    ModelRetryError,
    SampleTerminatedError,
)
from tasks_lib.model import Model
from tasks_lib.schema import ChatMessage, ModelOutput


class HasConversation(Protocol):
    """What has a conversation and its last answer: the state of an agent, or of a sample."""

    messages: list[ChatMessage]
    output: ModelOutput


class Run:
    """Makes the calls of one program, in the context in which its bridge was opened.

    So they belong to the running sample: to its transcript, limits, connections and roles.
    Entered, it is bound to the current task: what ends the run cancels the block of the task,
    which then raises it, as `asyncio.timeout` does.
    """

    def __init__(self, model: Model, state: HasConversation) -> None:
        """Begin a run.

        Args:
            model: Who answers.
            state: Follows the main conversation; what it has is likely to be sent.
        """
        self.conversations = Conversations(state.messages)
        self._others: defaultdict[str, Conversations] = defaultdict(Conversations)
        self._model = model
        self._state = state
        self._calls: set[asyncio.Task[ModelOutput]] = set()
        self._histories: dict[str, list[ChatMessage]] = {}
        self._end: Exception | None = None
        self._is_closed = False

    async def __aenter__(self) -> Run:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._cancelling = task.cancelling()
        self._has_cancelled = False
        self._handle: asyncio.Handle | None = None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_closed = True
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._end is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        if self._has_cancelled and self._task.uncancel() > self._cancelling:
            return  # somebody else cancels too: a time limit, or the evaluation ends
        raise self._end from None

    async def answer(self, call: Call) -> ModelOutput:
        """Ask the model.

        Raises:
            Refusal: There is no answer; what ends the run is raised by its block too.
        """
        if self._end is not None or self._is_closed:
            raise _ended(self._end)
        task = self._loop.create_task(self._ask(call), context=self._context.copy())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            return await task
        except asyncio.CancelledError:
            if self._is_closed:
                raise _ended(self._end) from None
            raise
        except Refusal:
            raise
        except _ENDING as error:
            self.end_with(error)
            raise _ended(error) from error
        except EvalsError as error:
            raise Refusal(400, str(error)) from error

    def end_with(self, error: Exception) -> None:
        """Let `error` end the block of this run, unless something else has."""
        if self._end is None:
            self._end = error
            # Not at once: the program gets its answer first.
            self._handle = self._loop.call_soon(self._cancel)

    def remember(self, id: str, messages: list[ChatMessage], output: ModelOutput) -> None:
        """Let later requests go on from the answer called `id`."""
        self._histories[id] = [*messages, output.message]

    def history(self, id: str) -> list[ChatMessage]:
        """Return the conversation up to the answer called `id`.

        Raises:
            Refusal: This run has no such answer.
        """
        if id not in self._histories:
            message = f"No response of this run has the id {id!r}, or it was not to be stored."
            raise Refusal(404, message, param="previous_response_id")
        return list(self._histories[id])

    async def _ask(self, call: Call) -> ModelOutput:
        model = named_model(call.model, self._model)
        is_own = model is self._model
        conversations = self.conversations if is_own else self._others[call.model]
        asked = conversations.ask(call.messages)
        output = await model.generate(asked.messages, call.tools, call.tool_choice, call.config)
        if output.empty:
            raise Refusal(502, f"{model} gave no answer.")
        if conversations.answer(asked, output) and is_own:
            self._state.messages = conversations.main.messages
            self._state.output = output
        return output

    def _cancel(self) -> None:
        self._has_cancelled = True
        self._task.cancel()


_ENDING = (LimitExceededError, SampleTerminatedError, ModelRetryError)
"""Errors that end the run, whatever the program makes of its failed call: it must not go on
at a limit, nor be scored for what it did while its provider was down."""


def _ended(error: Exception | None) -> Refusal:
    message = str(error) if error is not None else "The run that this key was for has ended."
    code = "limit_exceeded" if isinstance(error, LimitExceededError) else "run_ended"
    return Refusal(403, message, code=code)
