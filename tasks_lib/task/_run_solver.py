"""Runs one solver and records what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, NamedTuple

from tasks_lib._util._models import build
from tasks_lib._util._registry import is_registered, unqualified_name
from tasks_lib.context import Store, Transcript, current_sample, span
from tasks_lib.schema import ChatMessage, JsonChange, ModelOutput, StateEvent, utc_now
from tasks_lib.task._branch import note_state
from tasks_lib.task._protocols import Generate, Solver
from tasks_lib.task._state import TaskState
from tasks_lib.tool import tool_def

_generate: ContextVar[Generate | None] = ContextVar("generate", default=None)


def running_generate() -> Generate | None:
    """Return the `generate` of the solver that is running here, None outside of samples."""
    return _generate.get()


async def run_solver(solver: Solver, state: TaskState, generate: Generate) -> TaskState:
    """Run `solver` in a span of its own and return the state that it returned.

    The running sample remembers the state on the way in and out: when a limit ends a later
    solver, the last state that one returned is scored. Changes are recorded as JSON patch.
    When a solver returns another state, such as a branch of a fork, the values of its store
    become those of the sample's.
    """
    context = current_sample()
    if context is None:
        return await solver(state, generate)
    note_state(state)
    store = state.store
    name = unqualified_name(solver) if is_registered(solver) else type(solver).__name__
    with span(name, type="solver"):
        before = _picture(state, context.transcript)
        token = _generate.set(generate)
        try:
            state = await solver(state, generate)
            _settle(state, store)
            note_state(state)
        finally:
            _generate.reset(token)
            changes = _changes(before, _picture(state, context.transcript))
            if changes:
                context.transcript.record(build(StateEvent, timestamp=utc_now(), changes=changes))
    return state


def _settle(state: TaskState, store: Store) -> None:
    """Make `store` that of `state`, with the values that its own has."""
    if state.store is store:
        return
    for key in store.keys() - state.store.keys():
        store.delete(key)
    for key, value in state.store.items():
        store.set(key, value)
    state._store = store


class _Picture(NamedTuple):
    """What a state looked like: all that is compared and recorded."""

    messages: list[ChatMessage]
    output: ModelOutput
    completion: str
    completed: bool
    metadata: dict[str, Any]
    choices: list[tuple[str, bool | None, int]]
    tools: list[str]
    tool_choice: object


def _picture(state: TaskState, transcript: Transcript) -> _Picture:
    return _Picture(
        messages=transcript.snapshot(state.messages),
        output=state.output,
        completion=state.output.completion,
        completed=state._completed,
        metadata=deepcopy(state.metadata) if state.metadata else {},
        choices=[(c.value, c.correct, c.original_position) for c in state.choices]
        if state.choices
        else [],
        tools=[tool_def(tool).name for tool in state.tools] if state.tools else [],
        tool_choice=state.tool_choice,
    )


def _changes(before: _Picture, after: _Picture) -> list[JsonChange]:
    changes = _message_changes(before.messages, after.messages)
    if after.output is not before.output or after.completion != before.completion:
        changes.append(
            build(JsonChange, op="replace", path="/output", value=after.output.model_copy())
        )
    scalars: Mapping[str, tuple[object, object]] = {
        "/completed": (before.completed, after.completed),
        "/metadata": (before.metadata, after.metadata),
        "/tools": (before.tools, after.tools),
        "/tool_choice": (before.tool_choice, after.tool_choice),
    }
    for path, (old, new) in scalars.items():
        if old != new:
            changes.append(build(JsonChange, op="replace", path=path, value=new))
    if after.choices != before.choices:
        keys = ("value", "correct", "original_position")
        value = [dict(zip(keys, choice, strict=True)) for choice in after.choices]
        changes.append(build(JsonChange, op="replace", path="/choices", value=value))
    return changes


def _message_changes(before: list[ChatMessage], after: list[ChatMessage]) -> list[JsonChange]:
    if before == after:
        return []
    if len(after) > len(before) and (inserted := _insertion(before, after)):
        return inserted
    return [build(JsonChange, op="replace", path="/messages", value=after)]


def _insertion(before: list[ChatMessage], after: list[ChatMessage]) -> list[JsonChange]:
    """Return the operations that put one run of new messages into `before`, if that is all."""
    start = 0
    while start < len(before) and before[start] is after[start]:
        start += 1
    more = len(after) - len(before)
    if any(old is not new for old, new in zip(before[start:], after[start + more :], strict=True)):
        return []
    return [
        build(JsonChange, op="add", path=f"/messages/{position}", value=after[position])
        for position in range(start, start + more)
    ]
