"""Values that the solvers, tools and scorers of a sample share."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, ValuesView
from copy import deepcopy
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Store:
    """Values by name, for the time of a sample. They should be JSON-serialisable."""

    __slots__ = ("_data",)

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self._data: dict[str, Any] = dict(data) if data else {}

    @overload
    def get(self, key: str, default: None = None) -> Any: ...

    @overload
    def get(self, key: str, default: T) -> T: ...

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`. A missing one becomes `default` from then on."""
        if key not in self._data and default is not None:
            self._data[key] = default
        return self._data.get(key)

    def set(self, key: str, value: Any) -> None:
        """Set the value of `key`."""
        self._data[key] = value

    def delete(self, key: str) -> None:
        """Remove `key`. Raises KeyError if there is none."""
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

    def snapshot(self) -> dict[str, Any]:
        """Return a deep copy of all values."""
        return deepcopy(self._data) if self._data else {}

    def changes_since(self, before: dict[str, Any]) -> list[dict[str, Any]]:
        """Return JSON patch operations, a name each, that lead from `before` to now."""
        if not self._data and not before:
            return []
        changes: list[dict[str, Any]] = [
            {"op": "remove", "path": _pointer(key)} for key in before if key not in self._data
        ]
        for key, value in self._data.items():
            if key not in before:
                changes.append({"op": "add", "path": _pointer(key), "value": deepcopy(value)})
            elif before[key] != value:
                changes.append({"op": "replace", "path": _pointer(key), "value": deepcopy(value)})
        return changes


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
