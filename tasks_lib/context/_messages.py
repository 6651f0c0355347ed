"""Conversations that keep to a limit."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, SupportsIndex

from tasks_lib.context._limit_scopes import innermost_message_limit
from tasks_lib.context._limits import SampleLimits
from tasks_lib.context._sample import current_sample
from tasks_lib.schema import ChatMessage


def check_message_limit(
    count: int, *, generating: bool = False, limits: SampleLimits | None = None
) -> None:
    """Raise if a conversation of `count` messages is too long here.

    The innermost `message_limit` block that is open here decides; without one, the limits of
    the sample.

    Args:
        count: How many messages the conversation has, or is to have.
        generating: Whether a model is about to be called: there must be room for its answer.
        limits: What counts as the sample's limits; by default those of the running sample.

    Raises:
        LimitExceededError: There are more messages than allowed, or no room for an answer.
    """
    block = innermost_message_limit.get()
    if block is not None:
        block.check_messages(count, generating=generating)
    elif limits is not None:
        limits.check_messages(count, generating=generating)
    elif (context := current_sample()) is not None:
        context.limits.check_messages(count, generating=generating)


class MessageList(list[ChatMessage]):
    """A conversation that cannot outgrow the message limit where it grows.

    See `check_message_limit`; whatever adds messages raises LimitExceededError instead if
    there is no room for all of them. A deep copy keeps to the same limits.
    """

    __slots__ = ("_limits",)

    def __init__(self, messages: Iterable[ChatMessage], limits: SampleLimits | None = None) -> None:
        """Create a conversation of `messages`.

        Args:
            messages: What it has at first.
            limits: What counts where no `message_limit` block is open; by default the limits
                of the sample that is running then.

        Raises:
            LimitExceededError: There are more messages than allowed.
        """
        super().__init__(messages)
        self._limits = limits
        self._check(len(self))

    def append(self, message: ChatMessage) -> None:
        """Add a message at the end. Raises LimitExceededError if there is no room."""
        self._check(len(self) + 1)
        super().append(message)

    def extend(self, messages: Iterable[ChatMessage]) -> None:
        """Add messages at the end. Raises LimitExceededError if there is no room."""
        more = list(messages)
        self._check(len(self) + len(more))
        super().extend(more)

    def insert(self, index: SupportsIndex, message: ChatMessage) -> None:
        """Add a message before `index`. Raises LimitExceededError if there is no room."""
        self._check(len(self) + 1)
        super().insert(index, message)

    def __iadd__(self, messages: Iterable[ChatMessage]) -> MessageList:  # type: ignore[override,misc]
        self.extend(messages)
        return self

    def __setitem__(self, index, value) -> None:  # type: ignore[no-untyped-def]  # list's own overloads
        if isinstance(index, slice):
            value = list(value)
            self._check(len(self) - len(self[index]) + len(value))
        super().__setitem__(index, value)

    def __imul__(self, times: SupportsIndex) -> MessageList:
        self._check(len(self) * times.__index__())
        super().__imul__(times)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> MessageList:
        copy = MessageList((), self._limits)
        memo[id(self)] = copy
        # Not `extend`: what is there already may be copied where less is allowed.
        list.extend(copy, (deepcopy(message, memo) for message in self))
        return copy

    def _check(self, count: int) -> None:
        check_message_limit(count, limits=self._limits)
