"""Which span has changed which value of a store."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeAlias

from tasks_lib._util._models import build
from tasks_lib.context._current_span import current_span
from tasks_lib.schema import JsonChange

Record: TypeAlias = Callable[[list[JsonChange]], None]
"""Records changes that happened in a span."""

_NOTHING = object()


class StoreChanges:
    """Finds the changes of a store while spans are open, and records each of them once.

    A value that is asked for, set or deleted is in the hands of the span where that happens,
    until another one does so. What has become of it meanwhile is recorded for that span, by
    then or at the end of the span. What nobody holds (it was asked for before, and then
    changed in place) the next span that ends records. So the recorded changes, in order,
    always lead from the store before to the store after.
    """

    __slots__ = ("_data", "_holders", "_known", "_spans")

    def __init__(self, data: dict[str, Any]) -> None:
        """Follow the values of `data`, by name."""
        self._data = data
        self._known: dict[str, Any] = {}
        self._holders: dict[str, str | None] = {}
        self._spans: dict[str, Record] = {}

    @property
    def tracked(self) -> bool:
        """Whether a span is open, so that `touch` must be told of what happens."""
        return bool(self._spans)

    def begin_span(self, span: str, record: Record) -> None:
        """Let `record` get the changes that happen in `span`."""
        if not self._spans and (self._data or self._known):
            self._known = {key: _copy(key, value) for key, value in self._data.items()}
        self._spans[span] = record

    def end_span(self, span: str) -> None:
        """Record what is left to record of `span`."""
        record = self._spans.pop(span)
        if self._data or self._known:
            changed = [key for key in self._changed() if self._is_for(span, key)]
            if changed:
                record([self._change(key) for key in changed])

    def touch(self, key: str) -> None:
        """Learn that the value of `key` is about to be asked for, set or deleted here."""
        span = current_span.get()
        holder = self._holders.get(key)
        if holder == span:
            return
        if holder in self._spans and self._is_changed(key):
            self._spans[holder]([self._change(key)])
        self._holders[key] = span

    def _changed(self) -> list[str]:
        """Return the names of values that are not as they were last recorded."""
        gone = [key for key in self._known if key not in self._data]
        return gone + [key for key in self._data if self._is_changed(key)]

    def _is_changed(self, key: str) -> bool:
        old, new = self._known.get(key, _NOTHING), self._data.get(key, _NOTHING)
        return bool(old != new)

    def _is_for(self, span: str, key: str) -> bool:
        holder = self._holders.get(key)
        return holder == span or holder not in self._spans

    def _change(self, key: str) -> JsonChange:
        """Return what has become of the value of `key` since it was last recorded."""
        path = "/" + key.replace("~", "~0").replace("/", "~1")
        if key not in self._data:
            del self._known[key]
            return build(JsonChange, op="remove", path=path)
        op = "replace" if key in self._known else "add"
        value = self._known[key] = _copy(key, self._data[key])
        return build(JsonChange, op=op, path=path, value=value)


def _copy(key: str, value: object) -> object:
    try:
        return deepcopy(value)
    except Exception as error:
        error.add_note(f"Raised by the copy of the store's value {key!r}: keep to JSON values.")
        raise
