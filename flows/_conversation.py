"""What is said in samples, printed as it is said."""

from __future__ import annotations

from typing import cast

from rich.console import Console
from rich.text import Text

from flows._message_text import plain, print_heading, print_message, print_score, print_text
from tasks_lib._util._harmless import one_line
from tasks_lib.context import current_sample
from tasks_lib.schema import (
    ApprovalEvent,
    ChatMessage,
    ChatMessageTool,
    ErrorEvent,
    Event,
    ModelEvent,
    SampleInitEvent,
    SampleLimitEvent,
    ScoreEvent,
    SpanBeginEvent,
    ToolEvent,
)


class Conversation:
    """Prints messages, calls of tools, verdicts and errors of one sample after another.

    A message is printed when a model gets it or writes it, once per sample; what a tool
    answered, when the next thing happens.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._task = ""
        self._said: set[str] = set()
        """Ids of the messages of this sample that were printed."""
        self._scorers: dict[str, str] = {}
        """Names of this sample's scorers, by the span in which they judge."""
        self._answered: set[str] = set()
        """Calls of tools whose results were printed, so that their messages need not be."""
        self._calls: list[ToolEvent] = []
        """Calls of tools that were begun, whose results were not printed yet."""
        self._held: list[Event] | None = None
        """What happens while somebody else has the terminal."""

    def begin_task(self, label: str) -> None:
        """Take note of the task whose samples come now."""
        self._task = label

    def pause(self) -> None:
        """Print nothing until `resume`."""
        self._held = self._held or []

    def resume(self) -> None:
        """Print what has happened since `pause`, and go on."""
        events, self._held = self._held or [], None
        for event in events:
            self._print(event)

    def take(self, event: Event) -> None:
        """Print an event of the running sample, if it is part of the conversation."""
        if self._held is not None:
            self._held.append(event)
        else:
            self._print(event)

    def _print(self, event: Event) -> None:
        if isinstance(event, SampleInitEvent):
            self._begin(event)
        self._print_results()
        if isinstance(event, ModelEvent):
            self._print_exchange(event)
        elif isinstance(event, ToolEvent):
            self._calls.append(event)
        elif isinstance(event, ApprovalEvent) and event.decision != "approve":
            about = one_line(f"{event.call.function}: {event.decision} by {event.approver}")
            print_heading("approval", about, "red", self._console)
            print_text(event.explanation or "", self._console)
        elif isinstance(event, SpanBeginEvent) and event.type == "scorer":
            self._scorers[event.id] = event.name
        elif isinstance(event, ScoreEvent):
            name = self._scorers.get(event.span_id or "", "")
            print_score(name or "score", event.score, self._console)
        elif isinstance(event, SampleLimitEvent):
            print_heading("limit", one_line(event.message), "red", self._console)
        elif isinstance(event, ErrorEvent):
            print_heading("error", one_line(event.error.message, 1000), "red", self._console)

    def _begin(self, event: SampleInitEvent) -> None:
        self._said.clear()
        self._scorers.clear()
        self._answered.clear()
        self._calls.clear()
        sample = current_sample()
        epoch = f", epoch {sample.epoch}" if sample is not None else ""
        title = f"{self._task}: sample {one_line(repr(event.sample.id))}{epoch}"
        self._console.print()
        self._console.print(Text(f"━━ {title}", style="bold"), soft_wrap=True)
        self._print_messages(cast(list[ChatMessage], event.state["messages"]))

    def _print_exchange(self, event: ModelEvent) -> None:
        self._print_messages(event.input)
        if event.error is not None:
            print_heading("model", f"{one_line(event.model)} failed", "red", self._console)
            print_text(event.error, self._console)
            return
        for choice in event.output.choices:
            self._print_messages([choice.message])

    def _print_messages(self, messages: list[ChatMessage]) -> None:
        for message in messages:
            answers = message.tool_call_id if isinstance(message, ChatMessageTool) else None
            if message.id in self._said or answers in self._answered:
                continue
            if message.id is not None:
                self._said.add(message.id)
            print_message(message, self._console)

    def _print_results(self) -> None:
        """Print what tools have answered."""
        for call in [call for call in self._calls if not call.pending]:
            self._calls.remove(call)
            self._answered.add(call.id)
            print_heading("tool", one_line(call.function), "yellow", self._console)
            if call.error is not None:
                print_text(f"{call.error.type} error: {call.error.message}", self._console)
            else:
                print_text(plain(call.result), self._console)
