"""Values that the solvers, tools and scorers of a sample share."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, TypeVar, overload

from tasks_lib.context._store_changes import StoreChanges

T = TypeVar("T")


class Store:
    """Values by name, for the time of a sample. They should be JSON-serialisable."""

    __slots__ = ("_data", "changes")

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self._data: dict[str, Any] = dict(data) if data else {}
        self.changes = StoreChanges(self._data)
        """What spans need to record changes; nothing else should use it."""

    @overload
    def get(self, key: str, default: None = None) -> Any: ...

    @overload
    def get(self, key: str, default: T) -> T: ...

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`. A missing one becomes `default` from then on."""
        if self.changes.tracked:
            self.changes.touch(key)
        if key not in self._data and default is not None:
            self._data[key] = default
        return self._data.get(key)

    def set(self, key: str, value: Any) -> None:
        """Set the value of `key`."""
        if self.changes.tracked:
            self.changes.touch(key)
        self._data[key] = value

    def delete(self, key: str) -> None:
        """Remove `key`. Raises KeyError if there is none."""
        if self.changes.tracked:
            self.changes.touch(key)
        del self._data[key]

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._data.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values."""
        return self._data.values()

    def items(self) -> ItemsView[str, Any]:
        """Return names with values."""
        return self._data.items()

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, Store) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __deepcopy__(self, memo: dict[int, Any]) -> Store:
        return Store(deepcopy(self._data, memo))


active_store: ContextVar[Store | None] = ContextVar("active_store", default=None)
"""The store of the running sample or subtask."""

_outside = Store()


def store() -> Store:
    """Return the store of the running sample or subtask; outside, one for the process."""
    values = active_store.get()
    return values if values is not None else _outside


@contextmanager
def use_store(values: Store) -> Iterator[Store]:
    """Let `store()` return `values` in this block (and in what it starts)."""
    token = active_store.set(values)
    try:
        yield values
    finally:
        active_store.reset(token)
