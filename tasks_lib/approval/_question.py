"""What a person is asked, and who asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tasks_lib.approval._approval import Approval, ApprovalDecision
from tasks_lib.approval._call_text import call_code, call_text, fenced
from tasks_lib.schema import ToolCall, ToolCallContent, ToolCallView


class Section(NamedTuple):
    """A part of what a person is shown."""

    title: str
    text: str
    """As it was written; whoever shows it has to escape it."""


@dataclass(frozen=True)
class Question:
    """A call that a person is to decide on."""

    message: str
    """What the model said beside the call."""
    call: ToolCall
    view: ToolCallView
    """How its tool wants it to be shown."""
    choices: tuple[ApprovalDecision, ...]
    """What can be decided."""
    timeout: float | None = None
    """Seconds that the person has, from when they are asked; None: no end."""

    @property
    def title(self) -> str:
        """The call on one line."""
        return call_text(self.call)

    @property
    def sections(self) -> list[Section]:
        """What to show, in order; the last one is the call with all of its arguments.

        What a tool shows of its calls is up to the tool, and models choose the arguments that
        are filled in: the call itself is always there too.
        """
        found = [Section("The model says", self.message.strip())] if self.message.strip() else []
        if self.view.context is not None:
            found.append(_section(self.view.context, "Context"))
        if self.view.call is not None and self.view.call != default_view(self.call).call:
            found.append(_section(self.view.call, "View"))
        return [*found, Section("Call", call_code(self.call))]


class Ask(Protocol):
    """Asks a person for a decision."""

    async def __call__(self, question: Question) -> Approval | None:
        """Return the person's decision, one of the question's choices; None: none in time.

        Being cancelled takes the question back.
        """
        ...


async def in_time(question: Question, decision: Awaitable[Approval]) -> Approval | None:
    """Return `decision`, or None if it is not made within the question's timeout from now."""
    try:
        async with asyncio.timeout(question.timeout) as timeout:
            return await decision
    except TimeoutError:
        if not timeout.expired():
            raise
        return None


_ask: ContextVar[Ask | None] = ContextVar("ask", default=None)


def current_ask() -> Ask | None:
    """Return how a person is asked here, None if nobody said."""
    return _ask.get()


@contextmanager
def use_ask(ask: Ask) -> Iterator[None]:
    """Let `human_approver` ask by `ask` in this block."""
    token = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(token)


def default_view(call: ToolCall) -> ToolCallView:
    """Return how a call is shown whose tool does not say: as a line of Python."""
    content = fenced(call_code(call), "python")
    return ToolCallView(call=ToolCallContent(format="markdown", content=content))


def _section(content: ToolCallContent, title: str) -> Section:
    return Section(content.title or title, content.content.strip())
