"""Columns about events."""

from __future__ import annotations

from datetime import datetime

from tasks_lib.analysis._columns import Column, EventColumn
from tasks_lib.analysis._text import messages_as_text, view_as_text
from tasks_lib.schema import ModelEvent, ToolEvent


def _input(event: ModelEvent) -> str:
    return messages_as_text(event.input)


def _tool_choice(event: ModelEvent) -> str:
    return event.tool_choice if isinstance(event.tool_choice, str) else event.tool_choice.name


def _completion(event: ModelEvent) -> str:
    return event.output.completion


def _view(event: ToolEvent) -> str | None:
    return None if event.view is None else view_as_text(event.view, event.arguments)


EventInfo: list[Column] = [
    EventColumn("event_id", path="uuid"),
    EventColumn("event", path="event"),
    EventColumn("span_id", path="span_id"),
]
"""What kind of event, in which span. Events without an id get one of their position."""

EventTiming: list[Column] = [
    EventColumn("timestamp", path="timestamp", type=datetime),
    EventColumn("completed", path="completed", type=datetime),
    EventColumn("working_start", path="working_start"),
    EventColumn("working_time", path="working_time"),
]
"""When; working times are in seconds."""

ModelEventColumns: list[Column] = [
    EventColumn("model_event_model", path="model", event="model"),
    EventColumn("model_event_role", path="role", event="model"),
    EventColumn("model_event_input", path=_input, event="model"),
    EventColumn("model_event_tools", path="tools", event="model"),
    EventColumn("model_event_tool_choice", path=_tool_choice, event="model"),
    EventColumn("model_event_config", path="config", event="model"),
    EventColumn("model_event_usage", path="output.usage", event="model"),
    EventColumn("model_event_time", path="output.time", event="model"),
    EventColumn("model_event_completion", path=_completion, event="model"),
    EventColumn("model_event_retries", path="retries", event="model"),
    EventColumn("model_event_error", path="error", event="model"),
    EventColumn("model_event_cache", path="cache", event="model"),
    EventColumn("model_event_call", path="call", event="model"),
]
"""Calls of models; missing for other events."""

ToolEventColumns: list[Column] = [
    EventColumn("tool_event_function", path="function", event="tool"),
    EventColumn("tool_event_arguments", path="arguments", event="tool"),
    EventColumn("tool_event_view", path=_view, event="tool"),
    EventColumn("tool_event_result", path="result", event="tool"),
    EventColumn("tool_event_truncated", path="truncated", event="tool"),
    EventColumn("tool_event_error_type", path="error.type", event="tool"),
    EventColumn("tool_event_error_message", path="error.message", event="tool"),
]
"""Calls of tools; missing for other events."""
