"""What was said in a sample, as people read it on a terminal: messages, calls, verdicts."""

from __future__ import annotations

from pydantic_core import PydanticSerializationError, to_json
from rich.console import Console
from rich.text import Text

from tasks_lib._util._harmless import harmless, one_line
from tasks_lib.schema import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentReasoning,
    ContentText,
    Score,
    ToolCall,
)

_MOST_TEXT = 20_000
"""Characters of a text that are shown; `evals log dump` prints all of them."""
_COLOURS = {"system": "magenta", "user": "green", "assistant": "cyan", "tool": "yellow"}


def print_message(message: ChatMessage, console: Console) -> None:
    """Print a message: who it is from, its content, what tools it calls."""
    about = ""
    if isinstance(message, ChatMessageTool):
        about = one_line(message.function or "")
    elif isinstance(message, ChatMessageAssistant) and message.model:
        about = one_line(message.model)
    print_heading(message.role, about, _COLOURS[message.role], console)
    parts = [message.content] if isinstance(message.content, str) else message.content
    for part in parts:
        print_text(part if isinstance(part, str) else _part(part), console)
    if isinstance(message, ChatMessageTool) and message.error is not None:
        print_text(f"{message.error.type} error: {message.error.message}", console)
    if isinstance(message, ChatMessageAssistant):
        for call in message.tool_calls or ():
            print_text(_call(call), console)


def _part(part: Content) -> str:
    if isinstance(part, ContentText):
        return part.text
    if isinstance(part, ContentReasoning):
        return f"[reasoning] {'(redacted)' if part.redacted else part.reasoning}"
    held = getattr(part, part.type, None)
    text = held if isinstance(held, str) else plain(part.model_dump(exclude_none=True))
    most = 40 if text.startswith("data:") else 500  # an image as text helps nobody
    return f"[{part.type}] {one_line(text, most)} ({len(text):,} characters)"


def _call(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={plain(value)}" for name, value in call.arguments.items())
    wrong = f" ({call.parse_error})" if call.parse_error else ""
    return f"→ {call.function}({arguments}){wrong}"


def print_heading(kind: str, about: str, colour: str, console: Console) -> None:
    """Print a line that begins something, after an empty one. Both texts are harmless."""
    console.print()
    console.print(Text.assemble((f"── {kind}", f"bold {colour}"), f" {about}".rstrip()))


def print_text(text: str, console: Console) -> None:
    """Print text of others; only the beginning of what is very long."""
    if text:
        console.print(Text(harmless(text[:_MOST_TEXT])), soft_wrap=True)
    if len(text) > _MOST_TEXT:
        more = f"… {len(text) - _MOST_TEXT:,} more characters; `evals log dump` has them."
        console.print(Text(more, style="dim"))


def print_score(name: str, score: Score, console: Console) -> None:
    """Print a verdict with its answer and its explanation."""
    print_heading("score", f"{one_line(name)}: {one_line(plain(score.value))}", "blue", console)
    if score.answer is not None:
        print_text(f"answer: {score.answer}", console)
    if score.explanation and score.explanation != score.answer:
        print_text(score.explanation, console)


def plain(value: object) -> str:
    """Return a value as text: strings as they are, others as JSON, what JSON lacks as Python."""
    if isinstance(value, str):
        return value
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except PydanticSerializationError:  # half a surrogate pair, which models do write
        return repr(value)
