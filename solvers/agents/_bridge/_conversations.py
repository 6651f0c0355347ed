"""The conversations that a program has with its model, as its requests tell them.

A request brings its whole conversation along, so every message comes again and again, and of
the answers only what the interface has words for. What has been seen before stays the same
object: logs hold it once, and models get their own answers back as they gave them, with their
thoughts and signatures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import orjson

from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ContentText,
    ModelOutput,
)

Print: TypeAlias = bytes
"""What tells messages apart: a digest of all that a program can send back."""


class Conversation:
    """One of the conversations of a program.

    Attributes:
        messages: The messages of its last request, and the answer.
        output: The last answer.
    """

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self.output = ModelOutput()
        self._prints: list[Print] = []
        self._answers: frozenset[Print] = frozenset()
        self.calls = 0
        """How many answers it got."""

    def goes_on_in(self, prints: Sequence[Print]) -> bool:
        """Tell whether a request has this conversation's last answer among its messages."""
        return not self._answers.isdisjoint(prints)

    def shared(self, prints: Sequence[Print]) -> int:
        """Return how many messages a request has in common with it, from the beginning."""
        most = min(len(self._prints), len(prints))
        return next((n for n in range(most) if self._prints[n] != prints[n]), most)

    def answered(
        self, messages: list[ChatMessage], prints: list[Print], output: ModelOutput
    ) -> None:
        """Take a request and its answer for what the conversation is now."""
        said = [choice.message for choice in output.choices]
        answers = [fingerprint(message) for message in said]
        self.messages = [*messages, *said[:1]]
        self.output = output
        self._prints = [*prints, *answers[:1]]
        self._answers = frozenset(answers)
        self.calls += 1


class Asked(NamedTuple):
    """A request on its way."""

    messages: list[ChatMessage]
    """Its messages, those that were seen before as they were."""
    prints: list[Print]
    conversation: Conversation | None
    """The one that it goes on with; None: a new one."""
    calls: int
    """How many answers that one had."""
    goes_on: bool
    """Whether it has an answer of this run among its messages."""


class Conversations:
    """All conversations of one run of a program."""

    def __init__(self, messages: Iterable[ChatMessage] = ()) -> None:
        """Begin with `messages` that the program is likely to send."""
        self.all: list[Conversation] = []
        """In the order in which they got their first answers."""
        self.main = Conversation()
        """The one that last went on from an earlier answer; until one does, the last one.

        Programs ask beside the point: for a title, a summary, a vote. Such a call begins
        afresh and has one answer, and the main conversation is never lost to it.
        """
        self._known: defaultdict[Print, list[ChatMessage]] = defaultdict(list)
        self._answers: set[Print] = set()
        self._has_gone_on = False
        for message in messages:
            self._known[fingerprint(message)].append(message)

    def ask(self, messages: Sequence[ChatMessage]) -> Asked:
        """Return a request with the messages that were seen before as they were."""
        prints = [fingerprint(message) for message in messages]
        going_on = [found for found in self.all if found.goes_on_in(prints)]
        # The last of those that share most: equal answers are no reason to mix them up.
        conversation = max(reversed(going_on), key=lambda c: c.shared(prints), default=None)
        return Asked(
            self._as_known(messages, prints, conversation),
            prints,
            conversation,
            conversation.calls if conversation is not None else 0,
            not self._answers.isdisjoint(prints),
        )

    def answer(self, asked: Asked, output: ModelOutput) -> bool:
        """Note the answer to a request; tell whether it is one of the main conversation."""
        conversation = asked.conversation
        if conversation is None or conversation.calls != asked.calls:
            # It began here, or another request has gone on from the same answer meanwhile.
            conversation = Conversation()
            self.all.append(conversation)
        conversation.answered(asked.messages, asked.prints, output)
        for choice in output.choices:
            print_ = fingerprint(choice.message)
            self._known[print_].append(choice.message)
            self._answers.add(print_)
        if self._has_gone_on and not asked.goes_on:
            return False
        self._has_gone_on = asked.goes_on
        self.main = conversation
        return True

    def _as_known(
        self,
        messages: Sequence[ChatMessage],
        prints: Sequence[Print],
        conversation: Conversation | None,
    ) -> list[ChatMessage]:
        shared = conversation.shared(prints) if conversation is not None else 0
        result = list(conversation.messages[:shared]) if conversation is not None else []
        used = {id(message) for message in result}
        for message, print_ in zip(messages[shared:], prints[shared:], strict=True):
            # The same words at another place are another message.
            known = self._known[print_]
            same = next((seen for seen in known if id(seen) not in used), None)
            if same is None:
                known.append(message)
                same = message
            used.add(id(same))
            result.append(same)
        return result


def fingerprint(message: ChatMessage) -> Print:
    """Return what tells a message from others: all of it that a program can send back."""
    return blake2b(_sendable(message), digest_size=16).digest()


def _sendable(message: ChatMessage) -> bytes:
    if isinstance(message, ChatMessageAssistant):
        calls = [(call.id, call.function, call.arguments) for call in message.tool_calls or ()]
        return _json("assistant", message.text.strip(), calls)
    said: object = message.content
    if not isinstance(message.content, str):
        said = [
            part.text if isinstance(part, ContentText) else part.model_dump(exclude={"internal"})
            for part in message.content
        ]
    of_call = message.tool_call_id if message.role == "tool" else None
    return _json(message.role, said, of_call, (message.metadata or {}).get("name"))


def _json(*values: object) -> bytes:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(values, default=str, option=options)
