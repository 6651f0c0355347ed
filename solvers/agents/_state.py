"""What an agent works on: a conversation and the answer that it came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from tasks_lib.context import MessageList
from tasks_lib.schema import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ModelOutput,
)


class AgentState:
    """A conversation that an agent goes on with, and its latest answer.

    Agents change it or return another one.
    """

    def __init__(self, *, messages: list[ChatMessage]) -> None:
        """Begin with `messages`; later changes to the list do not reach the state.

        Raises:
            LimitExceededError: They are more than the message limit that is active here allows.
        """
        self._messages = MessageList(messages)
        self._output: ModelOutput | None = None
        self._said: ChatMessageAssistant | None = None
        self._synthesised = ModelOutput()
        watch = _watch.get()
        if watch is not None:
            watch.offer(self)

    @property
    def messages(self) -> list[ChatMessage]:
        """The conversation. It cannot outgrow the message limit that is active."""
        return self._messages

    @messages.setter
    def messages(self, messages: Iterable[ChatMessage]) -> None:
        self._messages = MessageList(messages)

    @property
    def output(self) -> ModelOutput:
        """The latest answer.

        Until it is set, it is the last assistant message of the conversation as it stands;
        an empty output if there is none.
        """
        if self._output is not None:
            return self._output
        last = last_assistant_message(self._messages)
        if last is not self._said:
            self._said = last
            self._synthesised = ModelOutput() if last is None else _output_of(last)
        return self._synthesised

    @output.setter
    def output(self, output: ModelOutput) -> None:
        self._output = output


class StateWatch:
    """Knows the latest state of a conversation, also when what works on it is cut off.

    That is the state that was given, if it was changed. An agent that leaves it alone works
    on states that it makes itself: then it is the newest one that goes on with the same
    conversation, which is one with a message in common.
    """

    def __init__(self, state: AgentState) -> None:
        self._given = state
        self._began_with = list(state.messages)
        self._began_output = state._output
        self._known = {id(message) for message in state.messages}
        self._known_ids = {message.id for message in state.messages} - {None}
        self._made: AgentState | None = None
        self._returned: AgentState | None = None

    @property
    def latest(self) -> AgentState:
        """The latest state that is known."""
        if self._returned is not None:
            return self._returned
        return self._given if self._made is None or self._changed() else self._made

    def offer(self, state: AgentState) -> None:
        """Say that there is a further state, perhaps of this conversation."""
        if not self._known or any(map(self._is_known, state.messages)):
            self._made = state

    def close(self, returned: AgentState) -> None:
        """Say which state was returned in the end."""
        self._returned = returned

    def new_messages(self) -> list[ChatMessage]:
        """Return the messages of the latest state that were not there at the beginning."""
        return [message for message in self.latest.messages if not self._is_known(message)]

    def new_output(self) -> ModelOutput | None:
        """Return the latest answer; None if there is none since the beginning."""
        state = self.latest
        output = state.output
        if output.empty or (state._output is None and self._is_known(output.message)):
            return None
        return output

    def _is_known(self, message: ChatMessage) -> bool:
        return id(message) in self._known or message.id in self._known_ids

    def _changed(self) -> bool:
        now = self._given.messages
        return (
            self._given._output is not self._began_output
            or len(now) != len(self._began_with)
            or any(one is not other for one, other in zip(now, self._began_with, strict=True))
        )


_watch: ContextVar[StateWatch | None] = ContextVar("state_watch", default=None)


@contextmanager
def watching(watch: StateWatch | None) -> Iterator[None]:
    """Let `watch` know of the states that are made in this block, and of no others.

    At its end the watch around it gets to know the latest one.
    """
    outer = _watch.get()
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
        if outer is not None and watch is not None:
            outer.offer(watch.latest)


def share_conversation(state: AgentState, messages: list[ChatMessage], output: ModelOutput) -> None:
    """Let `state` have a conversation and an answer together with somebody else.

    `messages` is the list that both change. The answer counts until there is a newer message.
    """
    state._messages = messages if isinstance(messages, MessageList) else MessageList(messages)
    if not output.empty:
        state._said = output.message
        state._synthesised = output


def last_assistant_message(messages: Sequence[ChatMessage]) -> ChatMessageAssistant | None:
    """Return the last message that a model said, None if there is none."""
    said = (message for message in reversed(messages) if isinstance(message, ChatMessageAssistant))
    return next(said, None)


def _output_of(message: ChatMessageAssistant) -> ModelOutput:
    choice = ChatCompletionChoice.model_construct(
        message=message, stop_reason="tool_calls" if message.tool_calls else "stop"
    )
    return ModelOutput.model_construct(model=message.model or "", choices=[choice])
