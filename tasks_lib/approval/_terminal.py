"""Asking a person on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tasks_lib._util._harmless import harmless, one_line
from tasks_lib.approval._approval import Approval, ApprovalDecision
from tasks_lib.approval._question import Question, in_time
from tasks_lib.context import InputScreen, current_sample, open_input_screen
from tasks_lib.schema import ToolCall

if TYPE_CHECKING:
    from rich.console import Console

_KEYS: Mapping[ApprovalDecision, Sequence[str]] = {
    "approve": ("y", "a"),
    "modify": ("m",),
    "reject": ("n", "r"),
    "escalate": ("e",),
    "terminate": ("t",),
}
"""What a person types for each decision; the first one is offered."""

_REASONS: Mapping[ApprovalDecision, str] = {
    "reject": "A person rejected the call.",
    "terminate": "A person ended the sample.",
}
"""Decisions that a person is asked to explain, and the explanation if they don't."""

_GONE = Approval(decision="reject", explanation="The person who was asked ended the input.")


async def ask_on_terminal(question: Question) -> Approval | None:
    """Show a question on the terminal and return what a person decides; other samples go on.

    One question is asked at a time. When the input ends (Ctrl-D), the call is rejected. None
    is returned when the question's time is over.

    Raises:
        NoTerminalError: There is no terminal.
    """
    async with open_input_screen(header=_header()) as screen:
        _show(screen.console, question)
        try:
            approval = await in_time(question, _decided(screen, question))
        except EOFError:
            approval = _GONE
        _say(screen.console, f"Decided: {approval.decision}." if approval else "\nToo late.")
        return approval


def _header() -> str:
    sample = current_sample()
    of = f" of sample {sample.sample_id}, epoch {sample.epoch}," if sample is not None else ""
    return f"Is this call{of} to be done?"


def _show(console: Console, question: Question) -> None:
    for section in question.sections:
        _say(console, one_line(section.title), style="bold")
        _say(console, f"{section.text}\n")


async def _decided(screen: InputScreen, question: Question) -> Approval:
    offered = ", ".join(f"{choice} ({_KEYS[choice][0]})" for choice in question.choices)
    while True:
        decision = _decision(await screen.ask(f"{offered}: "), question.choices)
        if decision is None:
            continue
        if decision == "modify":
            modified = await _modified(screen, question.call)
            if modified is None:
                continue
            return Approval(decision=decision, modified=modified)
        explanation = None
        if decision in _REASONS:
            explanation = (await screen.ask("Why? (may be empty) ")).strip() or _REASONS[decision]
        return Approval(decision=decision, explanation=explanation)


async def _modified(screen: InputScreen, call: ToolCall) -> ToolCall | None:
    """Return `call` with the arguments that the person types; None if they don't."""
    _say(screen.console, json.dumps(call.arguments, ensure_ascii=False))
    while typed := await screen.ask("The arguments, as JSON on one line (empty: back): "):
        try:
            arguments = json.loads(typed)
        except ValueError as error:
            _say(screen.console, f"This is no JSON: {error}.")
            continue
        if isinstance(arguments, dict):
            return call.model_copy(update={"arguments": arguments, "view": None})
        _say(screen.console, "Expected an object: names with values.")
    return None


def _say(console: Console, text: str, style: str | None = None) -> None:
    """Print text that is not ours: neither markup nor control characters are obeyed."""
    console.print(
        harmless(text), style=style, markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def _decision(typed: str, choices: Sequence[ApprovalDecision]) -> ApprovalDecision | None:
    word = typed.strip().lower()
    return next((c for c in choices if word == c or word in _KEYS[c]), None)
