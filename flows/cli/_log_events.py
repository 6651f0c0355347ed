"""The events of a sample, a line each, those of a span indented below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from tasks_lib._util._harmless import one_line
from tasks_lib.log import Event, SpanNode, event_tree

_MOST = 120
_COMMON = {"event", "span_id", "timestamp", "working_start", "pending", "metadata"}


def event_lines(events: Sequence[Event]) -> Iterator[str]:
    """Yield a line for each event (for both ends of a span one), in order.

    Lines begin with the seconds that the sample had worked when the event began.
    """
    yield from _lines(event_tree(events), 0)


def _lines(tree: Sequence[SpanNode | Event], depth: int) -> Iterator[str]:
    for node in tree:
        if isinstance(node, SpanNode):
            begin = node.begin
            kind = begin.type if begin.type not in (None, begin.name) else "span"
            cut_off = "" if node.end else " (cut off)"
            about = f"{one_line(kind or '')} {one_line(begin.name)}{cut_off}"
            yield _line(begin.working_start, depth, about)
            yield from _lines(node.children, depth + 1)
        else:
            about = one_line(_about(node), _MOST)
            yield _line(node.working_start, depth, f"{one_line(node.event)} {about}".rstrip())


def _line(seconds: float, depth: int, about: str) -> str:
    return f"{seconds:>9.3f}  {'  ' * depth}{about}"


def _about(event: Event) -> str:
    describe = _DESCRIBE.get(event.event)
    if describe is not None:
        return describe(event)
    fields = event.model_dump(exclude=_COMMON, exclude_none=True)
    return _json(fields) if fields else ""


def _model(event: Any) -> str:
    usage, output = event.output.usage, event.output
    parts = [
        event.model,
        f"({event.role})" if event.role else "",
        output.stop_reason if output.choices else "",
        f"{usage.total_tokens:,} tokens" if usage else "",
        f"{event.working_time:.2f} s" if event.working_time is not None else "",
        f"{event.retries} retries" if event.retries else "",
        f"cache {event.cache}" if event.cache else "",
        f"error: {event.error or output.error}" if event.error or output.error else "",
    ]
    return " ".join(filter(None, parts))


def _tool(event: Any) -> str:
    call = f"{event.function}({_json(event.arguments)[1:-1]})"
    if event.error is not None:
        return f"{call}: {event.error.type} error: {event.error.message}"
    return f"{call}: {event.result if isinstance(event.result, str) else _json(event.result)}"


def _sandbox(event: Any) -> str:
    result = "" if event.result is None else f" → {event.result}"
    return f"{event.action} {event.cmd or event.file or ''}{result}"


def _changes(event: Any) -> str:
    return ", ".join(f"{change.op} {change.path}" for change in event.changes)


def _score(event: Any) -> str:
    value = event.score.value
    verdict = value if isinstance(value, str) else _json(value)
    return f"{verdict}{' (intermediate)' if event.intermediate else ''}"


def _json(value: object) -> str:
    return to_json(value, inf_nan_mode="constants", fallback=repr).decode()


_DESCRIBE: dict[str, Callable[[Any], str]] = {
    "sample_init": lambda event: "",
    "sample_limit": lambda event: f"{event.type}: {event.message}",
    "sandbox": _sandbox,
    "state": _changes,
    "store": _changes,
    "model": _model,
    "tool": _tool,
    "approval": lambda event: f"{event.decision} by {event.approver}: {event.call.function}",
    "input": lambda event: event.input,
    "logger": lambda event: f"{event.message.level}: {event.message.message}",
    "error": lambda event: event.error.message,
    "score": _score,
    "subtask": lambda event: event.name,
    "step": lambda event: f"{event.action} {event.name}",
}
"""What is said of each kind of event; of other kinds, their fields as JSON."""
